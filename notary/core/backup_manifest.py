"""What a backup says of itself: one canonical JSON document, written last.

A folder without it is no backup. Keys are never part of one. Pure.
Test: tests/scenarios/service/test_backup.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from notary.core.log_identity import LogIdentity
from notary.errors import Contradiction
from verifier.format import jsonc, times
from verifier.format.digests import from_hex
from verifier.format.errors import FormatError
from verifier.format.statement import write_log

FORMAT = "notary-backup/1"
DATABASE = "database"
CONFIG = "configuration"
OBJECTS = "objects"
_FILES = (CONFIG, DATABASE, OBJECTS)


@dataclass(frozen=True)
class KeptFile:
    """A file of the backup: its name in the folder, its length in bytes, its SHA-256."""

    name: str
    size: int
    sha256: bytes


@dataclass(frozen=True)
class Manifest:
    """A whole backup.

    `run` counts the backups in this folder. `size` and `root` are the batch log's, `anchor` the size
    and the head of the newest anchor that the store knew. `files` are the configuration, the database
    and the list of objects; each object stands in that list with its digest.
    """

    run: int
    made_at: datetime
    identity: LogIdentity
    schema: str
    size: int
    root: bytes
    anchor: tuple[int, bytes] | None
    records: int
    matters: int
    objects: int
    files: dict[str, KeptFile]

    def encode(self) -> bytes:
        """The document's bytes."""
        return jsonc.encode(
            {
                "format": FORMAT,
                "run": self.run,
                "made_at": times.format_time(self.made_at),
                "log": write_log(self.identity.log),
                "schema": self.schema,
                "batch_log": {"size": self.size, "root": self.root.hex()},
                "anchor": None
                if self.anchor is None
                else {"size": self.anchor[0], "head": self.anchor[1].hex()},
                "records": self.records,
                "matters": self.matters,
                "objects": self.objects,
                "files": {
                    what: {"name": one.name, "size": one.size, "sha256": one.sha256.hex()}
                    for what, one in self.files.items()
                },
            }
        )


def parse(data: bytes, where: str) -> Manifest:
    """Read a manifest. Raises Contradiction BACKUP_MANIFEST if it is not one, byte for byte."""
    try:
        document = jsonc.decode(data, where)
        match document:
            case {
                "format": "notary-backup/1",
                "run": int(run),
                "made_at": str(made_at),
                "log": {
                    "chain_id": int(chain_id),
                    "contract": str(contract),
                    "log_address": str(log_address),
                    "name": str(name),
                },
                "schema": str(schema),
                "batch_log": {"size": int(size), "root": str(root)},
                "anchor": anchor,
                "records": int(records),
                "matters": int(matters),
                "objects": int(objects),
                "files": dict(files),
            }:
                read = Manifest(
                    run,
                    times.parse_time(made_at),
                    LogIdentity(
                        chain_id, bytes.fromhex(contract[2:]), bytes.fromhex(log_address[2:]), name
                    ),
                    schema,
                    size,
                    from_hex(root),
                    _anchor(anchor),
                    records,
                    matters,
                    objects,
                    {what: _file(files.get(what)) for what in _FILES},
                )
                # What is written again must be what was read: no member more, none in another form.
                if read.encode() == data:
                    return read
    except (FormatError, ValueError) as error:
        raise _no_manifest(where, str(error)) from error
    raise _no_manifest(where, f"it has not the members of {FORMAT}")


def _anchor(value: jsonc.Json) -> tuple[int, bytes] | None:
    match value:
        case None:
            return None
        case {"size": int(size), "head": str(head)}:
            return size, from_hex(head)
    raise ValueError("anchor is neither null nor size and head")


def _file(value: jsonc.Json) -> KeptFile:
    match value:
        # A name with a folder in it would lead out of the backup.
        case {"name": str(name), "size": int(size), "sha256": str(sha256)} if "/" not in name:
            return KeptFile(name, size, from_hex(sha256))
    raise ValueError("a file has not name, size and sha256")


def _no_manifest(where: str, why: str) -> Contradiction:
    return Contradiction(
        "BACKUP_MANIFEST", f"{where} is no manifest of a backup: {why}. Use another backup."
    )

"""Owns what a row or a file becomes: a record under its own key, with what the sender says of itself.

Spec: docs/spec/handed-in.md §1, §2. Test: tests/unit/agent/test_scan.py.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from notary.agent.journal import Fault, Queued, Spooled
from notary.agent.signing import MEMBER, SenderKey
from notary.importers.original import Original
from notary.importers.rows import ImportedRow, Reject
from verifier.format import jsonc
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json

AGENT = "notary-watch/1"


@dataclass(frozen=True)
class Maker:
    """Makes the records of one source. `clock` is what is known of this machine's clock by now."""

    key: SenderKey
    source: str
    clock: Json
    now: str

    def record(
        self,
        row: ImportedRow,
        key: str,
        matter: str | None,
        files: tuple[Spooled, ...] = (),
        more: Mapping[str, Json] | None = None,
    ) -> Queued:
        """The record of a row. `more` are further members of `fields`. Raises FormatError."""
        fields = row.claims.get("fields")
        sender: Json = {
            "agent": AGENT,
            "source": self.source,
            "key": self.key.public,
            "seen_at": self.now,
            "clock": self.clock,
        }
        claims: dict[str, Json] = {
            **row.claims,
            "fields": {
                **(fields if isinstance(fields, dict) else {}),
                **(more or {}),
                MEMBER: sender,
            },
        }
        # What no record can hold is found here, and not by the service later.
        jsonc.encode(claims)
        return Queued(key, row.matter or matter, row.account, row.kind, claims, files)


def key_of(source: str, importer: str, what: str) -> str:
    """The idempotency key of a record: of its source, and what makes it this one."""
    # Hashed, because the name of a source and an importer may be long.
    name = hashlib.sha256(f"{source}\n{importer}".encode()).hexdigest()[:32]
    return f"watch/{name}/{what}"


def fault_of(path: str, reject: Reject) -> Fault:
    """What a person is told of a row that does not enter."""
    return Fault(path, reject.start, reject.code, reject.sentence())


def unfit(path: str, row: ImportedRow, error: FormatError) -> Fault:
    """What a person is told of a row that no record can hold."""
    return Fault(path, row.start, error.code, f"row {row.row}: {error.message}.")


def digests_of(original: Original, filename: str, media_type: str) -> dict[str, Json]:
    """The digests of an original that stays at the agency; the same three that an attachment has."""
    sha512, sm3 = hashlib.sha512(), hashes.Hash(hashes.SM3())
    for block in original.blocks():
        sha512.update(block)
        sm3.update(block)
    return {
        "filename": filename,
        "media_type": media_type,
        "size": original.size,
        "sha256": original.sha256.hex(),
        "sha512": sha512.hexdigest(),
        "sm3": sm3.finalize().hex(),
        "kept_by": "the sender",
    }


def names_of(folder: Path, names: str) -> list[str]:
    """The paths of a folder's files by their names, below it as well, none hidden or a link, in order."""
    # Texts by the system's own listing: of a million files, path objects took most of the time and memory.
    by_name = re.compile(fnmatch.translate(names)).match

    def named(entry: os.DirEntry[str]) -> bool:
        found = Path(entry.path).match(names) if "/" in names else by_name(entry.name)
        return bool(found)

    found = []
    folders = [str(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or entry.is_symlink():
                        continue
                    if entry.is_dir():
                        folders.append(entry.path)
                    elif entry.is_file() and named(entry):
                        found.append(entry.path)
        except OSError:
            # It is gone, or not ours to read: the next look sees.
            continue
    found.sort()
    return found

"""Checks what was backed up, without the store that it was of: every digest, then every tree.

Test: tests/scenarios/service/test_backup.py.
"""

from __future__ import annotations

import re
from pathlib import Path

from notary.adapters import durable
from notary.adapters.keys.erasures import ErasureFile
from notary.core import backup_manifest
from notary.core.backup_manifest import DATABASE, OBJECTS, KeptFile, Manifest
from notary.errors import CallerError, Contradiction
from notary.ports import Bars
from notary.usecases.backup_store import OpenCopy
from notary.usecases.originals import sealed_length

MANIFEST = "manifest.json"
OBJECT_FOLDER = "objects"

_OBJECT = re.compile(r"[0-9a-f]{32}")


def object_path(folder: Path, name: str) -> Path:
    """Where an object lies in a backup: as in the data folder."""
    return folder / OBJECT_FOLDER / name[:2] / name


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup. Raises CallerError BACKUP_INCOMPLETE if there is none."""
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise CallerError(
            "BACKUP_INCOMPLETE",
            f"{path} is not there: {folder} is no backup, or its first run did not end. Run "
            "`notary backup` again.",
        ) from None
    except OSError as error:
        raise CallerError("BACKUP_UNREADABLE", f"{path}: {error.strerror}.") from error
    return backup_manifest.parse(content, str(path))


def read_list(folder: Path, manifest: Manifest) -> dict[str, bytes]:
    """Name → SHA-256 of every object of the backup. Raises Contradiction if the list is not right."""
    kept = manifest.files[OBJECTS]
    check_file(folder, kept)
    found: dict[str, bytes] = {}
    for line in (folder / kept.name).read_text("ascii").splitlines():
        digest, _, path = line.partition("  ")
        name = path.rpartition("/")[2]
        if not _OBJECT.fullmatch(name) or path != f"{OBJECT_FOLDER}/{name[:2]}/{name}":
            raise _damaged(folder / kept.name, f"the line {line!r} names no object")
        found[name] = bytes.fromhex(digest)
    if len(found) != manifest.objects:
        raise _damaged(
            folder / kept.name, f"{len(found)} objects, the manifest has {manifest.objects}"
        )
    return found


def check_file(folder: Path, kept: KeptFile) -> None:
    """Raise Contradiction BACKUP_DAMAGED unless the file is there with its length and digest."""
    path = folder / kept.name
    if not path.is_file():
        raise _damaged(path, "it is missing")
    if path.stat().st_size != kept.size:
        raise _damaged(path, f"it has {path.stat().st_size} bytes, the manifest wants {kept.size}")
    if durable.digest_of(path) != kept.sha256:
        raise _damaged(path, f"its SHA-256 is not {kept.sha256.hex()}")


def check_digests(folder: Path, bars: Bars) -> tuple[Manifest, dict[str, bytes]]:
    """Manifest and objects of a backup of which every byte is as it was written.

    Raises CallerError BACKUP_INCOMPLETE; Contradiction BACKUP_MANIFEST or BACKUP_DAMAGED.
    """
    manifest = read_manifest(folder)
    for kept in manifest.files.values():
        check_file(folder, kept)
    objects = read_list(folder, manifest)
    with bars("checking attachments", "files") as progress:
        for place, (name, digest) in enumerate(objects.items(), 1):
            path = object_path(folder, name)
            if not path.is_file():
                raise _damaged(path, "it is missing")
            if durable.digest_of(path) != digest:
                raise _damaged(path, f"its SHA-256 is not {digest.hex()}")
            progress(place, len(objects))
    return manifest, objects


def verify(folder: Path, open_copy: OpenCopy, bars: Bars, keys: Path | None = None) -> Manifest:
    """Check a backup whole: every digest, then every tree and signature of the database copy.

    With `keys`, a key folder or a copy of one: also that its register of erasures has all that was erased
    before the backup. Raises as `check_digests`, Contradiction STORE_DAMAGED or ERASURES_BEHIND, and
    CallerError as ErasureRegister.lines. Nothing is written.
    """
    manifest, objects = check_digests(folder, bars)
    path = folder / manifest.files[DATABASE].name
    with open_copy(path) as moment:
        facts = moment.facts()
        anchor = None if facts.anchor is None else (facts.anchor[1], facts.anchor[2])
        found = (facts.identity, facts.schema, facts.size, facts.root, anchor)
        stated = (manifest.identity, manifest.schema, manifest.size, manifest.root, manifest.anchor)
        if found != stated or (facts.records, facts.matters) != (
            manifest.records,
            manifest.matters,
        ):
            raise _damaged(path, "it does not hold what the manifest says of it")
        named = {name.hex(): size for name, size in moment.named_objects()}
        if set(named) != set(objects):
            raise _damaged(path, "its records name other attachments than the backup has")
        for name, size in named.items():
            if object_path(folder, name).stat().st_size != sealed_length(size):
                raise _damaged(object_path(folder, name), "its length is not that of its record")
        if keys is not None:
            register = ErasureFile(keys, manifest.identity.name)
            known = {line.target.leaf for line in register.lines()}
            for matter, position, leaf in moment.emptied_records():
                if leaf not in known:
                    raise Contradiction(
                        "ERASURES_BEHIND",
                        f"record {position} of matter {matter.hex()} was erased before the backup, and "
                        f"{register.path} does not have it: it is older than the backup, or was cut off. "
                        "Take its newest copy.",
                    )
        with bars("checking every tree", "records") as progress:
            moment.check(facts.identity, progress)
    return manifest


def _damaged(path: Path, what: str) -> Contradiction:
    return Contradiction("BACKUP_DAMAGED", f"{path}: {what}. This backup can't be trusted.")

"""Copies the key folder to a place of its own, and back. Test: tests/scenarios/service/test_backup.py."""

from __future__ import annotations

import stat
from contextlib import AbstractContextManager
from pathlib import Path

from notary.adapters import durable
from notary.errors import CallerError, NothingHappened

ROTATION_LOCK = "rotate.lock"


def rotation_lock(keys: Path) -> AbstractContextManager[None]:
    """Held while the key folder changes or is copied. Raises NothingHappened ROTATION_RUNS."""
    return durable.only_one(
        keys / ROTATION_LOCK,
        NothingHappened(
            "ROTATION_RUNS",
            f"{keys} is being changed or copied by another command; run again later.",
        ),
    )


def copy_keys(source: Path, target: Path, apart_from: Path | None = None) -> int:
    """Copy every file of the key folder; how many. Folders get mode 0700, files 0600.

    Equal files are left alone, others are replaced, and nothing is removed. `apart_from` is the backup
    of the data. Raises CallerError KEYS_PLACE or KEYS_MISSING, NothingHappened COPY_FAILED.
    """
    if apart_from is not None:
        one, two = target.resolve(), apart_from.resolve()
        if one.is_relative_to(two) or two.is_relative_to(one):
            raise CallerError(
                "KEYS_PLACE",
                f"{target} and {apart_from} lie within each other: keys beside the data that they "
                "open protect nothing. Take another disk.",
            )
    if target.resolve().is_relative_to(source.resolve()):
        raise CallerError("KEYS_PLACE", f"{target} lies within the key folder {source}.")
    if not source.is_dir():
        raise CallerError("KEYS_MISSING", f"{source} is no folder of keys.")
    count = 0
    for path in sorted(source.rglob("*")):
        mode = path.lstat().st_mode
        inside = path.relative_to(source)
        if not stat.S_ISREG(mode) or path.name.endswith((durable.PART, ".lock")):
            continue
        copy = target / inside
        for folder in (target, *reversed([target / one for one in inside.parents[:-1]])):
            folder.mkdir(mode=durable.PRIVATE_FOLDER, parents=True, exist_ok=True)
            folder.chmod(durable.PRIVATE_FOLDER)
        if not copy.exists() or copy.read_bytes() != path.read_bytes():
            durable.copy_file(path, copy)
        count += 1
    for folder in (target, *[one for one in target.rglob("*") if one.is_dir()]):
        durable.force_names(folder)
    return count

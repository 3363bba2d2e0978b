"""What the folder of originals has beside the contract of test_object_stores.py: private files."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from notary.adapters.objects.folder import ObjectFolder
from notary.errors import NothingHappened
from notary.usecases.originals import sweep

NAME = b"\x01" * 16


@pytest.fixture
def objects(tmp_path: Path) -> ObjectFolder:
    return ObjectFolder(tmp_path / "objects")


def files(objects: ObjectFolder) -> list[Path]:
    return [path for path in objects.folder.rglob("*") if path.is_file()]


def test_objects_are_private(objects: ObjectFolder) -> None:
    objects.write(NAME, [b"x"])
    [file] = files(objects)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_disk_that_refuses_is_nothing_happened(tmp_path: Path) -> None:
    (tmp_path / "objects").write_bytes(b"a file where the folder should be")
    with pytest.raises(NothingHappened, match=r"File exists|Not a directory"):
        ObjectFolder(tmp_path / "objects").write(NAME, [b"x"])


def test_the_sweep_takes_old_orphans_alone(objects: ObjectFolder) -> None:
    now = datetime.now(UTC)
    old = (now - timedelta(days=3)).timestamp()
    known, orphan, fresh = b"\x03" * 16, b"\x04" * 16, b"\x05" * 16
    for name in (known, orphan, fresh):
        objects.write(name, [b"x"])
    part = objects.folder / "04" / ("04" * 16 + ".part")
    stranger = objects.folder / "04" / "notes.txt"
    for path in (part, stranger):
        path.write_bytes(b"x")
    for path in files(objects):
        if path.name != fresh.hex():
            os.utime(path, (old, old))
    assert sweep(objects, lambda _: {known}, now - timedelta(days=1)) == 2
    left = {path.name for path in files(objects)}
    assert left == {known.hex(), fresh.hex(), "notes.txt"}

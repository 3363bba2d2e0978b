"""An object is whole or absent, and private."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from notary.adapters.objects.folder import ObjectFolder
from notary.errors import Contradiction, NothingHappened

NAME, OTHER = b"\x01" * 16, b"\x02" * 16


@pytest.fixture
def objects(tmp_path: Path) -> ObjectFolder:
    return ObjectFolder(tmp_path / "objects")


def files(objects: ObjectFolder) -> list[Path]:
    return [path for path in objects.folder.rglob("*") if path.is_file()]


def test_an_object_reads_as_written(objects: ObjectFolder) -> None:
    objects.write(NAME, [b"one", b"", b"two"])
    objects.write(OTHER, [])
    objects.make_durable([NAME, OTHER])
    assert b"".join(objects.read(NAME)) == b"onetwo"
    assert b"".join(objects.read(OTHER)) == b""


def test_objects_are_private(objects: ObjectFolder) -> None:
    objects.write(NAME, [b"x"])
    [file] = files(objects)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_source_that_fails_leaves_nothing(objects: ObjectFolder) -> None:
    def source() -> Iterator[bytes]:
        yield b"half"
        raise KeyError

    with pytest.raises(KeyError):
        objects.write(NAME, source())
    assert files(objects) == []


def test_a_disk_that_refuses_is_nothing_happened(tmp_path: Path) -> None:
    (tmp_path / "objects").write_bytes(b"a file where the folder should be")
    with pytest.raises(NothingHappened, match=r"File exists|Not a directory"):
        ObjectFolder(tmp_path / "objects").write(NAME, [b"x"])


def test_a_missing_object_is_a_contradiction(objects: ObjectFolder) -> None:
    with pytest.raises(Contradiction, match=NAME.hex()):
        list(objects.read(NAME))


def test_removing_is_final_and_twice_is_no_fault(objects: ObjectFolder) -> None:
    objects.write(NAME, [b"x"])
    objects.remove([NAME, OTHER])
    objects.remove([NAME])
    assert files(objects) == []


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
    assert objects.sweep(lambda name: name == known, now - timedelta(days=1)) == 2
    left = {path.name for path in files(objects)}
    assert left == {known.hex(), fresh.hex(), "notes.txt"}

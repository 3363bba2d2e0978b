"""The contract of the port `ObjectStore`, over each adapter of it: a folder, and an S3 server."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from notary.adapters.objects.folder import ObjectFolder
from notary.adapters.objects.remote import PART_BYTES, RemoteObjects
from notary.errors import Contradiction
from notary.ports import ObjectStore
from notary.usecases.originals import sweep
from tests.simulators import s3 as simulator

NAME, OTHER = b"\x01" * 16, b"\x02" * 16


@pytest.fixture(scope="module")
def server() -> Iterator[simulator.S3]:
    with simulator.s3_server() as running:
        yield running


@pytest.fixture(params=["folder", "s3"])
def objects(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ObjectStore:
    if request.param == "folder":
        return ObjectFolder(tmp_path / "objects")
    server: simulator.S3 = request.getfixturevalue("server")
    for name, value in simulator.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    server.clear()
    return RemoteObjects(f"s3://{simulator.BUCKET}/some/prefix", server.endpoint, simulator.REGION)


def names(objects: ObjectStore) -> list[bytes]:
    return [one.name for one in objects.listed()]


def keep(objects: ObjectStore, *wanted: bytes, content: bytes = b"x") -> None:
    for name in wanted:
        objects.write(name, [content])
    objects.make_durable(wanted)


def test_objects_read_as_written(objects: ObjectStore) -> None:
    objects.write(NAME, [b"one", b"", b"two"])
    objects.write(OTHER, iter([b"three"]))
    objects.make_durable([NAME, OTHER])
    assert b"".join(objects.read(NAME)) == b"onetwo"
    assert b"".join(objects.read(OTHER)) == b"three"


@pytest.mark.parametrize("more", [-1, 0, 1, PART_BYTES, 2 * PART_BYTES + 1])
def test_an_object_of_any_length_reads_as_written(objects: ObjectStore, more: int) -> None:
    content = random.Random(more).randbytes(PART_BYTES + more)
    piece = 2**20
    objects.write(NAME, (content[at : at + piece] for at in range(0, len(content), piece)))
    objects.make_durable([NAME])
    assert b"".join(objects.read(NAME)) == content
    for at in (1, len(content) // 2, len(content) - 1):
        assert b"".join(objects.read(NAME, at)) == content[at:]
    [listed] = objects.listed()
    assert (listed.name, listed.size) == (NAME, len(content))
    assert abs(datetime.now(UTC) - listed.changed_at) < timedelta(minutes=1)


@pytest.mark.parametrize("length", [1, 3 * PART_BYTES])
def test_a_source_that_fails_leaves_nothing(objects: ObjectStore, length: int) -> None:
    def source() -> Iterator[bytes]:
        for _ in range(-(-length // 2**20)):
            yield bytes(2**20)
        raise KeyError("of the source")

    with pytest.raises(KeyError, match="of the source"):
        objects.write(NAME, source())
    assert names(objects) == []
    with pytest.raises(Contradiction):
        list(objects.read(NAME))


def test_a_missing_object_is_a_contradiction_that_names_it(objects: ObjectStore) -> None:
    with pytest.raises(Contradiction, match=NAME.hex()) as caught:
        list(objects.read(NAME))
    assert caught.value.code == "OBJECT_MISSING"


def test_removing_is_final_and_twice_is_no_fault(objects: ObjectStore) -> None:
    keep(objects, NAME)
    objects.remove([NAME, OTHER])
    objects.remove([NAME])
    objects.remove([])
    assert names(objects) == []


def test_what_was_written_and_not_made_durable_can_be_removed(objects: ObjectStore) -> None:
    objects.write(NAME, [b"x"])
    objects.remove([NAME])
    assert names(objects) == []


def test_the_listing_is_in_the_order_of_the_names(objects: ObjectStore) -> None:
    chance = random.Random(7)
    wanted = [chance.randbytes(16) for _ in range(50)]
    keep(objects, *wanted)
    assert names(objects) == sorted(wanted)


def test_the_sweep_takes_orphans_and_leaves_what_a_record_names(objects: ObjectStore) -> None:
    known, orphan = b"\x03" * 16, b"\x04" * 16
    keep(objects, known, orphan)
    now = datetime.now(UTC)
    assert sweep(objects, lambda _: {known}, now - timedelta(hours=1)) == 0
    assert sweep(objects, lambda _: {known}, now + timedelta(hours=1)) == 1
    assert names(objects) == [known]


def test_the_sweep_asks_of_many_at_once(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notary.usecases.originals.SWEEP_PAGE", 4)
    wanted = [bytes([number]) * 16 for number in range(10)]
    keep(objects, *wanted)
    asked: list[int] = []

    def known(page: object) -> set[bytes]:
        asked.append(len(list(page)))  # type: ignore[call-overload]
        return set(wanted[::2])

    assert sweep(objects, known, datetime.now(UTC) + timedelta(hours=1)) == 5
    assert (asked, names(objects)) == ([4, 4, 2], wanted[::2])

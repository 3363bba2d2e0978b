"""What was accepted is read again by who may, and content only with the keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from notary.adapters.store.records import StoredRecords
from notary.core.intake import IncomingFile
from notary.errors import CallerError, Contradiction
from notary.ports import Matter
from notary.usecases.originals import sweep_orphans
from notary.usecases.read import RecordReader
from tests.simulators.check_store import check_world
from tests.simulators.store import StoreWorld
from verifier.format import records
from verifier.format.digests import Digest

CONTENT = bytes(range(256)) * 9000  # three chunks


@pytest.fixture
def matter(world: StoreWorld) -> Matter:
    return world.open_matter()


@pytest.fixture
def original(tmp_path: Path) -> IncomingFile:
    path = tmp_path / "scan.pdf"
    path.write_bytes(CONTENT)
    return IncomingFile(path, "scan.pdf", "application/pdf")


def test_a_record_reads_as_it_was_answered(
    world: StoreWorld, matter: Matter, original: IncomingFile
) -> None:
    taken = world.take(matter, "key", original, text="hello")
    view = world.reader.by_id(world.agency_id, taken.record_id)
    assert (view.leaf, view.receipt, view.position) == (taken.leaf, taken.receipt, 0)
    assert (view.kind, view.batch, view.erased) == ("message", None, False)
    assert world.reader.at(world.agency_id, matter.key, 0) == view
    assert world.reader.of_matter(world.agency_id, matter.key, 0, 10) == [view]
    detail = world.reader.content(world.agency_id, taken.record_id)
    assert tuple(detail.disclosures.values()) == taken.disclosures
    assert detail.values["text"] == "hello"
    [attachment] = view.attachments
    assert (attachment.number, attachment.size) == (0, len(CONTENT))
    with world.reader.open_attachment(world.agency_id, taken.record_id, 0) as stream:
        assert stream.read(10) == CONTENT[:10]
        assert stream.read() == CONTENT[10:]


def test_pages_of_a_matter(world: StoreWorld, matter: Matter) -> None:
    for i in range(5):
        world.take(matter, f"{i}")
    pages = [world.reader.of_matter(world.agency_id, matter.key, at, 2) for at in (0, 2, 4, 6)]
    assert [[view.position for view in page] for page in pages] == [[0, 1], [2, 3], [4], []]


def test_what_is_not_there_is_unknown(world: StoreWorld, matter: Matter) -> None:
    taken = world.take(matter, "key")
    other = world.agencies.add("Other")
    reader, ours = world.reader, world.agency_id
    for ask in (
        lambda: reader.by_id(ours, taken.record_id + 1),
        lambda: reader.by_id(other, taken.record_id),
        lambda: reader.at(ours, matter.key, 1),
        lambda: reader.at(ours, b"?" * 32, 0),
        lambda: reader.at(other, matter.key, 0),
        lambda: reader.content(other, taken.record_id),
        lambda: reader.open_attachment(other, taken.record_id, 0),
        lambda: list(world.evidence.contents(other, Digest(matter.key), [0])),
        lambda: world.evidence.leaves(other, Digest(matter.key), 1),
        lambda: world.evidence.leaves(ours, Digest(matter.key), 2),
    ):
        with pytest.raises(CallerError) as caught:
            ask()
        assert caught.value.code == "RECORD_UNKNOWN"
    with pytest.raises(CallerError, match="has 0 attachments, got number 0"):
        reader.open_attachment(ours, taken.record_id, 0)


def test_without_keys_content_stays_closed(
    world: StoreWorld, matter: Matter, original: IncomingFile
) -> None:
    taken = world.take(matter, "key", original)
    reader = RecordReader(StoredRecords(world.database), world.objects, None, world.identity)
    assert reader.by_id(world.agency_id, taken.record_id).receipt == taken.receipt
    for ask in (
        lambda: reader.content(world.agency_id, taken.record_id),
        lambda: reader.open_attachment(world.agency_id, taken.record_id, 0),
        lambda: list(reader.contents(world.agency_id, matter.key, [0])),
    ):
        with pytest.raises(CallerError) as caught:
            ask()
        assert caught.value.code == "KEY_MISSING"


def test_an_erased_record_keeps_its_proofs(world: StoreWorld, matter: Matter) -> None:
    taken = world.take(matter, "key")
    with world.database.transaction() as connection:
        connection.exec_driver_sql("UPDATE records SET wrapped_secret = NULL, sealed_values = NULL")
    view = world.reader.by_id(world.agency_id, taken.record_id)
    assert (view.erased, view.leaf, view.receipt) == (True, taken.leaf, taken.receipt)
    with pytest.raises(CallerError, match="erased"):
        world.reader.content(world.agency_id, taken.record_id)
    (content,) = world.evidence.contents(world.agency_id, Digest(matter.key), [0])
    assert content.disclosures == {}


def test_an_altered_original_is_not_handed_out(
    world: StoreWorld, matter: Matter, original: IncomingFile
) -> None:
    taken = world.take(matter, "key", original)
    [stored] = (world.data / "objects").glob("??/*")
    content = bytearray(stored.read_bytes())
    content[len(content) // 2] ^= 1
    stored.write_bytes(content)
    with (
        world.reader.open_attachment(world.agency_id, taken.record_id, 0) as stream,
        pytest.raises(Contradiction, match="chunk 1"),
    ):
        stream.read()
    stored.unlink()
    with (
        world.reader.open_attachment(world.agency_id, taken.record_id, 0) as stream,
        pytest.raises(Contradiction, match="Restore it"),
    ):
        stream.read()


def test_an_export_gets_leaves_disclosures_and_originals(
    world: StoreWorld, matter: Matter, original: IncomingFile
) -> None:
    first = world.take(matter, "a", original, text="hello")
    second = world.take(matter, "b")
    key = Digest(matter.key)
    assert world.evidence.leaves(world.agency_id, key, 2) == [first.leaf, second.leaf]
    assert world.evidence.leaves(world.agency_id, key, 1) == [first.leaf]
    (content,) = world.evidence.contents(world.agency_id, key, [0])
    assert {records.parse_disclosure(text).name for text in content.disclosures.values()} == set(
        content.disclosures
    )
    [kept] = content.originals
    for _ in range(2):
        with kept.open() as stream:
            assert stream.read() == CONTENT
    assert kept.size == len(CONTENT)


def test_the_sweep_takes_what_no_record_names(
    world: StoreWorld, matter: Matter, original: IncomingFile
) -> None:
    world.take(matter, "key", original)
    world.objects.write(b"\x01" * 16, [b"orphan"])
    now = datetime.now(UTC)
    assert sweep_orphans(world.named_originals, world.objects, now) == 0
    assert sweep_orphans(world.named_originals, world.objects, now + timedelta(days=2)) == 1
    check_world(world)


def test_contents_come_in_order_whatever_positions_are_asked(
    world: StoreWorld, matter: Matter
) -> None:
    count = 7
    for position in range(count):
        world.take(matter, f"k-{position}", text=f"text {position}")
    key = Digest(matter.key)
    for asked in ([0], [6], [1, 2, 5], [0, 2, 4, 6], list(range(count))):
        found = list(world.evidence.contents(world.agency_id, key, asked))
        texts = [records.parse_disclosure(one.disclosures["text"]).value for one in found]
        assert texts == [f"text {position}" for position in asked]
    with pytest.raises(CallerError) as caught:
        list(world.evidence.contents(world.agency_id, key, [5, 6, 7]))
    assert caught.value.code == "RECORD_UNKNOWN"

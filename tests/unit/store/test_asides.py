"""Rows that wait keep their numbers: set aside when they come, opened by their records when they move in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from notary.adapters.store.audit import check_rows
from notary.adapters.store.database import driver_cursor, driver_row
from notary.adapters.store.snapshot import opened_live
from notary.core import waiting as sealing
from notary.core.intake import Incoming
from notary.core.waiting import Waiting
from notary.errors import NothingHappened
from notary.usecases.sources import Sources, shown, source_row
from tests.simulators.store import StoreWorld, make_world
from tests.simulators.waiting import (
    HEAD,
    MAP,
    command,
    earlier,
    entries,
    imports_of,
    ingest,
    make,
    move_in,
    now,
    row,
    store_of,
    waiting,
)
from verifier.format import asides, records, source_log
from verifier.format.digests import Digest
from verifier.format.source_log import SERVICE, AsideEntry, Closing, RecordEntry

DAY = 86_400  # seconds


@pytest.fixture
def world(sqlite_world: StoreWorld) -> StoreWorld:
    """One of SQLite, for what no statement of a database decides; those that it does take `each_world`."""
    return sqlite_world


@pytest.fixture
def each_world(tmp_path: Path, store_uri: str | None) -> Iterator[StoreWorld]:
    """A new store on each database."""
    world = make_world(tmp_path, uri=store_uri)
    yield world
    world.close()


def mixed(world: StoreWorld) -> None:
    """Four calls in one file: two of a matter, two that wait."""
    world.open_matter("Known", "A")
    make(world)
    report = ingest(world, [row(0, "A"), row(1, "B"), row(2, "A"), row(3, "C")])
    assert (report.accepted, report.unassigned) == (2, 2)


def only_record(world: StoreWorld, title: str) -> tuple[records.Leaf, dict[str, object]]:
    [matter] = [one for one in world.register.all(world.agency_id) if one.title == title]
    [view] = world.reader.of_matter(world.agency_id, matter.key, 0, matter.size)
    content = world.reader.content(world.agency_id, view.record_id)
    return records.parse_leaf(view.leaf), dict(content.values)


def test_a_row_that_waits_is_no_gap(world: StoreWorld) -> None:
    mixed(world)
    found = now(world)
    assert found.state.count.missing == []
    assert found.state.count.aside == 2
    assert Sources(store_of(world)).findings(world.agency_id, world.clock.now()) == {}
    assert source_row(found, world.clock.now())["records"] == 2
    assert source_row(found, world.clock.now())["waiting"] == 2
    assert shown(found, world.clock.now())["waiting"] == 2


def test_numbers_are_entered_in_their_order_among_the_records(world: StoreWorld) -> None:
    mixed(world)
    assert [
        (type(one), one.number)
        for one in entries(world)
        if isinstance(one, (AsideEntry, RecordEntry))
    ] == [(RecordEntry, 0), (AsideEntry, 1), (RecordEntry, 2), (AsideEntry, 3)]


def test_what_is_set_aside_commits_to_the_row_and_nobody_guesses_it(world: StoreWorld) -> None:
    mixed(world)
    [first, _] = waiting(world)
    [aside] = [one for one in entries(world) if isinstance(one, AsideEntry) and one.number == 1]
    raw = (row(1, "B") + "\n").encode()
    assert first.salt is not None
    key = now(world).key
    assert (
        aside.row
        == hashlib.sha256(
            b"notary/source-aside/v1\n" + key + (1).to_bytes(8, "big") + first.salt + raw
        ).digest()
    )


def test_a_row_that_moves_in_opens_what_was_set_aside(each_world: StoreWorld) -> None:
    world = each_world
    mixed(world)
    salt = waiting(world)[0].salt
    world.open_matter("Found", "B")
    assert move_in(world).accepted == 1
    leaf, values = only_record(world, "Found")
    record = entries(world)[-1]
    assert isinstance(record, RecordEntry)
    assert (record.number, record.aside) == (1, 2)
    aside = entries(world)[2]
    assert isinstance(aside, AsideEntry)
    assert salt is not None
    assert values["aside"] == asides.salt_claim(salt)
    content = asides.row_bytes("raw", values["raw"])  # type: ignore[arg-type]
    assert asides.row_digest(Digest(now(world).key), 1, salt, content) == aside.row
    assert (leaf.source, leaf.number) == (now(world).key, 1)
    assert now(world).state.count.aside == 1


def test_the_same_file_again_moves_a_row_in_once(each_world: StoreWorld) -> None:
    world = each_world
    mixed(world)
    world.open_matter("Found", "B")
    rows = [row(0, "A"), row(1, "B"), row(2, "A"), row(3, "C")]
    report = ingest(world, rows)
    assert (report.accepted, report.replayed, report.unassigned) == (1, 2, 1)
    again = ingest(world, rows)
    assert (again.accepted, again.replayed, again.unassigned) == (0, 3, 1)
    assert now(world).state.conflicts == 0
    assert len(entries(world)) == 6


def test_a_row_from_another_file_moves_in_as_it_waited(world: StoreWorld) -> None:
    """The export's columns stand in another order now: what comes in is what was set aside."""
    mixed(world)
    world.open_matter("Found", "B")
    cells = row(1, "B").split(",")
    report = ingest(
        world, [",".join(reversed(cells))], "new.csv", ",".join(reversed(HEAD.split(",")))
    )
    assert report.accepted == 1
    _, values = only_record(world, "Found")
    assert values["raw"] == {"text": row(1, "B") + "\n"}
    for name in ("calls.csv", "new.csv"):
        original = (world.folder / name).read_bytes()
        digest = hashlib.sha256(original).digest()
        assert b"".join(command(world).rebuild(world.agency_id, digest)) == original


def test_a_row_that_waits_twice_is_set_aside_once(world: StoreWorld) -> None:
    mixed(world)
    before = entries(world)
    assert ingest(world, [row(1, "B"), row(3, "C")], "again.csv").unassigned == 2
    assert entries(world) == before
    assert now(world).state.conflicts == 0


def test_another_row_under_a_number_that_is_set_aside_is_refused(each_world: StoreWorld) -> None:
    world = each_world
    mixed(world)
    other = row(1, "D").replace("c1,", "other,")
    report = ingest(world, [other], "other.csv")
    assert (report.rejected, report.unassigned) == (1, 0)
    assert "number 1 of pbx-1 is taken" in report.problems[0].sentence()
    [matter] = world.register.all(world.agency_id)
    item = Incoming(matter.key, "call", {"text": "x"}, "key", (), now(world).key, 3)
    assert world.refuse(item).code == "SOURCE_NUMBER_TAKEN"
    assert now(world).state.conflicts == 2
    assert len(waiting(world)) == 2


def test_a_row_that_is_refused_takes_no_number(world: StoreWorld) -> None:
    world.open_matter("Known", "A")
    make(world)
    report = ingest(world, [row(0, "B"), row(1, "B", at="never"), row(2_000_000, "B")])
    assert (report.rejected, report.unassigned) == (2, 1)
    assert now(world).state.count.next == 1


def test_where_the_service_numbers_a_row_that_waits_has_none(world: StoreWorld) -> None:
    world.open_matter("Known", "A")
    make(world, SERVICE)
    map_ = MAP.replace('number = "seq"\n', "")
    assert ingest(world, [row(0, "A"), row(1, "B")], map_=map_).unassigned == 1
    assert (now(world).state.count.next, now(world).state.count.aside) == (1, 0)
    world.open_matter("Found", "B")
    assert move_in(world).accepted == 1
    leaf, values = only_record(world, "Found")
    assert leaf.number == 1
    assert "aside" not in values


def test_a_closing_counts_a_number_when_it_is_set_aside_and_not_again(world: StoreWorld) -> None:
    mixed(world)
    world.clock.advance(DAY)
    store_of(world).close_due(world.clock.now())
    world.open_matter("Found", "B")
    move_in(world)
    world.clock.advance(DAY)
    store_of(world).close_due(world.clock.now())
    closings = [one for one in entries(world) if isinstance(one, Closing)]
    assert [(one.counts, one.first, one.last, one.missing, one.aside) for one in closings] == [
        ({"call": 4}, 0, 3, (), 2),
        ({}, None, None, (), 1),
    ]


def test_late_and_back_are_counted_when_a_row_begins_to_wait(world: StoreWorld) -> None:
    make(world)
    store_of(world).change(world.agency_id, "pbx-1", now(world).profile._replace(late_s=60))
    ingest(world, [row(0, "B"), row(1, "B", at="2026-03-01T06:00:00Z")])
    assert (now(world).state.late, now(world).state.back) == (2, 1)
    world.open_matter("Found", "B")
    world.clock.advance(60)
    came = now(world).state.received_ms
    move_in(world)
    assert (now(world).state.late, now(world).state.back) == (2, 1)
    # Nothing came from the source now.
    assert now(world).state.received_ms == came


def test_nobody_else_says_that_a_row_waited(world: StoreWorld) -> None:
    matter = world.open_matter()
    item = Incoming(matter.key, "call", {"aside": {"salt": "A" * 43}}, "key")
    assert world.refuse(item).code == "CLAIM_RESERVED"


@pytest.mark.parametrize("salt", [None, bytes(32)])
def test_a_row_that_began_to_wait_while_it_was_read_is_given_again(
    world: StoreWorld, salt: bytes | None
) -> None:
    """Another process let it wait, or moved it in, since this one looked."""
    mixed(world)
    [matter] = world.register.all(world.agency_id)
    key = waiting(world)[0].key if salt is None else "none waits under it"
    item = Incoming(matter.key, "call", {"text": "x"}, key, (), now(world).key, 1, aside=salt)
    assert world.refuse(item).code == "SOURCE_ROW_WAITS"
    assert now(world).state.conflicts == 0


def test_an_audit_finds_nothing_amiss(world: StoreWorld) -> None:
    mixed(world)
    world.open_matter("Found", "B")
    move_in(world)
    world.seal()
    with opened_live(world.database) as connection:
        check_rows(connection, world.identity, lambda done, total: None)


# Rows that an earlier version let wait.


def forget_asides(world: StoreWorld) -> None:
    """Make the rows that wait what an earlier version left: without salt, and nobody asked."""
    with world.database.transaction() as connection:
        cursor = driver_cursor(connection)
        rows = cursor.execute(
            "SELECT id, idempotency_digest, wrapped_secret, sealed_row FROM unassigned"
        ).fetchall()
        for number, digest, wrapped, sealed in rows:
            opened = sealing.open_waiting(world.keys.kek, world.agency_id, digest, wrapped, sealed)
            random = world.entropy.token(sealing.RANDOM_LENGTH)
            old = Waiting(
                opened.key, opened.account, opened.kind, opened.claims, opened.source, opened.number
            )
            again = sealing.seal_waiting(world.keys.kek, random, world.agency_id, digest, old)
            cursor.execute(
                "UPDATE unassigned SET aside_at = NULL, wrapped_secret = ?, sealed_row = ? WHERE id = ?",
                (*again, number),
            )


def old_rows(world: StoreWorld) -> None:
    """Rows 1 and 3 wait under a source that knows nothing of them; 3 has come with a record since."""
    matter = world.open_matter("Known", "A")
    make(world, SERVICE)
    assert ingest(world, [row(1, "B"), row(3, "C")], map_=MAP).unassigned == 2
    forget_asides(world)
    with world.database.transaction() as connection:
        (profile,) = driver_row(connection, "SELECT profile FROM sources")
        changed = profile.replace('"service"', '"source"')
        driver_cursor(connection).execute("UPDATE sources SET profile = ?", (changed,))
    for number in (0, 3):
        item = Incoming(matter.key, "call", {"text": "x"}, f"k{number}", (), now(world).key, number)
        world.accept([item])


def test_rows_that_waited_before_are_set_aside_when_the_worker_starts(
    each_world: StoreWorld,
) -> None:
    world = each_world
    old_rows(world)
    assert now(world).state.count.missing == [(1, 2)]
    assert earlier(world).enter([world.agency_id]) == 1
    assert earlier(world).enter([world.agency_id]) == 0
    assert now(world).state.count.missing == [(2, 2)]
    assert (now(world).state.count.aside, now(world).state.conflicts) == (1, 0)
    world.open_matter("Found", "B")
    world.open_matter("Other", "C")
    report = move_in(world)
    # Number 3 has its record, which is told and nothing is lost.
    assert (report.accepted, report.rejected) == (1, 1)
    assert [one.number for one in waiting(world)] == [3]
    assert only_record(world, "Found")[0].number == 1


def test_rows_that_waited_before_move_in_without_being_set_aside(world: StoreWorld) -> None:
    old_rows(world)
    world.open_matter("Found", "B")
    assert move_in(world).accepted == 1
    _, values = only_record(world, "Found")
    assert "aside" not in values
    record = entries(world)[-1]
    assert isinstance(record, RecordEntry)
    assert (record.number, record.aside) == (1, None)


def test_a_log_that_has_ended_sets_nothing_aside(
    world: StoreWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_rows(world)

    def ended(_: object) -> None:
        raise NothingHappened("LOG_RETIRED", "the log has ended.")

    monkeypatch.setattr("notary.adapters.store.records.require_open", ended)
    assert earlier(world).enter([world.agency_id]) == 0
    assert now(world).state.count.aside == 0


def test_a_waiting_row_is_sealed_and_read_again_in_each_form(world: StoreWorld) -> None:
    key = bytes(32)
    for one in (
        Waiting("k", "A", "call", {"text": "x"}),
        Waiting("k", "A", "call", {"text": "x"}, key, None),
        Waiting("k", "A", "call", {"text": "x"}, key, 7),
        Waiting("k", "A", "call", {"text": "x"}, key, 7, bytes(32)),
    ):
        random = world.entropy.token(sealing.RANDOM_LENGTH)
        sealed = sealing.seal_waiting(world.keys.kek, random, world.agency_id, b"d", one)
        assert sealing.open_waiting(world.keys.kek, world.agency_id, b"d", *sealed) == one


def test_the_map_may_change_while_a_row_waits(world: StoreWorld) -> None:
    """The zone of the exchange was wrong: the row keeps its number, and the clerk is told."""
    mixed(world)
    world.open_matter("Found", "B")
    other = MAP.replace('column = "caller"', 'column = "account"')
    report = ingest(world, [row(1, "B")], "later.csv", map_=other)
    assert (report.accepted, report.conflicts) == (0, 1)
    assert move_in(world).accepted == 1


def test_the_day_of_a_row_is_the_one_on_which_it_began_to_wait(world: StoreWorld) -> None:
    make(world, zone="America/St_Johns")
    ingest(world, [row(0, "B")])
    world.clock.advance(DAY)
    world.open_matter("Found", "B")
    move_in(world)
    assert [type(one) for one in entries(world)[1:]] == [AsideEntry, Closing, RecordEntry]
    closing = entries(world)[2]
    assert isinstance(closing, Closing)
    assert closing.ends == datetime(2026, 3, 2, 3, 30, tzinfo=UTC)
    assert imports_of(world).waiting_count(world.agency_id) == 0
    assert source_log.parse(source_log.encode(closing)) == closing

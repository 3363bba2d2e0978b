"""The contract of the port `BatchLog`, and what the sealer puts into it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from notary.adapters.store.batches import page_loader
from notary.adapters.store.bulk import insert_rows
from notary.adapters.store.database import Connection, Database
from notary.adapters.store.records import StoredRecords
from notary.adapters.store.sealing import SealingRows
from notary.core.intake import Accepted
from notary.errors import CallerError, NothingHappened
from notary.usecases.accept import RecordAcceptor
from tests.simulators.check_store import check_world
from tests.simulators.store import MAX_DEADLINE_S, SeededEntropy, StoreWorld, offer
from verifier.format import batches, matter_map
from verifier.format.digests import ZERO, Digest
from verifier.format.matter_map import Kind
from verifier.format.times import format_time

BLOCK = (31337, 77, b"\xcc" * 32, b"raw header rlp")


def test_an_empty_log_seals_an_empty_batch(world: StoreWorld) -> None:
    assert world.batch_log.size() == 0
    assert world.batch_log.leaf_hashes(0) == []
    sealed = world.sealer.seal(world.clock.now(), None)
    assert (sealed.index, sealed.header.map_root, sealed.not_before_header) == (0, ZERO, None)
    assert world.batch_log.batch(0) == sealed
    check_world(world)


def test_silence_is_sealed_too(world: StoreWorld) -> None:
    world.take(world.open_matter(), "a")
    roots = [world.sealer.seal(world.clock.now(), None).header.map_root for _ in range(3)]
    assert roots[0] == roots[1] == roots[2] != ZERO
    assert world.batch_log.delta(1) == b"notary-delta/1\nnotary.example/log\n1\n"
    check_world(world)


def test_a_batch_names_its_block(world: StoreWorld) -> None:
    sealed = world.sealer.seal(world.clock.now(), BLOCK)
    assert sealed.header.not_before == batches.NotBefore(31337, 77, Digest(b"\xcc" * 32))
    assert world.batch_log.batch(0) == sealed
    assert sealed.not_before_header == b"raw header rlp"


def test_heads_are_those_of_each_batch(world: StoreWorld) -> None:
    one, two = world.open_matter("one"), world.open_matter("two")
    world.take(one, "1")
    world.sealer.seal(world.clock.now(), None)
    world.take(two, "2")
    world.sealer.seal(world.clock.now(), None)
    world.take(one, "3")
    world.take(one, "4")
    world.sealer.seal(world.clock.now(), None)
    evidence, agency_id = world.evidence, world.agency_id
    heads = {m.title: evidence.heads(agency_id, Digest(m.key)) for m in (one, two)}
    assert [(head.batch, head.size) for head in heads["one"]] == [(0, 1), (2, 3)]
    assert [(head.batch, head.size) for head in heads["two"]] == [(1, 1)]
    assert evidence.heads(agency_id + 1, Digest(one.key)) == []
    assert evidence.map_proof(Digest(two.key), 0).kind is not Kind.INCLUSION
    check_world(world)


def test_a_matter_without_records_is_absent(world: StoreWorld) -> None:
    empty, full = world.open_matter("empty"), world.open_matter("full")
    world.take(full, "1")
    header = world.sealer.seal(world.clock.now(), None).header
    proof = world.evidence.map_proof(Digest(empty.key), 0)
    assert not matter_map.check(proof, Digest(empty.key), header.map_root).present


def test_records_show_the_batch_that_sealed_them(world: StoreWorld) -> None:
    matter = world.open_matter()
    ids = []
    for i in range(3):
        ids.append(world.take(matter, f"{i}").record_id)
        if i != 1:
            world.sealer.seal(world.clock.now(), None)
    waiting = world.take(matter, "last").record_id
    found = [world.reader.by_id(world.agency_id, one).batch for one in (*ids, waiting)]
    assert found == [0, 1, 1, None]


def test_batches_that_are_not_sealed_are_unknown(world: StoreWorld) -> None:
    world.sealer.seal(world.clock.now(), None)
    log = world.batch_log
    for ask in (
        lambda: log.batch(1),
        lambda: log.batch(-1),
        lambda: log.checkpoint(0),
        lambda: log.checkpoint(2),
        lambda: log.leaf_hashes(2),
        lambda: log.delta(1),
        lambda: world.evidence.map_proof(Digest(bytes(32)), 1),
        lambda: world.evidence.map_proof(Digest(bytes(32)), -1),
    ):
        with pytest.raises(CallerError) as caught:
            ask()
        assert caught.value.code == "BATCH_UNKNOWN"


def test_a_batch_is_due_by_cadence_or_size(world: StoreWorld) -> None:
    sealer, now = world.sealer, world.clock.now()
    assert sealer.due(now)
    sealer.seal(now, None)
    assert not sealer.due(now + timedelta(seconds=3599))
    assert sealer.due(now + timedelta(seconds=3601))
    matter = world.open_matter()
    items = [offer(matter, f"{i}") for i in range(1000)]
    world.acceptor.accept(world.agency_id, items[:-1])
    assert sealer.unsealed() == 999
    assert not sealer.due(now)
    world.acceptor.accept(world.agency_id, items[-1:])
    assert sealer.due(now)
    sealer.seal(now, None)
    assert sealer.unsealed() == 0
    assert not sealer.due(now)


def test_a_clock_that_was_a_year_ahead_does_not_hold_up_the_next_batches(
    world: StoreWorld,
) -> None:
    sealer, now = world.sealer, world.clock.now()
    sealer.seal(now + timedelta(days=365), None)
    assert sealer.due(now)
    sealer.seal(now, None)
    # One extra batch, then the cadence runs from the clock as it is now.
    assert not sealer.due(now + timedelta(seconds=10))


def test_a_header_covers_every_promise_since_the_last(world: StoreWorld) -> None:
    matter = world.open_matter()
    generous = RecordAcceptor(
        StoredRecords(world.database),
        world.objects,
        world.keys,
        world.clock,
        world.entropy,
        world.identity,
        max_deadline_s=2 * MAX_DEADLINE_S,
    )
    generous.accept(world.agency_id, [offer(matter, "long")])
    world.take(matter, "short")
    assert world.sealer.seal(world.clock.now(), None).header.max_deadline_s == 2 * MAX_DEADLINE_S
    world.take(matter, "short again")
    assert world.sealer.seal(world.clock.now(), None).header.max_deadline_s == MAX_DEADLINE_S


class Interrupted(Database):
    """Lets something happen just before the sealer takes the write lock."""

    def __init__(self, world: StoreWorld) -> None:
        super().__init__(world.database.place)
        self.before_writing: Callable[[], object] = lambda: None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        self.before_writing()
        with super().transaction() as connection:
            yield connection


@pytest.fixture
def interrupted(world: StoreWorld) -> Iterator[Interrupted]:
    database = Interrupted(world)
    yield database
    database.close()


def test_records_that_come_while_a_batch_is_made_are_the_nexts(
    world: StoreWorld, interrupted: Interrupted
) -> None:
    old, new = world.open_matter("old"), world.open_matter("new")
    world.take(old, "1")

    def take_more() -> None:
        world.take(old, "2")
        world.take(new, "3")

    interrupted.before_writing = take_more
    sealed = replace(world, database=interrupted).sealer.seal(world.clock.now(), None)
    assert sealed.index == 0
    heads = world.evidence.heads(world.agency_id, Digest(old.key))
    assert [(head.batch, head.size) for head in heads] == [(0, 1)]
    assert world.sealer.unsealed() == 2
    check_world(world)
    world.sealer.seal(world.clock.now(), None)
    assert world.sealer.unsealed() == 0
    check_world(world)


def test_of_two_sealers_one_seals(world: StoreWorld, interrupted: Interrupted) -> None:
    world.take(world.open_matter(), "1")
    interrupted.before_writing = lambda: world.sealer.seal(world.clock.now(), None)
    with pytest.raises(NothingHappened) as caught:
        replace(world, database=interrupted).sealer.seal(world.clock.now(), BLOCK)
    assert caught.value.code == "SEALED_ELSEWHERE"
    assert world.batch_log.size() == 1
    assert world.batch_log.batch(0).header.not_before is None
    check_world(world)


def test_a_sealing_that_fails_half_way_leaves_nothing(
    world: StoreWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.take(world.open_matter(), "1")
    append = SealingRows.append

    def fail(rows: SealingRows, *rest: object) -> None:
        append(rows, *rest)  # type: ignore[arg-type]
        raise NothingHappened("STORE_UNAVAILABLE", "the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(SealingRows, "append", fail)
        with pytest.raises(NothingHappened):
            world.sealer.seal(world.clock.now(), None)
    assert world.batch_log.size() == 0
    assert world.sealer.unsealed() == 1
    world.sealer.seal(world.clock.now(), None)
    check_world(world)


def test_a_checkpoint_is_kept_as_it_was_made(world: StoreWorld) -> None:
    sealed = [world.sealer.seal(world.clock.now(), None) for _ in range(3)]
    notes = [world.batch_log.checkpoint(size) for size in (1, 2, 3)]
    world.take(world.open_matter(), "1")
    world.clock.advance(10)
    world.sealer.seal(world.clock.now(), None)
    assert [world.batch_log.checkpoint(size) for size in (1, 2, 3)] == notes
    assert [world.batch_log.batch(i).header_bytes for i in range(3)] == [
        one.header_bytes for one in sealed
    ]
    assert format_time(sealed[0].header.sealed_at) == "2026-03-01T08:00:00.123Z"


@pytest.mark.parametrize("seed", range(3))
def test_any_history_holds_together(world: StoreWorld, seed: int) -> None:
    """Many matters, batches of all sizes, earlier records and proofs checked at every batch."""
    draw = random.Random(seed)
    world.entropy = SeededEntropy(f"history {seed}")
    matters = [world.open_matter(f"{i}") for i in range(60)]
    for batch in range(6):
        chosen = draw.sample(matters, draw.choice([0, 1, 5, 60]))
        items = [
            offer(matter, f"{batch}/{matter.matter_id}/{i}")
            for matter in chosen
            for i in range(draw.randrange(1, 4))
        ]
        draw.shuffle(items)
        outcomes = world.acceptor.accept(world.agency_id, items)
        assert all(isinstance(one, Accepted) for one in outcomes)
        world.sealer.seal(world.clock.now(), None)
    check_world(world)


def test_pages_that_are_asked_for_together_are_those_of_one_by_one(world: StoreWorld) -> None:
    prefixes = [b"", b"\x01", b"\xff", b"\x01\x00", b"\x01\xff", b"\xff\x00", b"\xff\xff"]
    for _ in range(6):
        world.seal()
    with world.database.transaction() as connection:
        insert_rows(
            connection,
            "map_pages",
            ("prefix", "batch", "content"),
            [(one, at, b"%s of %d" % (one, at)) for at in (0, 2, 5) for one in prefixes],
        )
    absent = [b"\x02", b"\x01\x01", b"\xff\xfe"]
    keys = [one.ljust(32, b"\x07") for one in [*prefixes, *absent]]
    with world.database.reading() as connection:
        for batch in (0, 3, 9):
            together = page_loader(connection, batch, keys)
            singly = page_loader(connection, batch)
            for prefix in sorted([*prefixes, *absent]):
                assert together(prefix) == singly(prefix), prefix
            assert together(b"\xff\xff") is not None

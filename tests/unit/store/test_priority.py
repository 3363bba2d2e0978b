"""Anchoring at once: what a request covers, that it outlives its process, and what it may cost others."""

from __future__ import annotations

from datetime import timedelta

import pytest

from notary.adapters.store.anchors import AnchorStore
from notary.adapters.store.priority import StoredPriority
from notary.core.intent import BlockRef, Included, Reserve, Sent, Sign
from notary.usecases.priority import Place, PriorityLane
from tests.simulators.store import StoreWorld, reopen_world
from tests.unit.anchor.test_anchor_store import LEG, attempt

EVERY = timedelta(seconds=300)


def lane(world: StoreWorld, cap: int | None = None) -> PriorityLane:
    """The lane as a new process sees it."""
    book = AnchorStore(world.database)
    return PriorityLane(StoredPriority(world.database), book, every=EVERY, spend_per_day=cap)


def anchor(world: StoreWorld, cost: int = 9) -> None:
    """Let the chain hold every sealed batch."""
    book, size = AnchorStore(world.database), world.batch_log.size()
    before = book.newest_on_chain()
    number = 0 if before is None or before.number is None else before.number + 1
    intent = book.seal(31337, b"c" * 20, b"l" * 20, size, bytes([size]) * 32)
    tx = attempt(number + 1)
    prev = bytes(32) if before is None else before.head
    for event in (
        Reserve(size, bytes([size]) * 32, number, prev),
        Sign(tx),
        Sent(world.clock.now()),
    ):
        intent = book.advance(intent, event)
    now = int(world.clock.now().timestamp())
    block = BlockRef(number, bytes([number + 1]) * 32, now)
    book.advance(intent, Included(block, tx.hash, number, cost), LEG)


def test_where_nothing_waits_nothing_is_asked_for(world: StoreWorld) -> None:
    assert lane(world).ask(world.clock.now()).place is Place.DONE
    world.seal()
    assert lane(world).ask(world.clock.now()).place is Place.DONE
    assert not lane(world).due(world.clock.now())


def test_a_request_goes_from_asked_over_sealed_to_anchored(world: StoreWorld) -> None:
    matter = world.open_matter()
    world.take(matter, "a")
    asked_at = world.clock.now()
    assert lane(world).ask(asked_at).place is Place.NEXT
    # A new process finds it.
    again = reopen_world(world.folder, "another process", world.clock.now())
    assert lane(again).due(again.clock.now())
    assert lane(again).hurried()
    again.close()
    world.seal()
    told = lane(world).place(world.clock.now())
    assert told.place is Place.ON_ITS_WAY
    assert not lane(world).due(world.clock.now())
    assert lane(world).hurried()
    anchor(world)
    assert lane(world).place(world.clock.now()).place is Place.DONE
    assert not lane(world).hurried()


def test_asking_twice_is_asking_once(world: StoreWorld) -> None:
    world.take(world.open_matter(), "a")
    first = lane(world).ask(world.clock.now())
    world.clock.advance(60)
    assert lane(world).ask(world.clock.now()) == first
    world.seal()
    assert lane(world).ask(world.clock.now()).place is Place.ON_ITS_WAY
    anchor(world)
    assert lane(world).ask(world.clock.now()).place is Place.DONE


def test_a_record_that_came_after_the_seal_is_not_taken_for_sealed(world: StoreWorld) -> None:
    matter = world.open_matter()
    world.take(matter, "a")
    lane(world).ask(world.clock.now())
    world.seal()
    world.take(matter, "b")
    # Nobody has asked for this one.
    assert lane(world).place(world.clock.now()).place is Place.ON_ITS_WAY
    told = lane(world).ask(world.clock.now())
    assert told.place is Place.RATE
    anchor(world)
    assert lane(world).place(world.clock.now()).place is Place.RATE
    assert lane(world).hurried()


def test_no_batch_is_sealed_early_while_the_newest_one_is_young(world: StoreWorld) -> None:
    matter = world.open_matter()
    world.take(matter, "a")
    world.seal()
    sealed_at = world.batch_log.batch(0).header.sealed_at
    world.take(matter, "b")
    told = lane(world).ask(world.clock.now())
    assert (told.place, told.not_before) == (Place.RATE, sealed_at + EVERY)
    assert not lane(world).due(sealed_at + EVERY - timedelta(milliseconds=1))
    assert lane(world).due(sealed_at + EVERY)


@pytest.mark.parametrize(
    ("cap", "place"), [(18, Place.BUDGET), (19, Place.NEXT), (None, Place.NEXT)]
)
def test_half_of_the_days_budget_is_left_to_the_cadence(
    world: StoreWorld, cap: int | None, place: Place
) -> None:
    matter = world.open_matter()
    world.take(matter, "a")
    world.seal()
    anchor(world, cost=9)
    world.take(matter, "b")
    world.clock.advance(301)
    assert lane(world, cap).ask(world.clock.now()).place is place
    world.clock.advance(24 * 3600)
    assert lane(world, cap).place(world.clock.now()).place is Place.NEXT

"""Alarms that come and go are each told once to each receiver, also over a crash."""

from __future__ import annotations

from datetime import timedelta

import pytest

from notary.adapters.store.notices import StoredNotices
from notary.notice_ports import Anchored, Change, Stand, Waiting
from tests.simulators.places import Crash, Places, crash
from tests.simulators.store import StoreWorld
from tests.simulators.store_faults import watched

BOTH = ["a", "b"]


@pytest.fixture
def notices(world: StoreWorld) -> StoredNotices:
    return StoredNotices(world.database, world.entropy)


def stand(world: StoreWorld, cause: str | None = None) -> Stand:
    return Stand("what", world.clock.now().replace(microsecond=0), cause)


def test_an_alarm_is_raised_once_and_resolved_once(
    world: StoreWorld, notices: StoredNotices
) -> None:
    now, held = world.clock.now(), stand(world)
    [raised] = notices.keep({"HELD": held}, BOTH, now)
    assert (raised.change, raised.code, raised.stand) == (Change.RAISED, "HELD", held)
    # Other words for the same are not news.
    assert notices.keep({"HELD": Stand("other words", held.since)}, BOTH, now) == []
    assert notices.standing() == {"HELD": held}
    [resolved] = notices.keep({}, BOTH, now)
    assert (resolved.change, resolved.code, resolved.stand) == (Change.RESOLVED, "HELD", held)
    assert resolved.message_id != raised.message_id
    assert notices.keep({}, BOTH, now) == []
    assert notices.standing() == {}


def test_another_cause_is_told(world: StoreWorld, notices: StoredNotices) -> None:
    now = world.clock.now()
    notices.keep({"HELD": stand(world, "FUNDS")}, BOTH, now)
    [event] = notices.keep({"HELD": stand(world, "FEE_CAP")}, BOTH, now)
    assert (event.change, event.stand.cause) == (Change.RAISED, "FEE_CAP")


def test_each_receiver_gets_each_event_in_order_until_it_took_it(
    world: StoreWorld, notices: StoredNotices
) -> None:
    now = world.clock.now()
    notices.keep({"HELD": stand(world)}, BOTH, now)
    notices.keep({}, BOTH, now)
    first = notices.due("a", now)
    assert first is not None
    assert notices.due("a", now) == first
    notices.taken(first)
    second = notices.due("a", now)
    assert second is not None
    assert second.event.change is Change.RESOLVED
    assert notices.due("b", now) is not None
    assert (notices.waiting("a"), notices.waiting("b")) == (Waiting(1, 0), Waiting(2, 0))


def test_what_was_put_off_is_due_then_and_others_come_before(
    world: StoreWorld, notices: StoredNotices
) -> None:
    now = world.clock.now()
    notices.keep({"HELD": stand(world)}, ["a"], now)
    notices.keep({}, ["a"], now)
    first = notices.due("a", now)
    assert first is not None
    later = now + timedelta(seconds=5)
    notices.put_off(first, later)
    second = notices.due("a", now)
    assert second is not None
    assert second.event.number > first.event.number
    again = notices.due("a", later)
    assert again is not None
    assert (again.event, again.tries) == (first.event, 1)


def test_what_was_given_up_is_counted_and_never_due(
    world: StoreWorld, notices: StoredNotices
) -> None:
    now = world.clock.now()
    notices.keep({"HELD": stand(world)}, ["a"], now)
    notice = notices.due("a", now)
    assert notice is not None
    notices.give_up(notice)
    assert notices.due("a", now + timedelta(days=9)) is None
    assert notices.waiting("a") == Waiting(0, 1)


def test_a_receiver_that_is_gone_and_old_events_are_forgotten_but_for_what_stands(
    world: StoreWorld, notices: StoredNotices
) -> None:
    now = world.clock.now()
    notices.keep({"HELD": stand(world), "DEADLINE": stand(world)}, BOTH, now)
    notices.keep({"DEADLINE": stand(world)}, BOTH, now)
    later = now + timedelta(days=31)
    notices.keep({"DEADLINE": stand(world), "FOREIGN_NONCE": stand(world)}, ["b"], later)
    assert notices.due("a", later) is None
    due = notices.due("b", later)
    assert due is not None
    assert due.event.code == "FOREIGN_NONCE"
    assert set(notices.standing()) == {"DEADLINE", "FOREIGN_NONCE"}


def test_a_crash_anywhere_leaves_the_event_with_its_notices_or_none(
    world: StoreWorld, notices: StoredNotices
) -> None:
    at = 0
    while True:
        places = Places(at, crash)
        crashed = False
        alarms = {f"ALARM_{at}": stand(world)}
        try:
            with watched(world.database, world.folder, places):
                notices.keep(alarms, BOTH, world.clock.now())
        except Crash:
            crashed = True
        notices.keep(alarms, BOTH, world.clock.now())
        told = []
        while (notice := notices.due("a", world.clock.now())) is not None:
            told.append((notice.event.change, notice.event.code))
            notices.taken(notice)
        expected = [(Change.RESOLVED, f"ALARM_{at - 1}")] if at else []
        assert told == [*expected, (Change.RAISED, f"ALARM_{at}")]
        if not crashed:
            break
        at += 1
    assert "after commit" in places.passed
    assert at > 5


def proved(world: StoreWorld, number: int) -> Anchored:
    return Anchored(
        anchor=number,
        first_batch=2 * number,
        size=2 * number + 2,
        root=b"r" * 32,
        chain_id=31337,
        contract=b"c" * 20,
        block=number + 100,
        block_hash=b"b" * 32,
        tx_hash=b"t" * 32,
        anchored_at=world.clock.now().replace(microsecond=0),
    )


def test_an_anchor_is_told_once_and_is_no_alarm(world: StoreWorld, notices: StoredNotices) -> None:
    now, alarms = world.clock.now(), {"HELD": stand(world)}
    notices.keep(alarms, BOTH, now)
    assert notices.newest_anchored() is None
    [event] = notices.keep_anchored([proved(world, 3)], BOTH, now)
    assert (event.change, event.anchored) == (Change.ANCHORED, proved(world, 3).facts)
    assert notices.newest_anchored() == 3
    # As a second worker, which looked before the first had kept it.
    [event] = notices.keep_anchored([proved(world, 3), proved(world, 4)], ["a"], now)
    assert event.anchored == proved(world, 4).facts
    assert notices.standing() == alarms
    assert (notices.waiting("a"), notices.waiting("b")) == (Waiting(3, 0), Waiting(2, 0))
    # It is known again for ever, however long ago it was.
    notices.keep({}, BOTH, now + timedelta(days=400))
    assert notices.newest_anchored() == 4


def test_a_crash_anywhere_leaves_the_anchors_of_one_look_all_told_or_none(
    world: StoreWorld, notices: StoredNotices
) -> None:
    at = 0
    while True:
        places = Places(at, crash)
        crashed = False
        anchored = [proved(world, 2 * at), proved(world, 2 * at + 1)]
        try:
            with watched(world.database, world.folder, places):
                notices.keep_anchored(anchored, BOTH, world.clock.now())
        except Crash:
            crashed = True
        assert notices.newest_anchored() in (2 * at - 1 if at else None, 2 * at + 1)
        notices.keep_anchored(anchored, BOTH, world.clock.now())
        told = []
        while (notice := notices.due("a", world.clock.now())) is not None:
            told.append(notice.event.anchored)
            notices.taken(notice)
        assert told == [one.facts for one in anchored]
        if not crashed:
            break
        at += 1
    assert "after commit" in places.passed
    assert at > 5

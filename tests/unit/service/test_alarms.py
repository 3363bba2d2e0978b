"""Which alarms stand by the store alone: deadlines before and after they break, and a stopped worker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from notary.adapters.audit_file import AuditFile
from notary.adapters.store.anchors import AnchorStore
from notary.adapters.store.intent_rows import INTENTS
from notary.adapters.store.notices import StoredNotices
from notary.adapters.store.timestamps import StoredTokens
from notary.core.audit_state import AuditState, Finding
from notary.core.stamping import LATE
from notary.usecases.alarms import AlarmBoard
from tests.simulators.authority import put_intent
from tests.simulators.store import MAX_DEADLINE_S, StoreWorld, make_world
from tests.unit.store.test_priority import anchor
from verifier.format.times import format_time

PROMISE = timedelta(seconds=MAX_DEADLINE_S)
MOMENT = timedelta(milliseconds=1)


@pytest.fixture
def world(tmp_path: Path, store_uri: str | None) -> Iterator[StoreWorld]:
    world = make_world(tmp_path, uri=store_uri)
    yield world
    world.close()


@pytest.fixture
def board(world: StoreWorld) -> AlarmBoard:
    return AlarmBoard(
        AnchorStore(world.database),
        world.batch_log,
        world.standing,
        StoredNotices(world.database, world.entropy),
        AuditFile(world.data),
        max_deadline=PROMISE,
        receivers=["a", "b"],
        anchor_receivers=["a"],
        token_book=StoredTokens(world.database),
        authorities=["alpha"],
    )


def test_where_nothing_is_promised_nothing_is_due(board: AlarmBoard, world: StoreWorld) -> None:
    assert board.deadline() is None
    assert board.standing(world.clock.now() + 9 * PROMISE) == {}


def test_a_record_that_no_batch_holds_is_late_by_its_receipt(
    board: AlarmBoard, world: StoreWorld
) -> None:
    taken_at = world.clock.now()
    world.take(world.open_matter(), "a")
    deadline = board.deadline()
    assert deadline is not None
    assert abs(deadline - taken_at - PROMISE) < timedelta(milliseconds=2)
    at_risk = deadline - PROMISE / 4
    assert board.standing(at_risk) == {}
    found = board.standing(at_risk + MOMENT)
    assert {code: one.since for code, one in found.items()} == {"DEADLINE_AT_RISK": at_risk}
    assert set(board.standing(deadline)) == {"DEADLINE_AT_RISK"}
    found = board.standing(deadline + MOMENT)
    assert {code: one.since for code, one in found.items()} == {"DEADLINE": deadline}


def test_sealing_keeps_the_deadline_and_an_anchor_ends_it(
    board: AlarmBoard, world: StoreWorld
) -> None:
    matter = world.open_matter()
    world.take(matter, "a")
    first = board.deadline()
    world.clock.advance(60)
    world.seal()
    assert board.deadline() == first
    world.take(matter, "b")
    anchor(world)
    second = board.deadline()
    assert first is not None
    assert second is not None
    assert second - first == timedelta(seconds=60)
    world.seal()
    anchor(world)
    assert board.deadline() is None


def test_an_empty_batch_is_to_be_anchored_too(board: AlarmBoard, world: StoreWorld) -> None:
    sealed = world.seal()
    assert board.deadline() == sealed.header.sealed_at + PROMISE


def test_a_contradiction_is_told_before_the_worker_ends_and_resolved_by_the_next(
    board: AlarmBoard, world: StoreWorld
) -> None:
    notices = StoredNotices(world.database, world.entropy)
    board.look(world.clock.now(), "LOG_FORKED: two histories")
    assert notices.standing()["WORKER_STOPPED"].text == "LOG_FORKED: two histories"
    # Whoever asks meanwhile sees it too.
    assert set(board.standing(world.clock.now())) == {"WORKER_STOPPED"}
    board.look(world.clock.now())
    assert notices.standing() == {}


def test_an_authority_that_owes_a_token_for_an_hour_is_late(
    board: AlarmBoard, world: StoreWorld
) -> None:
    now = world.clock.now().replace(microsecond=0)
    put_intent(world.database, 1, now)
    book = StoredTokens(world.database)
    # beta was configured once.
    assert book.want(("alpha", "beta"), now, now) == 2
    assert board.standing(now + LATE - MOMENT) == {}
    found = board.standing(now + LATE)
    assert {code: one.since for code, one in found.items()} == {"TIMESTAMP_LATE": now + LATE}
    assert found["TIMESTAMP_LATE"].text == "alpha owes tokens since 2026-03-01T08:00:00.000Z"
    wanted = book.due("alpha", now)
    assert wanted is not None
    book.give_up(wanted, "not to be had in time")
    assert board.standing(now + LATE) == {}


def test_a_drift_that_an_audit_found_stands_in_the_file(
    board: AlarmBoard, world: StoreWorld
) -> None:
    since = "2026-01-02T03:04:05.678Z"
    drift = Finding("block 7", True, "another hash")
    state = AuditState(since, 0, False, ["node"], standing=[drift], standing_since=since)
    file = AuditFile(world.data)
    file.keep(state)
    assert file.read() == state
    stand = board.standing(world.clock.now())["AUDIT_DRIFT"]
    assert (stand.text, format_time(stand.since)) == ("block 7: another hash", since)
    file.keep(AuditState(since, 0, False, ["node"], ended_at=since))
    assert "AUDIT_DRIFT" not in board.standing(world.clock.now())


def prove(world: StoreWorld) -> None:
    """Let the newest anchor be proved."""
    with world.database.transaction() as connection:
        connection.execute(update(INTENTS).values(state="PROVED"))


def told(world: StoreWorld, receiver: str) -> list[dict[str, object]]:
    """The anchors that the receiver is told of, each once."""
    notices = StoredNotices(world.database, world.entropy)
    found = []
    while (notice := notices.due(receiver, world.clock.now())) is not None:
        notices.taken(notice)
        if notice.event.anchored is not None:
            found.append(notice.event.anchored)
    return found


def test_each_proved_anchor_is_told_once_with_the_batches_that_came_with_it(
    board: AlarmBoard, world: StoreWorld
) -> None:
    now = world.clock.now()
    board.look(now)
    assert told(world, "a") == []
    world.seal()
    anchor(world)
    # Mined is not proved: a chain may still take it back.
    board.look(now)
    assert told(world, "a") == []
    prove(world)
    board.look(now)
    [first] = told(world, "a")
    assert (first["anchor"], first["first_batch"], first["last_batch"]) == (0, 0, 0)
    board.look(now)
    assert told(world, "a") == []
    for _ in range(3):
        world.seal()
    anchor(world)
    world.seal()
    anchor(world)
    prove(world)
    board.look(now)
    second, third = told(world, "a")
    assert (second["anchor"], second["first_batch"], second["last_batch"]) == (1, 1, 3)
    assert (third["anchor"], third["first_batch"], third["last_batch"]) == (2, 4, 4)
    assert (third["size"], third["block"], third["root"]) == (5, 2, (bytes([5]) * 32).hex())
    # It wants alarms alone.
    assert told(world, "b") == []


def test_of_a_log_that_had_anchors_before_the_newest_is_told(
    board: AlarmBoard, world: StoreWorld
) -> None:
    for _ in range(3):
        world.seal()
        anchor(world)
    prove(world)
    board.look(world.clock.now())
    [only] = told(world, "a")
    assert (only["anchor"], only["first_batch"], only["last_batch"]) == (2, 2, 2)

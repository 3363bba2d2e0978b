"""When a notice is tried, tried again and given up, over a real store and with a receiver of the test's."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from notary.adapters.store.notices import StoredNotices
from notary.errors import NothingHappened
from notary.notice_ports import Change, Stand, Waiting
from notary.usecases.courier import PATIENCE, Courier, pause_after
from tests.simulators.store import StoreWorld, make_world


@dataclass
class Inbox:
    """A receiver that takes what it is given while it is open."""

    name: str = "ops"
    open: bool = True
    got: list[dict[str, str]] = field(default_factory=list)
    asked: int = 0
    gate: threading.Event | None = None

    def secret(self) -> bytes:
        return b"s" * 32

    def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        self.asked += 1
        if self.gate is not None:
            self.gate.wait(30)
        if not self.open:
            raise NothingHappened("WEBHOOK_REFUSED", "it answered 500")
        self.got.append(dict(headers))


@pytest.fixture
def world(tmp_path: Path, store_uri: str | None) -> Iterator[StoreWorld]:
    world = make_world(tmp_path, uri=store_uri)
    yield world
    world.close()


@pytest.fixture
def notices(world: StoreWorld) -> StoredNotices:
    return StoredNotices(world.database, world.entropy)


def courier(world: StoreWorld, notices: StoredNotices, *inboxes: Inbox) -> Courier:
    return Courier(notices, inboxes, "notary.example/log", world.clock, lambda line: None)


def raise_alarm(world: StoreWorld, notices: StoredNotices, *names: str) -> None:
    notices.keep({"HELD": Stand("x", world.clock.now())}, names or ["ops"], world.clock.now())


def test_what_was_taken_is_not_sent_again(world: StoreWorld, notices: StoredNotices) -> None:
    inbox = Inbox()
    raise_alarm(world, notices)
    one = courier(world, notices, inbox)
    assert one.deliver(inbox)
    assert not one.deliver(inbox)
    assert len(inbox.got) == 1


def test_what_fails_is_tried_with_the_same_id_at_growing_pauses_and_given_up_after_a_day(
    world: StoreWorld, notices: StoredNotices
) -> None:
    inbox = Inbox(open=False)
    raise_alarm(world, notices)
    began, one = world.clock.now(), courier(world, notices, inbox)
    while notices.waiting("ops").waiting:
        assert not one.deliver(inbox)
        before = inbox.asked
        # Nothing is due a moment sooner.
        if notices.waiting("ops").waiting:
            pause = pause_after(inbox.asked)
            world.clock.advance((pause - timedelta(milliseconds=2)).total_seconds())
            assert not one.deliver(inbox)
            assert inbox.asked == before
            world.clock.advance(0.002)
    assert notices.waiting("ops") == Waiting(0, 1)
    assert PATIENCE <= world.clock.now() - began < PATIENCE + timedelta(hours=1)
    assert 20 < inbox.asked < 50
    assert [pause_after(n).total_seconds() for n in (1, 2, 3, 10, 11, 5000)] == [
        *(5, 10, 20, 2560, 3600, 3600)
    ]


def test_a_receiver_that_comes_back_gets_everything_with_the_ids_of_the_first_try(
    world: StoreWorld, notices: StoredNotices
) -> None:
    inbox = Inbox(open=False)
    raise_alarm(world, notices)
    due = notices.due("ops", world.clock.now())
    assert due is not None
    one = courier(world, notices, inbox)
    one.deliver(inbox)
    notices.keep({}, ["ops"], world.clock.now())
    inbox.open = True
    world.clock.advance(5)
    while one.deliver(inbox):
        pass
    assert inbox.got[0]["webhook-id"] == due.event.message_id
    assert len({got["webhook-id"] for got in inbox.got}) == len(inbox.got) == 2
    assert due.event.change is Change.RAISED


def test_a_receiver_that_hangs_holds_up_no_other_one(
    world: StoreWorld, notices: StoredNotices
) -> None:
    hung, other = Inbox("hung", gate=threading.Event()), Inbox("other")
    raise_alarm(world, notices, "hung", "other")
    assert hung.gate is not None
    with courier(world, notices, hung, other).at_work():
        end = time.monotonic() + 20
        while not (other.got and hung.asked):
            assert time.monotonic() < end
            time.sleep(0.01)
        assert hung.got == []
        hung.gate.set()
    assert len(hung.got) == 1


def test_at_the_end_what_is_due_is_tried_once_more(
    world: StoreWorld, notices: StoredNotices
) -> None:
    inbox = Inbox()
    with courier(world, notices, inbox).at_work():
        raise_alarm(world, notices)
    assert len(inbox.got) == 1

"""One holder at a time, whatever clocks say; and one that lost the lease writes nothing more."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from notary.adapters.alive import alive, clear, is_gone
from notary.adapters.store import leases as rows
from notary.adapters.store.leases import StoredLeases
from notary.adapters.system import SystemClock
from notary.errors import NothingHappened, OutcomeUnknown
from notary.usecases import lease as leases
from notary.usecases.lease import LEASE_LOST, Lease, Post
from tests.simulators.store import StoreWorld

MINUTE = timedelta(minutes=1)
OVER = timedelta(0)  # a lease that lapses as it is taken


def nobody(_: str) -> bool:
    return False


def everybody(_: str) -> bool:
    return True


@pytest.fixture
def stored(world: StoreWorld) -> StoredLeases:
    return StoredLeases(world.database, world.clock)


def taken(stored: StoredLeases, holder: str, length: timedelta = MINUTE) -> Lease:
    found = stored.take(holder, length, nobody)
    assert found is not None
    return found


def test_a_lease_that_is_held_is_not_to_be_had(stored: StoredLeases) -> None:
    assert taken(stored, "one") == Lease("one", 1)
    assert stored.take("two", MINUTE, nobody) is None
    assert stored.workers().holder == "one"


def test_a_lease_that_lapsed_is_the_next_one_s_with_a_new_epoch(stored: StoredLeases) -> None:
    lost = taken(stored, "one", OVER)
    assert stored.workers().holder is None
    assert taken(stored, "two") == Lease("two", 2)
    with pytest.raises(NothingHappened, match="two works for this log now") as caught:
        stored.renew(lost, MINUTE)
    assert caught.value.code == LEASE_LOST
    # Nor can who lost it give away what is another's.
    stored.give_back(lost)
    assert stored.workers().holder == "two"


def test_a_lapsed_lease_that_nobody_took_can_be_renewed(stored: StoredLeases) -> None:
    mine = taken(stored, "one", OVER)
    stored.renew(mine, MINUTE)
    assert stored.take("two", MINUTE, nobody) is None


def test_a_lease_whose_taking_was_not_answered_is_taken_again(stored: StoredLeases) -> None:
    taken(stored, "one")
    assert taken(stored, "one") == Lease("one", 2)


def test_a_lease_that_is_given_back_is_to_be_had_at_once(stored: StoredLeases) -> None:
    stored.give_back(taken(stored, "one"))
    assert taken(stored, "two").epoch == 2


def test_the_lease_of_a_process_that_is_gone_is_to_be_had_at_once(stored: StoredLeases) -> None:
    taken(stored, "one")
    assert stored.take("two", MINUTE, everybody) == Lease("two", 2)


def test_a_clock_that_was_set_back_costs_no_more_than_a_lease(stored: StoredLeases) -> None:
    """What lies further ahead than any lease was written before the clock went back."""
    taken(stored, "one", timedelta(hours=5))
    assert taken(stored, "two") == Lease("two", 2)


def test_a_clock_that_jumps_ahead_hands_over_and_keeps_the_two_apart(
    sqlite_world: StoreWorld,
) -> None:
    stored = StoredLeases(sqlite_world.database, sqlite_world.clock)
    old = taken(stored, "one")
    sqlite_world.clock.advance(3600)
    new = taken(stored, "two")
    with sqlite_world.database.transaction() as connection:
        rows.require(connection, new)
        with pytest.raises(NothingHappened):
            rows.require(connection, old)


def test_of_many_that_want_it_one_gets_it(world: StoreWorld) -> None:
    stored = StoredLeases(world.database, world.clock)
    got: list[Lease | None] = []
    barrier = threading.Barrier(6)

    def want(name: str) -> None:
        barrier.wait()
        got.append(stored.take(name, MINUTE, nobody))

    threads = [threading.Thread(target=want, args=(str(number),)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [mine] = [one for one in got if one is not None]
    assert stored.workers().holder == mine.holder


def test_whoever_stands_by_is_shown_until_it_leaves_or_is_not_heard_of(
    stored: StoredLeases,
) -> None:
    taken(stored, "one")
    stored.stand_by("two", MINUTE)
    stored.stand_by("two", MINUTE)
    stored.stand_by("three", MINUTE)
    stored.stand_by("four", OVER)
    assert stored.workers() == ("one", ("three", "two"))
    stored.leave("two")
    assert stored.take("three", MINUTE, everybody) is not None
    assert stored.workers() == ("three", ())


def test_a_guarded_store_takes_no_write_of_one_that_lost_the_lease(world: StoreWorld) -> None:
    stored = StoredLeases(world.database, world.clock)
    matter = world.open_matter()
    world.take(matter, "one")
    lost = taken(stored, "one", OVER)
    world.database.guard = partial(rows.require, lease=lost)
    world.seal()
    world.database.guard = None
    taken(stored, "two")
    world.take(matter, "two")
    world.database.guard = partial(rows.require, lease=lost)
    with pytest.raises(NothingHappened) as caught:
        world.seal()
    assert caught.value.code == LEASE_LOST
    with pytest.raises(NothingHappened):
        world.database.check_guard()
    # Reading goes on.
    assert world.batch_log.size() == 1


def test_the_guard_is_asked_in_the_transaction_that_writes(world: StoreWorld) -> None:
    """Taken over between two statements, it could write still: taking waits for the write lock."""
    stored = StoredLeases(world.database, world.clock)
    mine = taken(stored, "one", OVER)
    world.database.guard = partial(rows.require, lease=mine)
    others: list[Lease | None] = []
    with world.database.transaction():
        world.database.guard = None
        taker = threading.Thread(target=lambda: others.append(stored.take("two", MINUTE, nobody)))
        taker.start()
        taker.join(0.5)
        assert taker.is_alive()
    taker.join()
    assert others == [Lease("two", 2)]


CHILD = """
import sys, time
from pathlib import Path
from typing import Any
from notary.adapters.alive import alive
with alive(Path(sys.argv[1]), "child"):
    print("alive", flush=True)
    time.sleep(600)
"""


def test_a_process_that_was_killed_is_known_to_be_gone_and_one_that_lives_is_not(
    tmp_path: Path,
) -> None:
    assert not is_gone(tmp_path, "of another machine")
    with alive(tmp_path, "mine"):
        assert not is_gone(tmp_path, "mine")
    assert not is_gone(tmp_path, "mine")
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "alive\n"
    assert not is_gone(tmp_path, "child")
    child.kill()
    child.wait()
    child.stdout.close()
    assert is_gone(tmp_path, "child")
    # As often as it is asked.
    assert is_gone(tmp_path, "child")
    with alive(tmp_path, "mine"):
        clear(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE_S", 1)
    monkeypatch.setattr(leases, "RENEW_S", 0.2)
    monkeypatch.setattr(leases, "LOOK_S", 0.05)


def post(stored: StoredLeases, name: str, said: list[str]) -> Post:
    return Post(stored, name, nobody, said.append)


@pytest.mark.usefixtures("quick")
def test_a_post_is_renewed_for_as_long_as_it_is_held(world: StoreWorld) -> None:
    stored = StoredLeases(world.database, SystemClock())
    stop, said = threading.Event(), list[str]()
    with post(stored, "one", said).held(stop, wait=True) as mine:
        assert mine == Lease("one", 1)
        with pytest.raises(NothingHappened, match="one is at work") as caught:
            _enter(post(stored, "two", said), stop)
        assert caught.value.code == "WORKER_RUNS"
        stop.wait(2.0)
        assert stored.workers().holder == "one"
    assert stored.workers().holder is None
    assert said == []


def _enter(waiting: Post, stop: threading.Event) -> None:
    with waiting.held(stop, wait=False):
        pass


@pytest.mark.usefixtures("quick")
def test_whoever_stands_by_takes_over_when_the_lease_lapses(world: StoreWorld) -> None:
    stored = StoredLeases(world.database, SystemClock())
    stored.take("killed elsewhere", timedelta(seconds=1), nobody)
    said: list[str] = []
    with post(stored, "two", said).held(threading.Event(), wait=True) as mine:
        assert mine == Lease("two", 2)
    assert said == ["standing by: killed elsewhere is at work", "took over"]


@pytest.mark.usefixtures("quick")
def test_whoever_stands_by_can_be_stopped_and_is_shown_no_more(world: StoreWorld) -> None:
    stored = StoredLeases(world.database, SystemClock())
    stored.take("one", timedelta(seconds=leases.LEASE_S), nobody)
    stop = threading.Event()
    stopper = _when(lambda: bool(stored.workers().standby), stop)
    with post(stored, "two", []).held(stop, wait=True) as mine:
        assert mine is None
    stopper.join()
    assert stored.workers().standby == ()


def _when(condition: Callable[[], bool], stop: threading.Event) -> threading.Thread:
    def wait() -> None:
        while not condition():
            stop.wait(0.02)
        stop.set()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


@dataclass
class Faulty:
    """Leases of a store that can't be reached a few times, or whose commit is not answered."""

    inner: StoredLeases
    faults: list[Exception]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def take(self, *arguments: Any) -> Lease | None:
        found = self.inner.take(*arguments)
        if self.faults:
            raise self.faults.pop(0)
        return found


@pytest.mark.usefixtures("quick")
def test_whoever_stands_by_outlives_a_store_that_is_away_and_says_so_once(
    world: StoreWorld,
) -> None:
    stored = StoredLeases(world.database, SystemClock())
    faults = [NothingHappened("STORE_UNAVAILABLE", "away") for _ in range(3)]
    said: list[str] = []
    waiting = Post(Faulty(stored, [*faults, OutcomeUnknown("X", "y")]), "one", nobody, said.append)
    with waiting.held(threading.Event(), wait=True) as mine:
        assert mine is not None
        assert stored.workers().holder == "one"
    assert said == ["STORE_UNAVAILABLE: away", "X: y"]


@pytest.mark.usefixtures("quick")
def test_a_post_that_was_lost_is_not_taken_back(world: StoreWorld) -> None:
    stored = StoredLeases(world.database, SystemClock())
    said: list[str] = []
    with post(stored, "one", said).held(threading.Event(), wait=True):
        other = stored.take("two", MINUTE, everybody)
        threading.Event().wait(3 * leases.RENEW_S)
    assert said == []
    assert other is not None
    # It did not give away what is another's; what counts is the epoch.
    with world.database.transaction() as connection:
        rows.require(connection, other)

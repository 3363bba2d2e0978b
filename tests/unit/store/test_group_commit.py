"""Submissions that wait together are committed together, each with its own answer."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from pathlib import Path

import pytest

from notary.core.intake import Accepted, Incoming, Outcome, Refused
from notary.core.preparing import Offered
from notary.errors import Contradiction, NotaryError, NothingHappened, OutcomeUnknown
from notary.usecases.commit import GroupCommitter
from tests.simulators.check_store import check_world
from tests.simulators.store import StoreWorld, offer

WAIT_S = 20


class Gate:
    """An acceptor that waits to be let on, and may fail; it notes each call it gets."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, list[str]]] = []
        self.entered = threading.Event()
        self.let_on = threading.Event()
        self.failures: list[Exception] = []
        self.poison: str | None = None

    def take(self, offered: Offered) -> list[Outcome]:
        return self.accept(offered.agency_id, offered.items)

    def accept(self, agency_id: int, items: Sequence[Incoming]) -> list[Outcome]:
        keys = [item.idempotency_key for item in items]
        self.calls.append((agency_id, keys))
        self.entered.set()
        assert self.let_on.wait(WAIT_S)
        if self.failures:
            raise self.failures.pop()
        if self.poison in keys:
            raise Contradiction("LEAF_DIFFERS", "one of them")
        return [Refused(key, "", "") for key in keys]


def items(*keys: str) -> list[Incoming]:
    return [Incoming(bytes(32), "message", {"text": key}, key) for key in keys]


def codes(future: Future[list[Outcome]]) -> list[str]:
    return [one.code for one in future.result(WAIT_S) if isinstance(one, Refused)]


@pytest.fixture
def gate() -> Gate:
    return Gate()


def hold_first(committer: GroupCommitter, gate: Gate) -> Future[list[Outcome]]:
    """Let the writer begin with one submission and stop there, so that others gather."""
    first = committer.submit(1, items("first"))
    assert gate.entered.wait(WAIT_S)
    return first


def test_what_gathers_is_committed_together_in_order(gate: Gate) -> None:
    with GroupCommitter(gate, max_group=4) as committer:
        first = hold_first(committer, gate)
        answers = [
            committer.submit(1, items("a", "b")),
            committer.submit(1, items("c", "d")),
            committer.submit(1, items("e")),
            committer.submit(2, items("f")),
            committer.submit(1, items("g")),
        ]
        gate.let_on.set()
        assert codes(first) == ["first"]
        assert [codes(one) for one in answers] == [["a", "b"], ["c", "d"], ["e"], ["f"], ["g"]]
    assert gate.calls == [
        (1, ["first"]),
        (1, ["a", "b", "c", "d"]),
        # The other agency has its turn before the first one's next group.
        (2, ["f"]),
        (1, ["e", "g"]),
    ]


def test_a_full_queue_refuses_before_anything_happens(gate: Gate) -> None:
    with GroupCommitter(gate, max_waiting=3) as committer:
        hold_first(committer, gate)
        waiting = committer.submit(1, items("a", "b"))
        with pytest.raises(NothingHappened) as caught:
            committer.submit(1, items("c", "d"))
        assert caught.value.code == "BUSY"
        last = committer.submit(1, items("e"))
        gate.let_on.set()
        assert codes(waiting) == ["a", "b"]
        assert codes(last) == ["e"]
        # One submission above the limit is taken when nothing waits: it could never enter
        # otherwise.
        assert codes(committer.submit(1, items(*"123456"))) == list("123456")


def test_an_agency_that_floods_leaves_room_and_turns_to_the_others(gate: Gate) -> None:
    with GroupCommitter(gate, max_waiting=6, max_share=3, max_group=2) as committer:
        hold_first(committer, gate)
        flood = [committer.submit(1, items("a", "b")), committer.submit(1, items("c"))]
        with pytest.raises(NothingHappened) as caught:
            committer.submit(1, items("d"))
        assert caught.value.code == "SHARE_USED"
        other = committer.submit(2, items("x", "y", "z"))
        with pytest.raises(NothingHappened) as caught:
            committer.submit(3, items("p"))
        assert caught.value.code == "BUSY"
        gate.let_on.set()
        assert [codes(one) for one in flood] == [["a", "b"], ["c"]]
        assert codes(other) == ["x", "y", "z"]
    # The other agency came last and waited for one group alone.
    assert gate.calls == [(1, ["first"]), (1, ["a", "b"]), (2, ["x", "y", "z"]), (1, ["c"])]


def test_an_offer_is_a_commit_of_its_own_in_its_turn(gate: Gate) -> None:
    def offered(*keys: str) -> Offered:
        return Offered(1, items(*keys), b"", lambda: ())

    with GroupCommitter(gate) as committer:
        hold_first(committer, gate)
        answers = [
            committer.submit(1, items("a")),
            committer.submit_offered(offered("b", "c")),
            committer.submit_offered(offered("d")),
            committer.submit(1, items("e")),
        ]
        gate.let_on.set()
        assert [codes(one) for one in answers] == [["a"], ["b", "c"], ["d"], ["e"]]
    assert [keys for _, keys in gate.calls] == [["first"], ["a"], ["b", "c"], ["d"], ["e"]]


@pytest.mark.parametrize(
    "error",
    [
        NothingHappened("STORE_UNAVAILABLE", "full"),
        OutcomeUnknown("STORE_COMMIT_FAILED", "who knows"),
        RuntimeError("a bug"),
    ],
)
def test_a_failed_commit_fails_each_and_the_next_goes_on(gate: Gate, error: Exception) -> None:
    with GroupCommitter(gate) as committer:
        first = hold_first(committer, gate)
        second = committer.submit(1, items("a"))
        gate.failures.append(error)
        gate.let_on.set()
        with pytest.raises(type(error)):
            first.result(WAIT_S)
        assert codes(second) == ["a"]


def test_one_poisoned_submission_fails_alone(gate: Gate) -> None:
    gate.poison = "b"
    with GroupCommitter(gate) as committer:
        first = hold_first(committer, gate)
        answers = {key: committer.submit(1, items(key)) for key in "abc"}
        gate.let_on.set()
        assert codes(first) == ["first"]
        assert codes(answers["a"]) == ["a"]
        assert codes(answers["c"]) == ["c"]
        with pytest.raises(Contradiction):
            answers["b"].result(WAIT_S)


def test_closing_finishes_what_waits_and_takes_no_more(gate: Gate) -> None:
    committer = GroupCommitter(gate)
    with pytest.raises(NothingHappened, match="stopping"):
        committer.submit(1, items("too early"))
    committer.start()
    with pytest.raises(NotaryError, match="already running"):
        committer.start()
    hold_first(committer, gate)
    waiting = committer.submit(1, items("a"))
    threading.Timer(0.05, gate.let_on.set).start()
    committer.close()
    assert codes(waiting) == ["a"]
    with pytest.raises(NothingHappened, match="stopping"):
        committer.submit(1, items("too late"))


def test_who_gave_up_in_time_is_left_out(gate: Gate) -> None:
    with GroupCommitter(gate) as committer:
        hold_first(committer, gate)
        given_up, kept = committer.submit(1, items("a")), committer.submit(1, items("b"))
        assert given_up.cancel()
        gate.let_on.set()
        assert codes(kept) == ["b"]
        with pytest.raises(CancelledError):
            given_up.result(WAIT_S)
    assert gate.calls == [(1, ["first"]), (1, ["b"])]


def test_many_callers_of_the_real_store(world: StoreWorld, tmp_path: Path) -> None:
    matters = [world.open_matter(f"{i}") for i in range(4)]
    answers: list[Outcome] = []
    lock = threading.Lock()
    with GroupCommitter(world.acceptor) as committer:

        def call(caller: int) -> None:
            for i in range(25):
                item = offer(matters[(caller + i) % 4], f"{caller}/{i}")
                outcomes = committer.submit(world.agency_id, [item]).result(WAIT_S)
                with lock:
                    answers.extend(outcomes)

        threads = [threading.Thread(target=call, args=(caller,)) for caller in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({one.record_id for one in answers if isinstance(one, Accepted)}) == 200
    assert sum(matter.size for matter in world.register.all(world.agency_id)) == 200
    check_world(world)

"""Records of one turn are submitted together, and everyone hears the answer to its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from api.intake import Intake
from notary.core.intake import Incoming, Outcome, Refused
from notary.core.preparing import Offered
from notary.errors import NothingHappened
from notary.ports import SteppedAcceptor
from notary.usecases.commit import GroupCommitter

FEW = 5  # records that may wait


class Gate:
    """An acceptor that refuses every record with its own key, when it is let."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self.error: Exception | None = None

    def take(self, offered: Offered) -> list[Outcome]:
        return self.accept(offered.agency_id, offered.items)

    def offer_texts(self, agency_id: int, texts: Sequence[bytes]) -> Callable[[], Offered]:
        items = [item(text.decode()) for text in texts]
        return lambda: Offered(agency_id, items, b"", lambda: ())

    def accept(self, agency_id: int, items: Sequence[Incoming]) -> list[Outcome]:
        self.calls.append([item.idempotency_key for item in items])
        self.entered.set()
        assert self.go_on.wait(10)
        if self.error is not None:
            raise self.error
        return [Refused(item.idempotency_key, "", "") for item in items]


def item(key: str) -> Incoming:
    return Incoming(bytes(32), "letter", {"text": "t"}, key)


def run(gate: Gate, work: Any) -> Any:
    async def main() -> Any:
        with GroupCommitter(gate, max_waiting=FEW) as committer:
            # Of an acceptor it needs no more.
            return await work(Intake(cast(SteppedAcceptor, gate), committer))

    return asyncio.run(main())


def test_each_hears_its_own_answer_and_one_turn_is_one_commit() -> None:
    gate = Gate()

    async def work(intake: Intake) -> list[Outcome]:
        return await asyncio.gather(*[intake.take(1, item(key)) for key in "abcd"])

    answers = run(gate, work)
    assert [answer.code for answer in answers] == ["a", "b", "c", "d"]
    assert gate.calls == [["a", "b", "c", "d"]]


def test_what_comes_while_a_commit_runs_is_the_next() -> None:
    gate = Gate()

    async def work(intake: Intake) -> None:
        gate.go_on.clear()
        first = asyncio.ensure_future(intake.take(1, item("a")))
        await asyncio.to_thread(gate.entered.wait, 10)
        later = [asyncio.ensure_future(intake.take(1, item(key))) for key in "bc"]
        await asyncio.sleep(0.01)
        gate.go_on.set()
        await asyncio.gather(first, *later)

    run(gate, work)
    assert gate.calls == [["a"], ["b", "c"]]


def test_one_that_is_told_to_come_later_takes_nothing_from_the_others() -> None:
    gate = Gate()

    async def work(intake: Intake) -> list[Any]:
        taken = [intake.take(1, item(key)) for key in "abcdef"]
        return await asyncio.gather(*taken, return_exceptions=True)

    *taken, busy = run(gate, work)
    assert [answer.code for answer in taken] == list("abcde")
    assert isinstance(busy, NothingHappened)
    assert busy.code == "BUSY"


def test_a_failed_commit_is_heard_by_all() -> None:
    gate = Gate()
    gate.error = NothingHappened("STORE_UNAVAILABLE", "the disk is full")

    async def work(intake: Intake) -> list[Any]:
        taken = [intake.take(1, item(key)) for key in "abc"]
        return await asyncio.gather(*taken, return_exceptions=True)

    assert run(gate, work) == [gate.error] * 3


@pytest.mark.parametrize("begun", [False, True])
def test_who_gives_up_takes_back_what_has_not_begun_and_nothing_else(begun: bool) -> None:
    gate = Gate()

    async def work(intake: Intake) -> Outcome:
        gate.go_on.clear()
        first = asyncio.ensure_future(intake.take(1, item("first")))
        await asyncio.to_thread(gate.entered.wait, 10)
        waiting = [asyncio.ensure_future(intake.take(1, item(key))) for key in "ab"]
        await asyncio.sleep(0.01)
        given_up = first if begun else waiting[0]
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        gate.go_on.set()
        return await waiting[1]

    assert run(gate, work) == Refused("b", "", "")
    assert gate.calls == [["first"], ["a", "b"] if begun else ["b"]]


def test_who_gives_up_in_the_same_turn_is_never_submitted() -> None:
    gate = Gate()

    async def work(intake: Intake) -> Outcome:
        one = asyncio.ensure_future(intake.take(1, item("a")))
        other = asyncio.ensure_future(intake.take(1, item("b")))
        # Runs after both have offered and before anything is submitted.
        asyncio.get_running_loop().call_soon(one.cancel)
        return await other

    assert run(gate, work) == Refused("b", "", "")
    assert gate.calls == [["b"]]

"""Hands records to the writer's thread and brings its answers back, each time all that there are at once.

What requests of one turn of the event loop offer is submitted together, and the answers of one commit wake
the loop once. One by one, the two threads would change places for each record, which took a third of its
time. Many records of one request are offered as a whole, and prepared apart. Test: tests/api/test_intake.py.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial

from starlette.concurrency import run_in_threadpool

from notary.core.intake import Incoming, Outcome
from notary.core.preparing import Offered
from notary.errors import BUSY, SHARE_USED, NothingHappened
from notary.ports import SteppedAcceptor
from notary.usecases.commit import GroupCommitter

ROOM_S = 0.02  # how often who waits for room looks again; a commit takes longer

_Waiting = asyncio.Future[Outcome]


class Intake:
    """The records on their way between one event loop and the writer."""

    def __init__(self, acceptor: SteppedAcceptor, committer: GroupCommitter) -> None:
        self.acceptor = acceptor
        self._committer = committer
        self._loop = asyncio.get_running_loop()
        # Offered in this turn of the loop.
        self._offered: list[tuple[int, Incoming, _Waiting]] = []
        self._lock = threading.Lock()
        # Answered since the loop was last woken.
        self._answered: list[tuple[_Waiting, Future[list[Outcome]]]] = []

    async def take(self, agency_id: int, item: Incoming) -> Outcome:
        """The outcome of one record, after its commit. Raises as `GroupCommitter.submit` and its answer.

        Who gives up waiting takes the record back, if its commit has not begun.
        """
        waiting: _Waiting = self._loop.create_future()
        if not self._offered:
            self._loop.call_soon(self._submit)
        self._offered.append((agency_id, item, waiting))
        return await waiting

    async def take_texts(self, agency_id: int, texts: Sequence[bytes]) -> list[Outcome]:
        """The outcomes of records in JSON, after their commit. Raises as `take`."""
        offered = await run_in_threadpool(self.acceptor.offer_texts(agency_id, texts))
        return await self.submit(offered)

    def submit(self, offered: Offered) -> asyncio.Future[list[Outcome]]:
        """Queue an offer that is prepared. Raises as `GroupCommitter.submit_offered`, at once."""
        return asyncio.wrap_future(self._committer.submit_offered(offered))

    async def submit_when_room(self, offered: Offered) -> asyncio.Future[list[Outcome]]:
        """The same, but wait for room. Raises NothingHappened CLOSED."""
        while True:
            try:
                return self.submit(offered)
            except NothingHappened as error:
                if error.code not in (BUSY, SHARE_USED):
                    raise
            await asyncio.sleep(ROOM_S)

    def _submit(self) -> None:
        offered, self._offered = self._offered, []
        for agency_id, item, waiting in offered:
            if waiting.done():
                continue
            try:
                future = self._committer.submit(agency_id, [item])
            except NothingHappened as error:
                waiting.set_exception(error)
                continue
            waiting.add_done_callback(partial(_take_back, future))
            future.add_done_callback(partial(self._bring, waiting))

    def _bring(self, waiting: _Waiting, done: Future[list[Outcome]]) -> None:
        """Called by whichever thread completes the future."""
        with self._lock:
            self._answered.append((waiting, done))
            first = len(self._answered) == 1
        if first:
            self._loop.call_soon_threadsafe(self._hand_out)

    def _hand_out(self) -> None:
        with self._lock:
            answered, self._answered = self._answered, []
        for waiting, done in answered:
            # Whoever gave up hears nothing; a future is cancelled by nobody else.
            if waiting.done():
                continue
            error = done.exception()
            if error is None:
                [outcome] = done.result()
                waiting.set_result(outcome)
            else:
                waiting.set_exception(error)


def _take_back(future: Future[list[Outcome]], _: _Waiting) -> None:
    """Without effect once the commit has begun."""
    future.cancel()

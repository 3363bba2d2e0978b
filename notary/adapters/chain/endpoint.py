"""One endpoint among several: a thread that asks it, and what it is taken for.

Owns the conditions of docs/spec/sender.md §10, with their rests. Who is asked what, and how answers become
one, is `compared`. Test: tests/scenarios/anchor/test_endpoints.py.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import Any, TypeVar

from notary.adapters.chain.web3_chain import Web3Chain
from notary.chain_ports import Condition, EndpointState
from notary.core.moments import has_passed

T = TypeVar("T")
Job = tuple["Future[Any]", Callable[[Web3Chain], Any], Web3Chain]

# The first rest and the longest one. A node that is away may be back at once; one that lied lies again.
AWAY_REST = (timedelta(seconds=5), timedelta(minutes=5))
LIE_REST = (timedelta(minutes=1), timedelta(hours=1))
MAX_DOUBLINGS = 10  # by then every rest is the longest one
MAX_DIFFERENCES = 100  # numbers at which one is remembered to differ; a step compares a few
SETTLE = timedelta(
    minutes=2
)  # ten blocks of mainnet: no honest node stays on another branch so long


class Endpoint:
    """One endpoint. Its calls run one after another in a thread of their own.

    The thread is a daemon: a call that never ends keeps nobody from going on, nor the process from ending.
    """

    def __init__(self, chain: Web3Chain, now: datetime) -> None:
        self.chain = chain
        self.state = EndpointState(chain.host, Condition.OK, now)
        self._rest_until = now
        self._rests = 0
        self._differs: dict[int, datetime] = {}
        self._running: Future[Any] | None = None
        self._probing: Future[Any] | None = None
        self._jobs: SimpleQueue[Job | None] | None = None

    @property
    def host(self) -> str:
        """Its name to people."""
        return self.state.host

    @property
    def condition(self) -> Condition:
        """What it is taken for."""
        return self.state.condition

    def start(self, call: Callable[[Web3Chain], T]) -> Future[T] | None:
        """Begin a call; None while an earlier one has not ended."""
        if self._running is not None and not self._running.done():
            return None
        if self._jobs is None:
            self._jobs = SimpleQueue()
            threading.Thread(target=_serve, args=(self._jobs,), daemon=True).start()
            weakref.finalize(self, self._jobs.put, None)
        future: Future[T] = Future()
        self._running = future
        self._jobs.put((future, call, self.chain))
        return future

    # What it is taken for.

    def resting(self, now: datetime) -> bool:
        """Whether its rest is not over."""
        return now < self._rest_until

    def recover(self, now: datetime) -> None:
        """It is as it should be."""
        self._differs.clear()
        if self.condition is not Condition.OK:
            self.state = EndpointState(self.host, Condition.OK, now)

    def leave_out(self, condition: Condition, now: datetime, text: str) -> None:
        """It is AWAY or LYING: let it rest, longer each time that it comes back in vain."""
        if self.condition is Condition.LYING and condition is Condition.AWAY:
            # Who hangs up is not believed again for that.
            condition, text = Condition.LYING, self.state.text
        first, longest = AWAY_REST if condition is Condition.AWAY else LIE_REST
        was_well = self.condition is Condition.OK and has_passed(longest, self.state.since, now)
        self._rests = 1 if was_well else min(self._rests + 1, MAX_DOUBLINGS)
        self._rest_until = now + min(longest, first * 2 ** (self._rests - 1))
        since = self.state.since if self.condition is condition else now
        named = text if self.host in text else f"{self.host}: {text}"
        self.state = EndpointState(self.host, condition, since, 0, named)

    def lag(self, behind: int, now: datetime) -> None:
        """It is that many blocks behind the others."""
        since = self.state.since if self.condition is Condition.LAGGING else now
        text = f"{self.host} is {behind} blocks behind"
        self.state = EndpointState(self.host, Condition.LAGGING, since, behind, text)

    def differ(self, number: int, now: datetime, *, final: bool, text: str) -> None:
        """It has another block there than the majority: LYING, if that is final or goes on for too long."""
        since = self._differs.setdefault(number, now)
        if final or has_passed(SETTLE, since, now):
            self.leave_out(Condition.LYING, now, text)
        elif len(self._differs) > MAX_DIFFERENCES:
            del self._differs[min(self._differs)]

    def agree(self, number: int) -> None:
        """It has the majority's block there."""
        self._differs.pop(number, None)

    def probe(self, now: datetime) -> None:
        """If it is AWAY and rested, ask it something that nobody waits for, and look at the answer later."""
        if self.condition is not Condition.AWAY:
            return
        probing, self._probing = self._probing, None
        if probing is not None and probing.done():
            error = probing.exception()
            if error is None:
                self.recover(now)
            else:
                self.leave_out(Condition.AWAY, now, str(error))
        elif probing is not None:
            self._probing = probing
        elif not self.resting(now):
            self._probing = self.start(lambda chain: chain.latest())


def _serve(jobs: SimpleQueue[Job | None]) -> None:
    # Knows the queue alone, so that an endpoint that nobody holds any more ends its thread.
    while (job := jobs.get()) is not None:
        future, call, chain = job
        try:
            future.set_result(call(chain))
        # Whatever it is, it is raised where the answer is waited for.
        except BaseException as error:  # noqa: BLE001
            future.set_exception(error)
        del job, future, call, chain

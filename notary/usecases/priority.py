"""The lane of priority: records that can't wait for the cadence are sealed and anchored at once.

Spec: docs/spec/sender.md §9. What keeps a client from spending the log's money is here too.
Tests: tests/unit/store/test_priority.py, and of that name in tests/scenarios/anchor and service.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from notary.chain_ports import IntentBook
from notary.core.budget import DAY, committed
from notary.core.moments import has_passed
from verifier.format import times


class Place(StrEnum):
    """How far a request is, in the words that clients see."""

    DONE = "anchored"
    ON_ITS_WAY = "sealed, on its way to the chain"
    NEXT = "sealed next"
    RATE = "waits: the newest batch is too young"
    BUDGET = "waits: half of the day's budget is committed"


@dataclass(frozen=True)
class Priority:
    """A request's place, since when it stands, and before when no batch is sealed early for it."""

    place: Place
    asked_at: datetime | None = None
    not_before: datetime | None = None

    def shown(self) -> dict[str, str | None]:
        """The same in the words that commands, HTTP and status give."""
        return {
            "state": str(self.place),
            "asked_at": None if self.asked_at is None else times.format_time(self.asked_at),
            "not_before": None if self.not_before is None else times.format_time(self.not_before),
        }


@dataclass(frozen=True)
class Asked:
    """A request that the chain does not hold yet. `unsealed`: no batch holds it either."""

    asked_at: datetime
    unsealed: bool
    last_sealed_at: datetime | None


class Requests(Protocol):
    """The request of one log, which outlives a crash. `anchored` is how many batches the chain holds."""

    def ask(self, now: datetime, anchored: int) -> Asked | None:
        """Ask for every record that is acknowledged by now; None if the chain holds all of them.

        Durable when this returns. A request that is still open is extended and keeps its time.
        """
        ...

    def asked(self, anchored: int) -> Asked | None:
        """The request that is open then; None if there is none."""
        ...


class PriorityLane:
    """Requests of one log. Implements notary.chain_ports.Hurry."""

    def __init__(
        self,
        requests: Requests,
        book: IntentBook,
        *,
        every: timedelta,
        spend_per_day: int | None,
    ) -> None:
        self._requests = requests
        self._book = book
        self._every = every
        self._spend_per_day = spend_per_day

    def ask(self, now: datetime) -> Priority:
        """Ask that all records acknowledged by now be anchored at once. Durable when this returns."""
        return self._place(self._requests.ask(now, self._book.anchored()), now)

    def place(self, now: datetime) -> Priority:
        """How far the newest request is."""
        return self._place(self._requests.asked(self._book.anchored()), now)

    def due(self, now: datetime) -> bool:
        """Whether a batch is to be sealed now, before cadence and size ask for one."""
        return self.place(now).place is Place.NEXT

    def hurried(self) -> bool:
        """Whether an open request waits for the chain."""
        return self._requests.asked(self._book.anchored()) is not None

    def _place(self, asked: Asked | None, now: datetime) -> Priority:
        if asked is None:
            return Priority(Place.DONE)
        if not asked.unsealed:
            return Priority(Place.ON_ITS_WAY, asked.asked_at)
        last = asked.last_sealed_at
        if last is not None and not has_passed(self._every, last, now):
            return Priority(Place.RATE, asked.asked_at, last + self._every)
        if self._half_is_gone(now):
            return Priority(Place.BUDGET, asked.asked_at)
        return Priority(Place.NEXT, asked.asked_at)

    def _half_is_gone(self, now: datetime) -> bool:
        # The other half is for the batches of the cadence, so that receipts are kept whoever asks.
        if self._spend_per_day is None:
            return False
        paid = sum(self._book.costs_since(now - DAY)) + committed(self._book.open_intents())
        return 2 * paid >= self._spend_per_day

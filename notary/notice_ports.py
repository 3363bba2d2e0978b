"""Ports for alarms that come and go, and for telling receivers of it. The docstrings are the contracts.

Test: tests/unit/store/test_notices.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from notary.ports import Entropy

ID_BYTES = 16  # of a message id: it never repeats, in no log


class Change(StrEnum):
    """What happened to an alarm."""

    RAISED = "alarm_raised"
    RESOLVED = "alarm_resolved"


@dataclass(frozen=True)
class Stand:
    """An alarm that stands: the text for people, since when, and why an anchor is held."""

    text: str
    since: datetime
    cause: str | None = None


@dataclass(frozen=True)
class AlarmEvent:
    """A change of an alarm. `number` grows with time; `message_id` is the receivers' to know it again."""

    number: int
    message_id: str
    change: Change
    code: str
    stand: Stand
    seen_at: datetime


@dataclass(frozen=True)
class Notice:
    """An event on its way to one receiver."""

    event: AlarmEvent
    receiver: str
    tries: int


@dataclass(frozen=True)
class Waiting:
    """Of one receiver: how many notices it has not taken, and how many of those are given up."""

    waiting: int
    given_up: int


def new_message_id(entropy: Entropy) -> str:
    """An id by which receivers know a message again."""
    return "msg_" + entropy.token(ID_BYTES).hex()


class NoticeBook(Protocol):
    """Alarms as they came and went, and what of that each receiver has not taken. All of it is durable."""

    def keep(
        self, standing: Mapping[str, Stand], receivers: Sequence[str], now: datetime
    ) -> list[AlarmEvent]:
        """Store what changed since the last time, with a notice for each receiver; return it."""
        ...

    def standing(self) -> dict[str, Stand]:
        """The alarms that stood at the last look."""
        ...

    def due(self, receiver: str, now: datetime) -> Notice | None:
        """The oldest notice that the receiver is to be given now."""
        ...

    def taken(self, notice: Notice) -> None:
        """The receiver has it."""
        ...

    def put_off(self, notice: Notice, until: datetime) -> None:
        """The receiver did not take it; it is tried again then."""
        ...

    def give_up(self, notice: Notice) -> None:
        """The receiver did not take it for so long that it is not tried any more."""
        ...

"""Ports for alarms that come and go, for anchors that are proved, and for telling receivers of both.

The docstrings are the contracts.
Test: tests/unit/store/test_notices.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from notary.ports import Entropy
from verifier.format import times

ID_BYTES = 16  # of a message id: it never repeats, in no log


class Change(StrEnum):
    """What happened, to an alarm or to batches."""

    RAISED = "alarm_raised"
    RESOLVED = "alarm_resolved"
    ANCHORED = "batch_anchored"


@dataclass(frozen=True)
class Stand:
    """An alarm that stands: the text for people, since when, and why an anchor is held."""

    text: str
    since: datetime
    cause: str | None = None


@dataclass(frozen=True)
class Anchored:
    """A proved anchor, as receivers are told of it: batches `first_batch` to `size` − 1 came on chain."""

    anchor: int
    first_batch: int
    size: int
    root: bytes
    chain_id: int
    contract: bytes
    block: int
    block_hash: bytes
    tx_hash: bytes
    anchored_at: datetime

    @property
    def facts(self) -> dict[str, object]:
        """The members of a message."""
        return {
            "anchor": self.anchor,
            "first_batch": self.first_batch,
            "last_batch": self.size - 1,
            "size": self.size,
            "root": self.root.hex(),
            "chain_id": self.chain_id,
            "contract": "0x" + self.contract.hex(),
            "block": self.block,
            "block_hash": "0x" + self.block_hash.hex(),
            "tx": "0x" + self.tx_hash.hex(),
            "time": times.format_time(self.anchored_at),
        }


@dataclass(frozen=True)
class Event:
    """What happened. `number` grows with time; `message_id` is the receivers' to know it again."""

    number: int
    message_id: str
    change: Change
    code: str
    stand: Stand
    seen_at: datetime

    @property
    def anchored(self) -> dict[str, object] | None:
        """What a message says of an anchor; None of an alarm."""
        return json.loads(self.stand.text) if self.change is Change.ANCHORED else None


@dataclass(frozen=True)
class Notice:
    """An event on its way to one receiver."""

    event: Event
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
    """Alarms as they came and went, anchors as they were proved, and what of that each receiver has not
    taken. All of it is durable.
    """

    def keep(
        self, standing: Mapping[str, Stand], receivers: Sequence[str], now: datetime
    ) -> list[Event]:
        """Store what changed since the last time, with a notice for each receiver; return it."""
        ...

    def newest_anchored(self) -> int | None:
        """The number of the newest anchor that is kept here."""
        ...

    def keep_anchored(
        self, anchored: Iterable[Anchored], receivers: Sequence[str], now: datetime
    ) -> list[Event]:
        """Store those anchors that are not kept yet, with a notice of each for each receiver; return them.

        Wants them ascending, from the one after `newest_anchored` on without a gap.
        """
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

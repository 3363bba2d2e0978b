"""How the sender stands, for people: what is anchored, what is live or held, how old the oldest wait is.

Spec: docs/spec/sender.md §7. Test: tests/scenarios/anchor/test_sender.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from notary.chain_ports import Alarm, Chain, ChainAway, ChainContradiction, IntentBook
from notary.core.intent import Cause, Intent
from notary.ports import BatchLog
from notary.usecases.anchor_fate import block_of


@dataclass(frozen=True)
class AnchorStatus:
    """The sender as a person wants to see it. `lag` is the age of the oldest unanchored batch."""

    sealed: int
    anchored: int
    proved: int
    live: Intent | None
    held: Cause | None
    last_anchor_at: datetime | None
    lag: timedelta
    balance: int | None
    as_of_block: int | None
    as_of_time: datetime | None
    alarms: Mapping[str, Alarm]


def read_status(log: BatchLog, book: IntentBook, chain: Chain, now: datetime) -> AnchorStatus:
    """How things stand. Asks the chain for the balance alone, and does without if it is away."""
    sealed = log.size()
    newest, as_of = book.newest_on_chain(), book.newest_released()
    live = next((intent for intent in book.open_intents() if intent.live), None)
    anchored = book.anchored()
    lag = timedelta()
    if sealed > anchored:
        lag = max(lag, now - log.batch(anchored).header.sealed_at)
    try:
        balance = chain.balance()
    except (ChainAway, ChainContradiction):
        balance = None
    last = None if newest is None else datetime.fromtimestamp(block_of(newest).time, UTC)
    return AnchorStatus(
        sealed=sealed,
        anchored=anchored,
        proved=book.proved_count(),
        live=live,
        held=None if live is None else live.cause,
        last_anchor_at=last,
        lag=lag,
        balance=balance,
        as_of_block=None if as_of is None else as_of.as_of.block_number,
        as_of_time=None if as_of is None else datetime.fromtimestamp(as_of.as_of.block_time, UTC),
        alarms=book.alarms(),
    )

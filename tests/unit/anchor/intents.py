"""Intents in every state, and for each the events that it can take."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from notary.core.intent import (
    TRANSITIONS,
    Attempt,
    BlockRef,
    Bump,
    Cause,
    Event,
    Final,
    Gap,
    Hold,
    Included,
    Intent,
    NonceFree,
    NonceUsed,
    NotThere,
    OwnReverted,
    Proved,
    Reserve,
    Resume,
    Sent,
    Settled,
    Sign,
    Stale,
    State,
    Vanished,
)

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SENT = Attempt(b"\x01" * 32, b"raw 1", 50_000, 8_000, 800, NOW)
UNSENT = Attempt(b"\x02" * 32, b"raw 2", 50_000, 9_000, 900)
FOREIGN = Attempt(b"\x03" * 32, b"raw 3", 50_000, 1, 1, NOW)
BLOCK = BlockRef(7, b"\x07" * 32, 1_700_000_000)
LATER_BLOCK = BlockRef(8, b"\x08" * 32, 1_700_000_012)
BASE = Intent(1, 3, State.SEALED, 31337, b"c" * 20, b"l" * 20, 5, b"\x05" * 32)


def _intent(state: State, **members: object) -> Intent:
    values: dict[str, object] = {}
    if state is not State.SEALED:
        values |= {"nonce": 4, "prev": b"\x04" * 32}
    if state not in (State.SEALED, State.RESERVED):
        values |= {"attempts": (SENT,)}
    if state in (State.MINED, State.FINAL, State.PROVED):
        values |= {"block": BLOCK, "tx_hash": SENT.hash, "number": 2}
    if state in (State.SUPERSEDED, State.FOREIGN_NONCE):
        values |= {"block": BLOCK}
    return replace(BASE, state=state, **(values | members))  # type: ignore[arg-type]


HOLDABLE = (State.SEALED, State.RESERVED, State.SIGNED, State.BROADCAST, State.CHECK_HEAD)

INTENTS: list[Intent] = [
    *(_intent(state) for state in State if state not in (State.HELD, State.SIGNED)),
    _intent(State.SIGNED, attempts=(UNSENT,)),
    _intent(State.BROADCAST, attempts=(SENT, UNSENT)),
    _intent(State.CHECK_HEAD, attempts=()),
    *(
        _intent(State.HELD, cause=cause, resume=state)
        for state in HOLDABLE
        for cause in (Cause.FUNDS, Cause.ENDPOINT)
    ),
]

EVENTS: list[Event] = [
    Reserve(5, b"\x05" * 32, 4, b"\x04" * 32),
    Reserve(6, b"\x06" * 32, 4, b"\x04" * 32),
    Sign(UNSENT),
    Sent(NOW),
    Bump(UNSENT),
    Included(LATER_BLOCK, SENT.hash, 2, 9),
    Included(LATER_BLOCK, UNSENT.hash, 2, 9),
    Included(LATER_BLOCK, FOREIGN.hash, 2, 9, FOREIGN),
    NonceUsed(),
    NonceFree(),
    Stale(),
    Gap(),
    OwnReverted(LATER_BLOCK, 9),
    NotThere(BLOCK),
    Vanished(),
    Final(),
    Proved(),
    Settled(),
    *(Hold(cause) for cause in Cause),
    Resume(),
]


def events_for(intent: Intent) -> list[Event]:
    """The events that the intent can take, by the rules of its content too."""
    newest = intent.attempts[-1] if intent.attempts else None
    hashes = {attempt.hash for attempt in intent.attempts}

    def fits(event: Event) -> bool:
        if (intent.state, type(event)) not in TRANSITIONS:
            return False
        match event:
            case Sent():
                return newest is not None and newest.first_sent_at is None
            case Bump():
                return newest is not None and newest.first_sent_at is not None
            case Included(tx_hash=tx_hash, adopted=adopted):
                return tx_hash in hashes or adopted is not None
            case NonceFree() | OwnReverted():
                return bool(intent.attempts)
            case Stale():
                return not intent.attempts
            case Hold(cause):
                return cause is not intent.cause
            case _:
                return True

    return [event for event in EVENTS if fits(event)]

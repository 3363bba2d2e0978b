"""The states of an anchor intent: state × event → state, and nothing else.

Spec: docs/spec/sender.md §2 to §4, whose tables are compared with this module by
tests/unit/anchor/test_spec_table.py. The machine is attacked by tests/unit/anchor/test_intent.py.
It does no I/O and knows no clock: who looks at the chain and who sends is notary.usecases.anchor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final as Fixed

from notary.errors import Contradiction
from verifier.format.digests import Digest
from verifier.format.fold import Link, fold

# The smallest raise of both fees that every node takes as a replacement is 10 %; 12.5 % is what the
# largest block builders ask for. Kept as a fraction so that no float comes near an amount.
BUMP_NUMERATOR: Fixed = 9
BUMP_DENOMINATOR: Fixed = 8


class State(StrEnum):
    """docs/spec/sender.md §2."""

    SEALED = "SEALED"
    RESERVED = "RESERVED"
    SIGNED = "SIGNED"
    BROADCAST = "BROADCAST"
    CHECK_HEAD = "CHECK_HEAD"
    MINED = "MINED"
    FINAL = "FINAL"
    PROVED = "PROVED"
    HELD = "HELD"
    SUPERSEDED = "SUPERSEDED"
    FOREIGN_NONCE = "FOREIGN_NONCE"


class Effect(StrEnum):
    """What the sender does in a state. It follows from the state alone: a restart does the same."""

    RESERVE = "RESERVE"
    SIGN = "SIGN"
    SEND = "SEND"
    FOLLOW = "FOLLOW"
    READ_HEAD = "READ_HEAD"
    WATCH_BLOCK = "WATCH_BLOCK"
    PROVE = "PROVE"
    NONE = "NONE"
    LOOK_AGAIN = "LOOK_AGAIN"
    WATCH_NONCE = "WATCH_NONCE"


class Cause(StrEnum):
    """Why an intent is HELD. docs/spec/sender.md §5."""

    WRONG_CHAIN_ID = "WRONG_CHAIN_ID"
    WRONG_GENESIS = "WRONG_GENESIS"
    WRONG_CODE = "WRONG_CODE"
    FINALITY_BROKEN = "FINALITY_BROKEN"
    HEAD_UNKNOWN = "HEAD_UNKNOWN"
    STORE_BEHIND_CHAIN = "STORE_BEHIND_CHAIN"
    ENDPOINT = "ENDPOINT"
    ENDPOINT_AWAY = "ENDPOINT_AWAY"
    FUNDS = "FUNDS"
    FEE_CAP = "FEE_CAP"
    BUDGET = "BUDGET"
    REVERTS = "REVERTS"
    NONCE_GAP = "NONCE_GAP"


EFFECTS: Fixed[Mapping[State, Effect]] = {
    State.SEALED: Effect.RESERVE,
    State.RESERVED: Effect.SIGN,
    State.SIGNED: Effect.SEND,
    State.BROADCAST: Effect.FOLLOW,
    State.CHECK_HEAD: Effect.READ_HEAD,
    State.MINED: Effect.WATCH_BLOCK,
    State.FINAL: Effect.PROVE,
    State.PROVED: Effect.NONE,
    State.HELD: Effect.LOOK_AGAIN,
    State.SUPERSEDED: Effect.WATCH_NONCE,
    State.FOREIGN_NONCE: Effect.WATCH_NONCE,
}

# docs/spec/sender.md §1 rule 3. While one of these is there, no new intent is made.
LIVE: Fixed = frozenset(
    {
        State.SEALED,
        State.RESERVED,
        State.SIGNED,
        State.BROADCAST,
        State.CHECK_HEAD,
        State.HELD,
    }
)
# The chain holds this intent's link.
ON_CHAIN: Fixed = frozenset({State.MINED, State.FINAL, State.PROVED})


@dataclass(frozen=True)
class Attempt:
    """One signed transaction of an intent. Fees are wei per gas.

    `first_sent_at` is local time, None until a send may have reached a node.
    """

    hash: bytes
    raw: bytes
    gas_limit: int
    max_fee: int
    priority_fee: int
    first_sent_at: datetime | None = None


@dataclass(frozen=True)
class BlockRef:
    """A block by number and hash, with the time that it states."""

    number: int
    hash: bytes
    time: int


@dataclass(frozen=True)
class Intent:
    """The wish to have one checkpoint on chain, and how far it got.

    `block` is where the nonce was seen consumed; `tx_hash` is the transaction whose event is ours,
    and `number` counts the anchors before it: both only while the chain holds the link. `version`
    grows by one with each stored transition, so that two senders can't both make the next one.
    """

    id: int
    version: int
    state: State
    chain_id: int
    contract: bytes
    log_address: bytes
    size: int
    root: bytes
    nonce: int | None = None
    prev: bytes | None = None
    attempts: tuple[Attempt, ...] = ()
    block: BlockRef | None = None
    tx_hash: bytes | None = None
    number: int | None = None
    cause: Cause | None = None
    resume: State | None = None
    closed: bool = False

    @property
    def effective(self) -> State:
        """The state that a held intent goes on in; the state itself of any other."""
        return self.resume if self.resume is not None else self.state

    @property
    def live(self) -> bool:
        """Whether no new intent may be made beside this one."""
        return self.state in LIVE

    @property
    def open(self) -> bool:
        """Whether the chain may still change what is known of this intent."""
        return self.state is not State.PROVED and not self.closed

    @property
    def link(self) -> Link:
        """The fold link that the chain holds. Requires a state of ON_CHAIN."""
        if self.state not in ON_CHAIN or self.block is None:
            raise _impossible(self, "has no link: the chain is not known to hold it")
        return Link(root=Digest(self.root), size=self.size, time=self.block.time)

    @property
    def head(self) -> bytes:
        """The contract's head after this anchor. Requires a state of ON_CHAIN."""
        link = self.link
        if self.prev is None:
            raise _impossible(self, "has no prev head")
        return fold(Digest(self.prev), link)


@dataclass(frozen=True)
class Reserve:
    """Pin nonce and prev, and take every batch that is sealed by now.

    `on_chain`: they are those of an anchor that the chain holds already (docs/spec/sender.md §1
    rule 10). It may cover less than the intent was to; the next intent covers the rest.
    """

    size: int
    root: bytes
    nonce: int
    prev: bytes
    on_chain: bool = False


@dataclass(frozen=True)
class Sign:
    """The first attempt is signed."""

    attempt: Attempt


@dataclass(frozen=True)
class Sent:
    """A send of the newest attempt may have reached the node."""

    at: datetime


@dataclass(frozen=True)
class Bump:
    """A further attempt is signed, with both fees raised."""

    attempt: Attempt


@dataclass(frozen=True)
class Included:
    """The chain holds our event, put there by `tx_hash` in `block` as anchor `number`, for `cost` wei.

    `adopted` is the transaction itself where it is none of the known attempts.
    """

    block: BlockRef
    tx_hash: bytes
    number: int
    cost: int
    adopted: Attempt | None = None


@dataclass(frozen=True)
class NonceUsed:
    """The nonce is consumed, not by a success that is known."""


@dataclass(frozen=True)
class NonceFree:
    """The nonce is not consumed any more."""


@dataclass(frozen=True)
class Stale:
    """Nothing was signed, and the chain is not as it was: the reservation does not fit it any more, or
    another intent has turned out to cover every batch.
    """


@dataclass(frozen=True)
class Gap:
    """The nonce lies above the account's count, and nothing of ours fills what is between."""


@dataclass(frozen=True)
class OwnReverted:
    """A transaction of ours with this nonce failed in `block`, for `cost` wei; our root is not in the log."""

    block: BlockRef
    cost: int


@dataclass(frozen=True)
class NotThere:
    """A foreign transaction consumed the nonce, seen at `block`; our root is not in the log."""

    block: BlockRef


@dataclass(frozen=True)
class Vanished:
    """The block is not on the chain any more."""


@dataclass(frozen=True)
class Final:
    """The block is finalized."""


@dataclass(frozen=True)
class Proved:
    """The stand-alone verifier accepted the chain proof."""


@dataclass(frozen=True)
class Settled:
    """The block in which the nonce was consumed is finalized."""


@dataclass(frozen=True)
class Hold:
    """Something stands in the way."""

    cause: Cause


@dataclass(frozen=True)
class Resume:
    """The cause is gone."""


Event = (
    Reserve
    | Sign
    | Sent
    | Bump
    | Included
    | NonceUsed
    | NonceFree
    | Stale
    | Gap
    | OwnReverted
    | NotThere
    | Vanished
    | Final
    | Proved
    | Settled
    | Hold
    | Resume
)

# Names as in the spec.
EVENT_NAMES: Fixed[Mapping[type[Event], str]] = {
    Reserve: "reserve",
    Sign: "sign",
    Sent: "sent",
    Bump: "bump",
    Included: "included",
    NonceUsed: "nonce_used",
    NonceFree: "nonce_free",
    Stale: "stale",
    Gap: "gap",
    OwnReverted: "own_reverted",
    NotThere: "not_there",
    Vanished: "vanished",
    Final: "final",
    Proved: "proved",
    Settled: "settled",
    Hold: "hold",
    Resume: "resume",
}

_S = State
# The next state. None stands for "the state that the intent was held in".
TRANSITIONS: Fixed[Mapping[tuple[State, type[Event]], State | None]] = {
    (_S.SEALED, Reserve): _S.RESERVED,
    (_S.SEALED, Stale): _S.SUPERSEDED,
    (_S.RESERVED, Sign): _S.SIGNED,
    (_S.RESERVED, Stale): _S.SUPERSEDED,
    (_S.RESERVED, NonceUsed): _S.CHECK_HEAD,
    (_S.SIGNED, Sent): _S.BROADCAST,
    (_S.SIGNED, Included): _S.MINED,
    (_S.SIGNED, NonceUsed): _S.CHECK_HEAD,
    (_S.BROADCAST, Sent): _S.BROADCAST,
    (_S.BROADCAST, Bump): _S.BROADCAST,
    (_S.BROADCAST, Included): _S.MINED,
    (_S.BROADCAST, NonceUsed): _S.CHECK_HEAD,
    (_S.BROADCAST, Gap): _S.SUPERSEDED,
    (_S.CHECK_HEAD, Included): _S.MINED,
    (_S.CHECK_HEAD, OwnReverted): _S.SUPERSEDED,
    (_S.CHECK_HEAD, NotThere): _S.FOREIGN_NONCE,
    (_S.CHECK_HEAD, NonceFree): _S.BROADCAST,
    (_S.CHECK_HEAD, Stale): _S.SUPERSEDED,
    (_S.MINED, Vanished): _S.BROADCAST,
    (_S.MINED, Final): _S.FINAL,
    (_S.FINAL, Proved): _S.PROVED,
    (_S.SUPERSEDED, Vanished): _S.CHECK_HEAD,
    (_S.SUPERSEDED, Settled): _S.SUPERSEDED,
    (_S.FOREIGN_NONCE, Vanished): _S.CHECK_HEAD,
    (_S.FOREIGN_NONCE, Included): _S.MINED,
    (_S.FOREIGN_NONCE, OwnReverted): _S.SUPERSEDED,
    (_S.FOREIGN_NONCE, Settled): _S.FOREIGN_NONCE,
    (_S.SEALED, Hold): _S.HELD,
    (_S.RESERVED, Hold): _S.HELD,
    (_S.SIGNED, Hold): _S.HELD,
    (_S.BROADCAST, Hold): _S.HELD,
    (_S.CHECK_HEAD, Hold): _S.HELD,
    (_S.HELD, Hold): _S.HELD,
    (_S.HELD, Resume): None,
}


class ImpossibleTransition(Contradiction):
    """The stored intent and what just happened don't go together. Nothing was written."""


def _impossible(intent: Intent, why: str) -> ImpossibleTransition:
    return ImpossibleTransition(
        "INTENT_IMPOSSIBLE",
        f"intent {intent.id} in {intent.state} {why}. "
        "Stop the sender and compare the store with the chain.",
    )


def raised_fee(fee: int) -> int:
    """The smallest fee that counts as a raise of `fee`: 1.125 times it, rounded up."""
    # docs/spec/sender.md §1 rule 4
    return -(-fee * BUMP_NUMERATOR // BUMP_DENOMINATOR)


def apply(intent: Intent, event: Event) -> Intent:
    """The intent after the event, with the version that its storing will give it.

    Raises ImpossibleTransition where docs/spec/sender.md §3 has no row, or where the event's
    content does not fit the intent.
    """
    key = (intent.state, type(event))
    if key not in TRANSITIONS or intent.closed:
        raise _impossible(
            intent, f"{'(closed) ' if intent.closed else ''}can't take {EVENT_NAMES[type(event)]!r}"
        )
    target = TRANSITIONS[key]
    if target is None:
        if intent.resume is None:
            raise _impossible(intent, "does not know what it was held in")
        target = intent.resume
    moved = replace(intent, state=target, version=intent.version + 1)

    match event:
        case Reserve(size, root, nonce, prev, on_chain):
            if size < intent.size and not on_chain:
                raise _impossible(intent, f"covers {intent.size} batches, got a log of {size}")
            return replace(moved, size=size, root=root, nonce=nonce, prev=prev)
        case Sign(attempt):
            if attempt.first_sent_at is not None:
                raise _impossible(intent, "got an attempt that was sent before it was stored")
            return replace(moved, attempts=(attempt,))
        case Sent(at):
            # Only the first send is kept: rebroadcasts change nothing that recovery needs.
            *older, newest = intent.attempts
            if newest.first_sent_at is not None:
                raise _impossible(intent, "says twice that its newest attempt was first sent")
            return replace(moved, attempts=(*older, replace(newest, first_sent_at=at)))
        case Bump(attempt):
            _require_raise(intent, attempt)
            return replace(moved, attempts=(*intent.attempts, attempt))
        case Included(block, tx_hash, number, _, adopted):
            attempts = intent.attempts
            if adopted is not None:
                attempts = (*attempts, adopted)
            if tx_hash not in {attempt.hash for attempt in attempts}:
                raise _impossible(intent, f"has no attempt 0x{tx_hash.hex()}")
            if intent.nonce is None or intent.prev is None:
                raise _impossible(intent, "was mined without a reservation")
            return replace(moved, attempts=attempts, block=block, tx_hash=tx_hash, number=number)
        case NonceFree():
            if not intent.attempts:
                raise _impossible(intent, "has nothing to send")
            return moved
        case Stale():
            if intent.attempts:
                raise _impossible(intent, "has signed bytes and can't be dropped")
            return replace(moved, closed=True)
        case OwnReverted(block, _):
            if not intent.attempts:
                raise _impossible(intent, "has no transaction that could have failed")
            return replace(moved, block=block)
        case NotThere(block):
            return replace(moved, block=block)
        case Vanished():
            return replace(moved, block=None, tx_hash=None, number=None)
        case Settled() | Gap():
            return replace(moved, closed=True)
        case Hold(cause):
            if intent.cause is cause:
                raise _impossible(intent, f"is held for {cause} already")
            return replace(moved, cause=cause, resume=intent.effective)
        case Resume():
            return replace(moved, cause=None, resume=None)
        case NonceUsed() | Final() | Proved():
            return moved


def _require_raise(intent: Intent, attempt: Attempt) -> None:
    newest = intent.attempts[-1]
    if newest.first_sent_at is None:
        raise _impossible(intent, "got a second attempt before the first was sent")
    if attempt.first_sent_at is not None:
        raise _impossible(intent, "got an attempt that was sent before it was stored")
    for name, new, old in (
        ("max fee", attempt.max_fee, newest.max_fee),
        ("priority fee", attempt.priority_fee, newest.priority_fee),
    ):
        if new < raised_fee(old):
            raise _impossible(intent, f"got {name} {new}, want {raised_fee(old)} or more")

"""What the chain shows of an anchor intent: which event has happened to it. Reads only.

Owns the conditions of docs/spec/sender.md §4. Test: tests/scenarios/anchor.
"""

from __future__ import annotations

from typing import TypeAlias

from notary.chain_ports import Chain, ChainContradiction, Inclusion, IntentBook
from notary.core.intent import (
    Attempt,
    BlockRef,
    Event,
    Final,
    Included,
    Intent,
    NonceFree,
    NonceUsed,
    NotThere,
    OwnReverted,
    Settled,
    Stale,
    State,
    Vanished,
)
from notary.core.log_identity import LogIdentity
from notary.errors import Contradiction
from notary.ports import Leg
from notary.usecases.chain_history import LOOKBACK_BLOCKS, ChainHistory, document_leg, nonce_in
from verifier.format import evm
from verifier.format.digests import ZERO, Digest
from verifier.format.errors import FormatError
from verifier.format.fold import Link
from verifier.format.keccak import keccak256

# An event with the leg that goes with an inclusion; no event means: wait.
Fate: TypeAlias = tuple[Event | None, Leg | None]


class Fates:
    """Looks at the chain for one log."""

    def __init__(
        self, identity: LogIdentity, book: IntentBook, chain: Chain, history: ChainHistory
    ) -> None:
        self._identity = identity
        self._book = book
        self._chain = chain
        self._history = history

    def of(self, intent: Intent, finalized: int) -> Fate:
        """What the chain shows of the intent. `finalized` is the number of the finalized block."""
        match intent.effective:
            case State.RESERVED:
                return self._look_at_reservation(intent), None
            case State.SIGNED | State.BROADCAST:
                inclusion = self._own_inclusion(intent)
                if inclusion is not None and inclusion.succeeded:
                    return self._included(intent, inclusion, None)
                if inclusion is not None or self._chain.transaction_count() > nonce_of(intent):
                    return NonceUsed(), None
            case State.CHECK_HEAD:
                return self._look_at_head(intent)
            case State.MINED:
                block = block_of(intent)
                if not canonical(self._chain, block):
                    return Vanished(), None
                if block.number <= finalized and is_final(self._chain, block):
                    return Final(), None
            case State.SUPERSEDED | State.FOREIGN_NONCE:
                block = block_of(intent)
                if not canonical(self._chain, block):
                    return Vanished(), None
                if intent.effective is State.FOREIGN_NONCE:
                    # The node's index of transactions may have lagged behind its state.
                    found = self._look_up(intent)
                    if found is not None:
                        return found
                    if not self._is_known(self._chain.prove_head().head):
                        return None, None
                if block.number <= finalized and is_final(self._chain, block):
                    return Settled(), None
            case _:
                pass
        return None, None

    def _look_at_reservation(self, intent: Intent) -> Event | None:
        count = self._chain.transaction_count()
        if count > nonce_of(intent):
            return NonceUsed()
        if count < nonce_of(intent) or self._chain.prove_head().head != intent.prev:
            return Stale()
        return None

    def _look_at_head(self, intent: Intent) -> Fate:
        """Who consumed the nonce, and is our root in the log?"""
        found = self._look_up(intent)
        if found is not None:
            return found
        count = self._chain.transaction_count()
        if count > nonce_of(intent):
            return self._not_there(intent, count), None
        return (NonceFree() if intent.attempts else Stale()), None

    def _look_up(self, intent: Intent) -> Fate | None:
        """What a transaction of ours with the nonce came to; None without one in a block."""
        own = self._own_inclusion(intent)
        found = self._success(intent, own)
        if found is not None:
            return found
        failed = own or self._given_up(intent)
        return None if failed is None else (OwnReverted(failed.block, failed.cost), None)

    def _not_there(self, intent: Intent, count: int) -> NotThere:
        """Proof in one block that the nonce is consumed and our root is not in the log.

        Nobody is accused by what an endpoint merely says, or does not find.
        """
        proved, nonce = self._chain.prove_count(), nonce_of(intent)
        number = proved.header.number
        if proved.count <= nonce:
            raise ChainContradiction(
                "COUNT_UNPROVED",
                f"the account's transaction count is said to be {count}, and is {proved.count} by the "
                f"state of block {number}",
            )
        prev = Digest(intent.prev or b"")
        # Ours would be on top of prev. It is not there if the head is that of a known anchor, or if
        # another one is there.
        if not self._is_known(proved.head) and self._history.after(prev, self._since(prev)) is None:
            raise ChainContradiction(
                "HEAD_UNEXPLAINED",
                f"nonce {nonce} is consumed, the log's head is 0x{proved.head.hex()} in block {number}, "
                "and no transaction is shown that led to it",
            )
        return NotThere(BlockRef(number, bytes(proved.header.hash), proved.header.timestamp))

    def _success(self, intent: Intent, own: Inclusion | None) -> Fate | None:
        """Our anchor, by our own transaction or by one that is not known here; None without one."""
        if own is not None and own.succeeded:
            return self._included(intent, own, None)
        prev = Digest(intent.prev or b"")
        other = self._chain.find_anchor(prev, Digest(intent.root), intent.size, self._since(prev))
        if other is None:
            return None
        inclusion, adopted = self._chain.inclusion(other), self._chain.attempt(other)
        if inclusion is None or not inclusion.succeeded or adopted is None:
            return None
        # A later intent may have anchored the same after this one had failed. A nonce is consumed once,
        # so the transaction is this intent's only if it has its nonce.
        if nonce_in(inclusion.leg.tx) != nonce_of(intent):
            return None
        return self._included(intent, inclusion, adopted)

    def _since(self, prev: Digest) -> int:
        """A block before which no anchor is on top of `prev`."""
        before = self._book.with_head(prev)
        if before is not None and before.block is not None:
            return before.block.number
        return max(0, self._chain.latest().number - LOOKBACK_BLOCKS)

    def _is_known(self, head: Digest) -> bool:
        return head == ZERO or self._book.with_head(head) is not None

    def _own_inclusion(self, intent: Intent) -> Inclusion | None:
        # The newest attempt is the likeliest; any of them may be the one that a miner took.
        for attempt in reversed(intent.attempts):
            inclusion = self._chain.inclusion(attempt.hash)
            if inclusion is not None:
                return inclusion
        return None

    def _given_up(self, intent: Intent) -> Inclusion | None:
        """Bytes of ours that were given up with this nonce (§3 `gap`) and came to run after all."""
        if intent.attempts:
            for tx_hash in self._book.given_up(nonce_of(intent)):
                inclusion = self._chain.inclusion(tx_hash)
                if inclusion is not None and not inclusion.succeeded:
                    return inclusion
        return None

    def _included(self, intent: Intent, inclusion: Inclusion, adopted: Attempt | None) -> Fate:
        """Mined, if the event is ours and follows a head that is known; None if that one is not yet."""
        leg = inclusion.leg
        prev = Digest(intent.prev or b"")
        try:
            evm.check_leg(
                document_leg(leg),
                prev=prev,
                link=Link(Digest(intent.root), intent.size, inclusion.header.timestamp),
                chain_id=self._identity.chain_id,
                contract=self._identity.contract,
                log_address=self._identity.log_address,
            )
        except FormatError as error:
            raise ChainContradiction(
                "NOT_OUR_ANCHOR",
                f"intent {intent.id}: the transaction in block {inclusion.header.number} succeeded "
                f"and is not the anchor that was signed: {error}",
            ) from error
        number = 0
        if prev != ZERO:
            before = self._book.with_head(prev)
            if before is None or before.number is None:
                return None, None
            number = before.number + 1
        tx_hash = keccak256(leg.tx)
        if any(attempt.hash == tx_hash for attempt in intent.attempts):
            adopted = None
        return Included(inclusion.block, tx_hash, number, inclusion.cost, adopted), leg


def canonical(chain: Chain, block: BlockRef) -> bool:
    """Whether the chain has that block at its height."""
    header = chain.block(block.number)
    return header is not None and header.hash == block.hash


def is_final(chain: Chain, block: BlockRef) -> bool:
    """Whether enough endpoints have that block at its height, which is final."""
    return chain.final_block(block.number).header.hash == block.hash


def nonce_of(intent: Intent) -> int:
    """The nonce of an intent that has one by its state."""
    if intent.nonce is None:
        raise Contradiction("INTENT_IMPOSSIBLE", f"intent {intent.id} has no nonce")
    return intent.nonce


def block_of(intent: Intent) -> BlockRef:
    """The block of an intent that has one by its state."""
    if intent.block is None:
        raise Contradiction("INTENT_IMPOSSIBLE", f"intent {intent.id} has no block")
    return intent.block

"""As-of proofs, and the stand-alone verifier's word on each final anchor.

Owns docs/spec/sender.md §6 and the step from FINAL to PROVED. Test: tests/scenarios/anchor.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from notary.chain_ports import Chain, ChainProver, IntentBook
from notary.core.intent import BlockRef, Intent, Proved
from notary.core.moments import has_passed
from notary.errors import Contradiction, NothingHappened
from notary.usecases.anchor_fate import block_of
from notary.usecases.chain_history import document_leg
from verifier.format import evm_document
from verifier.format.digests import Digest

ABOVE_ALL = 2**63 - 1  # the highest number that a block can have in the store


@dataclass
class Told:
    """What a step says that it did, and the alarms whose reason it met, by code."""

    happened: list[str] = field(default_factory=list)
    alarms: dict[str, str] = field(default_factory=dict)


class Proofs:
    """Takes, releases and uses the proofs of one log."""

    def __init__(
        self,
        book: IntentBook,
        chain: Chain,
        prover: ChainProver,
        *,
        refresh: timedelta,
        retry: timedelta,
        alarm_after: timedelta,
    ) -> None:
        self._book = book
        self._chain = chain
        self._prover = prover
        self._refresh = refresh
        self._retry = retry
        self._alarm_after = alarm_after
        # A timer only: after a restart the verifier is asked at once.
        self._refused_at: dict[int, tuple[datetime, str]] = {}

    def take_as_of(self, now: datetime, told: Told) -> None:
        """Prove the present head, if the newest anchor has no proof or the last one is old."""
        newest, last = self._book.newest_on_chain(), self._book.newest_taken()
        if newest is None:
            return
        if last is not None and last.head == newest.head:
            aged = has_passed(self._refresh, last.taken_at, now)
            # On a chain that stands still there is nothing newer to prove.
            if not aged or last.block_hash == self._chain.latest().hash:
                return
        proof = self._chain.prove_head()
        known = self._book.with_head(proof.head)
        if known is None or known.number is None:
            # The chain moved on, or back, since this step began. The next step takes the proof.
            return
        self._book.add_as_of(proof, known.number + 1, now)
        told.happened.append(f"as-of proof at block {proof.header.number}")

    def release_as_ofs(self, finalized: int, told: Told) -> None:
        """Release what is final by now, and drop what never will be."""
        for pending in self._book.pending_as_ofs():
            number = pending.as_of.block_number
            if number > finalized:
                continue
            confirmed = self._chain.final_block(number)
            if confirmed.header.hash == pending.block_hash:
                self._book.release_as_of(pending.id, confirmed.said)
                told.happened.append(f"as-of proof at block {number} released")
            else:
                self._book.drop_as_of(pending.id)
                told.happened.append(
                    f"as-of proof at block {number} dropped: the block was replaced"
                )

    def look_at_released(self) -> BlockRef | None:
        """The block of the newest released proof, if it is final and not on the chain any more.

        Keeps what endpoints say of it now. Packages are made as of the newest one that is still there.
        """
        lost: BlockRef | None = None
        one = self._book.released_below(ABOVE_ALL)
        if one is None:
            return None
        while one is not None:
            confirmed = self._chain.final_block(one.block.number)
            if confirmed.header.hash == one.block_hash:
                self._book.keep_said(one.id, confirmed.said)
                break
            lost = lost or one.block
            one = self._book.released_below(one.block.number)
        self._book.orphan_as_ofs(-1 if one is None else one.block.number)
        return lost

    def prove(self, intent: Intent, now: datetime, told: Told) -> Proved | None:
        """Ask the stand-alone verifier about a final anchor. Returns Proved if it accepts it."""
        refused_at, text = self._refused_at.get(intent.id, (None, ""))
        if refused_at is not None and not has_passed(self._retry, refused_at, now):
            told.alarms["FINAL_NOT_PROVED"] = text
            return None
        document = self._chain_proof(intent)
        if document is None:
            age = now - datetime.fromtimestamp(block_of(intent).time, UTC)
            if age >= self._alarm_after:
                told.alarms["FINAL_NOT_PROVED"] = (
                    f"anchor {intent.number} has no released as-of proof since {age}"
                )
            return None
        try:
            answer = self._prover.check(
                evm_document.encode(document),
                intent.chain_id,
                intent.contract,
                intent.log_address,
            )
            refusal = None if answer.exit_code == 0 else f"exit {answer.exit_code}: {answer.text}"
        except NothingHappened as error:
            refusal = str(error)
        if refusal is None:
            self._refused_at.pop(intent.id, None)
            return Proved()
        text = f"the verifier did not accept anchor {intent.number}: {refusal}"
        self._refused_at[intent.id] = (now, text)
        told.alarms["FINAL_NOT_PROVED"] = text
        told.happened.append(f"intent {intent.id}: {text}")
        return None

    def _chain_proof(self, intent: Intent) -> evm_document.EvmDocument | None:
        """The chain proof of this anchor alone, or None while no released as-of proof covers it."""
        number, prev, leg = intent.number, intent.prev, self._book.leg(intent)
        if number is None or prev is None or leg is None:
            raise Contradiction("LEG_LOST", f"intent {intent.id} is FINAL and has no leg")
        stored = self._book.released_for(number)
        if stored is None:
            return None
        later = self._book.on_chain_from(number)[: stored.as_of.anchors - number]
        # The first and the last anchor shown need a leg (docs/spec/verification.md, step 4.10): another one
        # may have followed before a proof of the head was taken.
        legs = [document_leg(leg)]
        if later[-1].id != intent.id:
            last = self._book.leg(later[-1])
            if last is None:
                raise Contradiction(
                    "LEG_LOST", f"intent {later[-1].id} is on the chain and has no leg"
                )
            legs.append(document_leg(last, len(later) - 1))
        return evm_document.EvmDocument(
            intent.chain_id,
            intent.contract,
            intent.log_address,
            Digest(prev),
            tuple(one.link for one in later),
            evm_document.AsOf(
                stored.as_of.header, stored.as_of.account_proof, stored.as_of.storage_proof
            ),
            tuple(legs),
            (),
            (),
        )

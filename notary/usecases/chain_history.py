"""What the chain holds of this log beyond what the store knows, and whether the store explains it.

Owns the condition of HELD with STORE_BEHIND_CHAIN (docs/spec/sender.md §1 rule 10). Reads only. A node
can't invent an anchor that counts here: each one is a transaction with the signature of the log's own
account. Test: tests/scenarios/anchor/test_behind.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from notary.chain_ports import Chain, ChainContradiction, IntentBook, SeenAnchor
from notary.core.log_identity import LogIdentity
from notary.errors import Contradiction
from notary.ports import BatchLog, Leg
from verifier.format import evm, notes, rlp
from verifier.format.digests import ZERO, Digest
from verifier.format.errors import FormatError
from verifier.format.fold import Link, fold

# Where nothing tells since when to search: what most nodes search at once.
LOOKBACK_BLOCKS = 5_000


@dataclass(frozen=True)
class UnknownAnchor:
    """An anchor by this log's own account that the store's book does not have.

    `explained`: it is of a checkpoint that this store signed.
    """

    root: Digest
    size: int
    nonce: int
    block: int
    head: Digest
    explained: bool


class ChainHistory:
    """Follows the anchors of one log from the newest that the store knows."""

    def __init__(
        self, identity: LogIdentity, log: BatchLog, book: IntentBook, chain: Chain
    ) -> None:
        self._identity = identity
        self._log = log
        self._book = book
        self._chain = chain

    def next_unknown(self) -> UnknownAnchor | None:
        """The anchor on top of the newest known one; None if the node shows none by our account."""
        return self.after(*self._known_end())

    def first_unexplained(self, head: Digest) -> UnknownAnchor | None:
        """The first anchor up to `head` that is of no checkpoint of this store; None if all are.

        Raises UnclearHistory if the anchors that the node shows do not lead to `head`.
        """
        end, since = self._known_end()
        while end != head:
            anchor = self.after(end, since)
            if anchor is None:
                raise UnclearHistory(
                    f"nothing that the endpoint shows leads from head 0x{end.hex()} to 0x{head.hex()}"
                )
            if not anchor.explained:
                return anchor
            end, since = anchor.head, anchor.block
        return None

    def behind(self, anchor: UnknownAnchor) -> str:
        """A sentence about an anchor that the store does not explain."""
        return (
            f"block {anchor.block} holds an anchor of {anchor.size} batches by this log's account, root "
            f"0x{anchor.root.hex()}; the store has {self._log.size()} batches and never signed that. It "
            "is older than the chain: restore a newer backup, or retire the log."
        )

    def signed_root(self, size: int) -> bytes:
        """The root of the signed checkpoint, so that what is anchored is what was signed."""
        text = notes.parse_note(self._log.checkpoint(size)).text
        checkpoint = notes.parse_checkpoint_text(text)
        if (checkpoint.origin, checkpoint.size) != (self._identity.name, size):
            raise Contradiction(
                "CHECKPOINT_OTHER",
                f"the checkpoint kept for size {size} is of {checkpoint.origin}, {checkpoint.size}",
            )
        return bytes(checkpoint.root)

    def _known_end(self) -> tuple[Digest, int]:
        """The head after the newest known anchor, and a block before which nothing follows it."""
        newest = self._book.newest_on_chain()
        if newest is not None and newest.block is not None:
            return Digest(newest.head), newest.block.number
        recent = self._book.recent_block()
        number = self._chain.latest().number if recent is None else recent.number
        return ZERO, max(0, number - LOOKBACK_BLOCKS)

    def after(self, end: Digest, since: int) -> UnknownAnchor | None:
        """The anchor by our account on top of a head, from block `since` on; None if the node shows none."""
        seen = self._chain.anchor_after(end, since)
        if seen is None:
            return None
        included = self._chain.inclusion(seen.tx_hash)
        if (
            included is None
            or not included.succeeded
            or not self._chain.signed_by_log(included.leg.tx)
        ):
            return None
        link = Link(seen.root, seen.size, included.header.timestamp)
        try:
            evm.check_leg(
                document_leg(included.leg),
                prev=end,
                link=link,
                chain_id=self._identity.chain_id,
                contract=self._identity.contract,
                log_address=self._identity.log_address,
            )
        except FormatError as error:
            raise ChainContradiction(
                "NOT_THE_ANCHOR", f"what the endpoint names after 0x{end.hex()} is not: {error}"
            ) from error
        return UnknownAnchor(
            seen.root,
            seen.size,
            nonce_in(included.leg.tx),
            included.header.number,
            fold(end, link),
            self._is_signed(seen),
        )

    def _is_signed(self, seen: SeenAnchor) -> bool:
        return 1 <= seen.size <= self._log.size() and self.signed_root(seen.size) == seen.root


class UnclearHistory(Exception):
    """The endpoint does not show how the head came about: it lags, or keeps no events so old."""


def nonce_in(tx: bytes) -> int:
    """The nonce of a raw transaction."""
    # EIP-2718: a legacy transaction is a list that begins with the nonce; in typed ones the chain id
    # comes before it.
    legacy = tx[0] >= 0xC0
    fields = rlp.decode_list(tx if legacy else tx[1:], "transaction")
    return rlp.decode_int(fields[0 if legacy else 1], "nonce", 64)


def document_leg(leg: Leg, link: int = 0) -> evm.Leg:
    """The leg of a link, by default the first, as a chain proof has it."""
    return evm.Leg(
        link,
        leg.header,
        leg.index,
        leg.tx,
        leg.tx_proof,
        leg.receipt,
        leg.receipt_proof,
        leg.log_index,
    )

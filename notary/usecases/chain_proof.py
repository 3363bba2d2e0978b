"""Proves from a node alone when a log anchored, for whoever holds a receipt of it.

Follows docs/spec/anchor.md §4 and docs/spec/verification.md §10. Needs nothing of the service that keeps
the log: what it makes, `verifier receipt` judges. Test: tests/scenarios/anchor/test_chain_proof.py,
tests/scenarios/service/test_receipts.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from notary.chain_ports import HeadProof
from notary.errors import CallerError
from verifier.format import evm_document, receipts
from verifier.format.digests import ZERO, Digest
from verifier.format.errors import FormatError
from verifier.format.evm_document import AsOf, EvmDocument
from verifier.format.fold import Link, fold

MAX_RECEIPT_BYTES = 2**20  # a receipt has about 2 KiB


class LogChain(Protocol):
    """One log on one chain, through a node of which nothing is believed."""

    def chain_id(self) -> int:
        """The chain's id."""

    def prove_head(self) -> HeadProof:
        """The log's head at the newest block. Raises ChainAway or ChainContradiction."""

    def anchors(self, since: int) -> Sequence[tuple[Digest, Link]]:
        """Head before, and link, of the anchors that the node names from block `since` on."""


def read_receipt(path: Path) -> receipts.Body:
    """What a receipt promises; whose it is, the verifier says. Raises CallerError RECEIPT_FILE."""
    try:
        if path.stat().st_size > MAX_RECEIPT_BYTES:
            raise CallerError(
                "RECEIPT_FILE", f"{path}: a receipt has at most {MAX_RECEIPT_BYTES} bytes."
            )
        return receipts.parse(path.read_bytes()).body
    except OSError as error:
        raise CallerError("RECEIPT_FILE", f"{path}: {error.strerror}.") from error
    except FormatError as error:
        raise CallerError("RECEIPT_FILE", f"{path} is no receipt: {error.message}.") from error


def prove_log(chain: LogChain, body: receipts.Body, since: int) -> EvmDocument:
    """A chain proof of the receipt's log, as of the newest block, with the anchors since a block.

    Raises CallerError RECEIPT_CHAIN if the node is of another chain, and ANCHORS_UNKNOWN if it does not
    name the newest anchor.
    """
    chain_id = chain.chain_id()
    if chain_id != body.chain_id:
        raise CallerError(
            "RECEIPT_CHAIN",
            f"The receipt is of chain {body.chain_id}, the node of chain {chain_id}: give one of that chain.",
        )
    proof = chain.prove_head()
    # A node can leave anchors out and can't add any: each opens the head after it.
    by_head = {fold(prev, link): (prev, link) for prev, link in chain.anchors(since)}
    links: list[Link] = []
    head = proof.head
    while head in by_head:
        head, link = by_head[head]
        links.insert(0, link)
    if not links and head != ZERO:
        raise CallerError(
            "ANCHORS_UNKNOWN",
            f"The node does not name the anchor that made the log's head {head.hex()}: "
            "begin at an earlier block (--since), or ask a node that keeps event logs.",
        )
    as_of = AsOf(proof.header.raw, proof.account_proof, _nodes(proof.storage_proof))
    return EvmDocument(
        chain_id, body.contract, body.log_address, head, tuple(links), as_of, (), (), ()
    )


def _nodes(storage_proof: tuple[bytes, ...]) -> tuple[bytes, ...]:
    # anchor.md §4: an empty storage has no nodes; some nodes give its root's preimage as one.
    return () if storage_proof == (b"\x80",) else storage_proof


def write(document: EvmDocument) -> bytes:
    """The file that `verifier receipt --evm` reads."""
    return evm_document.encode(document, may_lack_links=True)

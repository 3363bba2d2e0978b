"""Blocks of an EVM chain through one JSON-RPC endpoint, none of whose words is believed.

Owns what is read of any block: a header counts if its rebuilt RLP has the stated hash, a transaction and
its receipt if both roots rebuild from all of the block, an account if its proof holds. What a log needs
beside that is in `web3_chain`. Test: tests/scenarios/anchor/test_chain_adapter.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from notary.adapters.chain import encoding
from notary.adapters.chain.rpc import TIMEOUT_S, Refused, Rpc, foreign_text
from notary.chain_ports import ChainAway, ChainContradiction
from notary.core.trie_proofs import ItemProof, prove_item
from verifier.format import evm
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.keccak import keccak256

CONTRADICTION_LIMIT = 400  # characters: three hashes and what is said of them


@dataclass(frozen=True)
class Located:
    """A transaction and its receipt in a canonical block; `receipts` are all of that block."""

    header: evm.Header
    tx: ItemProof
    receipt: ItemProof
    receipts: tuple[bytes, ...]


class BlockReader:
    """One endpoint. Nothing is asked before the first call.

    `finality_depth` takes the place of the node's `finalized` tag on chains without one: so many
    blocks below the latest.
    """

    def __init__(
        self, url: str, *, finality_depth: int | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._rpc = Rpc(url, timeout_s)
        self.host = self._rpc.host
        self._finality_depth = finality_depth

    def chain_id(self) -> int:
        """The chain's id, which no header states."""
        return encoding.number(self._ask("eth_chainId"), "chain id")

    def latest(self) -> evm.Header:
        """The newest block."""
        return self._tagged("latest")

    def finalized(self) -> evm.Header:
        """The newest finalized block; block 0 where the chain is younger than its depth."""
        if self._finality_depth is None:
            return self._tagged("finalized")
        number = max(0, self.latest().number - self._finality_depth)
        header = self.block(number)
        if header is None:
            raise ChainAway("HEAD_MOVED", f"{self._rpc.host}: block {number} is gone again")
        return header

    def block(self, number: int) -> evm.Header | None:
        """The canonical block of that number, or None."""
        answer = self._ask("eth_getBlockByNumber", hex(number), False)
        if answer is None:
            return None
        header = self._header(answer)
        if header.number != number:
            raise self._contradiction(
                "HEADER_NUMBER", f"asked for block {number}, got block {header.number}"
            )
        return header

    def locate(self, tx_hash: bytes) -> Located | None:
        """Where the canonical chain has the transaction, or None."""
        found = self._ask("eth_getTransactionReceipt", zerox(tx_hash))
        if found is None:
            return None
        block_hash = encoding.members(found, "receipt").get("blockHash")
        if block_hash is None:
            return None
        answer = self._ask("eth_getBlockByHash", block_hash, True)
        if answer is None:
            return None
        block = encoding.members(answer, "block")
        header = self._header(block)
        if zerox(header.hash) != block_hash:
            raise self._contradiction(
                "HEADER_HASH", f"asked for block {block_hash}, got {zerox(header.hash)}"
            )
        canonical = self.block(header.number)
        if canonical is None or canonical.hash != header.hash:
            return None
        listed = [
            encoding.members(tx, "transaction") for tx in encoding.array(block, "transactions")
        ]
        transactions = [self._raw_transaction(tx) for tx in listed]
        index = _index_of(transactions, tx_hash)
        if index is None:
            raise self._contradiction(
                "TX_NOT_IN_BLOCK", f"block {header.number} has no transaction {zerox(tx_hash)}"
            )
        receipts = self._receipts(header, listed)
        return Located(
            header,
            self._proved(transactions, index, header.transactions_root, "TRANSACTIONS_ROOT"),
            self._proved(receipts, index, header.receipts_root, "RECEIPTS_ROOT"),
            tuple(receipts),
        )

    def account_proof(self, address: bytes, header: evm.Header) -> tuple[bytes, ...]:
        """The account's proof in that block; empty where the node keeps no such state any more.

        Empty too where the block has no such account. Raises ChainContradiction if it does not hold.
        """
        try:
            answer = self._rpc.ask("eth_getProof", zerox(address), [], hex(header.number))
        except Refused:
            return ()
        proof = nodes(encoding.members(answer, "proof"), "accountProof")
        try:
            evm.check_account(header.state_root, address, proof)
        except FormatError as error:
            if error.code == "MPT_ABSENT":
                return ()
            raise self._contradiction(
                "ACCOUNT_PROOF", f"the account at block {header.number} does not hold: {error}"
            ) from error
        return proof

    def transactions_with(
        self, contract: bytes, topics: Sequence[bytes], first: int, last: int
    ) -> list[bytes]:
        """Hashes of transactions that are said to have logged this in blocks `first` to `last`.

        Hints in the node's order, each once: the caller locates them and reads their receipts.
        """
        wanted = {
            "address": zerox(contract),
            "topics": [zerox(topic) for topic in topics],
            "fromBlock": hex(first),
            "toBlock": hex(last),
        }
        holder = {"logs": self._ask("eth_getLogs", wanted)}
        said = [encoding.members(one, "log") for one in encoding.array(holder, "logs")]
        hashes = [encoding.raw_bytes(log.get("transactionHash"), "hash") for log in said]
        return list(dict.fromkeys(hashes))

    def _tagged(self, tag: str) -> evm.Header:
        answer = self._ask("eth_getBlockByNumber", tag, False)
        if answer is None:
            raise ChainAway("ENDPOINT_REFUSED", f"{self._rpc.host}: no {tag} block yet")
        return self._header(answer)

    def _header(self, answer: object) -> evm.Header:
        block = encoding.members(answer, "block")
        try:
            header = evm.parse_header(encoding.header(block))
        except FormatError as error:
            raise self._contradiction("HEADER_FORM", f"a header can't be read: {error}") from error
        if zerox(header.hash) != block.get("hash"):
            raise self._contradiction(
                "HEADER_HASH",
                f"block {header.number} is said to be {block.get('hash')}, "
                f"its header hashes to {zerox(header.hash)}",
            )
        return header

    def _raw_transaction(self, tx: encoding.Json) -> bytes:
        raw = encoding.transaction(tx)
        if raw is not None and zerox(keccak256(raw)) == tx.get("hash"):
            return raw
        # A type that is not known here, or a node that leaves members out: ask for the bytes.
        return encoding.raw_bytes(
            self._ask("eth_getRawTransactionByHash", tx.get("hash")), "raw bytes"
        )

    def _receipts(self, header: evm.Header, listed: Sequence[encoding.Json]) -> list[bytes]:
        answer: Any
        try:
            answer = self._rpc.ask("eth_getBlockReceipts", hex(header.number))
        except Refused:
            answer = None
        if answer is None:
            # Not every node has the method.
            answer = [self._ask("eth_getTransactionReceipt", tx.get("hash")) for tx in listed]
            if None in answer:
                raise ChainAway("HEAD_MOVED", f"{self._rpc.host}: a receipt is gone again")
        holder = {"receipts": answer}
        return [
            encoding.receipt(encoding.members(one, "receipt"))
            for one in encoding.array(holder, "receipts")
        ]

    def _proved(self, items: Sequence[bytes], index: int, root: Digest, code: str) -> ItemProof:
        if index < len(items):
            proof = prove_item(items, index)
            if proof.root == root:
                return proof
        raise self._contradiction(
            code, f"the {len(items)} items of the block don't give the header's root 0x{root.hex()}"
        )

    def _ask(self, method: str, *params: Any) -> Any:
        try:
            return self._rpc.ask(method, *params)
        except Refused as error:
            raise ChainAway("ENDPOINT_REFUSED", f"{self._rpc.host}: {error}") from error

    def _contradiction(self, code: str, message: str) -> ChainContradiction:
        text = foreign_text(message, CONTRADICTION_LIMIT)
        return ChainContradiction(code, f"{self._rpc.host}: {text}. Nothing of it was believed.")


def _index_of(transactions: Sequence[bytes], tx_hash: bytes) -> int | None:
    for index, raw in enumerate(transactions):
        if keccak256(raw) == tx_hash:
            return index
    return None


def nodes(holder: encoding.Json, name: str) -> tuple[bytes, ...]:
    """The nodes of a proof that a node gave."""
    return tuple(encoding.raw_bytes(text, "proof node") for text in encoding.array(holder, name))


def zerox(raw: bytes) -> str:
    """Bytes as a node wants them."""
    return "0x" + raw.hex()

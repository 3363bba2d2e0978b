"""One log on an EVM chain through one JSON-RPC endpoint, none of whose words is believed.

Holds what notary.chain_ports.Chain wants of one endpoint, over the blocks of `block_reader`; `compared`
implements it. The head counts if account and storage proof hold (docs/spec/sender.md §1 rule 7,
docs/spec/anchor.md §3). What one node can still do is to show blocks that it made itself; whether a block's
hash is the right one is for the others, and in the end for the verifying person.
Test: tests/scenarios/anchor/test_chain_adapter.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from notary.adapters.chain import encoding
from notary.adapters.chain.block_reader import BlockReader, nodes, zerox
from notary.adapters.chain.libraries import Account
from notary.adapters.chain.rpc import TIMEOUT_S, Refused
from notary.chain_ports import (
    ChainAway,
    ChainContradiction,
    ChainIdentity,
    CountProof,
    Fees,
    HeadProof,
    Inclusion,
    SeenAnchor,
    Simulation,
)
from notary.core.intent import Attempt
from notary.errors import OutcomeUnknown
from notary.ports import Leg
from verifier.format import contract as anchors
from verifier.format import evm, rlp
from verifier.format.digests import ZERO, Digest
from verifier.format.errors import FormatError
from verifier.format.fold import Link
from verifier.format.keccak import keccak256

BASE_FEE_FIELD = 15  # EIP-1559: the sixteenth member of a header
DEFAULT_PRIORITY_FEE = 10**9  # wei per gas: 1 gwei, where a node suggests nothing
EVENT_LENGTH = 96  # bytes: three words (docs/spec/anchor.md §1)
NO_EVENT = -1  # in place of a log index
LEGACY = 0xC0  # EIP-2718: the first byte of a list, from here on; a type's byte is lower
PRICED_TYPES = frozenset({1})  # EIP-2930: one price, as in a legacy transaction
EMPTY_TRIE_ROOT = keccak256(rlp.encode(b""))  # yellow paper, appendix D: K(RLP of nothing)


class Web3Chain(BlockReader):
    """The log of `log_address` in `contract`, seen through one endpoint."""

    def __init__(
        self,
        url: str,
        contract: bytes,
        log_address: bytes,
        *,
        finality_depth: int | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        super().__init__(url, finality_depth=finality_depth, timeout_s=timeout_s)
        self._contract = contract
        self._log = log_address

    def identity(self) -> ChainIdentity:
        """Chain id, hash of block 0, hash of the code at the contract's address."""
        genesis = self.block(0)
        if genesis is None:
            raise self._contradiction("HEADER_MISSING", "the node has no block 0")
        return ChainIdentity(
            self.chain_id(),
            genesis.hash,
            keccak256(self._code(self._contract)),
        )

    def transaction_count(self) -> int:
        """The log account's transaction count at the latest block."""
        answer = self._ask("eth_getTransactionCount", zerox(self._log), "latest")
        return encoding.number(answer, "transaction count")

    def balance(self) -> int:
        """The log account's balance at the latest block, wei."""
        return encoding.number(self._ask("eth_getBalance", zerox(self._log), "latest"), "balance")

    def fees(self) -> Fees:
        """Base fee of the latest block, and the priority fee that the node suggests."""
        base_fee = _base_fee(self.latest())
        try:
            suggested = self._rpc.ask("eth_maxPriorityFeePerGas")
        except Refused:
            return Fees(base_fee, DEFAULT_PRIORITY_FEE)
        return Fees(base_fee, encoding.number(suggested, "priority fee"))

    def simulate(self, call_data: bytes) -> Simulation:
        """Gas that the call needs on the latest state, or why the node refuses it."""
        call = {"from": zerox(self._log), "to": zerox(self._contract), "data": zerox(call_data)}
        try:
            return Simulation(encoding.number(self._rpc.ask("eth_estimateGas", call), "gas"), "")
        except Refused as error:
            return Simulation(None, str(error))

    def send(self, raw: bytes) -> None:
        """Hand signed bytes to the node, once."""
        try:
            self._rpc.send("eth_sendRawTransaction", zerox(raw))
        except Refused as error:
            # "Already known" is among what comes here. What it was shows when one looks.
            raise OutcomeUnknown("SEND_REFUSED", f"{self._rpc.host}: {error}") from error

    def knows(self, tx_hash: bytes) -> bool:
        """Whether the node has the transaction."""
        return self._ask("eth_getTransactionByHash", zerox(tx_hash)) is not None

    def inclusion(self, tx_hash: bytes) -> Inclusion | None:
        """Where the canonical chain has the transaction, with everything that proves it."""
        found = self.locate(tx_hash)
        if found is None:
            return None
        header, tx, receipt = found.header, found.tx, found.receipt
        status, log_index = self._read_receipt(receipt.item)
        return Inclusion(
            header,
            status == b"\x01",
            Leg(
                header.raw,
                tx.index,
                tx.item,
                tx.nodes,
                receipt.item,
                receipt.nodes,
                log_index,
            ),
            _cost(header, found.receipts, tx.index, tx.item),
        )

    def find_anchor(self, prev: Digest, root: Digest, size: int, since: int) -> bytes | None:
        """The transaction that the node names for this anchor, from block `since` on."""
        for found_prev, link, tx_hash in self._anchors_since(since):
            if (found_prev, link.root, link.size) == (prev, root, size):
                return tx_hash
        return None

    def anchor_after(self, prev: Digest, since: int) -> SeenAnchor | None:
        """The anchor that the node names as the one on top of that head."""
        for found_prev, link, tx_hash in self._anchors_since(since):
            if found_prev == prev:
                return SeenAnchor(link.root, link.size, tx_hash)
        return None

    def anchors(self, since: int) -> list[tuple[Digest, Link]]:
        """Head before, and link, of the anchors that the node names from block `since` on."""
        return [(prev, link) for prev, link, _ in self._anchors_since(since)]

    def _anchors_since(self, since: int) -> Iterator[tuple[Digest, Link, bytes]]:
        wanted = {
            "address": zerox(self._contract),
            "topics": [zerox(anchors.EVENT_TOPIC), zerox(self._log.rjust(32, b"\x00"))],
            "fromBlock": hex(since),
            "toBlock": "latest",
        }
        holder = {"logs": self._ask("eth_getLogs", wanted)}
        for one in encoding.array(holder, "logs"):
            log = encoding.members(one, "log")
            event = encoding.raw_bytes(log.get("data"), "log")
            if len(event) != EVENT_LENGTH:
                raise self._contradiction(
                    "LOG_FORM", f"an event has {len(event)} bytes, want {EVENT_LENGTH}"
                )
            # docs/spec/anchor.md §1: prev, root, u256(size · 2^64 + time)
            size, time = divmod(int.from_bytes(event[64:]), 2**64)
            if size >= 2**64:
                raise self._contradiction("LOG_FORM", "an event's size is above a u64")
            yield (
                Digest(event[:32]),
                Link(Digest(event[32:64]), size, time),
                encoding.raw_bytes(log.get("transactionHash"), "transaction hash"),
            )

    def signed_by_log(self, tx: bytes) -> bool:
        """Whether the signature in the raw transaction is that of the log's account."""
        try:
            signer = Account.recover_transaction(tx)
        # The library raises errors of many kinds for bytes that are no signed transaction; none of
        # them is a signature of the account.
        except Exception:  # noqa: BLE001
            return False
        return bytes.fromhex(signer[2:]) == self._log

    def attempt(self, tx_hash: bytes) -> Attempt | None:
        """A transaction that the node knows, as an attempt."""
        answer = self._ask("eth_getTransactionByHash", zerox(tx_hash))
        if answer is None:
            return None
        tx = encoding.members(answer, "transaction")
        raw = self._raw_transaction(tx)
        if keccak256(raw) != tx_hash:
            raise self._contradiction("TX_HASH", f"the node's {zerox(tx_hash)} has another hash")
        # A transaction with one price pays it as both fees.
        price = tx.get("gasPrice")
        return Attempt(
            tx_hash,
            raw,
            encoding.number(tx.get("gas"), "gas"),
            encoding.number(tx.get("maxFeePerGas", price), "max fee"),
            encoding.number(tx.get("maxPriorityFeePerGas", price), "priority fee"),
        )

    def prove_head(self) -> HeadProof:
        """The log's head at the latest block, by eth_getProof."""
        header = self.latest()
        # Some nodes refuse a slot that is not written with all its 32 bytes.
        slots = [zerox(evm.head_slot(self._log))]
        answer = encoding.members(
            self._ask("eth_getProof", zerox(self._contract), slots, hex(header.number)), "proof"
        )
        account_proof = nodes(answer, "accountProof")
        (slot,) = encoding.array(answer, "storageProof")[:1] or [None]
        storage_proof = nodes(encoding.members(slot, "storage proof"), "proof")
        try:
            return HeadProof(
                header,
                self._head(header, account_proof, storage_proof),
                account_proof,
                storage_proof,
            )
        except FormatError as error:
            raise self._unproved(header, error) from error

    def prove_count(self) -> CountProof:
        """The log account's transaction count, by eth_getProof in the block that proves the head."""
        proof = self.prove_head()
        header = proof.header
        answer = encoding.members(
            self._ask("eth_getProof", zerox(self._log), [], hex(header.number)), "proof"
        )
        try:
            account = evm.check_account(header.state_root, self._log, nodes(answer, "accountProof"))
        except FormatError as error:
            raise self._unproved(header, error) from error
        return CountProof(header, account.nonce, proof.head)

    def _unproved(self, header: evm.Header, error: FormatError) -> ChainAway | ChainContradiction:
        """What a proof that does not hold says of the node: its block may have been replaced meanwhile."""
        now = self.block(header.number)
        if now is None or now.hash != header.hash:
            return ChainAway(
                "HEAD_MOVED", f"{self._rpc.host}: block {header.number} was replaced meanwhile"
            )
        return self._contradiction(
            "STATE_PROOF", f"the proof at block {header.number} does not hold: {error}"
        )

    def code_hash(self, address: bytes) -> Digest:
        """The hash of the code at an address; of an account without code, that of no bytes."""
        return keccak256(self._code(address))

    def _head(
        self,
        header: evm.Header,
        account_proof: tuple[bytes, ...],
        storage_proof: tuple[bytes, ...],
    ) -> Digest:
        account = evm.check_account(header.state_root, self._contract, account_proof)
        evm.check_code_hash(account)
        # No proof can be given in an empty trie: a contract in which nobody has anchored.
        if account.storage_root == EMPTY_TRIE_ROOT:
            return ZERO
        try:
            return evm.check_slot(account.storage_root, self._log, storage_proof)
        except FormatError as error:
            # The nodes were all checked before this is raised, so absence is proved.
            if error.code == "MPT_ABSENT":
                return ZERO
            raise

    def _code(self, address: bytes) -> bytes:
        return encoding.raw_bytes(self._ask("eth_getCode", zerox(address), "latest"), "code")

    def _read_receipt(self, raw: bytes) -> tuple[rlp.Item, int]:
        fields = _fields(raw, "receipt")
        wanted = [anchors.EVENT_TOPIC, self._log.rjust(32, b"\x00")]
        logs = fields[3]
        # The bytes were made by encoding.receipt, so they have this shape.
        assert isinstance(logs, list)
        for place, log in enumerate(logs):
            if log[0] == self._contract and isinstance(log[1], list) and log[1][:2] == wanted:
                return fields[0], place
        return fields[0], NO_EVENT


def _base_fee(header: evm.Header) -> int:
    fields = rlp.decode_list(header.raw, "header")
    if len(fields) <= BASE_FEE_FIELD:
        return 0
    return rlp.decode_int(fields[BASE_FEE_FIELD], "base fee")


def _cost(header: evm.Header, receipts: Sequence[bytes], index: int, tx: bytes) -> int:
    """What a transaction paid for its gas, from items whose roots were rebuilt."""

    # A receipt states the gas of its block up to and with its transaction.
    def gas_up_to(receipt: bytes) -> int:
        return rlp.decode_int(_fields(receipt, "receipt")[1], "cumulative gas")

    gas = gas_up_to(receipts[index])
    if index > 0:
        gas -= gas_up_to(receipts[index - 1])
    fields, base_fee = _fields(tx, "transaction"), _base_fee(header)
    if tx[0] in PRICED_TYPES or tx[0] >= LEGACY:
        # EIP-2930 puts the chain id before nonce and price.
        return gas * rlp.decode_int(fields[1 if tx[0] >= LEGACY else 2], "gas price")
    priority_fee = rlp.decode_int(fields[2], "priority fee")
    max_fee = rlp.decode_int(fields[3], "max fee")
    return gas * min(max_fee, base_fee + priority_fee)


def _fields(item: bytes, what: str) -> list[rlp.Item]:
    # EIP-2718: a legacy item is the list itself; of a typed one it follows the type's byte.
    return rlp.decode_list(item if item[0] >= LEGACY else item[1:], what)

"""A simulated EVM chain: blocks, signed transactions, receipts and state tries, in memory.

It owns what a node would give: raw header RLP, raw transactions and receipts, Merkle-Patricia
proofs. Tries and RLP come from the PyPI packages `trie` and `rlp`, so that what the verifier reads
was not written by the verifier's own code. The contract behaves as docs/spec/anchor.md §1 says.

A test damages it through the points CHAIN_POINTS; everything above the damaged value is then
built on it. Test of the undamaged chain: tests/hostile/test_world.py and tests/foreign.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

import rlp
from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from trie import HexaryTrie

from tests.hostile.damage import NO_DAMAGE, Damage

# docs/spec/anchor.md §1; the address and the code follow from contracts/artifact/Anchors.json.
ANCHOR_SELECTOR = keccak(b"anchor(bytes32,bytes32,uint64)")[:4]
ANCHORED_TOPIC = keccak(b"Anchored(address,bytes32,bytes32,bytes32,uint256)")

CHAIN_POINTS = frozenset(
    {
        "transaction",
        "raw_receipt",
        "receipt",
        "log_entries",
        "account",
        "slot_value",
        "header_fields",
    }
)

GAS_LIMIT = 30_000_000
BASE_FEE = 1_000_000_000  # wei; any plausible value will do
ANCHOR_GAS = 30_305  # what one warm call of the contract costs


def encode_rlp(value: Any) -> bytes:
    """Canonical RLP of bytes, integers and nested lists."""
    return cast(bytes, rlp.encode(value))


def integer(value: int) -> bytes:
    """An integer as RLP carries it: big-endian without leading zero bytes."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def proof_nodes(trie: HexaryTrie, key: bytes) -> list[bytes]:
    """The nodes on the path to `key`, from the root, in RLP.

    docs/spec/anchor.md §3: a node shorter than 32 bytes stands inside its parent and isn't listed.
    """
    nodes = [encode_rlp(node) for node in trie.get_proof(key)]
    return [node for i, node in enumerate(nodes) if i == 0 or len(node) >= 32]


def logs_bloom(entries: Sequence[tuple[bytes, list[bytes], bytes]]) -> bytes:
    """The 2048-bit filter over emitters and topics (Ethereum yellow paper, 4.3.1)."""
    bits = 0
    for address, topics, _ in entries:
        for item in [address, *topics]:
            digest = keccak(item)
            for i in (0, 2, 4):
                bits |= 1 << (int.from_bytes(digest[i : i + 2], "big") % 2048)
    return bits.to_bytes(256, "big")


@dataclass(frozen=True)
class Sender:
    """An account that can send transactions."""

    secret: bytes
    address: bytes

    @classmethod
    def of(cls, secret: bytes) -> Sender:
        return cls(secret, bytes.fromhex(Account.from_key(secret).address[2:]))


@dataclass(frozen=True)
class Call:
    """A transaction as the test wants it, before encoding."""

    sender: Sender
    to: bytes
    call_data: bytes = b""
    tx_type: int = 2
    # What the called contract logs, where it is none of the chain's anchoring contracts.
    entries: tuple[tuple[bytes, list[bytes], bytes], ...] = ()


@dataclass(frozen=True)
class Block:
    """A mined block with all that proofs need."""

    header: bytes
    number: int
    timestamp: int
    hash: bytes
    transactions: tuple[bytes, ...]
    receipts: tuple[bytes, ...]
    state_root: bytes
    storage_roots: dict[bytes, bytes]


_EMPTY_ROOT = cast(bytes, HexaryTrie({}).root_hash)
_ALONE: tuple[bytes, bytes, dict[bytes, bytes]] = (_EMPTY_ROOT, _EMPTY_ROOT, {})


@cache
def _neighbours() -> tuple[bytes, bytes, dict[bytes, bytes]]:
    """Roots of other accounts and of other slots, so that proofs have more than one node; and the nodes."""
    nodes: dict[bytes, bytes] = {}
    state, storage = HexaryTrie(nodes), HexaryTrie(nodes)
    for i in range(24):
        other = keccak(b"other account" + bytes([i]))[:20]
        state[keccak(other)] = encode_rlp([integer(i), integer(10**18), _EMPTY_ROOT, keccak(b"")])
    for i in range(12):
        other = keccak(b"other log" + bytes([i]))[:20]
        storage[slot_key(other)] = encode_rlp(keccak(other))
    return cast(bytes, state.root_hash), cast(bytes, storage.root_hash), nodes


@dataclass
class Chain:
    """One chain. `contracts` maps the address of each deployed contract to its code hash."""

    chain_id: int
    contracts: dict[bytes, bytes]
    genesis_time: int
    damage: Damage = NO_DAMAGE
    header_size: int = 21
    extra_data: bytes = b"simulated"
    neighbours: bool = True  # whether other accounts and slots make the proofs longer
    blocks: list[Block] = field(default_factory=list)
    heads: dict[tuple[bytes, bytes], bytes] = field(default_factory=dict)  # (contract, log) → head
    nonces: dict[bytes, int] = field(default_factory=dict)
    nodes: dict[bytes, bytes] = field(default_factory=dict)  # one store for every trie

    def __post_init__(self) -> None:
        self._others, self._other_logs, nodes = _neighbours() if self.neighbours else _ALONE
        self.nodes.update(nodes)
        self.mine(self.genesis_time)

    @property
    def tip(self) -> Block:
        return self.blocks[-1]

    def trie(self, root: bytes) -> HexaryTrie:
        return HexaryTrie(self.nodes, root)

    def mine(self, timestamp: int, calls: Sequence[Call] = ()) -> Block:
        """Make one block of `calls` at `timestamp`."""
        number = len(self.blocks)
        transactions, receipts = [], []
        all_entries = []
        gas_used = 0
        for index, call in enumerate(calls):
            where = {"number": number, "index": index}
            raw = self.damage("transaction", self._encode(call), **where)
            entries = self._execute(call, timestamp)
            status = 0 if entries is None else 1
            entries = self.damage("log_entries", entries or [], **where)
            gas_used += ANCHOR_GAS
            # EIP-658 and EIP-2718: the receipt is type ‖ [status, gas used so far, bloom, logs].
            fields: list[Any] = [integer(status), integer(gas_used), logs_bloom(entries), entries]
            fields = self.damage("receipt", fields, **where)
            prefix = bytes([call.tx_type]) if call.tx_type else b""
            transactions.append(raw)
            raw_receipt = prefix + encode_rlp(fields)
            receipts.append(self.damage("raw_receipt", raw_receipt, **where))
            all_entries += entries
        return self._seal(timestamp, transactions, receipts, logs_bloom(all_entries), gas_used)

    def _execute(self, call: Call, timestamp: int) -> list[tuple[bytes, list[bytes], bytes]] | None:
        """The log entries of the call, or None when it reverts."""
        if call.entries or call.to not in self.contracts:
            return list(call.entries)
        if len(call.call_data) != 100 or call.call_data[:4] != ANCHOR_SELECTOR:
            return None
        prev, root, size_word = (call.call_data[4 + i : 36 + i] for i in (0, 32, 64))
        size = int.from_bytes(size_word, "big")
        slot = (call.to, call.sender.address)
        if root == bytes(32) or size == 0 or self.heads.get(slot, bytes(32)) != prev:
            return None
        # docs/spec/anchor.md §1: head' = K(prev ‖ root ‖ u256(size · 2^64 + block.timestamp))
        size_time = (size << 64 | timestamp).to_bytes(32, "big")
        head = keccak(prev + root + size_time)
        self.heads[slot] = head
        log_topic = call.sender.address.rjust(32, b"\0")
        return [(call.to, [ANCHORED_TOPIC, log_topic, head], prev + root + size_time)]

    def _encode(self, call: Call) -> bytes:
        """The signed raw transaction."""
        nonce = self.nonces.get(call.sender.address, 0)
        self.nonces[call.sender.address] = nonce + 1
        if call.tx_type in (3, 4):
            return self._encode_unsigned(call, nonce)
        wanted: dict[str, Any] = {
            "chainId": self.chain_id,
            "nonce": nonce,
            "gas": 100_000,
            "to": to_checksum_address(call.to),
            "value": 0,
            "data": "0x" + call.call_data.hex(),
        }
        if call.tx_type == 2:
            wanted |= {"type": 2, "maxFeePerGas": 2 * BASE_FEE, "maxPriorityFeePerGas": 1}
        else:
            wanted["gasPrice"] = 2 * BASE_FEE
            if call.tx_type == 1:
                wanted |= {"type": 1, "accessList": []}
        signed = Account.from_key(call.sender.secret).sign_transaction(wanted)
        return bytes(signed.raw_transaction)

    def _encode_unsigned(self, call: Call, nonce: int) -> bytes:
        """Types 3 (EIP-4844) and 4 (EIP-7702), encoded here, with a placeholder signature.

        What dates a record is the contract's slot; nobody recovers a sender from these bytes.
        """
        start: list[Any] = [
            integer(self.chain_id), integer(nonce), integer(1), integer(2 * BASE_FEE),
            integer(100_000), call.to, b"", call.call_data, [],
        ]  # fmt: skip
        if call.tx_type == 3:
            start += [integer(1), [b"\x01" + bytes(31)]]  # fee per blob gas, one blob hash
        else:
            start += [[]]  # no authorizations
        return bytes([call.tx_type]) + encode_rlp([*start, b"", b"\x11" * 32, b"\x22" * 32])

    def _seal(
        self,
        timestamp: int,
        transactions: list[bytes],
        receipts: list[bytes],
        bloom: bytes,
        gas_used: int,
    ) -> Block:
        number = len(self.blocks)
        state_root, storage_roots = self._state(number)
        fields: list[bytes] = [
            self.blocks[-1].hash if self.blocks else bytes(32),
            bytes.fromhex("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"),
            b"\xc0" * 20,
            state_root,
            self._ordered_root(transactions),
            self._ordered_root(receipts),
            bloom,
            b"",
            integer(number),
            integer(GAS_LIMIT),
            integer(gas_used),
            integer(timestamp),
            self.extra_data,
            keccak(b"randomness" + integer(number)),
            bytes(8),
            integer(BASE_FEE),
            keccak(b"\x80"),
            b"",
            b"",
            bytes(32),
            bytes(32),
            bytes(32),
            b"",
        ]
        header = encode_rlp(self.damage("header_fields", fields[: self.header_size], number=number))
        block = Block(
            header, number, timestamp, keccak(header),
            tuple(transactions), tuple(receipts), state_root, storage_roots,
        )  # fmt: skip
        self.blocks.append(block)
        return block

    def _state(self, number: int) -> tuple[bytes, dict[bytes, bytes]]:
        """State root, and the storage root of every contract, after the block."""
        state = self.trie(self._others)
        storage_roots = {}
        for contract, code_hash in self.contracts.items():
            storage = self.trie(self._other_logs)
            for (emitter, log), head in self.heads.items():
                if emitter == contract:
                    # docs/spec/anchor.md §3: the RLP of the head without leading zero bytes.
                    value = encode_rlp(head.lstrip(b"\0"))
                    storage[slot_key(log)] = self.damage(
                        "slot_value", value, number=number, contract=contract, log=log
                    )
            account = [integer(1), b"", storage.root_hash, code_hash]
            account = self.damage("account", account, number=number, contract=contract)
            state[keccak(contract)] = encode_rlp(account)
            storage_roots[contract] = cast(bytes, storage.root_hash)
        return cast(bytes, state.root_hash), storage_roots

    def _ordered(self, values: Sequence[bytes]) -> HexaryTrie:
        """The trie of a block's transactions or receipts: key RLP(index), value as it stands."""
        ordered = HexaryTrie(self.nodes)
        for index, value in enumerate(values):
            ordered[encode_rlp(index)] = value
        return ordered

    def _ordered_root(self, values: Sequence[bytes]) -> bytes:
        return cast(bytes, self._ordered(values).root_hash)

    def prove_account(self, block: Block, contract: bytes) -> list[bytes]:
        return proof_nodes(self.trie(block.state_root), keccak(contract))

    def prove_slot(self, block: Block, contract: bytes, log: bytes) -> list[bytes]:
        return proof_nodes(self.trie(block.storage_roots[contract]), slot_key(log))

    def prove_transaction(self, block: Block, index: int) -> list[bytes]:
        return proof_nodes(self._ordered(block.transactions), encode_rlp(index))

    def prove_receipt(self, block: Block, index: int) -> list[bytes]:
        return proof_nodes(self._ordered(block.receipts), encode_rlp(index))


def slot_key(log: bytes) -> bytes:
    """docs/spec/anchor.md §3: K(K(u256(log address) ‖ u256(0))), the hashed key of the slot."""
    return keccak(keccak(log.rjust(32, b"\0") + bytes(32)))

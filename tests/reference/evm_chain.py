"""A block with transactions and receipts of the anchor contract, made by hand, and its proofs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.reference.patricia import Trie
from verifier.format import contract, rlp
from verifier.format.digests import ZERO, Digest
from verifier.format.evm import Leg
from verifier.format.fold import Link, fold
from verifier.format.keccak import keccak256

CHAIN_ID = 31337
LOG_ADDRESS = bytes.fromhex("f39fd6e51aad88f6f4ce6ab8827279cfffb92266")
TIME = 1_767_225_600
SIGNATURE: list[rlp.Item] = [b"\x01", b"\x11" * 32, b"\x22" * 32]


def number(value: int) -> bytes:
    """An RLP integer's bytes."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def call_data(prev: bytes, link: Link) -> bytes:
    """The input of `anchor(prev, root, size)`."""
    return contract.SELECTOR + prev + link.root + link.size.to_bytes(32, "big")


def transaction(
    kind: int,
    data: bytes,
    *,
    to: bytes = contract.ADDRESS,
    chain_id: int = CHAIN_ID,
) -> list[rlp.Item]:
    """The fields of a transaction of one of the five types."""
    chain, fee, gas, none = number(chain_id), number(10**9), number(100_000), b""
    keys: rlp.Item = []
    if kind == 0:
        v = number(35 + 2 * chain_id)
        return [none, fee, gas, to, none, data, v, b"\x11" * 32, b"\x22" * 32]
    if kind == 1:
        return [chain, none, fee, gas, to, none, data, keys, *SIGNATURE]
    head: list[rlp.Item] = [chain, none, fee, fee, gas, to, none, data, keys]
    if kind == 2:
        return [*head, *SIGNATURE]
    if kind == 3:
        return [*head, fee, [b"\x01" + bytes(31)], *SIGNATURE]
    return [*head, [[chain, to, none, *SIGNATURE]], *SIGNATURE]


def typed(kind: int, fields: Sequence[rlp.Item]) -> bytes:
    """EIP-2718."""
    encoded = rlp.encode(list(fields))
    return encoded if kind == 0 else bytes([kind]) + encoded


def anchored(prev: Digest, link: Link) -> list[rlp.Item]:
    """The log that the contract emits."""
    topics: rlp.Item = [contract.EVENT_TOPIC, LOG_ADDRESS.rjust(32, b"\0"), fold(prev, link)]
    return [contract.ADDRESS, topics, prev + link.root + link.size_time]


def receipt(logs: Sequence[rlp.Item], status: bytes = b"\x01") -> list[rlp.Item]:
    """The fields of a receipt."""
    return [status, number(50_000), bytes(256), list(logs)]


def header_fields(
    *,
    state: bytes = ZERO,
    transactions: bytes = ZERO,
    receipts: bytes = ZERO,
    height: int = 12,
    time: int = TIME,
    count: int = 21,
) -> list[rlp.Item]:
    """The fields of a header; those that nobody reads are short."""
    fields: list[rlp.Item] = [b"\x55"] * count
    fields[3:6] = [state, transactions, receipts]
    fields[8] = number(height)
    fields[11] = number(time)
    return fields


OTHER_LOG: list[rlp.Item] = [b"\x99" * 20, [b"\x88" * 32], b"other"]


@dataclass
class Block:
    """One anchor among other transactions; each field can be damaged before `leg` is asked."""

    kind: int = 2
    prev: Digest = ZERO
    link: Link = field(default_factory=lambda: Link(keccak256(b"root"), 3, TIME))
    index: int = 1
    others: int = 3
    log_index: int = 1
    tx_fields: list[rlp.Item] = field(default_factory=list)
    log: list[rlp.Item] = field(default_factory=list)
    receipt_fields: list[rlp.Item] = field(default_factory=list)
    receipt_kind: int | None = None
    time: int = TIME

    def __post_init__(self) -> None:
        self.tx_fields = transaction(self.kind, call_data(self.prev, self.link))
        self.log = anchored(self.prev, self.link)

    def leg(self) -> Leg:
        """The leg of the transaction at `index`."""
        tx = typed(self.kind, self.tx_fields)
        fields = self.receipt_fields or receipt([OTHER_LOG, self.log])
        result = typed(self.kind if self.receipt_kind is None else self.receipt_kind, fields)
        filler = typed(2, transaction(2, b"filler", to=b"\x77" * 20))
        txs = [filler] * (self.others + 1)
        results = [typed(2, receipt([]))] * (self.others + 1)
        txs[self.index], results[self.index] = tx, result
        key = rlp.encode_int(self.index)
        tx_trie = Trie({rlp.encode_int(i): one for i, one in enumerate(txs)})
        receipt_trie = Trie({rlp.encode_int(i): one for i, one in enumerate(results)})
        fields = header_fields(
            transactions=tx_trie.root, receipts=receipt_trie.root, time=self.time
        )
        return Leg(
            0, rlp.encode(fields), self.index, tx, tx_trie.prove(key), result,
            receipt_trie.prove(key), self.log_index,
        )  # fmt: skip


@dataclass(frozen=True)
class AsOfState:
    """A header over a state in which the contract holds `head` for the log."""

    header: bytes
    account_proof: tuple[bytes, ...]
    storage_proof: tuple[bytes, ...]


def as_of(head: bytes, *, code_hash: bytes = contract.RUNTIME_CODE_HASH) -> AsOfState:
    """A small state: the contract among other accounts, the log among others."""
    slot = keccak256(LOG_ADDRESS.rjust(32, b"\0") + bytes(32))
    slots: dict[bytes, bytes] = {keccak256(bytes([i])): rlp.encode(b"\x01" * 32) for i in range(20)}
    slots[keccak256(slot)] = rlp.encode(head.lstrip(b"\0"))
    storage = Trie(slots)
    accounts: dict[bytes, bytes] = {
        keccak256(b"%d" % i): rlp.encode([b"", b"", ZERO, ZERO]) for i in range(20)
    }
    key = keccak256(contract.ADDRESS)
    accounts[key] = rlp.encode([b"\x01", b"", storage.root, code_hash])
    state = Trie(accounts)
    header = rlp.encode(header_fields(state=state.root))
    return AsOfState(header, state.prove(key), storage.prove(keccak256(slot)))

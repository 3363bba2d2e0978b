"""Owns what is read of an EVM chain: header, account, slot, and a leg (docs/spec/anchor.md §3, §5).

Hash rule `ethereum`. Only raw bytes are trusted, and they only through hashes. Proved by
tests/unit/format/test_evm.py and tests/unit/format/test_mainnet.py, a real block.
"""

from typing import NamedTuple

from verifier.format import contract as anchors
from verifier.format import mpt, rlp
from verifier.format.digests import DIGEST_LENGTH, Digest
from verifier.format.errors import FormatError
from verifier.format.fold import Link, fold
from verifier.format.keccak import keccak256

HASH_RULE = "ethereum"
# anchor.md §4: the root of an empty storage, K(0x80), of which there are no nodes to prove anything
_EMPTY_TRIE = keccak256(b"\x80")
ADDRESS_LENGTH = 20  # bytes

# Fields of a header by fork: Frontier, London, Shanghai, Cancun, Prague, Amsterdam.
HEADER_FIELDS = frozenset({15, 16, 17, 20, 21, 23})
_STATE_ROOT, _TRANSACTIONS_ROOT, _RECEIPTS_ROOT, _NUMBER, _TIMESTAMP = 3, 4, 5, 8, 11

# Where `to`, data and their number of fields stand in each type of transaction: EIP-155, 2930,
# 1559, 4844, 7702. The chain id is the first field of all but the legacy one.
_TX_FIELDS = {0: 9, 1: 11, 2: 12, 3: 14, 4: 13}
_TX_TO = {0: 3, 1: 4, 2: 5, 3: 5, 4: 5}
_TX_DATA = {0: 5, 1: 6, 2: 7, 3: 7, 4: 7}
_LEGACY_V = 6
_UNPROTECTED_V = (27, 28)
_RECEIPT_FIELDS = 4  # status, gas, bloom, logs
_LOG_FIELDS = 3  # emitter, topics, data
SUCCESS = b"\x01"  # EIP-658

# Its receipt has more members than others, so it is named and refused, never guessed.
OP_STACK_DEPOSIT = 0x7E


class Header(NamedTuple):
    """A block header. `hash` is the block hash; `timestamp` is a block time in seconds."""

    raw: bytes
    hash: Digest
    number: int
    timestamp: int
    state_root: Digest
    transactions_root: Digest
    receipts_root: Digest


class Account(NamedTuple):
    """An account as the state holds it."""

    nonce: int
    balance: int
    storage_root: Digest
    code_hash: Digest


class Leg(NamedTuple):
    """Transaction and receipt of one anchor. `link` is an index into the fold links."""

    link: int
    header: bytes
    index: int  # type: ignore[assignment]  # not the method of tuples
    tx: bytes
    tx_proof: tuple[bytes, ...]
    receipt: bytes
    receipt_proof: tuple[bytes, ...]
    log_index: int


class Transaction(NamedTuple):
    """What is read of a raw transaction. `chain_id` is None where a legacy one names no chain."""

    kind: int
    chain_id: int | None
    to: rlp.Item
    data: rlp.Item


class Receipt(NamedTuple):
    """What is read of a raw receipt. `outcome` is its status or, before Byzantium, a state root."""

    kind: int
    outcome: rlp.Item
    logs: rlp.Item


class Log(NamedTuple):
    """What a contract logged: who, the topics, the data."""

    emitter: bytes
    topics: tuple[bytes, ...]
    data: bytes


class CheckedLeg(NamedTuple):
    """A leg that holds: this block has the transaction, and the contract recorded the link."""

    header: Header
    head: Digest


def parse_header(raw: bytes) -> Header:
    """Read a block header.

    Raises FormatError RLP_…, HEADER_FIELDS for an unknown number of fields, or HEADER_FORM.
    """
    fields = rlp.decode_list(raw, "header")
    if len(fields) not in HEADER_FIELDS:
        raise FormatError(
            "HEADER_FIELDS", f"a header has 15, 16, 17, 20, 21 or 23 fields, got {len(fields)}"
        )
    if not all(isinstance(field, bytes) for field in fields):
        raise FormatError("HEADER_FORM", "a header's fields are byte strings, got a list")
    return Header(
        raw,
        # anchor.md §3: K(header RLP)
        keccak256(raw),
        rlp.decode_int(fields[_NUMBER], "block number", 64),
        rlp.decode_int(fields[_TIMESTAMP], "timestamp", 64),
        _hash(fields[_STATE_ROOT], "HEADER_FORM", "state root"),
        _hash(fields[_TRANSACTIONS_ROOT], "HEADER_FORM", "transactions root"),
        _hash(fields[_RECEIPTS_ROOT], "HEADER_FORM", "receipts root"),
    )


def check_account(state_root: Digest, address: bytes, nodes: tuple[bytes, ...]) -> Account:
    """The account of an address of 20 bytes under a state root.

    Raises FormatError MPT_…, RLP_…, ACCOUNT_FORM or ADDRESS_LENGTH.
    """
    _check_address(address)
    # anchor.md §3: K(20 bytes contract) under the state root
    value = mpt.prove(state_root, keccak256(address), nodes)
    fields = rlp.decode_list(value, "account")
    if len(fields) != 4:
        raise FormatError("ACCOUNT_FORM", f"an account has 4 fields, got {len(fields)}")
    return Account(
        rlp.decode_int(fields[0], "nonce", 64),
        rlp.decode_int(fields[1], "balance"),
        _hash(fields[2], "ACCOUNT_FORM", "storage root"),
        _hash(fields[3], "ACCOUNT_FORM", "code hash"),
    )


def check_code_hash(account: Account) -> Account:
    """Refuse an account whose code is not the contract's. Raises FormatError CODE_HASH."""
    if account.code_hash != anchors.RUNTIME_CODE_HASH:
        raise FormatError(
            "CODE_HASH",
            f"want code hash {anchors.RUNTIME_CODE_HASH.hex()}, got {account.code_hash.hex()}",
        )
    return account


def head_slot(log_address: bytes) -> Digest:
    """The slot of `head[log_address]` in the contract's storage. Raises ADDRESS_LENGTH."""
    _check_address(log_address)
    # anchor.md §3: K(u256(log address) ‖ u256(0))
    return keccak256(_word(log_address) + anchors.HEAD_SLOT.to_bytes(32, "big"))


def check_slot(storage_root: Digest, log_address: bytes, nodes: tuple[bytes, ...]) -> Digest:
    """The contract's head of a log under the contract's storage root.

    Raises FormatError MPT_… (MPT_ABSENT: the log never anchored), RLP_… or SLOT_FORM.
    """
    return check_storage(storage_root, head_slot(log_address), nodes)


def check_never_anchored(
    storage_root: Digest, log_address: bytes, nodes: tuple[bytes, ...]
) -> Digest:
    """The contract's head of a log that has none: 32 zero bytes.

    Raises FormatError SLOT_PRESENT if it has one, MPT_… or RLP_….
    """
    none = Digest(bytes(DIGEST_LENGTH))
    if storage_root == _EMPTY_TRIE and not nodes:
        return none
    try:
        head = check_slot(storage_root, log_address, nodes)
    except FormatError as error:
        if error.code == "MPT_ABSENT":
            return none
        raise
    raise FormatError("SLOT_PRESENT", f"the proof has no links, and the slot holds {head.hex()}")


def check_storage(storage_root: Digest, slot: Digest, nodes: tuple[bytes, ...]) -> Digest:
    """The word at a slot, padded on the left to 32 bytes. Raises as `check_slot` does."""
    # anchor.md §3: K(slot) under the storage root
    item = rlp.decode(mpt.prove(storage_root, keccak256(slot), nodes))
    if not isinstance(item, bytes) or not item or item[0] == 0 or len(item) > DIGEST_LENGTH:
        raise FormatError("SLOT_FORM", "a slot's value has 1 to 32 bytes and no leading zero")
    return Digest(_word(item))


def check_leg(
    leg: Leg, *, prev: Digest, link: Link, chain_id: int, contract: bytes, log_address: bytes
) -> CheckedLeg:
    """Check that the leg's transaction made this link after the head `prev`.

    Raises FormatError LEG_…, TX_…, RECEIPT_… or LOG_… naming what is wrong, MPT_…, RLP_… or HEADER_….
    Source: docs/spec/anchor.md §5.
    """
    header = parse_header(leg.header)
    if header.timestamp != link.time:
        raise FormatError(
            "LEG_TIME", f"the link's time is {link.time}, the header's {header.timestamp}"
        )
    # anchor.md §5: transaction and receipt are proved at key RLP(index)
    key = rlp.encode_int(leg.index)
    if mpt.prove(header.transactions_root, key, leg.tx_proof) != leg.tx:
        raise FormatError("LEG_TX_VALUE", f"the proof holds another transaction at {leg.index}")
    if mpt.prove(header.receipts_root, key, leg.receipt_proof) != leg.receipt:
        raise FormatError("LEG_RECEIPT_VALUE", f"the proof holds another receipt at {leg.index}")
    kind = _check_tx(leg.tx, prev, link, chain_id, contract)
    head = fold(prev, link)
    topics = [anchors.EVENT_TOPIC, _word(log_address), head]
    # anchor.md §5: prev, root, sizeTime of that link
    data = prev + link.root + link.size_time
    _check_receipt(leg, kind, contract, topics, data)
    return CheckedLeg(header, head)


def read_transaction(raw: bytes) -> Transaction:
    """Read a raw transaction of type 0 to 4. Raises FormatError TX_TYPE, TX_FIELDS or RLP_…."""
    kind, fields = _typed(raw, "TX_TYPE", "transaction")
    if len(fields) != _TX_FIELDS[kind]:
        raise FormatError(
            "TX_FIELDS",
            f"a transaction of type {kind} has {_TX_FIELDS[kind]} fields, got {len(fields)}",
        )
    chain_id: int | None
    if kind:
        chain_id = rlp.decode_int(fields[0], "chain id")
    else:
        v = rlp.decode_int(fields[_LEGACY_V], "v")
        # EIP-155: v = {0, 1} + 2 · chain id + 35; before it, 27 or 28 named no chain.
        chain_id = None if v in _UNPROTECTED_V else (v - 35) // 2
    return Transaction(kind, chain_id, fields[_TX_TO[kind]], fields[_TX_DATA[kind]])


def read_receipt(raw: bytes) -> Receipt:
    """Read a raw receipt of type 0 to 4. Raises FormatError RECEIPT_TYPE, RECEIPT_FIELDS or RLP_…."""
    kind, fields = _typed(raw, "RECEIPT_TYPE", "receipt")
    if len(fields) != _RECEIPT_FIELDS:
        raise FormatError("RECEIPT_FIELDS", f"a receipt has 4 fields, got {len(fields)}")
    return Receipt(kind, fields[0], fields[3])


def log_at(receipt: Receipt, index: int) -> Log:
    """The log at `index` of a receipt. Raises FormatError LOG_INDEX or LOG_FORM."""
    logs = receipt.logs
    if not isinstance(logs, list) or not 0 <= index < len(logs):
        raise FormatError("LOG_INDEX", f"the receipt has no log {index}")
    log = logs[index]
    if not isinstance(log, list) or len(log) != _LOG_FIELDS:
        raise FormatError("LOG_FORM", "a log has 3 fields")
    emitter, topics, data = log
    if not isinstance(emitter, bytes) or not isinstance(data, bytes):
        raise FormatError("LOG_FORM", "a log's emitter and data are bytes")
    if not isinstance(topics, list):
        raise FormatError("LOG_FORM", "a log's topics are a list")
    words = tuple([topic for topic in topics if isinstance(topic, bytes)])
    if len(words) != len(topics):
        raise FormatError("LOG_FORM", "a log's topics are bytes")
    return Log(emitter, words, data)


def _check_tx(tx: bytes, prev: Digest, link: Link, chain_id: int, contract: bytes) -> int:
    read = read_transaction(tx)
    if read.to != contract:
        raise FormatError("LEG_TX_TO", f"the transaction is not to 0x{contract.hex()}")
    if read.chain_id != chain_id:
        raise FormatError(
            "LEG_TX_CHAIN", f"want chain id {chain_id}, the transaction's is {read.chain_id}"
        )
    # anchor.md §5: the selector with (prev, root, size) of that link
    if read.data != anchors.SELECTOR + prev + link.root + link.size.to_bytes(32, "big"):
        raise FormatError("LEG_TX_DATA", "the call data are not those of this link")
    return read.kind


def _check_receipt(
    leg: Leg, tx_kind: int, contract: bytes, topics: list[bytes], data: bytes
) -> None:
    receipt = read_receipt(leg.receipt)
    check_same_type(tx_kind, receipt)
    if receipt.outcome != SUCCESS:
        raise FormatError("LEG_STATUS", "the transaction failed: its receipt's status is not 1")
    log = log_at(receipt, leg.log_index)
    if log.emitter != contract:
        raise FormatError("LEG_EMITTER", f"log {leg.log_index} is not of 0x{contract.hex()}")
    if len(log.topics) != len(topics) or log.topics[0] != topics[0]:
        raise FormatError("LEG_EVENT", f"log {leg.log_index} is not the event Anchored")
    if log.topics[1] != topics[1]:
        raise FormatError("LEG_LOG_ADDRESS", f"log {leg.log_index} names another log")
    if log.topics[2] != topics[2]:
        raise FormatError("LEG_HEAD", f"log {leg.log_index} names another head")
    if log.data != data:
        raise FormatError("LEG_LOG_DATA", f"log {leg.log_index} has not this link's data")


def check_same_type(tx_kind: int, receipt: Receipt) -> None:
    """A receipt is of its transaction's type. Raises FormatError RECEIPT_TYPE."""
    if receipt.kind != tx_kind:
        raise FormatError(
            "RECEIPT_TYPE", f"want a receipt of type {tx_kind}, got one of type {receipt.kind}"
        )


def unknown_type(raw: bytes) -> int | None:
    """The type of a transaction or receipt that is of none known here, else None.

    EIP-2718 leaves the bytes 0x01 to 0x7f to types; others begin no transaction.
    """
    return raw[0] if raw and max(_TX_FIELDS) < raw[0] < 0x80 else None


def type_said(kind: int) -> str:
    """A type that is not known here, in words."""
    said = ", the deposit of an OP-stack chain" if kind == OP_STACK_DEPOSIT else ""
    return f"byte {kind:#04x}{said}"


def _typed(raw: bytes, code: str, what: str) -> tuple[int, list[rlp.Item]]:
    # EIP-2718: a first byte below 0x80 is a type; a legacy one begins as the list that it is.
    if not raw:
        raise FormatError(code, f"the {what} is empty")
    if raw[0] >= 0xC0:
        return 0, rlp.decode_list(raw, what)
    if raw[0] not in _TX_FIELDS or raw[0] == 0:
        raise FormatError(code, f"want a {what} of type 0 to 4, got {type_said(raw[0])}")
    return raw[0], rlp.decode_list(raw[1:], what)


def _hash(item: rlp.Item, code: str, what: str) -> Digest:
    if not isinstance(item, bytes) or len(item) != DIGEST_LENGTH:
        raise FormatError(code, f"the {what} has 32 bytes")
    return Digest(item)


def _word(raw: bytes) -> bytes:
    return raw.rjust(32, b"\x00")


def _check_address(address: bytes) -> None:
    if len(address) != ADDRESS_LENGTH:
        raise FormatError("ADDRESS_LENGTH", f"an address has 20 bytes, got {len(address)}")

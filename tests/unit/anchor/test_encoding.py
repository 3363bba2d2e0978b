"""Raw bytes out of a node's JSON: every header of every fork, every transaction type, against `rlp`.

The JSON is written here as nodes write it, from fields that the PyPI package `rlp` encoded.
"""

from __future__ import annotations

from typing import Any

import pytest
import rlp
from eth_utils.crypto import keccak

from notary.adapters.chain import encoding
from notary.chain_ports import ChainContradiction
from verifier.format import evm

# In the order of the header; those after `nonce` came fork by fork.
NAMES = [
    "parentHash",
    "sha3Uncles",
    "miner",
    "stateRoot",
    "transactionsRoot",
    "receiptsRoot",
    "logsBloom",
    "difficulty",
    "number",
    "gasLimit",
    "gasUsed",
    "timestamp",
    "extraData",
    "mixHash",
    "nonce",
    "baseFeePerGas",
    "withdrawalsRoot",
    "blobGasUsed",
    "excessBlobGas",
    "parentBeaconBlockRoot",
    "requestsHash",
]
NUMBERS = frozenset(
    [
        "difficulty",
        "number",
        "gasLimit",
        "gasUsed",
        "timestamp",
        "baseFeePerGas",
        "blobGasUsed",
        "excessBlobGas",
    ]
)
LENGTHS = {"miner": 20, "logsBloom": 256, "nonce": 8, "extraData": 5}
FORKS = {"Frontier": 15, "London": 16, "Shanghai": 17, "Cancun": 20, "Prague": 21}

ADDRESS, KEY, BLOB = b"\xa1" * 20, b"\x0b" * 32, b"\x01" + b"\x0c" * 31


def zerox(raw: bytes) -> str:
    return "0x" + raw.hex()


def big(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("number", [0, 1, 2**40])
def test_a_header_of_every_fork_rebuilds(fork: str, number: int) -> None:
    block: dict[str, Any] = {"hash": "0x", "transactions": [], "uncles": [], "size": "0x220"}
    fields: list[bytes] = []
    for i, name in enumerate(NAMES[: FORKS[fork]]):
        if name in NUMBERS:
            block[name] = hex(number)
            fields.append(big(number))
        else:
            value = bytes([i + 1]) * LENGTHS.get(name, 32)
            block[name] = zerox(value)
            fields.append(value)
    if FORKS[fork] >= FORKS["Shanghai"]:
        # Withdrawals stand in the block; their root alone is in the header.
        block["withdrawals"] = [{"index": "0x1", "amount": "0x2"}]
    assert encoding.header(block) == rlp.encode(fields)
    assert evm.parse_header(encoding.header(block)).hash == keccak(rlp.encode(fields))


@pytest.mark.parametrize("name", NAMES[:15])
def test_a_block_without_a_member_of_every_fork_is_refused(name: str) -> None:
    block = {one: "0x01" for one in NAMES if one != name}
    with pytest.raises(ChainContradiction) as caught:
        encoding.header(block)
    assert caught.value.code == "ENDPOINT_FORM"
    assert name in str(caught.value)


def transaction(kind: int, *, value: int, to: bytes, v: int) -> tuple[dict[str, Any], bytes]:
    """A transaction as a node gives it, and its raw bytes."""
    access = [[ADDRESS, [KEY, KEY]], [ADDRESS, []]]
    said: dict[str, Any] = {
        "type": hex(kind),
        "nonce": hex(value),
        "gas": "0x5208",
        "value": hex(value),
        "input": "0x0102",
        "to": zerox(to) if to else None,
        "r": "0x00" + "11" * 31,
        "s": hex(value),
        "v": hex(v),
        "gasPrice": "0x9",
    }
    call = [big(0x5208), to, big(value), b"\x01\x02"]
    signature = [big(v), b"\x11" * 31, big(value)]
    if kind == 0:
        return said, rlp.encode([big(value), b"\x09", *call, *signature])
    said |= {
        "chainId": "0x1",
        "yParity": hex(v),
        "accessList": [
            {"address": zerox(ADDRESS), "storageKeys": [zerox(KEY)] * 2},
            {"address": zerox(ADDRESS), "storageKeys": []},
        ],
    }
    if kind == 1:
        return said, b"\x01" + rlp.encode([b"\x01", big(value), b"\x09", *call, access, *signature])
    said |= {"maxPriorityFeePerGas": "0x0", "maxFeePerGas": "0x7"}
    fields: list[Any] = [b"\x01", big(value), b"", b"\x07", *call, access]
    if kind == 3:
        said |= {"maxFeePerBlobGas": "0x3", "blobVersionedHashes": [zerox(BLOB)]}
        fields += [b"\x03", [BLOB]]
    if kind == 4:
        one = {"chainId": "0x0", "address": zerox(ADDRESS), "nonce": "0x5", "yParity": "0x1"}
        said["authorizationList"] = [one | {"r": "0x6", "s": "0x07"}]
        fields.append([[b"", ADDRESS, b"\x05", b"\x01", b"\x06", b"\x07"]])
    return said, bytes([kind]) + rlp.encode([*fields, *signature])


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize("value", [0, 1, 2**200])
@pytest.mark.parametrize("to", [b"", ADDRESS])
@pytest.mark.parametrize("v", [0, 1])
def test_every_transaction_type_rebuilds(kind: int, value: int, to: bytes, v: int) -> None:
    said, raw = transaction(kind, value=value, to=to, v=v + 37 if kind == 0 else v)
    assert encoding.transaction(said) == raw
    read = evm.read_transaction(raw)
    assert (read.kind, read.chain_id, read.to) == (kind, 1, to)


@pytest.mark.parametrize("kind", [0x05, 0x6A, 0x7E])
def test_a_transaction_of_a_type_that_is_not_known_is_not_guessed(kind: int) -> None:
    said, _ = transaction(2, value=1, to=ADDRESS, v=0)
    assert encoding.transaction(said | {"type": hex(kind)}) is None


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize("status", [0, 1])
def test_every_receipt_type_rebuilds(kind: int, status: int) -> None:
    said, fields = receipt(kind)
    raw = rlp.encode([big(status), *fields])
    assert (
        encoding.receipt(said | {"status": hex(status)}) == (bytes([kind]) if kind else b"") + raw
    )
    read = evm.read_receipt(encoding.receipt(said | {"status": hex(status)}))
    assert (read.kind, read.outcome) == (kind, big(status))
    assert evm.log_at(read, 1) == (ADDRESS, (KEY, KEY), b"\x02")


def test_a_receipt_of_before_byzantium_has_a_state_root() -> None:
    said, fields = receipt(0)
    assert encoding.receipt(said | {"root": zerox(KEY)}) == rlp.encode([KEY, *fields])


@pytest.mark.parametrize(
    ("kind", "said_of"), [(0x7E, "deposit of an OP-stack chain"), (0x64, "0x64")]
)
def test_a_receipt_of_a_type_that_is_not_known_is_refused_by_name(kind: int, said_of: str) -> None:
    said, _ = receipt(2)
    with pytest.raises(ChainContradiction, match=said_of) as caught:
        encoding.receipt(said | {"status": "0x1", "type": hex(kind), "depositNonce": "0x1"})
    assert caught.value.code == "RECEIPT_TYPE_UNKNOWN"


def receipt(kind: int) -> tuple[dict[str, Any], list[Any]]:
    """A receipt as a node gives it without its outcome, and its fields after that."""
    bloom = b"\x05" * 256
    said = {
        "type": hex(kind),
        "cumulativeGasUsed": "0xabcdef",
        "logsBloom": zerox(bloom),
        "logs": [
            {"address": zerox(ADDRESS), "topics": [], "data": "0x"},
            {"address": zerox(ADDRESS), "topics": [zerox(KEY)] * 2, "data": "0x02"},
        ],
    }
    return said, [b"\xab\xcd\xef", bloom, [[ADDRESS, [], b""], [ADDRESS, [KEY, KEY], b"\x02"]]]

"""Rebuilds the raw bytes of headers, transactions and receipts from a node's JSON.

Nothing here is trusted: the caller compares the hash or the root of what comes out. So a member
that lies, or an encoding that is not known, can only make a comparison fail.
Sources: yellow paper §4.3; EIP-155, 658, 1559, 2718, 2930, 4399, 4788, 4844, 4895, 7002, 7702.
Test: tests/unit/anchor/test_trie_proofs.py on a mainnet block, and
tests/scenarios/anchor/test_chain_adapter.py on a node.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from notary.chain_ports import ChainContradiction
from verifier.format import evm, rlp

Json = Mapping[str, Any]

_HEADER_BYTES = frozenset(
    {
        "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot",
        "logsBloom", "extraData", "mixHash", "nonce", "withdrawalsRoot", "parentBeaconBlockRoot",
        "requestsHash",
    }
)  # fmt: skip
# In order. Those after the fifteenth came fork by fork, and end where a chain's forks do.
_HEADER = (
    "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot",
    "logsBloom", "difficulty", "number", "gasLimit", "gasUsed", "timestamp", "extraData",
    "mixHash", "nonce",
    "baseFeePerGas",  # London
    "withdrawalsRoot",  # Shanghai
    "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot",  # Cancun
    "requestsHash",  # Prague
)  # fmt: skip
_HEADER_ALWAYS = 15
_KNOWN_TYPES = frozenset(range(5))


def raw_bytes(text: object, what: str) -> bytes:
    """Bytes from 0x-hex. Raises ChainContradiction ENDPOINT_FORM, as everything here does."""
    if isinstance(text, str) and text.startswith("0x"):
        try:
            return bytes.fromhex(text[2:])
        except ValueError:
            pass
    raise _malformed(what, text)


def number(text: object, what: str) -> int:
    """An unsigned number from 0x-hex of any length."""
    # No sign and no underscore: int() would take both.
    if isinstance(text, str) and text.startswith("0x") and text.isalnum():
        try:
            return int(text, 16)
        except ValueError:
            pass
    raise _malformed(what, text)


def members(value: object, what: str) -> Json:
    """A JSON object."""
    if not isinstance(value, dict):
        raise _malformed(what, value)
    return value


def array(holder: Json, name: str) -> list[Any]:
    """The array that is a member of an object."""
    value = holder.get(name)
    if not isinstance(value, list):
        raise _malformed(name, value)
    return value


def header(block: Json) -> bytes:
    """The RLP of a block's header, with as many members as the node gives."""
    present = [name for name in _HEADER if block.get(name) is not None]
    if present[:_HEADER_ALWAYS] != list(_HEADER[:_HEADER_ALWAYS]):
        missing = next(name for name in _HEADER if name not in present)
        raise ChainContradiction("ENDPOINT_FORM", f"the node's block has no {missing}")
    return rlp.encode(
        [
            raw_bytes(block[name], name) if name in _HEADER_BYTES else _integer(block, name)
            for name in present
        ]
    )


def transaction(tx: Json) -> bytes | None:
    """The raw transaction as it stands in the block's trie; None for a type that is not known."""
    kind = number(tx.get("type", "0x0"), "type")
    fields: list[rlp.Item]
    match kind:
        case 0:
            fields = [_integer(tx, "nonce"), _integer(tx, "gasPrice"), *_call(tx)]
            fields += [_integer(tx, "v"), *_signature(tx)]
            return rlp.encode(fields)
        case 1:
            fields = [_integer(tx, "chainId"), _integer(tx, "nonce"), _integer(tx, "gasPrice")]
            fields += [*_call(tx), _access_list(tx)]
        case 2 | 3 | 4:
            fields = [_integer(tx, "chainId"), _integer(tx, "nonce")]
            fields += [_integer(tx, "maxPriorityFeePerGas"), _integer(tx, "maxFeePerGas")]
            fields += [*_call(tx), _access_list(tx)]
            if kind == 3:
                fields += [
                    _integer(tx, "maxFeePerBlobGas"),
                    [raw_bytes(one, "blob hash") for one in array(tx, "blobVersionedHashes")],
                ]
            if kind == 4:
                fields.append([_authorization(one) for one in array(tx, "authorizationList")])
        case _:
            return None
    parity = "yParity" if tx.get("yParity") is not None else "v"
    return bytes([kind]) + rlp.encode([*fields, _integer(tx, parity), *_signature(tx)])


def receipt(one: Json) -> bytes:
    """The raw receipt as it stands in the block's trie.

    Raises ChainContradiction RECEIPT_TYPE_UNKNOWN for a type whose receipts may have more members.
    """
    kind = number(one.get("type", "0x0"), "type")
    if kind not in _KNOWN_TYPES:
        raise ChainContradiction(
            "RECEIPT_TYPE_UNKNOWN",
            f"a receipt is of type 0 to 4, got {evm.type_said(kind)}. Blocks that hold such ones "
            "can't be rebuilt.",
        )
    # EIP-658: the status; before Byzantium the receipt had a state root in its place.
    first = _integer(one, "status") if one.get("status") is not None else _bytes(one, "root")
    logs: list[rlp.Item] = [
        [
            _bytes(log, "address"),
            [raw_bytes(topic, "topic") for topic in array(log, "topics")],
            _bytes(log, "data"),
        ]
        for log in (members(log, "log") for log in array(one, "logs"))
    ]
    body = rlp.encode([first, _integer(one, "cumulativeGasUsed"), _bytes(one, "logsBloom"), logs])
    return body if kind == 0 else bytes([kind]) + body


def _call(tx: Json) -> list[rlp.Item]:
    to = tx.get("to")
    receiver = b"" if to is None else raw_bytes(to, "to")
    return [_integer(tx, "gas"), receiver, _integer(tx, "value"), _bytes(tx, "input")]


def _signature(tx: Json) -> list[rlp.Item]:
    return [_integer(tx, "r"), _integer(tx, "s")]


def _access_list(tx: Json) -> rlp.Item:
    return [
        [
            _bytes(entry, "address"),
            [raw_bytes(key, "storage key") for key in array(entry, "storageKeys")],
        ]
        for entry in (members(entry, "access") for entry in array(tx, "accessList"))
    ]


def _authorization(value: object) -> rlp.Item:
    one = members(value, "authorization")
    names = ("nonce", "yParity", "r", "s")
    return [_integer(one, "chainId"), _bytes(one, "address"), *(_integer(one, n) for n in names)]


def _integer(holder: Json, name: str) -> bytes:
    value = number(holder.get(name), name)
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _bytes(holder: Json, name: str) -> bytes:
    return raw_bytes(holder.get(name), name)


def _malformed(what: str, got: object) -> ChainContradiction:
    return ChainContradiction("ENDPOINT_FORM", f"the node's {what} is {str(got)[:80]!r}")

"""A real block of Ethereum mainnet: header, receipts, account and storage."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.reference.refusal import refused
from verifier.format import evm, mpt, rlp
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.keccak import keccak256

with warnings.catch_warnings():
    # Its dependencies warn at import on some versions of Python.
    warnings.simplefilter("ignore")
    from trie import HexaryTrie

VECTORS = Path(__file__).parents[2] / "vectors" / "mainnet"


def load(name: str) -> Any:
    return json.loads((VECTORS / f"{name}-21925176.json").read_text())


BLOCK, PROOF, RECEIPTS = load("block"), load("proof"), load("receipts")

# Field names in the header's order, up to Cancun; a star marks integers.
NAMES = """
    parentHash sha3Uncles miner stateRoot transactionsRoot receiptsRoot logsBloom *difficulty
    *number *gasLimit *gasUsed *timestamp extraData mixHash nonce *baseFeePerGas
    withdrawalsRoot *blobGasUsed *excessBlobGas parentBeaconBlockRoot
"""


def raw(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def integer(text: str) -> bytes:
    number = int(text, 16)
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


HEADER = rlp.encode(
    [integer(BLOCK[name[1:]]) if name[0] == "*" else raw(BLOCK[name]) for name in NAMES.split()]
)


def receipt(one: dict[str, Any]) -> bytes:
    logs: list[rlp.Item] = [
        [raw(log["address"]), [raw(topic) for topic in log["topics"]], raw(log["data"])]
        for log in one["logs"]
    ]
    fields = rlp.encode(
        [integer(one["status"]), integer(one["cumulativeGasUsed"]), raw(one["logsBloom"]), logs]
    )
    return (integer(one["type"]) + fields) if one["type"] != "0x0" else fields


def nodes(texts: list[str]) -> tuple[bytes, ...]:
    return tuple(raw(text) for text in texts)


def test_the_header_has_the_blocks_hash() -> None:
    header = evm.parse_header(HEADER)
    assert header.hash == raw(BLOCK["hash"])
    assert header.number == 21_925_176
    assert header.timestamp == int(BLOCK["timestamp"], 16)


def test_every_receipt_is_proved_under_the_receipts_root() -> None:
    root = evm.parse_header(HEADER).receipts_root
    trie = HexaryTrie({})
    for i, one in enumerate(RECEIPTS):
        trie[rlp.encode_int(i)] = receipt(one)
    assert trie.root_hash == root
    assert len(RECEIPTS) == 202
    for i, one in enumerate(RECEIPTS):
        key = rlp.encode_int(i)
        path = [rlp.encode(_plain(node)) for node in trie.get_proof(key)]
        # `trie` lists nodes that stand inside their parent as well.
        hashed = path[:1] + [node for node in path[1:] if len(node) >= 32]
        assert mpt.prove(root, key, hashed) == receipt(one)
        with refused("MPT_NODE_MISSING"):
            mpt.prove(root, key, hashed[:-1])
        with refused("MPT_NODE_EXTRA"):
            mpt.prove(root, key, [*hashed, hashed[0]])
        with pytest.raises(FormatError, match=r"MPT_NODE_HASH|MPT_ABSENT|MPT_NODE_MISSING"):
            mpt.prove(root, rlp.encode_int((i + 101) % 202), hashed)


def _plain(node: Any) -> rlp.Item:
    return bytes(node) if isinstance(node, bytes) else [_plain(one) for one in node]


def account() -> evm.Account:
    root = evm.parse_header(HEADER).state_root
    return evm.check_account(root, raw(PROOF["address"]), nodes(PROOF["accountProof"]))


def test_the_account_is_proved_under_the_state_root() -> None:
    one = account()
    assert one.code_hash == raw(PROOF["codeHash"])
    assert one.storage_root == raw(PROOF["storageHash"])
    assert (one.nonce, one.balance) == (int(PROOF["nonce"], 16), int(PROOF["balance"], 16))
    with refused("CODE_HASH"):
        evm.check_code_hash(one)


def test_the_slot_is_proved_under_the_storage_root() -> None:
    (entry,) = PROOF["storageProof"]
    slot = Digest(raw(entry["key"]))
    value = evm.check_storage(account().storage_root, slot, nodes(entry["proof"]))
    assert value == raw(entry["value"])
    with refused("MPT_NODE_HASH"):
        evm.check_storage(account().code_hash, slot, nodes(entry["proof"]))


def test_every_damaged_node_of_the_account_proof_is_refused() -> None:
    root = evm.parse_header(HEADER).state_root
    path = nodes(PROOF["accountProof"])
    for i, node in enumerate(path):
        for at in range(0, len(node), 37):
            damaged = node[:at] + bytes([node[at] ^ 0x40]) + node[at + 1 :]
            with refused("MPT_NODE_HASH"):
                evm.check_account(root, raw(PROOF["address"]), (*path[:i], damaged, *path[i + 1 :]))


def test_every_byte_of_the_header_is_in_its_hash() -> None:
    for at in range(len(HEADER)):
        damaged = HEADER[:at] + bytes([HEADER[at] ^ 1]) + HEADER[at + 1 :]
        try:
            header = evm.parse_header(damaged)
        except FormatError:
            continue
        assert header.hash == keccak256(damaged) != raw(BLOCK["hash"])

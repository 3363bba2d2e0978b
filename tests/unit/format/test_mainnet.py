"""Real blocks of Ethereum mainnet: header, receipts, transactions, account and storage.

The block in tests/vectors is always there. `make blocks BLOCKS=FOLDER` asks the same of every block in a
folder: `block-N.json` and, where they are there, `receipts-N.json` and `proof-N.json`, each what a node
answers to eth_getBlockByNumber, eth_getBlockReceipts and eth_getProof, bare or with its JSON-RPC frame.
"""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from notary.adapters.chain import encoding
from notary.chain_ports import ChainContradiction
from notary.core.trie_proofs import index_key, items_root, prove_item
from tests.reference.refusal import refused
from verifier.format import evm, mpt
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.keccak import keccak256

with warnings.catch_warnings():
    # Its dependencies warn at import on some versions of Python.
    warnings.simplefilter("ignore")
    from trie import HexaryTrie

VECTORS = Path(__file__).parents[2] / "vectors" / "mainnet"
FOLDERS = [VECTORS, *map(Path, filter(None, [os.environ.get("BLOCKS")]))]
KNOWN_TYPES = range(5)
DAMAGED_BYTES = 37  # every so many bytes of a long item one is damaged


@dataclass(frozen=True)
class Given:
    """What a node said of one block. `receipts` and `proof` are None where there is no file."""

    block: Any
    receipts: Any
    proof: Any


def given(path: Path) -> Given:
    def read(name: str) -> Any:
        file = path.with_name(path.name.replace("block-", f"{name}-"))
        if not file.exists():
            return None
        answer = json.loads(file.read_text("utf-8"))
        return answer["result"] if isinstance(answer, dict) and "jsonrpc" in answer else answer

    return Given(read("block"), read("receipts"), read("proof"))


PATHS = [path for folder in FOLDERS for path in sorted(folder.glob("block-*.json"))]


@pytest.fixture(scope="module", params=PATHS, ids=lambda path: path.stem)
def one(request: pytest.FixtureRequest) -> Given:
    return given(request.param)


def raw(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def nodes(texts: list[str]) -> tuple[bytes, ...]:
    return tuple(raw(text) for text in texts)


def header_of(one: Given) -> evm.Header:
    return evm.parse_header(encoding.header(one.block))


def receipts_of(one: Given) -> list[bytes]:
    if one.receipts is None:
        pytest.skip("no receipts are given")
    if {int(receipt.get("type", "0x0"), 16) for receipt in one.receipts} - set(KNOWN_TYPES):
        pytest.skip("it has receipts of a type that is not known: see their own test")
    return [encoding.receipt(receipt) for receipt in one.receipts]


def test_there_is_a_block_to_ask() -> None:
    assert (VECTORS / "block-21925176.json") in PATHS
    for folder in FOLDERS:
        assert list(folder.glob("block-*.json")), f"{folder} has no block-N.json"


def test_the_header_has_the_blocks_hash(one: Given) -> None:
    header = header_of(one)
    assert header.hash == raw(one.block["hash"])
    assert header.number == int(one.block["number"], 16)
    assert header.timestamp == int(one.block["timestamp"], 16)


def test_every_byte_of_the_header_is_in_its_hash(one: Given) -> None:
    whole = header_of(one).raw
    for at in range(len(whole)):
        damaged = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        try:
            header = evm.parse_header(damaged)
        except FormatError:
            continue
        assert header.hash == keccak256(damaged) != raw(one.block["hash"])


def test_every_transaction_is_proved_under_the_transactions_root(one: Given) -> None:
    if not all(isinstance(tx, dict) for tx in one.block["transactions"]):
        pytest.skip("the block names its transactions by hash alone")
    items = [encoding.transaction(tx) for tx in one.block["transactions"]]
    if None in items:
        pytest.skip("it has transactions of a type that is not known")
    known = [item for item in items if item is not None]
    assert ["0x" + keccak256(item).hex() for item in known] == [
        tx["hash"] for tx in one.block["transactions"]
    ]
    prove_all(known, header_of(one).transactions_root)


def test_every_receipt_is_proved_under_the_receipts_root(one: Given) -> None:
    items = receipts_of(one)
    assert len(items) == len(one.block["transactions"])
    prove_all(items, header_of(one).receipts_root)


def prove_all(items: list[bytes], root: Digest) -> None:
    """Each item holds by its proof, and by no other place, shorter, longer or damaged."""
    if not items:
        assert root == keccak256(b"\x80")
        return
    assert items_root(items) == root
    other = HexaryTrie({})
    for index, item in enumerate(items):
        other[index_key(index)] = item
    assert other.root_hash == root
    for index, item in enumerate(items):
        path = prove_item(items, index).nodes
        assert mpt.prove(root, index_key(index), path) == item
        with refused("MPT_NODE_MISSING"):
            mpt.prove(root, index_key(index), path[:-1])
        with refused("MPT_NODE_EXTRA"):
            mpt.prove(root, index_key(index), [*path, path[0]])
        if len(items) > 1:
            with pytest.raises(FormatError, match=r"MPT_NODE_HASH|MPT_ABSENT|MPT_NODE_MISSING"):
                mpt.prove(root, index_key((index + len(items) // 2) % len(items)), path)
        last = path[-1]
        damaged = last[:-1] + bytes([last[-1] ^ 1])
        with refused("MPT_NODE_HASH"):
            mpt.prove(root, index_key(index), [*path[:-1], damaged])


def test_a_receipt_that_says_otherwise_gives_another_root(one: Given) -> None:
    items = receipts_of(one)
    root = header_of(one).receipts_root
    for at, receipt in enumerate(one.receipts[:20]):
        for changed in (
            {"status": "0x0" if receipt.get("status") == "0x1" else "0x1", "root": None},
            {"cumulativeGasUsed": hex(int(receipt["cumulativeGasUsed"], 16) + 1)},
            {"logs": receipt["logs"][1:] if receipt["logs"] else [_LOG]},
        ):
            told = encoding.receipt({**receipt, **changed})
            assert items_root([*items[:at], told, *items[at + 1 :]]) != root


_LOG = {"address": "0x" + "11" * 20, "topics": [], "data": "0x"}


def test_receipts_of_a_type_that_is_not_known_are_refused_by_name(one: Given) -> None:
    if one.receipts is None:
        pytest.skip("no receipts are given")
    deposit = {**_RECEIPT, **(one.receipts[0] if one.receipts else {}), "type": "0x7e"}
    with pytest.raises(ChainContradiction, match="0x7e, the deposit of an OP-stack chain"):
        encoding.receipt(deposit)


_RECEIPT = {"status": "0x1", "cumulativeGasUsed": "0x1", "logsBloom": "0x" + "00" * 256, "logs": []}


# ---------------------------------------------------------------------- state


def account_of(one: Given) -> evm.Account:
    if one.proof is None:
        pytest.skip("no proof is given")
    root = header_of(one).state_root
    return evm.check_account(root, raw(one.proof["address"]), nodes(one.proof["accountProof"]))


def test_the_account_is_proved_under_the_state_root(one: Given) -> None:
    account = account_of(one)
    assert account.code_hash == raw(one.proof["codeHash"])
    assert account.storage_root == raw(one.proof["storageHash"])
    nonce, balance = int(one.proof["nonce"], 16), int(one.proof["balance"], 16)
    assert (account.nonce, account.balance) == (nonce, balance)
    with refused("CODE_HASH"):
        evm.check_code_hash(account)


def test_every_slot_is_proved_under_the_storage_root(one: Given) -> None:
    account = account_of(one)
    for entry in one.proof["storageProof"]:
        slot, path = Digest(raw(entry["key"]).rjust(32, b"\0")), nodes(entry["proof"])
        value = int(entry["value"], 16)
        if value == 0:
            with refused("MPT_ABSENT"):
                evm.check_storage(account.storage_root, slot, path)
        else:
            proved = evm.check_storage(account.storage_root, slot, path)
            assert int.from_bytes(proved, "big") == value
        with refused("MPT_NODE_HASH"):
            evm.check_storage(account.code_hash, slot, path)


def test_every_damaged_node_of_the_account_proof_is_refused(one: Given) -> None:
    account_of(one)
    root, address = header_of(one).state_root, raw(one.proof["address"])
    path = nodes(one.proof["accountProof"])
    for i, node in enumerate(path):
        for at in range(0, len(node), DAMAGED_BYTES):
            damaged = node[:at] + bytes([node[at] ^ 0x40]) + node[at + 1 :]
            with refused("MPT_NODE_HASH"):
                evm.check_account(root, address, (*path[:i], damaged, *path[i + 1 :]))

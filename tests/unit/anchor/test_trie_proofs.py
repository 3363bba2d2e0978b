"""Tries that we build, against the PyPI package `trie`, a mainnet block and the verifier's reader."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary.adapters.chain import encoding
from notary.core.trie_proofs import index_key, items_root, prove_item
from verifier.format import evm, mpt
from verifier.format.digests import Digest
from verifier.format.errors import FormatError

with warnings.catch_warnings():
    # Its dependencies warn at import on some versions of Python.
    warnings.simplefilter("ignore")
    from trie import HexaryTrie

VECTORS = Path(__file__).parents[2] / "vectors" / "mainnet"

ITEMS = st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=300)


def load(name: str) -> Any:
    return json.loads((VECTORS / f"{name}-21925176.json").read_text())


def independent_root(items: list[bytes]) -> bytes:
    trie = HexaryTrie({})
    for index, item in enumerate(items):
        trie[index_key(index)] = item
    return bytes(trie.root_hash)


@given(ITEMS, st.data())
def test_a_root_is_the_independent_one_and_each_proof_holds(
    items: list[bytes], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(items) - 1))
    proof = prove_item(items, index)
    assert proof.root == items_root(items) == independent_root(items)
    assert mpt.prove(Digest(proof.root), index_key(index), proof.nodes) == items[index]


@pytest.mark.parametrize("count", [1, 2, 3, 15, 16, 17, 127, 128, 129, 130, 255, 256, 257, 300])
def test_every_item_of_a_list_of_this_length_is_proved(count: int) -> None:
    # Short items stand inside their parents, long ones are hashed.
    for size in (1, 40):
        items = [index.to_bytes(4, "big") * size for index in range(1, count + 1)]
        root = Digest(independent_root(items))
        for index in range(0, count, max(1, count // 20)):
            proof = prove_item(items, index)
            assert proof.root == root
            assert mpt.prove(root, index_key(index), proof.nodes) == items[index]


def test_a_proof_of_one_place_does_not_hold_at_another() -> None:
    items = [bytes([index]) * 40 for index in range(20)]
    proof = prove_item(items, 3)
    with pytest.raises(FormatError):
        mpt.prove(Digest(proof.root), index_key(4), proof.nodes)


def test_an_item_outside_the_list_has_no_proof() -> None:
    with pytest.raises(ValueError, match="item 2 is outside a list of 2"):
        prove_item([b"a", b"b"], 2)


def test_a_mainnet_block_rebuilds_from_its_json() -> None:
    block, receipts = load("block"), load("receipts")
    header = evm.parse_header(encoding.header(block))
    assert "0x" + header.hash.hex() == block["hash"]
    raw = [encoding.receipt(one) for one in receipts]
    assert items_root(raw) == header.receipts_root
    for index in (0, 1, 127, 128, 201):
        proof = prove_item(raw, index)
        assert mpt.prove(header.receipts_root, index_key(index), proof.nodes) == raw[index]

"""Merkle-Patricia proofs of presence: exactly the nodes on the path."""

import random
import warnings

import pytest

from tests.reference.patricia import Trie, hex_prefix
from tests.reference.refusal import refused
from verifier.format import mpt, rlp
from verifier.format.digests import ZERO, Digest
from verifier.format.errors import FormatError
from verifier.format.keccak import keccak256

with warnings.catch_warnings():
    # Its dependencies warn at import on some versions of Python.
    warnings.simplefilter("ignore")
    from trie import HexaryTrie


def entries(seed: int) -> dict[bytes, bytes]:
    """Keys of one length that often share prefixes, with short and long values."""
    dice = random.Random(seed)
    return {
        bytes(dice.choice(b"\x00\x01\x10\xff") for _ in range(3)): bytes([dice.randrange(1, 256)])
        * dice.choice((1, 2, 40))
        for _ in range(dice.randrange(1, 30))
    }


@pytest.mark.parametrize("seed", range(30))
def test_every_value_is_proved_in_the_trie_that_pypi_trie_builds(seed: int) -> None:
    ours = Trie(entries(seed))
    theirs = HexaryTrie({})
    for key, value in entries(seed).items():
        theirs[key] = value
    assert ours.root == theirs.root_hash
    for key, value in entries(seed).items():
        nodes = ours.prove(key)
        assert mpt.prove(ours.root, key, nodes) == value
        with refused("MPT_NODE_EXTRA"):
            mpt.prove(ours.root, key, [*nodes, nodes[-1]])
        with refused("MPT_NODE_MISSING"):
            mpt.prove(ours.root, key, nodes[:-1])
        for i in range(len(nodes)):
            damaged = [*nodes[:i], nodes[i][:-1] + bytes([nodes[i][-1] ^ 1]), *nodes[i + 1 :]]
            with refused("MPT_NODE_HASH"):
                mpt.prove(ours.root, key, damaged)
        if len(nodes) > 1:
            with refused("MPT_NODE_HASH"):
                mpt.prove(ours.root, key, nodes[::-1])


@pytest.mark.parametrize("seed", range(30))
def test_absence_is_refused_by_a_code_of_its_own(seed: int) -> None:
    trie = Trie(entries(seed))
    dice = random.Random(-seed)
    absent = [bytes(dice.choice(b"\x00\x01\x10\xff\x77") for _ in range(3)) for _ in range(50)]
    for key in absent:
        if key not in entries(seed):
            with refused("MPT_ABSENT"):
                mpt.prove(trie.root, key, trie.prove(key))


def test_a_key_that_ends_within_the_trie_is_absent() -> None:
    trie = Trie({b"\x12\x34": b"a", b"\x12\x35": b"b"})
    for key in (b"", b"\x12", b"\x12\x34\x00"):
        with refused("MPT_ABSENT"):
            mpt.prove(trie.root, key, trie.prove(key))


def test_a_value_at_a_branch_is_found() -> None:
    trie = Trie({b"\x12": b"short", b"\x12\x34": b"a" * 40, b"\x12\x56": b"b"})
    assert mpt.prove(trie.root, b"\x12", trie.prove(b"\x12")) == b"short"


def test_nodes_inside_their_parent_are_not_listed() -> None:
    trie = Trie({bytes([i, 1]): b"v" for i in (0x11, 0x12)})
    nodes = trie.prove(b"\x11\x01")
    assert len(nodes) == 1
    inner = rlp.encode([hex_prefix((0, 1), True), b"v"])
    with refused("MPT_NODE_EXTRA"):
        mpt.prove(trie.root, b"\x11\x01", [*nodes, inner])


def root_of(node: rlp.Item) -> tuple[Digest, list[bytes]]:
    encoded = rlp.encode(node)
    return keccak256(encoded), [encoded]


@pytest.mark.parametrize(
    "node",
    [
        [],
        [b""],
        [b"\x20", b"v", b""],
        [b""] * 16,
        [b""] * 18,
        [b"", b"v"],  # an empty path
        [b"\x40", b"v"],  # an unknown flag
        [b"\x21" + b"\x00" * 32, [b"v"]],  # the path does not match
        [b"\x25", b"v"],
    ],
)
def test_a_node_of_another_form_gives_no_value(node: rlp.Item) -> None:
    root, nodes = root_of(node)
    with pytest.raises(FormatError, match=r"MPT_NODE_FORM|MPT_ABSENT"):
        mpt.prove(root, b"", nodes)


@pytest.mark.parametrize(
    ("node", "key"),
    [
        ([b"\x2f", b"v"], b""),  # an even path is padded with 0
        ([b"\x0f", b"\x11" * 32], b""),
        ([b"\x00", b"\x11" * 32], b""),  # an extension by nothing
        ([b"\x20", [b"v"]], b""),  # a list for a value
        ([[b""], b"v"], b""),  # a list for a path
        ([b"\x40", b"v"], b""),
        ([b"\x60", b"v"], b""),  # a leaf but for one bit too many
        ([b"\x40\x01", b"\x11" * 32], b"\x01"),  # an extension but for one
        ([b"", b"v"], b""),
        ([*[b""] * 16, [b"v"]], b""),
        ([b"\x11" * 31, *[b""] * 16], b"\x00"),  # a child is a hash or a short node
        ([b"\x11" * 33, *[b""] * 16], b"\x00"),
        ([[b"\x20"], *[b""] * 16], b"\x00"),  # a node inside has 2 or 17 items
        ([[b"\x30", b"v" * 40], *[b""] * 16], b"\x00"),  # too long to stand inside
        ([[b"\x30", b"v" * 29], *[b""] * 16], b"\x00"),  # 32 bytes: just too long
    ],
)
def test_each_fault_of_a_node_is_named(node: rlp.Item, key: bytes) -> None:
    root, nodes = root_of(node)
    with refused("MPT_NODE_FORM"):
        mpt.prove(root, key, nodes)


def test_a_node_of_31_bytes_stands_inside() -> None:
    inner: rlp.Item = [b"\x30", b"v" * 28]
    assert len(rlp.encode(inner)) == 31
    root, nodes = root_of([inner, *[b""] * 16])
    assert mpt.prove(root, b"\x00", nodes) == b"v" * 28


def test_a_short_node_that_is_hashed_is_refused_but_for_the_root() -> None:
    short = rlp.encode([b"\x30", b"v"])
    root, nodes = root_of([keccak256(short), *[b""] * 16])
    with refused("MPT_NODE_FORM"):
        mpt.prove(root, b"\x00", [*nodes, short])
    lone = Trie({b"\x00": b"v"})
    assert len(lone.prove(b"\x00")[0]) < 32
    assert mpt.prove(lone.root, b"\x00", lone.prove(b"\x00")) == b"v"


def test_an_empty_value_is_no_value() -> None:
    root, nodes = root_of([b"\x20", b""])
    with refused("MPT_ABSENT"):
        mpt.prove(root, b"", nodes)


def test_nodes_are_canonical_rlp() -> None:
    loose = b"\xc4\x81\x20\x81\x80"
    with refused("RLP_NOT_CANONICAL"):
        mpt.prove(keccak256(loose), b"", [loose])
    for loose in (b"\x80", b"\x05"):
        with refused("RLP_TYPE"):
            mpt.prove(keccak256(loose), b"", [loose])


def test_no_nodes_prove_nothing() -> None:
    with refused("MPT_NODE_MISSING"):
        mpt.prove(ZERO, b"", [])

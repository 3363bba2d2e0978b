"""Trees of lists: against a naive reference, the vectors of others, and one damage at a time."""

import json
from base64 import b64decode
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest

from tests.reference import naive_trees
from tests.reference.refusal import refused
from verifier.format import trees
from verifier.format.errors import FormatError

VECTORS = Path(__file__).parents[2] / "vectors" / "merkle"
LEAVES = [trees.leaf_hash(bytes([i])) for i in range(70)]
SMALL = range(1, 34)


def cases(kind: str) -> list[Path]:
    return sorted((VECTORS / kind).rglob("*.json"))


def test_all_vectors_are_there() -> None:
    assert len(cases("inclusion")) == 98
    assert len(cases("consistency")) == 98


def vector_id(path: Path) -> str:
    return str(path.relative_to(VECTORS))


@pytest.mark.parametrize("path", cases("inclusion"), ids=vector_id)
def test_inclusion_vectors_of_transparency_dev(path: Path) -> None:
    case = json.loads(path.read_text())
    proof = [b64decode(one) for one in case["proof"] or []]
    arguments = (
        b64decode(case["leafHash"]),
        case["leafIdx"],
        case["treeSize"],
        proof,
        b64decode(case["root"]),
    )
    if case["wantErr"]:
        with pytest.raises(FormatError, match="INCLUSION_"):
            trees.check_inclusion(*arguments)
    else:
        assert trees.check_inclusion(*arguments).index == case["leafIdx"]


def as_hash(root: bytes) -> bytes:
    # Some cases have the words "don't care" for a root; equal words make equal hashes.
    return root if len(root) == 32 else sha256(root).digest()


@pytest.mark.parametrize("path", cases("consistency"), ids=vector_id)
def test_consistency_vectors_of_transparency_dev(path: Path) -> None:
    case = json.loads(path.read_text())
    proof = [b64decode(one) for one in case["proof"] or []]
    arguments = (
        case["size1"],
        as_hash(b64decode(case["root1"])),
        case["size2"],
        as_hash(b64decode(case["root2"])),
        proof,
    )
    if case["wantErr"]:
        with pytest.raises(FormatError, match="CONSISTENCY_"):
            trees.check_consistency(*arguments)
    else:
        assert trees.check_consistency(*arguments).size2 == case["size2"]


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert trees.root([]) == sha256(b"").digest()
    assert trees.root(LEAVES[:1]) == LEAVES[0]


@pytest.mark.parametrize("size", SMALL)
def test_roots_and_proofs_of_small_trees_are_those_of_the_reference(size: int) -> None:
    leaves = LEAVES[:size]
    root = trees.root(leaves)
    assert root == naive_trees.mth(leaves)
    for index in range(size):
        path = trees.inclusion_path(leaves, index)
        assert path == naive_trees.path(index, leaves)
        proved = trees.check_inclusion(leaves[index], index, size, path, root)
        assert proved == (leaves[index], index, size, root)
    for size1 in range(1, size + 1):
        root1 = trees.root(leaves[:size1])
        path = trees.consistency_path(LEAVES, size1, size)
        assert path == naive_trees.proof(size1, leaves)
        joined = trees.check_consistency(size1, root1, size, root, path)
        assert joined == (size1, root1, size, root)


def test_all_proofs_at_once_are_those_of_the_reference_for_every_size() -> None:
    leaves = [sha256(b"%d" % i).digest() for i in range(130)]
    for size in range(len(leaves) + 1):
        wanted = [tuple(naive_trees.path(i, leaves[:size])) for i in range(size)]
        assert trees.inclusion_paths(leaves[:size]) == wanted


@pytest.mark.parametrize("size", range(1, 14))
def test_a_proof_stands_for_one_index_one_size_and_one_leaf(size: int) -> None:
    leaves = LEAVES[:size]
    root = trees.root(leaves)
    for index in range(size):
        path = trees.inclusion_path(leaves, index)
        for other_index in range(-1, 2 * size + 2):
            for other_size in range(2 * size + 2):
                if (other_index, other_size) == (index, size):
                    continue
                stands = _same_shape(index, size, other_index, other_size)
                try:
                    trees.check_inclusion(leaves[index], other_index, other_size, path, root)
                except FormatError:
                    assert not stands
                else:
                    # A root does not bind a size: these trees have this path in one shape.
                    assert stands
        for wrong in range(size):
            if wrong != index:
                with refused("INCLUSION_ROOT"):
                    trees.check_inclusion(leaves[wrong], index, size, path, root)


def _same_shape(index: int, size: int, other_index: int, other_size: int) -> bool:
    return 0 <= other_index < other_size and _sides(index, size) == _sides(other_index, other_size)


def _sides(index: int, size: int) -> list[bool]:
    sides = []
    while size > 1:
        k = naive_trees.split(size)
        right = index >= k
        sides.append(right)
        index, size = (index - k, size - k) if right else (index, k)
    return sides


def test_a_leaf_that_spells_a_node_is_no_node() -> None:
    node = trees.node_hash(LEAVES[0], LEAVES[1])
    assert trees.leaf_hash(LEAVES[0] + LEAVES[1]) != node
    with refused("INCLUSION_ROOT"):
        trees.check_inclusion(trees.leaf_hash(LEAVES[0] + LEAVES[1]), 0, 1, [], node)


def test_a_node_has_the_hash_of_the_rfc() -> None:
    assert trees.node_hash(LEAVES[0], LEAVES[1]) == trees.root(LEAVES[:2])
    assert trees.leaf_hash(b"d") == sha256(b"\x00d").digest()


def test_an_odd_last_leaf_is_never_doubled() -> None:
    three, four = LEAVES[:3], [*LEAVES[:3], LEAVES[2]]
    assert trees.root(three) != trees.root(four)
    with refused("INCLUSION_ROOT"):
        trees.check_inclusion(LEAVES[2], 3, 4, [LEAVES[2], trees.node_hash(*LEAVES[:2])],
                              trees.root(three))  # fmt: skip


@pytest.mark.parametrize(("index", "size"), [(5, 5), (6, 5), (-1, 5), (0, 0)])
def test_an_index_outside_the_tree_is_refused(index: int, size: int) -> None:
    with refused("INCLUSION_INDEX"):
        trees.check_inclusion(LEAVES[0], index, size, [], LEAVES[0])
    with refused("INCLUSION_INDEX"):
        trees.inclusion_path(LEAVES[:size], index)


def test_an_inclusion_proof_with_one_hash_more_or_less_is_refused() -> None:
    root = trees.root(LEAVES[:5])
    path = trees.inclusion_path(LEAVES[:5], 1)
    with refused("INCLUSION_TOO_LONG"):
        trees.check_inclusion(LEAVES[1], 1, 5, [*path, LEAVES[9]], root)
    with refused("INCLUSION_TOO_LONG"):
        trees.check_inclusion(root, 0, 1, [root], root)
    with refused("INCLUSION_TOO_SHORT"):
        trees.check_inclusion(LEAVES[1], 1, 5, path[:-1], root)
    with refused("INCLUSION_TOO_SHORT"):
        trees.check_inclusion(LEAVES[1], 1, 5, [], LEAVES[1])


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_hash_of_another_length_is_refused_everywhere(length: int) -> None:
    root = trees.root(LEAVES[:2])
    wrong = bytes(length)
    with refused("INCLUSION_HASH_LENGTH"):
        trees.check_inclusion(LEAVES[0], 0, 2, [wrong], root)
    with refused("INCLUSION_HASH_LENGTH"):
        trees.check_inclusion(wrong, 0, 2, [LEAVES[1]], root)
    with refused("INCLUSION_HASH_LENGTH"):
        trees.check_inclusion(LEAVES[0], 0, 2, [LEAVES[1]], wrong)
    with refused("CONSISTENCY_HASH_LENGTH"):
        trees.check_consistency(1, LEAVES[0], 2, root, [wrong])
    with refused("CONSISTENCY_HASH_LENGTH"):
        trees.check_consistency(1, wrong, 2, root, [LEAVES[1]])
    with refused("CONSISTENCY_HASH_LENGTH"):
        trees.check_consistency(1, LEAVES[0], 2, wrong, [LEAVES[1]])


def test_bytes_moved_between_two_hashes_of_a_proof_are_refused() -> None:
    leaves = LEAVES[:4]
    path = trees.inclusion_path(leaves, 0)
    moved = [path[0] + path[1][:1], path[1][1:]]
    with refused("INCLUSION_HASH_LENGTH"):
        trees.check_inclusion(leaves[0], 0, 4, moved, trees.root(leaves))


def test_the_proofs_between_many_sizes_are_those_of_each_two() -> None:
    leaves = LEAVES[:33]
    for gap in range(1, 12):
        for first in range(1, 8):
            sizes = list(range(first, len(leaves) + 1, gap))
            wanted = [trees.consistency_path(leaves, *two) for two in pairwise(sizes)]
            assert trees.consistency_paths(leaves, sizes) == wanted
    assert trees.consistency_paths(leaves, [7]) == trees.consistency_paths(leaves, []) == []
    assert trees.consistency_paths(leaves, [5, 5]) == [[]]
    for sizes in ([0, 3], [5, 3], [3, 34], [1, 3, 34]):
        with pytest.raises(FormatError):
            trees.consistency_paths(leaves, sizes)


@pytest.mark.parametrize("size2", range(2, 14))
def test_every_damage_to_a_consistency_proof_is_refused(size2: int) -> None:
    root2 = trees.root(LEAVES[:size2])
    for size1 in range(1, size2):
        root1 = trees.root(LEAVES[:size1])
        path = trees.consistency_path(LEAVES, size1, size2)
        with refused("CONSISTENCY_TOO_LONG"):
            trees.check_consistency(size1, root1, size2, root2, [*path, LEAVES[60]])
        with refused("CONSISTENCY_TOO_SHORT"):
            trees.check_consistency(size1, root1, size2, root2, path[:-1])
        for i in range(len(path)):
            damaged = [*path[:i], LEAVES[60], *path[i + 1 :]]
            with pytest.raises(FormatError, match="CONSISTENCY_ROOT"):
                trees.check_consistency(size1, root1, size2, root2, damaged)
        with refused("CONSISTENCY_ROOT2"):
            trees.check_consistency(size1, root1, size2, LEAVES[60], path)
        # Where the first size is a power of two the proof begins with the first root itself.
        with pytest.raises(FormatError, match="CONSISTENCY_ROOT"):
            trees.check_consistency(size1, LEAVES[60], size2, root2, path)


def test_a_forked_prefix_is_named_by_the_first_root() -> None:
    path = trees.consistency_path(LEAVES, 3, 5)
    with refused("CONSISTENCY_ROOT1"):
        trees.check_consistency(3, LEAVES[60], 5, trees.root(LEAVES[:5]), path)


def test_sizes_that_no_proof_joins_are_refused() -> None:
    root = trees.root(LEAVES[:4])
    with refused("CONSISTENCY_FROM_EMPTY"):
        trees.check_consistency(0, trees.EMPTY_ROOT, 4, root, [])
    with refused("CONSISTENCY_FROM_EMPTY"):
        trees.check_consistency(0, trees.EMPTY_ROOT, 0, trees.EMPTY_ROOT, [])
    with refused("CONSISTENCY_SIZE"):
        trees.check_consistency(4, root, 3, root, [])
    with refused("CONSISTENCY_SIZE"):
        trees.consistency_path(LEAVES, 4, 71)
    with refused("CONSISTENCY_FROM_EMPTY"):
        trees.consistency_path(LEAVES, 0, 4)
    assert trees.consistency_path(LEAVES[:5], 3, 5) == trees.consistency_path(LEAVES, 3, 5)


def test_equal_sizes_stand_only_with_equal_roots_and_no_hashes() -> None:
    root = trees.root(LEAVES[:4])
    assert trees.check_consistency(4, root, 4, root, []).size1 == 4
    with refused("CONSISTENCY_ROOT1"):
        trees.check_consistency(4, root, 4, LEAVES[0], [])
    with refused("CONSISTENCY_TOO_LONG"):
        trees.check_consistency(4, root, 4, root, [root])

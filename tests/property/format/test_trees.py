"""Trees over arbitrary lists, against the naive reference."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from tests.reference import naive_trees
from verifier.format import trees
from verifier.format.errors import FormatError

LEAVES = [sha256(b"%d" % i).digest() for i in range(300)]


@given(st.integers(1, 300), st.data())
def test_proofs_of_any_size_hold_and_are_the_references(size: int, data: st.DataObject) -> None:
    leaves = LEAVES[:size]
    root = trees.root(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = trees.inclusion_path(leaves, index)
    assert path == naive_trees.path(index, leaves)
    trees.check_inclusion(leaves[index], index, size, path, root)
    size1 = data.draw(st.integers(1, size))
    proof = trees.consistency_path(LEAVES, size1, size)
    assert proof == naive_trees.proof(size1, leaves)
    trees.check_consistency(size1, trees.root(leaves[:size1]), size, root, proof)


@given(
    st.integers(-1, 2**64), st.integers(-1, 2**64),
    st.lists(st.sampled_from(LEAVES[:3]), max_size=70),
)  # fmt: skip
def test_arbitrary_proofs_of_arbitrary_sizes_end_with_our_error(
    first: int, second: int, path: list[bytes]
) -> None:
    for check in (
        lambda: trees.check_inclusion(LEAVES[0], first, second, path, LEAVES[9]),
        lambda: trees.check_consistency(first, LEAVES[8], second, LEAVES[9], path),
    ):
        try:
            check()
        except FormatError:
            continue
        raise AssertionError((first, second, path))

"""The right edge of a growing tree: against the roots of whole trees."""

from __future__ import annotations

import pytest

from tests.reference.refusal import refused
from verifier.format import trees
from verifier.format.frontier import Frontier, prefix_roots

LEAVES = [trees.leaf_hash(bytes([i])) for i in range(70)]


def test_a_frontier_has_the_root_of_every_prefix() -> None:
    frontier = Frontier()
    assert frontier.root() == trees.EMPTY_ROOT
    for size, leaf in enumerate(LEAVES, 1):
        before = frontier.copy()
        frontier.append(leaf)
        assert (before.size, frontier.size) == (size - 1, size)
        assert frontier.root() == trees.root(LEAVES[:size])
        assert len(frontier.peaks) == size.bit_count()
        assert frontier.to_bytes()[:8] == size.to_bytes(8, "big")
        again = Frontier.from_bytes(frontier.to_bytes())
        assert (again.size, again.peaks, again.root()) == (size, frontier.peaks, frontier.root())
        again.append(LEAVES[0])
        assert frontier.size == size


@pytest.mark.parametrize("raw", [b"", bytes(7), bytes(9), (3).to_bytes(8, "big") + bytes(32)])
def test_a_frontier_of_another_length_is_refused(raw: bytes) -> None:
    with refused("FRONTIER_FORM"):
        Frontier.from_bytes(raw)


def test_a_frontier_takes_only_hashes() -> None:
    with refused("DIGEST_LENGTH"):
        Frontier().append(bytes(31))


def test_the_roots_of_prefixes_are_those_of_their_leaves_where_asked() -> None:
    assert prefix_roots(LEAVES, {0, 1, 5, 70, 71}) == {
        size: trees.root(LEAVES[:size]) for size in (1, 5, 70)
    }
    assert prefix_roots([], {0, 1}) == {}

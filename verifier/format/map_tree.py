"""Owns the matter map as one grows it: new values in, the root out (docs/spec/format.md §9).

For whoever replays a log: memory is in proportion to the number of matters, and a batch costs the
hashes of the paths that it changes. Proved by tests/unit/core/test_replay.py against a map rebuilt
each time.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, TypeAlias

from verifier.format.digests import ZERO, Digest
from verifier.format.matter_map import bit

# A lone matter is (key, hash), an inner node is [hash, left, right]. No classes: a million of their
# objects cost twice the memory and the time.
_Leaf: TypeAlias = tuple[bytes, bytes]
_Subtree: TypeAlias = _Leaf | list[Any] | None


class MapTree:
    """A map from matter keys to values, without removal, as the format has none."""

    __slots__ = ("_root", "_values")

    def __init__(self) -> None:
        self._root: _Subtree = None
        self._values: dict[bytes, Digest] = {}

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: bytes) -> Digest | None:
        """The value of a key, None if the map has no such key."""
        return self._values.get(key)

    def put(self, changes: Sequence[tuple[Digest, Digest]]) -> None:
        """Give keys new values; `changes` ascend by key, each key once."""
        if not changes:
            return
        self._values.update(changes)
        # format.md §9: H(0x02 ‖ key ‖ value)
        leaves: list[_Leaf] = [
            (key, sha256(b"\x02" + key + value).digest()) for key, value in changes
        ]
        self._root = _changed(self._root, 0, leaves, 0, len(leaves))

    def root(self) -> Digest:
        """The map root; 32 zero bytes of an empty map."""
        return Digest(_hash(self._root))


def _hash(subtree: _Subtree) -> bytes:
    if subtree is None:
        return ZERO
    hash_: bytes = subtree[1] if isinstance(subtree, tuple) else subtree[0]
    return hash_


def _changed(subtree: _Subtree, depth: int, leaves: list[_Leaf], lo: int, hi: int) -> _Subtree:
    """The subtree with leaves[lo:hi] in it; they share its first `depth` bits.

    Recursion ends at depth 256, where any two different keys have parted.
    """
    if lo == hi:
        return subtree
    if isinstance(subtree, list):
        node = subtree
    else:
        # format.md §9: a subtree that holds one matter is that leaf, any other is a node.
        if hi - lo == 1 and (subtree is None or subtree[0] == leaves[lo][0]):
            return leaves[lo]
        node = [b"", None, None]
        if subtree is not None:
            node[1 + bit(subtree[0], depth)] = subtree
    middle = _first_right(depth, leaves, lo, hi)
    node[1] = _changed(node[1], depth + 1, leaves, lo, middle)
    node[2] = _changed(node[2], depth + 1, leaves, middle, hi)
    # format.md §9: H(0x03 ‖ left ‖ right)
    node[0] = sha256(b"\x03" + _hash(node[1]) + _hash(node[2])).digest()
    return node


def _first_right(depth: int, leaves: list[_Leaf], lo: int, hi: int) -> int:
    """The first index whose key goes right at this depth."""
    while lo < hi:
        middle = (lo + hi) // 2
        if bit(leaves[middle][0], depth):
            hi = middle
        else:
            lo = middle + 1
    return lo

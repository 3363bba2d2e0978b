"""Owns the right edge of a growing tree: its root as leaves come (docs/spec/format.md §1).

Proved by tests/unit/format/test_frontier.py, against the roots of whole trees.
"""

from collections.abc import Container, Iterable
from hashlib import sha256

from verifier.format.digests import DIGEST_LENGTH, Digest
from verifier.format.errors import FormatError
from verifier.format.trees import EMPTY_ROOT


class Frontier:
    """The right edge of a growing tree: enough to append and to know the root, in O(log n).

    `peaks` are the roots of the full subtrees from the largest, on the left, to the smallest;
    there is one for each bit that is set in `size`. Not frozen: `copy` before a trial.
    """

    __slots__ = ("_peaks", "_size")

    def __init__(self) -> None:
        self._size = 0
        self._peaks: list[bytes] = []

    @property
    def size(self) -> int:
        """The number of leaves so far."""
        return self._size

    @property
    def peaks(self) -> tuple[Digest, ...]:
        """Roots of the full subtrees, from the left."""
        return tuple([Digest(peak) for peak in self._peaks])

    def copy(self) -> "Frontier":
        """A second frontier that goes its own way."""
        other = Frontier()
        other._size, other._peaks = self._size, self._peaks.copy()
        return other

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash. Raises FormatError DIGEST_LENGTH if it has not 32 bytes."""
        if len(leaf) != DIGEST_LENGTH:
            raise FormatError("DIGEST_LENGTH", f"a leaf hash has 32 bytes, got {len(leaf)}")
        peaks, size = self._peaks, self._size
        # Each full subtree at the right edge that gained a twin becomes the left child.
        while size & 1:
            # RFC 9162 §2.1.1: HASH(0x01 || left || right)
            leaf = sha256(b"\x01" + peaks.pop() + leaf).digest()
            size >>= 1
        peaks.append(leaf)
        self._size += 1

    def root(self) -> Digest:
        """The root over all leaves so far."""
        if not self._peaks:
            return EMPTY_ROOT
        right = self._peaks[-1]
        for left in self._peaks[-2::-1]:
            # RFC 9162 §2.1.1: HASH(0x01 || left || right)
            right = sha256(b"\x01" + left + right).digest()
        # Peaks have 32 bytes: `append` and `from_bytes` see to it.
        return bytes.__new__(Digest, right)

    def to_bytes(self) -> bytes:
        """u64 size ‖ peaks from the left, for storage."""
        return self._size.to_bytes(8, "big") + b"".join(self._peaks)

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Frontier":
        """Read what `to_bytes` wrote. Raises FormatError FRONTIER_FORM."""
        size = int.from_bytes(raw[:8], "big")
        wanted = 8 + DIGEST_LENGTH * size.bit_count()
        if len(raw) != wanted:
            raise FormatError("FRONTIER_FORM", f"size {size} takes {wanted} bytes, got {len(raw)}")
        frontier = cls()
        frontier._size = size
        frontier._peaks = [raw[i : i + DIGEST_LENGTH] for i in range(8, len(raw), DIGEST_LENGTH)]
        return frontier


def prefix_roots(leaf_hashes: Iterable[bytes], sizes: Container[int]) -> dict[int, Digest]:
    """The roots over the first so many leaves, for those of `sizes` that there are, from 1."""
    frontier = Frontier()
    roots = {}
    for leaf in leaf_hashes:
        frontier.append(leaf)
        if frontier.size in sizes:
            roots[frontier.size] = frontier.root()
    return roots

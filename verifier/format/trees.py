"""Owns the Merkle trees of lists: roots, proofs and their checks (docs/spec/format.md §1).

Provers stand beside checkers, because the order of hashes in a proof is one idea. A root does
not bind a size: callers take sizes from where size and root are bound together. Proved by
tests/unit/format/test_trees.py against a naive reference and the vectors in
tests/vectors/merkle.
"""

from collections.abc import Sequence
from hashlib import sha256 as _sha256
from itertools import chain, pairwise
from operator import add
from typing import NamedTuple

from verifier.format.digests import DIGEST_LENGTH, Digest, sha256
from verifier.format.errors import FormatError

MAX_PATH = 64  # hashes: sizes stay below 2^53, so no proof needs more

# RFC 9162 §2.1.1: the hash of an empty list is the hash of an empty string.
EMPTY_ROOT = sha256(b"")


class Inclusion(NamedTuple):
    """A leaf hash stands at `index` of the list of `size` items under `root`."""

    leaf: bytes
    index: int  # type: ignore[assignment]  # not the method of tuples
    size: int
    root: bytes


class Consistency(NamedTuple):
    """The list under (size1, root1) is a prefix of the list under (size2, root2)."""

    size1: int
    root1: bytes
    size2: int
    root2: bytes


def leaf_hash(data: bytes) -> Digest:
    """Hash one item of a list."""
    # RFC 9162 §2.1.1: HASH(0x00 || d)
    return bytes.__new__(Digest, _sha256(b"\x00" + data).digest())


def node_hash(left: bytes, right: bytes) -> Digest:
    """Hash two 32-byte hashes to that of their parent."""
    # RFC 9162 §2.1.1: HASH(0x01 || MTH(D[0:k]) || MTH(D[k:n]))
    return bytes.__new__(Digest, _sha256(b"\x01" + left + right).digest())


def root(leaf_hashes: Sequence[bytes]) -> Digest:
    """The root over leaf hashes, of 32 bytes each, in order; of none, the hash of nothing."""
    if not leaf_hashes:
        return EMPTY_ROOT
    level = leaf_hashes
    while len(level) > 1:
        level = _level_above(level)
    return Digest(level[0])


def _level_above(level: Sequence[bytes]) -> list[bytes]:
    # The split at the largest power of two below n pairs neighbours from the left and lets an
    # odd last one rise unchanged. It is never paired with itself (CVE-2012-2459).
    hashing = _sha256
    pairs = iter(level)
    # RFC 9162 §2.1.1: HASH(0x01 || left || right)
    above = [hashing(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs)]  # noqa: B905
    if len(level) % 2:
        above.append(level[-1])
    return above


def levels_of(leaf_hashes: Sequence[bytes]) -> list[Sequence[bytes]]:
    """The tree level by level, from the leaf hashes, at least one, to the root alone."""
    levels = [leaf_hashes]
    while len(levels[-1]) > 1:
        levels.append(_level_above(levels[-1]))
    return levels


def inclusion_path(leaf_hashes: Sequence[bytes], index: int) -> list[Digest]:
    """The proof that item `index` is in the list: siblings from the leaf upwards.

    Raises FormatError INCLUSION_INDEX for an index outside the list.
    """
    _check_index(index, len(leaf_hashes))
    return _path_in(levels_of(leaf_hashes), index)


def inclusion_paths(leaf_hashes: Sequence[bytes]) -> list[tuple[bytes, ...]]:
    """The proofs of all items at once, each as `inclusion_path` gives it.

    For leaf hashes of 32 bytes, as for `root`; the nodes stand in the proofs as the tree has them,
    because a `Digest` made of each would take as long as the tree.
    """
    if not leaf_hashes:
        return []
    # From the root downwards: neighbours have all of a path in common but its first hash, which
    # is the other one of the two. Whole levels are joined by the interpreter's own loops: `zip`
    # of one makes the first hash a path, `add` joins it with the path of the node above.
    paths: list[tuple[bytes, ...]] = [()]
    for level in reversed(levels_of(leaf_hashes)[:-1]):
        siblings = chain.from_iterable(zip(level[1::2], level[::2]))  # noqa: B905
        above = chain.from_iterable(zip(paths, paths, strict=True))
        below = list(map(add, zip(siblings), above))
        # A last one without a sibling rises unchanged and adds nothing to the proof.
        paths = [*below, paths[-1]] if len(level) % 2 else below
    return paths


def _path_in(levels: list[Sequence[bytes]], index: int) -> list[Digest]:
    path = []
    for level in levels[:-1]:
        sibling = index ^ 1
        # A last one without a sibling rises unchanged and adds nothing to the proof.
        if sibling < len(level):
            path.append(Digest(level[sibling]))
        index >>= 1
    return path


def check_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> Inclusion:
    """Check that the leaf hash stands at `index` of the list of `size` items under `root`.

    Raises FormatError INCLUSION_INDEX, INCLUSION_HASH_LENGTH, INCLUSION_TOO_LONG,
    INCLUSION_TOO_SHORT or INCLUSION_ROOT. Source: RFC 9162 §2.1.3.2.
    """
    _check_index(index, size)
    _check_lengths("INCLUSION_HASH_LENGTH", (leaf, root, *path))
    # RFC 9162 §2.1.3.2, steps 2 and 3: fn = leaf_index, sn = tree_size − 1, r = hash
    fn, sn, r = index, size - 1, leaf
    for p in path:
        # Step 4.a: if sn is 0, stop: the proof is too long.
        if sn == 0:
            raise FormatError(
                "INCLUSION_TOO_LONG",
                f"a proof for leaf {index} of {size} is shorter than {len(path)} hashes",
            )
        # Step 4.b: if LSB(fn) is set or fn = sn, r = HASH(0x01 || p || r) …
        if fn & 1 or fn == sn:
            r = _sha256(b"\x01" + p + r).digest()
            # … and shift both until LSB(fn) is set or fn is 0.
            while not fn & 1 and fn != 0:
                fn >>= 1
                sn >>= 1
        # Otherwise r = HASH(0x01 || r || p).
        else:
            r = _sha256(b"\x01" + r + p).digest()
        # Step 4.c
        fn >>= 1
        sn >>= 1
    # Step 5: sn is 0 …
    if sn != 0:
        raise FormatError(
            "INCLUSION_TOO_SHORT",
            f"a proof for leaf {index} of {size} is longer than {len(path)} hashes",
        )
    # … and r is the root hash.
    if r != root:
        raise FormatError(
            "INCLUSION_ROOT",
            f"leaf {index} of {size} leads to root {r.hex()}, want {bytes(root).hex()}",
        )
    return Inclusion(leaf, index, size, root)


def consistency_path(leaf_hashes: Sequence[bytes], size1: int, size2: int) -> list[Digest]:
    """The proof that the first `size1` items are a prefix of the first `size2`.

    Raises FormatError CONSISTENCY_FROM_EMPTY or CONSISTENCY_SIZE. Source: RFC 9162 §2.1.4.1.
    """
    _check_sizes(size1, size2)
    if size2 > len(leaf_hashes):
        raise FormatError(
            "CONSISTENCY_SIZE", f"size {size2} is outside a list of {len(leaf_hashes)}"
        )
    return _prefix_path(levels_of(leaf_hashes[:size2]), size1, size2)


def consistency_paths(leaf_hashes: Sequence[bytes], sizes: Sequence[int]) -> list[list[Digest]]:
    """The proofs from each of the ascending `sizes` to the next, for the price of one tree.

    Raises FormatError as `consistency_path`.
    """
    if len(sizes) < 2:
        return []
    for size1, size2 in pairwise(sizes):
        _check_sizes(size1, size2)
    if sizes[-1] > len(leaf_hashes):
        raise FormatError(
            "CONSISTENCY_SIZE", f"size {sizes[-1]} is outside a list of {len(leaf_hashes)}"
        )
    levels = levels_of(leaf_hashes[: sizes[-1]])
    return [_prefix_path(levels, size1, size2) for size1, size2 in pairwise(sizes)]


def _prefix_path(levels: list[Sequence[bytes]], size1: int, size2: int) -> list[Digest]:
    # `levels` are those of a tree of at least `size2` leaves.
    if size1 == size2:
        return []
    path = []
    # PROOF(m, D[n]) = SUBPROOF(m, D[n], true), from the root downwards; `known` is its b.
    lo, hi, known = 0, size2, True
    while hi != size1:
        k = _split(hi - lo)
        if size1 - lo <= k:
            # SUBPROOF(m, D[0:k], b) : MTH(D[k:n])
            path.append(_subtree(levels, lo + k, hi))
            hi = lo + k
        else:
            # SUBPROOF(m − k, D[k:n], false) : MTH(D[0:k])
            path.append(_subtree(levels, lo, lo + k))
            lo, known = lo + k, False
    # SUBPROOF(m, D[m], false) = {MTH(D[m])}; with true the checker knows it as root1.
    if not known:
        path.append(_subtree(levels, lo, hi))
    path.reverse()
    return path


def _split(n: int) -> int:
    # RFC 9162 §2.1.1: the largest power of two smaller than n
    return 1 << ((n - 1).bit_length() - 1)


def _subtree(levels: list[Sequence[bytes]], lo: int, hi: int) -> Digest:
    height = (hi - lo - 1).bit_length()
    # A full subtree, or one that ends where the tree ends, is a node of its level.
    if hi - lo == 1 << height or hi == len(levels[0]):
        return Digest(levels[height][lo >> height])
    # RFC 9162 §2.1.1: HASH(0x01 || MTH(D[0:k]) || MTH(D[k:n]))
    k = _split(hi - lo)
    return node_hash(_subtree(levels, lo, lo + k), _subtree(levels, lo + k, hi))


def check_consistency(
    size1: int, root1: bytes, size2: int, root2: bytes, path: Sequence[bytes]
) -> Consistency:
    """Check that the list under (size1, root1) is a prefix of the one under (size2, root2).

    Raises FormatError CONSISTENCY_FROM_EMPTY, CONSISTENCY_SIZE, CONSISTENCY_HASH_LENGTH,
    CONSISTENCY_TOO_LONG, CONSISTENCY_TOO_SHORT, CONSISTENCY_ROOT1 or CONSISTENCY_ROOT2.
    Source: RFC 9162 §2.1.4.2; equal sizes: docs/spec/format.md §1.
    """
    _check_sizes(size1, size2)
    _check_lengths("CONSISTENCY_HASH_LENGTH", (root1, root2, *path))
    if size1 == size2:
        if path:
            raise FormatError(
                "CONSISTENCY_TOO_LONG", f"equal sizes need no hashes, got {len(path)}"
            )
        if root1 != root2:
            raise FormatError("CONSISTENCY_ROOT1", f"two roots for one size, {size1}")
        return Consistency(size1, root1, size2, root2)
    # RFC 9162 §2.1.4.2, step 1: an empty proof fails.
    if not path:
        raise FormatError("CONSISTENCY_TOO_SHORT", f"no hashes from size {size1} to {size2}")
    # Step 2: if first is an exact power of two, prepend first_hash.
    hashes = [root1, *path] if size1 & (size1 - 1) == 0 else list(path)
    # Steps 3 and 4: fn = first − 1, sn = second − 1, shifted while LSB(fn) is set
    fn, sn = size1 - 1, size2 - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    # Step 5
    fr = sr = hashes[0]
    for c in hashes[1:]:
        # Step 6.a: if sn is 0, stop: the proof is too long.
        if sn == 0:
            raise FormatError(
                "CONSISTENCY_TOO_LONG",
                f"a proof from {size1} to {size2} is shorter than {len(path)} hashes",
            )
        # Step 6.b: if LSB(fn) is set or fn = sn, c is on the left of both …
        if fn & 1 or fn == sn:
            fr = _sha256(b"\x01" + c + fr).digest()
            sr = _sha256(b"\x01" + c + sr).digest()
            while not fn & 1 and fn != 0:
                fn >>= 1
                sn >>= 1
        # … otherwise on the right of the second alone.
        else:
            sr = _sha256(b"\x01" + sr + c).digest()
        # Step 6.c
        fn >>= 1
        sn >>= 1
    # Step 7: fr is first_hash, sr is second_hash, and sn is 0.
    if sn != 0:
        raise FormatError(
            "CONSISTENCY_TOO_SHORT",
            f"a proof from {size1} to {size2} is longer than {len(path)} hashes",
        )
    if fr != root1:
        raise FormatError(
            "CONSISTENCY_ROOT1",
            f"size {size1} leads to root {bytes(fr).hex()}, want {bytes(root1).hex()}",
        )
    if sr != root2:
        raise FormatError(
            "CONSISTENCY_ROOT2",
            f"size {size2} leads to root {bytes(sr).hex()}, want {bytes(root2).hex()}",
        )
    return Consistency(size1, root1, size2, root2)


def _check_index(index: int, size: int) -> None:
    if not 0 <= index < size:
        raise FormatError("INCLUSION_INDEX", f"leaf {index} is outside a tree of {size}")


def _check_sizes(size1: int, size2: int) -> None:
    if size1 <= 0:
        raise FormatError("CONSISTENCY_FROM_EMPTY", f"no proof begins at size {size1}")
    if size1 > size2:
        raise FormatError("CONSISTENCY_SIZE", f"size {size1} is above size {size2}")


def _check_lengths(code: str, hashes: Sequence[bytes]) -> None:
    for one in hashes:
        if len(one) != DIGEST_LENGTH:
            raise FormatError(code, f"a hash has 32 bytes, got {len(one)}")

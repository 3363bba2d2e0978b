"""Owns the contract's heads and the links that open them (docs/spec/anchor.md §1, §2).

Proved by tests/unit/format/test_fold.py.
"""

from collections.abc import Iterable
from typing import NamedTuple

from verifier.format import jsonc
from verifier.format.digests import DIGEST_LENGTH, Digest
from verifier.format.errors import FormatError
from verifier.format.keccak import keccak256
from verifier.format.members import Members

LINK_LENGTH = 48  # bytes: root, u64 size, u64 time
_U64 = 2**64


class _LinkFields(NamedTuple):
    # Apart from Link, because a NamedTuple can't check its own fields.
    root: Digest
    size: int
    time: int


class Link(_LinkFields):
    """One anchor: the checkpoint's root and size, and the block time that the contract saw.

    Raises FormatError LINK_RANGE for a size or time that is no u64.
    """

    __slots__ = ()

    def __new__(cls, root: Digest, size: int, time: int) -> "Link":
        """Check the ranges."""
        if not (0 <= size < _U64 and 0 <= time < _U64):
            raise FormatError("LINK_RANGE", f"size and time are u64, got {size} and {time}")
        return super().__new__(cls, root, size, time)

    @property
    def size_time(self) -> bytes:
        """The word of 32 bytes in which the contract keeps size and time."""
        # anchor.md §1: u256(size · 2^64 + block.timestamp)
        return (self.size << 64 | self.time).to_bytes(32, "big")

    def to_bytes(self) -> bytes:
        """root ‖ u64 size ‖ u64 time."""
        return self.root + self.size.to_bytes(8, "big") + self.time.to_bytes(8, "big")

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Link":
        """Read what `to_bytes` wrote. Raises FormatError LINK_LENGTH."""
        if len(raw) != LINK_LENGTH:
            raise FormatError("LINK_LENGTH", f"a fold link has 48 bytes, got {len(raw)}")
        return cls(
            Digest(raw[:DIGEST_LENGTH]),
            int.from_bytes(raw[32:40], "big"),
            int.from_bytes(raw[40:], "big"),
        )


def fold(prev: Digest, link: Link) -> Digest:
    """The contract's head after this anchor; a log's first `prev` is 32 zero bytes."""
    # anchor.md §1: head' = K(prev ‖ root ‖ u256(size · 2^64 + block.timestamp))
    return keccak256(prev + link.root + link.size_time)


def open_links(prev: Digest, links: Iterable[Link]) -> list[Digest]:
    """The head after each link, starting from `prev`."""
    heads = []
    for link in links:
        prev = fold(prev, link)
        heads.append(prev)
    return heads


class Fold(NamedTuple):
    """Anchors in their order, oldest first, after the contract's head `prev`."""

    prev: Digest
    links: tuple[Link, ...]


def read_fold(members: Members) -> Fold:
    """Take `prev` and `links` (anchor.md §4). Raises FormatError MEMBER_… or LINK_RANGE."""
    prev = members.hex32("prev")
    links = []
    for one in members.objects("links"):
        links.append(Link(one.hex32("root"), one.integer("size"), one.integer("time")))
        one.done()
    members.done()
    return Fold(prev, tuple(links))


def write_fold(fold: Fold) -> dict[str, jsonc.Json]:
    """`prev` and `links` as JSON."""
    return {
        "prev": fold.prev.hex(),
        "links": [
            {"root": one.root.hex(), "size": one.size, "time": one.time} for one in fold.links
        ],
    }

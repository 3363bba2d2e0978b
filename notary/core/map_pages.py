"""The matter map in pages: how a batch changes them and how a proof is read from them.

A page is a subtree eight levels deep: the one below a prefix of whole bytes. It holds the lone
leaves that sit within its levels and the hashes of the pages that continue below; inner hashes are
computed again when they are needed. There is a page for the empty prefix once the map has a key,
and for a longer prefix if two keys share it. Hashes: docs/spec/format.md §9, by the rules of
`verifier.format.matter_map`; pages are kept by batch (docs/design/0006-versioned-map-pages.md).
Pure. Test: tests/unit/core/test_map_pages.py, against a naive reference.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import NamedTuple

from notary.errors import Contradiction
from verifier.format.digests import ZERO, Digest
from verifier.format.matter_map import Kind

LEVELS = 8  # bits of a key that one page decides: one byte

_LEAF = Struct("32s32s")  # key ‖ value
_CHILD = Struct("B32s")  # slot ‖ hash
_COUNT = 2  # bytes: u16 number of leaves, from 0 to 256

LoadPage = Callable[[bytes], bytes | None]
"""The stored content of the page with that prefix; None if there is none."""

LoadVersions = Callable[[bytes], Iterator[tuple[int, bytes]]]
"""The stored versions of the page with that prefix: batch and content, by batch."""

Changed = tuple[bytes, bytes]
"""A matter key and its new value, 32 bytes each."""


@dataclass(frozen=True)
class MapUpdate:
    """What a batch does to the map. `old` has the former value of each changed key that had one.

    `pages` are the changed pages as (prefix, content), ascending by prefix.
    """

    root: Digest
    pages: list[tuple[bytes, bytes]]
    old: dict[bytes, bytes]


@dataclass(frozen=True)
class MapPath:
    """Where a key leads: the siblings from the root downwards, and what stands at their end.

    `leaf` is (key, value) of the leaf found there, which with ABSENT_LEAF is another key's; None if
    nothing is there.
    """

    kind: Kind
    siblings: tuple[Digest, ...]
    leaf: tuple[Digest, Digest] | None


class _Page:
    """A page in memory: by slot, which is the key's next byte, a leaf or the hash of a page below."""

    __slots__ = ("children", "leaves")

    def __init__(self) -> None:
        self.leaves: dict[int, Changed] = {}
        self.children: dict[int, bytes] = {}

    @classmethod
    def read(cls, prefix: bytes, content: bytes) -> _Page:
        page = cls()
        end = _COUNT + int.from_bytes(content[:_COUNT], "big") * _LEAF.size
        if len(content) < end or (len(content) - end) % _CHILD.size:
            raise Contradiction(
                "MAP_PAGE",
                f"the stored page {prefix.hex() or 'at the root'} of the map has {len(content)} bytes, "
                "which no number of whole leaves and children makes",
            )
        depth = len(prefix)
        page.leaves = {leaf[0][depth]: leaf for leaf in _LEAF.iter_unpack(content[_COUNT:end])}
        page.children = dict(_CHILD.iter_unpack(content[end:]))
        return page

    def write(self) -> bytes:
        """u16 count ‖ leaves as key ‖ value, ascending ‖ children as slot ‖ hash, ascending."""
        parts = [len(self.leaves).to_bytes(_COUNT, "big")]
        for slot in sorted(self.leaves):
            parts += self.leaves[slot]
        parts += [_CHILD.pack(slot, self.children[slot]) for slot in sorted(self.children)]
        return b"".join(parts)


class _Nodes:
    """The hashes inside one page. A range of slots is (lo, hi, level): `level` bits are undecided."""

    __slots__ = ("_hashes", "_is_leaf", "slots")

    def __init__(self, page: _Page) -> None:
        hashing = sha256
        # format.md §9: H(0x02 ‖ key ‖ value)
        hashes = {
            slot: hashing(b"\x02" + key + value).digest()
            for slot, (key, value) in page.leaves.items()
        }
        hashes.update(page.children)
        self.slots = sorted(hashes)
        self._hashes = [hashes[slot] for slot in self.slots]
        self._is_leaf = [slot in page.leaves for slot in self.slots]

    def split(self, lo: int, hi: int, level: int) -> int:
        """The first index of the range whose next undecided bit is 1; the range is not empty."""
        bit = 1 << (level - 1)
        return bisect_left(self.slots, self.slots[lo] >> level << level | bit, lo, hi)

    def is_lone(self, lo: int, hi: int) -> bool:
        """Whether the range holds one leaf and nothing else, which then stands for the range."""
        return hi - lo == 1 and self._is_leaf[lo]

    def hash(self, lo: int, hi: int, level: int) -> bytes:
        """The hash of a range: empty, a lone leaf, a page below, or a node."""
        if lo == hi:
            return ZERO
        slots = self.slots
        if hi - lo == 1:
            node, at = self._hashes[lo], 0
            if self._is_leaf[lo]:
                return node
        else:
            # The first and the last slot differ most: up to the bit in which they do, all are one.
            at = (slots[lo] ^ slots[hi - 1]).bit_length()
            middle = bisect_left(slots, slots[hi - 1] >> (at - 1) << (at - 1), lo, hi)
            # format.md §9: H(0x03 ‖ left ‖ right)
            node = sha256(
                b"\x03" + self.hash(lo, middle, at - 1) + self.hash(middle, hi, at - 1)
            ).digest()
        for bit in range(at, level):
            pair = ZERO + node if slots[lo] >> bit & 1 else node + ZERO
            # format.md §9: H(0x03 ‖ left ‖ right), one of them empty
            node = sha256(b"\x03" + pair).digest()
        return node

    def root(self) -> bytes:
        return self.hash(0, len(self.slots), LEVELS)


def change_map(changes: Sequence[Changed], load: LoadPage) -> MapUpdate:
    """Apply new values to the map whose pages `load` gives.

    `changes` ascend by key, each key once. Keys are never removed. Without changes the root is
    that of the pages as they are.
    """
    update = _Update(load)
    stored = load(b"")
    if not changes:
        root = ZERO if stored is None else _Nodes(_Page.read(b"", stored)).root()
        return MapUpdate(Digest(root), [], {})
    page = _Page() if stored is None else _Page.read(b"", stored)
    root = update.change(b"", page, changes)
    update.pages.sort()
    return MapUpdate(Digest(root), update.pages, update.old)


class _Update:
    """One batch's walk over the pages that it changes."""

    __slots__ = ("_load", "old", "pages")

    def __init__(self, load: LoadPage) -> None:
        self._load = load
        self.pages: list[tuple[bytes, bytes]] = []
        self.old: dict[bytes, bytes] = {}

    def change(self, prefix: bytes, page: _Page, changes: Sequence[Changed]) -> bytes:
        """Apply changes that share the prefix; return the hash of the page's subtree."""
        depth = len(prefix)
        at, end = 0, len(changes)
        while at < end:
            slot = changes[at][0][depth]
            after = at + 1
            while after < end and changes[after][0][depth] == slot:
                after += 1
            self._change_slot(prefix, page, slot, changes[at:after])
            at = after
        self.pages.append((prefix, page.write()))
        return _Nodes(page).root()

    def _change_slot(
        self, prefix: bytes, page: _Page, slot: int, changes: Sequence[Changed]
    ) -> None:
        below = prefix + bytes([slot])
        if slot in page.children:
            content = self._load(below)
            if content is None:
                raise Contradiction("MAP_PAGE", f"the page {below.hex()} of the map is missing")
            page.children[slot] = self.change(below, _Page.read(below, content), changes)
            return
        leaf = page.leaves.get(slot)
        if len(changes) == 1 and (leaf is None or leaf[0] == changes[0][0]):
            if leaf is not None:
                self.old[leaf[0]] = leaf[1]
            page.leaves[slot] = changes[0]
            return
        # Two keys or more meet in this slot for the first time: a page begins below it, and the
        # leaf that was alone here goes down into it.
        new_page = _Page()
        if leaf is not None:
            del page.leaves[slot]
            new_page.leaves[leaf[0][len(below)]] = leaf
        page.children[slot] = self.change(below, new_page, changes)


class _Step(NamedTuple):
    """What one page says of a key: its siblings, and the answer, None where the page below has it."""

    siblings: tuple[Digest, ...]
    answer: Kind | None
    leaf: tuple[Digest, Digest] | None


def _step(key: bytes, prefix: bytes, content: bytes) -> _Step:
    page = _Page.read(prefix, content)
    nodes = _Nodes(page)
    siblings: list[Digest] = []
    slot = key[len(prefix)]
    lo, hi = 0, len(nodes.slots)
    for level in range(LEVELS, 0, -1):
        if lo == hi or nodes.is_lone(lo, hi):
            break
        middle = nodes.split(lo, hi, level)
        if slot >> (level - 1) & 1:
            siblings.append(Digest(nodes.hash(lo, middle, level - 1)))
            lo = middle
        else:
            siblings.append(Digest(nodes.hash(middle, hi, level - 1)))
            hi = middle
    if lo == hi:
        return _Step(tuple(siblings), Kind.ABSENT_EMPTY, None)
    if nodes.is_lone(lo, hi):
        found, value = page.leaves[nodes.slots[lo]]
        kind = Kind.INCLUSION if found == key else Kind.ABSENT_LEAF
        return _Step(tuple(siblings), kind, (Digest(found), Digest(value)))
    return _Step(tuple(siblings), None, None)


def find_path(key: bytes, load: LoadPage) -> MapPath:
    """Where the key leads in the map whose pages `load` gives (docs/spec/format.md §9)."""

    def step(prefix: bytes) -> _Step | None:
        content = load(prefix)
        return None if content is None else _step(key, prefix, content)

    return _descend(key, step)


def _descend(key: bytes, step: Callable[[bytes], _Step | None]) -> MapPath:
    siblings: tuple[Digest, ...] = ()
    for depth in range(len(key)):
        prefix = key[:depth]
        found = step(prefix)
        if found is None:
            if prefix:
                raise Contradiction("MAP_PAGE", f"the page {prefix.hex()} of the map is missing")
            return MapPath(Kind.ABSENT_EMPTY, (), None)
        siblings += found.siblings
        if found.answer is not None:
            return MapPath(found.answer, siblings, found.leaf)
    raise Contradiction("MAP_PAGE", f"the pages of {key.hex()} go on below the key's last byte")


def find_paths(key: bytes, versions: LoadVersions, batches: int) -> Iterator[MapPath]:
    """Where the key leads in the map of each batch from 0 to `batches` − 1.

    Only the pages on the key's path are read, each version once and as it is needed; a page that
    a batch did not change is not looked at again.
    """
    pages: dict[bytes, _Versions] = {}
    for batch in range(batches):

        def step(prefix: bytes, batch: int = batch) -> _Step | None:
            page = pages.get(prefix)
            if page is None:
                page = pages[prefix] = _Versions(key, prefix, versions(prefix))
            return page.step(batch)

        yield _descend(key, step)


class _Versions:
    """The versions of one page, by batches that ascend."""

    __slots__ = ("_key", "_next", "_prefix", "_rest", "_step")

    def __init__(self, key: bytes, prefix: bytes, rest: Iterator[tuple[int, bytes]]) -> None:
        self._key, self._prefix, self._rest = key, prefix, rest
        self._next = next(rest, None)
        self._step: _Step | None = None

    def step(self, batch: int) -> _Step | None:
        """What the page says as that batch left it; None if it was not there yet."""
        content = None
        while self._next is not None and self._next[0] <= batch:
            content = self._next[1]
            self._next = next(self._rest, None)
        if content is not None:
            self._step = _step(self._key, self._prefix, content)
        return self._step

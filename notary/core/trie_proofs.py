"""Builds the trie of a block's transactions or receipts: its root, and the proof of one item.

The checking side is verifier.format.mpt; this side spares us believing a node. Such a trie has the
keys RLP(0), RLP(1), … (docs/spec/anchor.md §5). Compared with the PyPI package `trie` by
tests/unit/anchor/test_trie_proofs.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verifier.format import rlp
from verifier.format.keccak import keccak256

HASH_LENGTH = 32  # a node whose RLP is shorter stands inside its parent
LEAF_FLAG = 2  # hex prefix: 2 for a leaf, 0 for an extension; 1 is added for an odd path

_Path = tuple[int, ...]


@dataclass(frozen=True)
class _Leaf:
    path: _Path
    value: bytes


@dataclass(frozen=True)
class _Extension:
    path: _Path
    child: _Node


@dataclass(frozen=True)
class _Branch:
    """Without a value: no key of such a trie is the beginning of another."""

    children: tuple[_Node | None, ...]


_Node = _Leaf | _Extension | _Branch


@dataclass(frozen=True)
class ItemProof:
    """The nodes on the path to item `index`, from the root, but those inside their parent."""

    index: int
    item: bytes
    root: bytes
    nodes: tuple[bytes, ...]


def index_key(index: int) -> bytes:
    """The key of item `index`: the RLP of the number."""
    return rlp.encode_int(index)


def items_root(items: Sequence[bytes]) -> bytes:
    """The root over the items, each as it stands in the trie: type byte and payload, or RLP."""
    return keccak256(_encoded(_build(_pairs(items))))


def prove_item(items: Sequence[bytes], index: int) -> ItemProof:
    """The root over the items, and the proof that item `index` is among them.

    Precondition: 0 ≤ index < number of items.
    """
    if not 0 <= index < len(items):
        raise ValueError(f"item {index} is outside a list of {len(items)}")
    nodes: list[bytes] = []
    node = _build(_pairs(items))
    path = _nibbles(index_key(index))
    while True:
        encoded = _encoded(node)
        # The root is always listed, however short: the header names its hash.
        if not nodes or len(encoded) >= HASH_LENGTH:
            nodes.append(encoded)
        if isinstance(node, _Leaf):
            return ItemProof(index, items[index], keccak256(nodes[0]), tuple(nodes))
        if isinstance(node, _Extension):
            path, node = path[len(node.path) :], node.child
        else:
            child = node.children[path[0]]
            assert child is not None, "the trie was built with this item"
            path, node = path[1:], child


def _pairs(items: Sequence[bytes]) -> list[tuple[_Path, bytes]]:
    return [(_nibbles(index_key(index)), item) for index, item in enumerate(items)]


def _nibbles(key: bytes) -> _Path:
    return tuple(nibble for byte in key for nibble in (byte >> 4, byte & 0x0F))


def _build(pairs: list[tuple[_Path, bytes]]) -> _Node:
    """The node over the pairs; paths have lost what stands above. Yellow Paper, appendix D."""
    if len(pairs) == 1:
        path, value = pairs[0]
        return _Leaf(path, value)
    shared = _shared_length([path for path, _ in pairs])
    if shared:
        rest = [(path[shared:], value) for path, value in pairs]
        return _Extension(pairs[0][0][:shared], _build(rest))
    below: list[list[tuple[_Path, bytes]]] = [[] for _ in range(16)]
    for path, value in pairs:
        below[path[0]].append((path[1:], value))
    return _Branch(tuple(_build(some) if some else None for some in below))


def _encoded(node: _Node) -> bytes:
    """The node's RLP, children by reference."""
    match node:
        case _Leaf(path, value):
            return rlp.encode([_hex_prefix(path, leaf=True), value])
        case _Extension(path, child):
            return rlp.encode([_hex_prefix(path, leaf=False), _reference(child)])
        case _Branch(children):
            return rlp.encode([*(b"" if c is None else _reference(c) for c in children), b""])


def _reference(node: _Node) -> rlp.Item:
    # Yellow Paper, appendix D: the node itself where its RLP is short, else the hash of its RLP.
    encoded = _encoded(node)
    return keccak256(encoded) if len(encoded) >= HASH_LENGTH else rlp.decode(encoded)


def _shared_length(paths: list[_Path]) -> int:
    first, last = min(paths), max(paths)
    length = 0
    while length < min(len(first), len(last)) and first[length] == last[length]:
        length += 1
    return length


def _hex_prefix(path: _Path, *, leaf: bool) -> bytes:
    # Yellow Paper, appendix C: (16 × flag + first nibble if odd), then pairs of nibbles.
    flag = (LEAF_FLAG if leaf else 0) + len(path) % 2
    whole = (flag, *path) if len(path) % 2 else (flag, 0, *path)
    return bytes(high << 4 | low for high, low in zip(whole[::2], whole[1::2], strict=True))

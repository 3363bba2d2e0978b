"""A Merkle-Patricia trie built whole from its entries (yellow paper, appendix D), with proofs."""

from collections.abc import Mapping, Sequence

from verifier.format import rlp
from verifier.format.keccak import keccak256

Nibbles = tuple[int, ...]


def nibbles(key: bytes) -> Nibbles:
    """Two halves a byte."""
    return tuple(half for byte in key for half in (byte >> 4, byte & 15))


def hex_prefix(path: Nibbles, leaf: bool) -> bytes:
    """Appendix C."""
    flag = 2 * leaf + len(path) % 2
    halves = (flag, *path) if len(path) % 2 else (flag, 0, *path)
    return bytes(halves[i] << 4 | halves[i + 1] for i in range(0, len(halves), 2))


def build(entries: Mapping[Nibbles, bytes]) -> rlp.Item:
    """The node over entries whose keys all differ."""
    if not entries:
        return b""
    if len(entries) == 1:
        ((path, value),) = entries.items()
        return [hex_prefix(path, True), value]
    shared: list[int] = []
    for column in zip(*entries, strict=False):
        if len(set(column)) > 1:
            break
        shared.append(column[0])
    if shared:
        inner = build({path[len(shared) :]: value for path, value in entries.items()})
        return [hex_prefix(tuple(shared), False), reference(inner)]
    children: list[rlp.Item] = [
        reference(build({p[1:]: v for p, v in entries.items() if p and p[0] == nibble}))
        for nibble in range(16)
    ]
    return [*children, entries.get((), b"")]


def reference(node: rlp.Item) -> rlp.Item:
    """What stands for a node in its parent."""
    encoded = rlp.encode(node)
    return node if node == b"" or len(encoded) < 32 else keccak256(encoded)


class Trie:
    """Root and proofs over key → value."""

    def __init__(self, entries: Mapping[bytes, bytes]) -> None:
        self.entries = {nibbles(key): value for key, value in entries.items()}
        self.node = build(self.entries)
        self.root = keccak256(rlp.encode(self.node))

    def prove(self, key: bytes) -> tuple[bytes, ...]:
        """The hashed nodes on the way to a key, as far as it goes."""
        return tuple(_path(self.entries, nibbles(key), True))


def _path(entries: Mapping[Nibbles, bytes], rest: Nibbles, is_root: bool) -> list[bytes]:
    node = build(entries)
    encoded = rlp.encode(node)
    own = [encoded] if is_root or len(encoded) >= 32 else []
    if not isinstance(node, list) or len(entries) < 2:
        return own
    if len(node) == 2:
        first = next(iter(entries))
        length = len(_shared(list(entries)))
        if rest[:length] != first[:length]:
            return own
        return own + _path({p[length:]: v for p, v in entries.items()}, rest[length:], False)
    if not rest:
        return own
    below = {p[1:]: v for p, v in entries.items() if p and p[0] == rest[0]}
    return own + (_path(below, rest[1:], False) if below else [])


def _shared(paths: Sequence[Nibbles]) -> Nibbles:
    shared = []
    for column in zip(*paths, strict=False):
        if len(set(column)) > 1:
            break
        shared.append(column[0])
    return tuple(shared)

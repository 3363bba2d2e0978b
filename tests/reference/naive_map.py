"""The matter map of docs/spec/format.md §9, rebuilt from all its matters each time."""

from collections.abc import Mapping
from hashlib import sha256

EMPTY = bytes(32)


def key_bit(key: bytes, i: int) -> int:
    """Bit i, the most significant first."""
    return int(f"{int.from_bytes(key, 'big'):0256b}"[i])


def root(entries: Mapping[bytes, bytes], depth: int = 0) -> bytes:
    """The root over key → value."""
    if not entries:
        return EMPTY
    if len(entries) == 1:
        ((key, value),) = entries.items()
        return sha256(b"\x02" + key + value).digest()
    return sha256(
        b"\x03"
        + root(_half(entries, depth, 0), depth + 1)
        + root(_half(entries, depth, 1), depth + 1)
    ).digest()


def _half(entries: Mapping[bytes, bytes], depth: int, side: int) -> dict[bytes, bytes]:
    return {key: value for key, value in entries.items() if key_bit(key, depth) == side}


def walk(entries: Mapping[bytes, bytes], key: bytes) -> tuple[list[bytes], dict[bytes, bytes]]:
    """The siblings on the way to a key, from the root downwards, and what is at the end."""
    path: list[bytes] = []
    here = dict(entries)
    while len(here) > 1:
        depth = len(path)
        side = key_bit(key, depth)
        path.append(root(_half(here, depth, 1 - side), depth + 1))
        here = _half(here, depth, side)
    return path, here

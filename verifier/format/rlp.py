"""Owns RLP, strict: every item has one encoding (docs/spec/anchor.md §3).

Proved by tests/unit/format/test_rlp.py against PyPI's `rlp`, and by a property test.
"""

from typing import TypeAlias

from verifier.format.errors import FormatError

Item: TypeAlias = "bytes | list[Item]"

MAX_DEPTH = 16  # levels: a typed transaction has five, and a reader's stack is not the sender's


def decode(data: bytes) -> Item:
    """Read one item that fills all of `data`.

    Raises FormatError RLP_TRUNCATED, RLP_NOT_CANONICAL, RLP_DEPTH or RLP_TRAILING.
    """
    item, end = _item(data, 0, len(data), MAX_DEPTH)
    if end != len(data):
        raise FormatError("RLP_TRAILING", f"{len(data) - end} bytes follow the item")
    return item


def decode_list(data: bytes, what: str) -> list[Item]:
    """Read a list that fills all of `data`. Raises as `decode` does, and RLP_TYPE."""
    item = decode(data)
    if not isinstance(item, list):
        raise FormatError("RLP_TYPE", f"{what} is a list, got {len(item)} bytes")
    return item


def decode_int(item: Item, what: str, bits: int = 256) -> int:
    """Read an unsigned integer: big-endian without leading zero bytes.

    Raises FormatError RLP_TYPE, RLP_NOT_CANONICAL or RLP_RANGE.
    """
    if not isinstance(item, bytes):
        raise FormatError("RLP_TYPE", f"{what} is an integer, got a list")
    if item[:1] == b"\x00":
        raise FormatError("RLP_NOT_CANONICAL", f"{what} has a leading zero byte")
    if len(item) * 8 > bits:
        raise FormatError("RLP_RANGE", f"{what} has at most {bits} bits, got {len(item)} bytes")
    return int.from_bytes(item, "big")


def _item(data: bytes, start: int, end: int, depth: int) -> tuple[Item, int]:
    # Yellow paper, appendix B: the first byte tells a byte string from a list, and its length.
    if start >= end:
        raise FormatError("RLP_TRUNCATED", f"an item begins at {start}, where the data ends")
    first = data[start]
    if first < 0x80:
        return data[start : start + 1], start + 1
    is_list = first >= 0xC0
    base = 0xC0 if is_list else 0x80
    body, length = start + 1, first - base
    if length > 55:
        size_bytes = length - 55
        if body + size_bytes > end:
            raise FormatError("RLP_TRUNCATED", f"the length at {body} is cut off")
        length = int.from_bytes(data[body : body + size_bytes], "big")
        if data[body] == 0 or length <= 55:
            raise FormatError("RLP_NOT_CANONICAL", f"the length at {body} is not the shortest")
        body += size_bytes
    stop = body + length
    if stop > end:
        raise FormatError("RLP_TRUNCATED", f"the item at {start} ends at {stop}, want {end}")
    if not is_list:
        if length == 1 and data[body] < 0x80:
            raise FormatError("RLP_NOT_CANONICAL", f"the byte at {body} stands for itself")
        return data[body:stop], stop
    if depth == 0:
        raise FormatError("RLP_DEPTH", f"want at most {MAX_DEPTH} levels of lists")
    items: list[Item] = []
    while body < stop:
        item, body = _item(data, body, stop, depth - 1)
        items.append(item)
    return items, stop


def encode(item: Item) -> bytes:
    """Write an item."""
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return _prefix(0x80, len(item)) + item
    body = b"".join([encode(one) for one in item])
    return _prefix(0xC0, len(body)) + body


def encode_int(number: int) -> bytes:
    """Write an unsigned integer: big-endian without leading zero bytes."""
    return encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _prefix(base: int, length: int) -> bytes:
    if length <= 55:
        return bytes([base + length])
    length_bytes = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(length_bytes)]) + length_bytes

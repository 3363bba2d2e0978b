"""Owns the splitting of a stream of blocks into lines, in flat memory and with every byte accounted for.

Test: tests/unit/importers/test_lines.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from notary.importers.rows import MAX_ROW_BYTES

BOM_UTF8 = b"\xef\xbb\xbf"
_CONTROLS = bytes(code for code in (*range(0x20), 0x7F) if code not in (0x09, 0x0A, 0x0D))
_C1_IN_UTF8 = re.compile(rb"\xc2[\x80-\x9f]")
_C1 = re.compile("[\x80-\x9f]")


class Chunk(NamedTuple):
    """Whole lines with their ends, or one line that is too long to be held.

    `clean` says that all bytes are of the encoding and no control character stands in them.
    """

    lines: list[bytes]
    clean: bool
    oversize: int = 0  # bytes of a line above the limit, of which nothing is kept


def chunks(blocks: Iterable[bytes], encoding: str) -> Iterator[Chunk]:
    """Cut blocks into lines ended by LF, CR LF or CR; the last may have no end."""
    carry = b""
    skipping = 0
    for block in blocks:
        data = carry + block
        if skipping:
            # The line that is too long ends here, or goes on.
            end = _first_end(data)
            if end < 0:
                # A CR at the very end may belong to a LF that is still to come.
                carry = data[-1:] if data.endswith(b"\r") else b""
                skipping += len(data) - len(carry)
                continue
            yield Chunk([], False, skipping + end)
            skipping = 0
            data = data[end:]
        cut = _last_end(data)
        if cut:
            yield _chunk(data[:cut], encoding)
        carry = data[cut:]
        if len(carry) > MAX_ROW_BYTES:
            rest = carry[-1:] if carry.endswith(b"\r") else b""
            skipping = len(carry) - len(rest)
            carry = rest
    if skipping:
        yield Chunk([], False, skipping + len(carry))
    elif carry:
        yield _chunk(carry, encoding)


def _chunk(data: bytes, encoding: str) -> Chunk:
    return Chunk(data.splitlines(keepends=True), _is_clean(data, encoding))


def _is_clean(data: bytes, encoding: str) -> bool:
    """One look at many lines costs a fraction of one look at each."""
    if len(data.translate(None, _CONTROLS)) != len(data):
        return False
    if data.isascii():
        return True
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return False
    if encoding == "utf-8":
        return _C1_IN_UTF8.search(data) is None
    return _C1.search(text) is None


def _first_end(data: bytes) -> int:
    """The place after the first line end, or −1. A CR at the very end is none yet."""
    lf = data.find(b"\n")
    cr = data.find(b"\r")
    if cr < 0 or (0 <= lf < cr):
        return lf + 1 if lf >= 0 else -1
    if cr == len(data) - 1:
        return -1
    return cr + 2 if data[cr + 1] == 0x0A else cr + 1


def _last_end(data: bytes) -> int:
    """The place after the last line end, or 0. A CR at the very end is none yet: a LF may follow."""
    lf = data.rfind(b"\n") + 1
    if data.find(b"\r", lf) < 0:
        return lf
    return max(lf, data.rfind(b"\r", 0, len(data) - 1) + 1)

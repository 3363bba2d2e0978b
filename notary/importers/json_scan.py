"""Owns finding the elements of one array in a JSON document of any length, in flat memory.

Only the structure is followed: names, brackets, strings. Whether each element is proper JSON shows when it is
parsed; everything outside the array is parsed whole by the caller. Test:
tests/unit/importers/test_json.py.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from notary.importers.rows import MAX_ROW_BYTES

MAX_HEAD_BYTES = MAX_ROW_BYTES  # what stands around the array is parsed whole
MAX_ELEMENTS = 2_000_000  # 32 MB of places; a longer list is a file to be split
MAX_SCAN_DEPTH = 64  # the elements' own limit is lower; this one bounds the scan's stack

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\]]', re.DOTALL)
_SCALAR = re.compile(rb"[^,\]}\s]++")
_SPACE = re.compile(rb"[ \t\r\n]*+")
_CLOSING = {0x7B: 0x7D, 0x5B: 0x5D}


class ScanFault(Exception):
    """The document's structure can't be followed; the message says where and why."""


class ScanLimit(ScanFault):
    """The document may be proper JSON, but is not followed further."""


@dataclass(frozen=True)
class Elements:
    """Where an array stands, `[` to after `]`, and its elements: starts and ends in turns."""

    start: int
    end: int
    ranges: array[int]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        pairs = iter(self.ranges)
        return zip(pairs, pairs, strict=True)


def find_array(blocks: Iterable[bytes], paths: frozenset[tuple[str, ...]]) -> Elements | None:
    """The array at one of `paths` (member names from the top; none: the document), or None if there is none.

    Raises ScanFault if the structure is broken, or if two such arrays stand there.
    """
    found = find_arrays(blocks, paths)
    if len(found) > 1:
        raise ScanFault("two lists stand where there should be one")
    return next(iter(found.values()), None)


def find_arrays(
    blocks: Iterable[bytes], paths: frozenset[tuple[str, ...]]
) -> dict[tuple[str, ...], Elements]:
    """The arrays at `paths`, those that are there.

    Raises ScanFault if the structure is broken, or if one of them stands there twice.
    """
    scan = _Scan(blocks, paths)
    scan.document()
    return scan.found


def check_structure(blocks: Iterable[bytes]) -> None:
    """Follow a document to its end and keep nothing of it. Raises ScanFault if its structure is broken."""
    _Scan(blocks, frozenset()).whole()


class _Scan:
    def __init__(self, blocks: Iterable[bytes], paths: frozenset[tuple[str, ...]]) -> None:
        self._blocks = iter(blocks)
        self._paths = paths
        self._buffer = b""
        self._at = 0
        self._base = 0  # offset of the buffer's first byte in the document
        self.found: dict[tuple[str, ...], Elements] = {}

    def whole(self) -> None:
        self._begin()
        self._value()
        self._end()

    def document(self) -> None:
        self._begin()
        first = self._peek()
        if first == 0x5B and () in self._paths:
            self._elements(())
        elif first == 0x7B:
            self._object(())
        else:
            raise ScanFault("want a JSON object")
        self._end()

    def _begin(self) -> None:
        self._fill()
        if self._buffer.startswith(b"\xef\xbb\xbf"):
            self._at = 3

    def _end(self) -> None:
        self._space()
        if self._at < len(self._buffer):
            raise ScanFault(f"something follows the document at byte {self._place()}")

    def _place(self) -> int:
        return self._base + self._at

    def _fill(self) -> bool:
        """Take one block more; what was passed is let go."""
        block = next(self._blocks, None)
        if block is None:
            return False
        self._base += self._at
        self._buffer = self._buffer[self._at :] + block
        self._at = 0
        return True

    def _space(self) -> None:
        while True:
            match = _SPACE.match(self._buffer, self._at)
            assert match is not None
            self._at = match.end()
            if self._at < len(self._buffer) or not self._fill():
                return

    def _peek(self) -> int:
        self._space()
        if self._at >= len(self._buffer):
            raise ScanFault(f"the document ends at byte {self._place()}, before it is closed")
        return self._buffer[self._at]

    def _take(self, wanted: bytes) -> int:
        found = self._peek()
        if found not in wanted:
            raise ScanFault(
                f"want {' or '.join(chr(one) for one in wanted)} at byte {self._place()}, "
                f"got {chr(found)!r}"
            )
        self._at += 1
        return found

    def _name(self) -> str:
        raw = self._string()
        try:
            name = json.loads(raw)
        except ValueError as error:
            raise ScanFault(f"a member's name before byte {self._place()} is no string") from error
        return str(name)

    def _string(self) -> bytes:
        if self._peek() != 0x22:
            raise ScanFault(f"want a string at byte {self._place()}")
        while True:
            match = _STRING.match(self._buffer, self._at)
            if match is not None:
                self._at = match.end()
                return match[0]
            if len(self._buffer) - self._at > MAX_ROW_BYTES:
                raise ScanLimit(f"a string at byte {self._place()} is longer than 256 KiB")
            if not self._fill():
                raise ScanFault(f"a string at byte {self._place()} is not closed")

    def _object(self, path: tuple[str, ...]) -> None:
        """Walk an object whose members may lead to the array."""
        self._take(b"{")
        if self._peek() == 0x7D:
            self._at += 1
            return
        while True:
            name = self._name()
            self._take(b":")
            here = (*path, name)
            kind = self._peek()
            if here in self._paths and kind == 0x5B:
                self._elements(here)
            elif kind == 0x7B and any(one[: len(here)] == here for one in self._paths):
                self._object(here)
            else:
                self._value()
            if self._take(b",}") == 0x7D:
                return

    def _elements(self, path: tuple[str, ...]) -> None:
        if path in self.found:
            raise ScanFault(f"a second list {'.'.join(path)} stands at byte {self._place()}")
        start = self._place()
        ranges = array("Q")
        self._take(b"[")
        if self._peek() == 0x5D:
            self._at += 1
        else:
            while True:
                self._peek()
                ranges.append(self._place())
                self._value()
                ranges.append(self._place())
                if len(ranges) > 2 * MAX_ELEMENTS:
                    raise ScanLimit(
                        f"the list {'.'.join(path)} has more than {MAX_ELEMENTS} elements; "
                        "split it into several files"
                    )
                if self._take(b",]") == 0x5D:
                    break
        self.found[path] = Elements(start, self._place(), ranges)

    def _value(self) -> None:
        """Pass over one value."""
        first = self._peek()
        if first == 0x22:
            self._string()
        elif first in _CLOSING:
            self._nested()
        else:
            self._scalar()

    def _scalar(self) -> None:
        while True:
            match = _SCALAR.match(self._buffer, self._at)
            if match is None:
                raise ScanFault(f"want a value at byte {self._place()}")
            if match.end() < len(self._buffer):
                self._at = match.end()
                return
            if len(match[0]) > MAX_ROW_BYTES:
                raise ScanLimit(f"a value at byte {self._place()} is longer than 256 KiB")
            if not self._fill():
                self._at = match.end()
                return

    def _nested(self) -> None:
        stack = bytearray()
        while True:
            match = _STRUCTURE.search(self._buffer, self._at)
            token = b'"' if match is None else match[0]
            if match is None or token == b'"':
                # Nothing structural in what is left, or a string that is cut off there.
                self._at = len(self._buffer) if match is None else match.start()
                if len(self._buffer) - self._at > MAX_ROW_BYTES:
                    raise ScanLimit(f"a string at byte {self._place()} is longer than 256 KiB")
                if not self._fill():
                    raise ScanFault(f"the document ends at byte {self._place()} inside a value")
                continue
            self._at = match.end()
            byte = token[0]
            if byte in _CLOSING:
                stack.append(_CLOSING[byte])
                if len(stack) > MAX_SCAN_DEPTH:
                    raise ScanFault(
                        f"nested deeper than {MAX_SCAN_DEPTH} levels at byte {self._place()}"
                    )
            elif byte in (0x7D, 0x5D):
                if stack.pop() != byte:
                    raise ScanFault(f"brackets that don't match at byte {self._place() - 1}")
                if not stack:
                    return

"""Cuts a body into lines as it comes, and holds no line that is too long. Test: tests/api/test_lines.py."""

from __future__ import annotations

from typing import NamedTuple


class TooLong(NamedTuple):
    """A line above the limit, of which only the length is kept."""

    length: int


Line = bytes | TooLong


class Lines:
    """The lines of one body, without their ends: LF, or CR LF."""

    def __init__(self, most: int) -> None:
        """`most` is the longest line, in bytes."""
        self._most = most
        self._rest = bytearray()
        self._passed = 0  # bytes of a line that is too long

    def feed(self, piece: bytes) -> list[Line]:
        """The lines that end in this piece."""
        first, *others = piece.split(b"\n")
        self._hold(first)
        if not others:
            return []
        last = others.pop()
        found = [self._taken(), *[self._line(one) for one in others]]
        self._hold(last)
        return found

    def end(self) -> list[Line]:
        """The last line, if the body does not end with a line's end."""
        return [self._taken()] if self._rest or self._passed else []

    def _hold(self, part: bytes) -> None:
        if self._passed:
            self._passed += len(part)
            return
        self._rest += part
        if len(self._rest) > self._most:
            self._passed = len(self._rest)
            self._rest.clear()

    def _taken(self) -> Line:
        if self._passed:
            length, self._passed = self._passed, 0
            return TooLong(length)
        line = bytes(self._rest)
        self._rest.clear()
        return self._line(line)

    def _line(self, line: bytes) -> Line:
        if len(line) > self._most:
            return TooLong(len(line))
        return line[:-1] if line.endswith(b"\r") else line

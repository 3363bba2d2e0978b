"""Owns files of lines, each ended by LF (docs/spec/package.md §1).

Proved by tests/unit/format_package/test_lines.py.
"""

from collections.abc import Iterable, Iterator

from verifier.format.errors import FormatError

_LF = b"\n"


def read_lines(data: bytes, what: str) -> Iterator[bytes]:
    """The lines of a file without their LF, one after the other.

    Cut only as they are asked for: a hostile file of nothing but LF must not become a list of
    millions. `what` names the file in messages. Raises FormatError LINES_EMPTY if there is no
    line, LINES_END if the last one is not ended; both before the first line is given.
    """
    if not data:
        raise FormatError("LINES_EMPTY", f"{what}: want at least one line")
    if not data.endswith(_LF):
        raise FormatError("LINES_END", f"{what}: the last line is not ended by LF")
    return _cut(data)


def _cut(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = data.find(_LF, start)
        yield data[start:end]
        start = end + 1


def write_lines(lines: Iterable[bytes]) -> bytes:
    """The file of these lines. Raises ValueError for a line that holds an LF itself."""
    kept = list(lines)
    if any(_LF in line for line in kept):
        raise ValueError("a line can't hold an LF")
    return _LF.join([*kept, b""])

"""Lines of a body, however it is cut on the way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from api.lines import Line, Lines, TooLong

MOST = 5


def cut(pieces: list[bytes]) -> list[Line]:
    lines = Lines(MOST)
    found = [line for piece in pieces for line in lines.feed(piece)]
    return found + lines.end()


def plainly(text: bytes) -> list[Line]:
    """The same by the simplest means, over the whole text."""
    *whole, last = text.split(b"\n")
    lines = [*whole, last] if last else whole
    return [TooLong(len(line)) if len(line) > MOST else line.removesuffix(b"\r") for line in lines]


@given(st.lists(st.text(alphabet="ab\r\n", max_size=9).map(str.encode), max_size=8))
def test_the_cuts_make_no_difference(pieces: list[bytes]) -> None:
    assert cut(pieces) == plainly(b"".join(pieces))


def test_a_line_that_is_too_long_is_passed_over_and_the_next_is_whole() -> None:
    assert cut([b"a" * 1000, b"b" * 1000, b"\nnext\n"]) == [TooLong(2000), b"next"]


def test_of_a_line_that_is_too_long_nothing_is_held() -> None:
    lines = Lines(MOST)
    for _ in range(100):
        assert lines.feed(b"a" * 1000) == []
        assert len(lines._rest) <= MOST
    assert lines.end() == [TooLong(100_000)]

"""Files of lines."""

from __future__ import annotations

import pytest

from tests.reference.refusal import refused
from verifier.format.lines import read_lines, write_lines


@pytest.mark.parametrize("lines", [[b"a"], [b"", b""], [b"a", b"", b"b\r"], [b"x" * 70_000, b"y"]])
def test_what_is_written_is_read_again(lines: list[bytes]) -> None:
    assert list(read_lines(write_lines(lines), "file")) == lines


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "LINES_EMPTY"), (b"a", "LINES_END"), (b"a\nb", "LINES_END")]
)
def test_a_file_of_lines_is_refused_before_its_first_line(data: bytes, code: str) -> None:
    with refused(code):
        read_lines(data, "file")


def test_no_lines_make_no_file_that_can_be_read() -> None:
    with refused("LINES_EMPTY"):
        read_lines(write_lines([]), "file")


def test_a_line_with_an_end_in_it_is_not_written() -> None:
    with pytest.raises(ValueError, match="LF"):
        write_lines([b"a\nb"])

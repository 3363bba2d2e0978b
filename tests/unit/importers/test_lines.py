"""Lines account for every byte, however the stream is cut into blocks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary.importers import lines
from notary.importers.lines import chunks

PIECES = st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r", b"\r\n", b"\x85", b"\xc2\x85"]))


def cut(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def flat(data: bytes, size: int) -> list[bytes]:
    return [line for chunk in chunks(cut(data, size), "utf-8") for line in chunk.lines]


@given(PIECES.map(b"".join), st.integers(1, 7))
def test_the_cut_into_blocks_does_not_matter(data: bytes, size: int) -> None:
    assert flat(data, size) == data.splitlines(keepends=True)


@given(PIECES.map(b"".join), st.integers(1, 7))
def test_with_lines_that_are_too_long_every_byte_is_still_counted(data: bytes, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "MAX_ROW_BYTES", 3)
        found = list(chunks(cut(data, size), "utf-8"))
    expected = data.splitlines(keepends=True)
    at = 0
    for chunk in found:
        if chunk.oversize:
            # A skipped stretch is one whole line.
            assert chunk.oversize > 3
            assert data[at : at + chunk.oversize] in expected
            at += chunk.oversize
        for line in chunk.lines:
            assert data[at : at + len(line)] == line
            assert line in expected
            at += len(line)
    assert at == len(data)


def test_what_is_not_clean_is_marked() -> None:
    def clean(data: bytes, encoding: str = "utf-8") -> bool:
        return all(chunk.clean for chunk in chunks([data], encoding))

    assert clean("a\tb\r\nä 中\n".encode())
    assert clean("a\u00a0b\n".encode("latin-1"), "latin-1")
    for bad in (b"a\0b\n", b"\x1b[0m\n", b"\x7f\n", b"\xff\n", "\u0085\n".encode()):
        assert not clean(bad), bad
    assert not clean(b"\x85\n", "latin-1")
    assert clean(b"\x85\n", "cp1252")

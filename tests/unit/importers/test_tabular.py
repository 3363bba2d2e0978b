"""CSV rows have exact byte ranges and raise nothing, whatever the bytes are."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notary.importers import lines, tabular
from notary.importers.column_map import ColumnMap
from notary.importers.map_file import parse_map
from notary.importers.rows import ImportedRow, Item, Reject, Source
from notary.importers.tabular import CsvRows

MAP = parse_map(
    b"""
id = "m"
version = 1
format = "csv"
kind = "message"
[claims.text]
type = "text"
column = "a"
[claims.subject]
type = "text"
column = "b"
""",
    "m.map.toml",
)
SOURCE = Source("csv/m", "1.1", "00" * 32, b"k" * 32)


def read(data: bytes, map_: ColumnMap = MAP, size: int = 11) -> list[Item]:
    blocks = [data[at : at + size] for at in range(0, len(data), size)]
    return list(CsvRows(blocks, len(data), map_, SOURCE, None))


def check_ranges(data: bytes, items: list[Item]) -> None:
    at = 0
    for item in items:
        assert at <= item.start <= item.end <= len(data)
        if isinstance(item, Reject) and item.whole:
            assert (item.start, item.end) == (0, len(data))
            return
        if item.raw is not None:
            assert data[item.start : item.end] == item.raw
        at = item.end


CELL = st.text(alphabet=st.sampled_from('ab",;\n\r é中'), max_size=6)


@given(
    st.lists(st.tuples(CELL, CELL), max_size=8), st.sampled_from(["\n", "\r\n"]), st.integers(1, 9)
)
def test_what_a_writer_writes_is_read_with_its_ranges(
    rows: list[tuple[str, str]], end: str, size: int
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(("a", "b"))
    writer.writerows(rows)
    data = out.getvalue().encode()
    items = read(data, size=size)
    check_ranges(data, items)
    # A row of empty cells is no record; its bytes stay part of what stands between.
    expected = [row for row in rows if any(row)]
    assert len(items) == len(expected)
    for item, (first, second) in zip(items, expected, strict=True):
        assert isinstance(item, ImportedRow)
        assert item.claims.get("text", "") == first.strip()
        assert item.claims.get("subject", "") == second.strip()


@given(st.binary(max_size=60), st.integers(1, 9))
@example(b'1,"', 1)
@example(b"\x00\n\r", 2)
@example(b'"\n"x"\n1,2\n', 3)
def test_any_bytes_give_rows_and_rejects_that_do_not_overlap(data: bytes, size: int) -> None:
    data = b"a,b\n" + data
    check_ranges(data, read(data, size=size))


@given(st.binary(max_size=40))
def test_any_bytes_as_a_header_give_at_most_a_refusal(data: bytes) -> None:
    check_ranges(data, read(data))


def test_a_file_without_header_is_read_by_the_maps_columns() -> None:
    map_ = parse_map(
        b"""
id = "m"
version = 1
format = "csv"
kind = "message"
[csv]
header = false
delimiter = ";"
columns = ["b", "x", "a"]
[claims.text]
type = "text"
column = "a"
""",
        "m.map.toml",
    )
    data = b"\xef\xbb\xbf1;2;3\r\n4;5;6\r\n"
    items = read(data, map_)
    check_ranges(data, items)
    assert [(item.row, item.claims["text"]) for item in items if isinstance(item, ImportedRow)] == [
        (1, "3"),
        (2, "6"),
    ]
    rejects = b"_reject_row;_reject_field;_reject_reason;_reject_remedy;b;x;a\r\n9;;;;1;2;3\r\n"
    [item] = read(rejects, map_)
    assert isinstance(item, ImportedRow)
    assert item.claims["text"] == "3"
    # What made the row this row is the same as before it was refused.
    assert item.identity == items[0].identity  # type: ignore[union-attr]


def test_the_order_of_columns_does_not_change_the_identity() -> None:
    [one] = read(b"a,b\n1,2\n")
    [two] = read(b"c,b,a\n9,2 , 1\n")
    [other] = read(b"a,b\n2,1\n")
    assert isinstance(one, ImportedRow)
    assert isinstance(two, ImportedRow)
    assert isinstance(other, ImportedRow)
    assert one.identity == two.identity != other.identity
    assert one.counted


@pytest.fixture
def small_rows() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "MAX_ROW_BYTES", 64)
        patch.setattr(tabular, "MAX_ROW_BYTES", 64)
        yield


@pytest.mark.usefixtures("small_rows")
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_long_line_inside_quotes_takes_its_row_with_it(size: int) -> None:
    data = b'a,b\n1,"x\n' + b"y" * 200 + b'\nz"\n3,4\n'
    items = read(data, size=size)
    check_ranges(data, items)
    assert [item.row for item in items if isinstance(item, ImportedRow)] in ([3], [4], [])
    assert any(isinstance(item, Reject) for item in items)
    assert items[-1].end == len(data)


@pytest.mark.usefixtures("small_rows")
def test_a_header_that_is_too_long_refuses_the_file() -> None:
    [item] = read(b"a,b" + b"," * 100 + b"\n1,2\n")
    assert isinstance(item, Reject)
    assert (item.code, item.whole) == ("ROW_SIZE", True)

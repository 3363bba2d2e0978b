"""Foreign JSON is parsed strictly and scanned exactly, and raises only our errors."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary.importers.json_scan import ScanFault, find_array
from notary.importers.json_text import canonical, parse_object
from notary.importers.ndjson import NdjsonRows
from notary.importers.rows import BadRow, Reject
from tests.unit.importers.test_tabular import SOURCE, check_ranges

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
PATHS = frozenset({("body", "list")})


def blocks(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=4), st.sampled_from([None, 0, 2]))
def test_what_json_writes_is_read_again(value: dict[str, Any], indent: int | None) -> None:
    assert parse_object(json.dumps(value, indent=indent).encode()) == value


@given(
    st.binary(max_size=40) | st.text(alphabet='{}[]",:\\ud0aeE.-1tfn ', max_size=40).map(str.encode)
)
def test_any_bytes_raise_at_most_a_bad_row(data: bytes) -> None:
    with suppress(BadRow):
        assert isinstance(parse_object(data), dict)


def test_a_fraction_keeps_every_digit() -> None:
    assert parse_object(b'{"a": 0.10, "b": 1E2, "c": -0.0}') == {
        "a": "0.10",
        "b": "1E2",
        "c": "-0.0",
    }


def test_equal_values_have_one_text() -> None:
    one = parse_object(b'{"b": [1, "\\u00e9"], "a": null}')
    two = parse_object('{ "a":null,"b":[1,"é"]}'.encode())
    assert canonical(one) == canonical(two)


@given(st.lists(VALUES, max_size=5), VALUES, st.sampled_from([None, 1]), st.integers(1, 13))
def test_the_elements_of_an_array_are_found_with_their_ranges(
    elements: list[Any], other: Any, indent: int | None, size: int
) -> None:
    data = json.dumps(
        {"x": other, "list": [0], "body": {"y": {"list": [1]}, "list": elements, "z": other}},
        indent=indent,
    ).encode()
    found = find_array(blocks(data, size), PATHS)
    assert found is not None
    assert [json.loads(data[start:end]) for start, end in found] == elements
    assert json.loads(data[found.start : found.end]) == elements


@given(
    st.binary(max_size=40)
    | st.text(alphabet='{}[]",:\\ 1a', max_size=30).map(
        lambda text: ('{"body":{"list":[' + text).encode()
    ),
    st.integers(1, 5),
)
def test_any_bytes_raise_at_most_a_scan_fault(data: bytes, size: int) -> None:
    with suppress(ScanFault):
        find_array(blocks(data, size), PATHS)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "ends at byte 0"),
        (b"[]", "want a JSON object"),
        (b'{"body":{"list":[1,]}}', "want a value at byte 19"),
        (b'{"body":{"list":[1]},"body":{"list":[2]}}', "a second list body.list"),
        (b'{"body":{"list":[{]}]}}', "brackets that don't match at byte 18"),
        (b'{"body":{"list":[' + b"[" * 70, "deeper than 64"),
        (b'{"body":{"list":["', "not closed"),
        (b'{"body":{"list":[{"a":"', "inside a value"),
        (b'{"\\x":1}', "is no string"),
        (b"{1:2}", "want a string at byte 1"),
    ],
)
def test_a_broken_structure_says_where(data: bytes, reason: str) -> None:
    with pytest.raises(ScanFault, match=reason):
        find_array([data], PATHS)


@given(st.binary(max_size=60), st.integers(1, 9))
def test_any_bytes_as_ndjson_give_items_that_do_not_overlap(data: bytes, size: int) -> None:
    from tests.unit.importers.test_plan import MESSAGES

    items = list(NdjsonRows(blocks(data, size), MESSAGES, SOURCE, None))
    check_ranges(data, items)
    assert all(isinstance(item, Reject) for item in items)

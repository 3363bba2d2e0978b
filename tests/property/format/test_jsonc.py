"""Canonical JSON over arbitrary values and arbitrary bytes."""

import json

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tests.reference.refusal import refused
from verifier.format import jsonc
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json

# Surrogates are left out here: the writers of both sides refuse them, in different words.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS: st.SearchStrategy[Json] = (
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS
)
VALUES: st.SearchStrategy[Json] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=30,
)


@given(VALUES)
def test_the_writer_is_that_of_rfc8785(value: Json) -> None:
    assert jsonc.encode(value) == rfc8785.dumps(value)


@given(VALUES)
def test_what_is_written_is_read_back(value: Json) -> None:
    assert jsonc.decode(jsonc.encode(value), "x") == value


@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_any_other_spelling_of_a_value_is_refused(
    value: Json, indent: int | None, escaped: bool
) -> None:
    spelled = json.dumps(value, indent=indent, ensure_ascii=escaped).encode()
    if spelled != jsonc.encode(value):
        with refused("JSON_NOT_CANONICAL"):
            jsonc.decode(spelled, "x")


@given(
    st.binary(max_size=60) | st.text('[]{}",:\\u0de1-.Ee \n\ttrfalsn', max_size=40).map(str.encode)
)
def test_the_reader_raises_nothing_but_its_error(data: bytes) -> None:
    try:
        value = jsonc.decode(data, "x")
    except FormatError:
        return
    assert jsonc.encode(value) == data


# What the rules are about, so that a damage is often still JSON.
# fmt: off
DAMAGES = st.sampled_from([
    b"", b" ", b"\n", b"\t", b"\r", b'"', b"\\", b"\\u0041", b"\\/", b"\x7f", b"\x01", b"\xff",
    b"-", b"-0", b"0", b"01", b".0", b"e1", b"9" * 17, b"NaN", b"null", b",", b":", b"[]", b"{}",
    b'"a":0,', '"é":1,'.encode(), "\ue000".encode(), "😀".encode(), '"\ue000":1,"😀":2'.encode(),
])
# fmt: on


@given(VALUES, DAMAGES, st.data())
def test_a_damaged_document_is_refused_or_is_another_canonical_one(
    value: Json, damage: bytes, data: st.DataObject
) -> None:
    whole = jsonc.encode(value)
    start = data.draw(st.integers(0, len(whole)))
    damaged = whole[:start] + damage + whole[start + data.draw(st.integers(0, 3)) :]
    try:
        read = jsonc.decode(damaged, "x")
    except FormatError:
        return
    assert jsonc.encode(read) == damaged
    # What is read the quick way must be what the long way reads.
    assert jsonc._decode_fully(damaged, "x") == read

"""Records offered as JSON: one reader for all ways in, which names the first fault and its field."""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary.core.intake import Incoming, Refused
from notary.core.preparing import RANDOM_LENGTH, Prepared, prepare_all
from notary.errors import CallerError
from notary.importers.offered_json import (
    MAX_RECORD_BYTES,
    UNREAD,
    ClaimsOf,
    prepare_texts,
    read_offer,
    split_array,
)
from verifier.format import numbers

NUMBER = numbers.make(b"\x09" * 16, b"\x01\x02\x03\x04")
FITS: dict[str, Any] = {
    "matter": NUMBER.text,
    "kind": "message",
    "claims": {"text": "Please call."},
    "idempotency_key": "k",
}
SECRET = bytes(range(32))


def read(**changed: Any) -> Incoming | Refused:
    return read_offer(json.dumps({**FITS, **changed}).encode())


def test_a_record_that_fits_is_read() -> None:
    assert read() == Incoming(NUMBER.key, "message", {"text": "Please call."}, "k")


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"matter": 1}, "RECORD_SHAPE", "matter"),
        ({"matter": "n" * 101}, "RECORD_SHAPE", "matter"),
        ({"matter": "nm1"}, "NUMBER_LENGTH", "matter"),
        ({"kind": None}, "RECORD_SHAPE", "kind"),
        ({"kind": "k" * 41}, "RECORD_SHAPE", "kind"),
        ({"claims": []}, "RECORD_SHAPE", "claims"),
        ({"idempotency_key": ""}, "RECORD_SHAPE", "idempotency_key"),
        ({"idempotency_key": "k" * 201}, "RECORD_SHAPE", "idempotency_key"),
        ({"idempotency_key": False}, "RECORD_SHAPE", "idempotency_key"),
        ({"colour": "red"}, "RECORD_SHAPE", "colour"),
        ({"claims": {"text": 1.5}}, "RECORD_JSON", ""),
        ({"claims": {"text": 2**53}}, "RECORD_JSON", ""),
    ],
)
def test_the_first_fault_is_named(changed: dict[str, Any], code: str, field: str) -> None:
    refused = read(**changed)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.field) == (code, field)


@pytest.mark.parametrize("name", list(FITS))
def test_a_missing_member_is_named(name: str) -> None:
    text = json.dumps({key: value for key, value in FITS.items() if key != name}).encode()
    assert read_offer(text) == Refused("RECORD_SHAPE", name, "the member is missing")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "no JSON"),
        (b"[]", "want a JSON object"),
        (b'{"kind": "a", "kind": "b"}', "stands twice"),
        (b'{"kind": "\xff"}', "not UTF-8"),
        (b'{"claims": ' + b"[" * 40 + b"]" * 40 + b"}", "nested deeper than 32"),
        (b'{"claims": NaN}', "no JSON number"),
        (b'{"kind": "a\x01b"}', "no JSON"),
    ],
)
def test_what_is_no_strict_json_is_refused(text: bytes, words: str) -> None:
    refused = read_offer(text)
    assert isinstance(refused, Refused)
    assert refused.code == "RECORD_JSON"
    assert words in refused.reason


def test_a_text_that_is_too_long_is_not_parsed() -> None:
    refused = read_offer(b"{" * (MAX_RECORD_BYTES + 1))
    assert isinstance(refused, Refused)
    assert refused.code == "RECORD_SIZE"


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_whatever_comes_is_read_or_refused(text: bytes) -> None:
    assert isinstance(read_offer(text), Incoming | Refused)


def test_texts_are_prepared_as_their_records_are_and_refused_in_their_places() -> None:
    texts = [
        json.dumps({**FITS, "idempotency_key": "1"}).encode(),
        b"no record",
        json.dumps({**FITS, "kind": "no kind"}).encode(),
        json.dumps({**FITS, "idempotency_key": "2"}).encode(),
    ]
    random = os.urandom(RANDOM_LENGTH * len(texts))
    items, answers = prepare_texts(SECRET, 7, texts, random)
    refused = [answer.code if isinstance(answer, Refused) else None for answer in answers]
    assert refused == [None, "RECORD_JSON", "KIND_UNKNOWN", None]
    assert items[1] is UNREAD
    for place in (0, 3):
        offer = read_offer(texts[place])
        assert isinstance(offer, Incoming)
        part = random[place * RANDOM_LENGTH : (place + 1) * RANDOM_LENGTH]
        [alone] = prepare_all(SECRET, 7, [offer], part)
        assert isinstance(alone, Prepared)
        assert answers[place] == alone
        # Compared as a mapping: what a repetition is compared with.
        assert dict(items[place].claims) == dict(offer.claims)
        assert isinstance(items[place].claims, ClaimsOf)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(values, min_size=1, max_size=6), st.sampled_from([None, 1]), st.booleans())
def test_an_array_falls_into_its_elements(
    elements: list[Any], indent: int | None, escaped: bool
) -> None:
    text = json.dumps(elements, indent=indent, ensure_ascii=escaped)
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raw = json.dumps(elements).encode()
    assert [json.loads(one) for one in split_array(b" " + raw + b"\n", 6)] == elements


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "BODY_JSON"),
        (b"{}", "BODY_JSON"),
        (b"[1", "BODY_JSON"),
        (b"[1]]", "BODY_JSON"),
        (b"[1] 2", "BODY_JSON"),
        (b'["a]', "BODY_JSON"),
        (b"[]", "ARRAY_SIZE"),
        (b"[ ]", "ARRAY_SIZE"),
        (b"[1,2,3]", "ARRAY_SIZE"),
    ],
)
def test_what_is_no_array_of_a_few_records_is_refused(text: bytes, code: str) -> None:
    with pytest.raises(CallerError) as caught:
        split_array(text, 2)
    assert caught.value.code == code


def test_an_empty_element_is_refused_in_its_place() -> None:
    assert split_array(b"[{},,{}]", 9) == [b"{}", b"", b"{}"]
    assert split_array(b"[{},]", 9) == [b"{}", b""]


@given(st.binary(max_size=40))
def test_whatever_comes_falls_apart_or_is_refused(text: bytes) -> None:
    with contextlib.suppress(CallerError):
        assert len(split_array(b"[" + text, 5)) in range(1, 6)

"""The fast leaves are those of verifier.format.records, byte for byte, and so are the refusals."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary.core import leaves
from notary.core.keyed import Keyed
from verifier.format import jsonc, records
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json
from verifier.format.kinds import COMMON, KINDS

MATTER = Digest(b"\x5a" * 32)
SECRET = bytes(range(32))
BLIND = bytes(range(100, 116))
AT = datetime(2026, 3, 1, 8, 0, 0, 123_000, tzinfo=UTC)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-jsonc.MAX_INTEGER - 2, jsonc.MAX_INTEGER + 2),
    st.text(max_size=40),
    st.text(st.characters(categories=["Cc", "Cs", "Zl", "Zp", "So"]), max_size=8),
)
names = st.one_of(st.text('abAB_.\\"é😀\ue000', max_size=5), st.sampled_from(["_sd", "..."]))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4)
)
kinds = st.sampled_from([*sorted(KINDS), "no-kind"])


@st.composite
def offers(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    kind = draw(kinds)
    known = [*sorted(KINDS.get(kind, frozenset()) | COMMON), "attachment-0", "attachment-10"]
    name = st.sampled_from(known) | st.sampled_from([*known, "no_claim", "attachment-00", ""])
    return kind, draw(st.dictionaries(name, values, max_size=6))


def by_definition(kind: str, claims: dict[str, Any], position: int = 7) -> tuple[bytes, list[str]]:
    return records.make_leaf(
        matter=MATTER,
        position=position,
        kind=kind,
        recorded_at=AT,
        secret=SECRET,
        blind=BLIND,
        claims=claims,
    )


def written(kind: str, claims: dict[str, Any], position: int = 7) -> tuple[bytes, list[str]]:
    draft, disclosures = leaves.draft_leaf(MATTER, kind, SECRET, Keyed(SECRET), BLIND, claims)
    leaf = leaves.finish_leaf(draft, position, leaves.leaf_ending(AT))
    return leaf, [text.decode("ascii") for text in disclosures]


def outcome(make: Any, *arguments: Any) -> object:
    try:
        return make(*arguments)
    except FormatError as error:
        return error.code, error.message


@given(offers(), st.integers(0, jsonc.MAX_INTEGER))
def test_every_byte_and_every_refusal_is_the_definitions(
    offer: tuple[str, dict[str, Any]], position: int
) -> None:
    kind, claims = offer
    assert outcome(written, kind, claims, position) == outcome(
        by_definition, kind, claims, position
    )


def test_order_of_offered_names_changes_nothing() -> None:
    claims: dict[str, Json] = {"text": "t", "account": "a", "subject": "s", "amount": {"minor": 1}}
    assert written("letter", claims) == written("letter", dict(sorted(claims.items())))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (1.0, "JSON_TYPE"),
        (float("nan"), "JSON_TYPE"),
        (2**53, "JSON_INTEGER"),
        (-(2**53), "JSON_INTEGER"),
        ({"minor": 2**53}, "JSON_INTEGER"),
        ({"minor": 0.5}, "JSON_TYPE"),
        ({"at": AT}, "JSON_TYPE"),
        (("a", "tuple"), "JSON_TYPE"),
        ({1: "a number as a name"}, "JSON_TYPE"),
        ("\ud800", "JSON_SURROGATE"),
        ({"text": "\ud800"}, "JSON_SURROGATE"),
        ({"_sd": []}, "DISCLOSURE_NESTED"),
        ({"...": "x"}, "DISCLOSURE_NESTED"),
    ],
)
def test_what_has_no_canonical_form_is_refused(value: Any, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        written("letter", {"text": value})
    assert caught.value.code == code


def test_no_claims_and_a_wrong_blind_are_refused() -> None:
    with pytest.raises(FormatError, match="a leaf has at least one claim"):
        written("letter", {})
    with pytest.raises(FormatError, match="a blind has 16 bytes, got 15"):
        leaves.draft_leaf(MATTER, "letter", SECRET, Keyed(SECRET), BLIND[:15], {"text": "t"})


@pytest.mark.parametrize(
    "length", [leaves.LONG_VALUE - 3, leaves.LONG_VALUE, leaves.LONG_VALUE + 1]
)
def test_a_long_value_is_written_by_the_definition(length: int) -> None:
    claims = {"text": "x" * length}
    assert written("letter", claims) == by_definition("letter", claims)


@pytest.mark.parametrize("count", [1, 400, 600, 1_000])
def test_a_long_leaf_is_written_or_refused_by_the_definition(count: int) -> None:
    claims = {f"attachment-{i}": {"size": i} for i in range(count)}
    # Whether a leaf is too long does not hang on its place: the longest position decides.
    last = jsonc.MAX_INTEGER
    assert outcome(written, "letter", claims, last) == outcome(
        by_definition, "letter", claims, last
    )

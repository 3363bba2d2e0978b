"""A stored record opens to its own leaf or not at all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from notary.core import envelope, opening
from notary.core.keyed import Keyed
from notary.core.opening import OpenRecord
from notary.errors import CallerError, Contradiction
from verifier.format import records
from verifier.format.digests import Digest, b64url_encode
from verifier.format.jsonc import Json

KEK = AESGCM(b"k" * 32)
SECRET, DIGEST = b"s" * 32, b"d" * 16
# Astral and control characters, and names beyond ASCII: whatever the payload's own writer does with
# them, the disclosures must come out as they went in.
CLAIMS: dict[str, Json] = {
    "text": 'é\u2028\x7f\x01"\\/ 😀 and \ufffd',
    "fields": {"\ue000": 1, "😀": [True, False, None, -(2**53 - 1)], "": {}, "é": []},
}
LEAF, DISCLOSURES = records.make_leaf(
    matter=Digest(b"m" * 32),
    position=3,
    kind="message",
    recorded_at=datetime(2026, 3, 1, tzinfo=UTC),
    secret=SECRET,
    blind=b"b" * 16,
    claims=CLAIMS,
)
WRAPPED = envelope.wrap(KEK, SECRET, b"n" * 12, envelope.wrap_context(envelope.RECORD, 1, DIGEST))
VALUES = opening.seal_values(Keyed(SECRET), CLAIMS)


def opened(
    wrapped: bytes | None = WRAPPED, leaf: bytes = LEAF, values: bytes | None = VALUES
) -> OpenRecord:
    return opening.open_record(KEK, 1, DIGEST, wrapped, leaf, values)


def test_values_and_disclosures_come_out_as_they_went_in() -> None:
    record = opened()
    assert record.values == CLAIMS
    assert list(record.disclosures) == DISCLOSURES
    assert record.secret == SECRET
    assert "😀" not in repr(record)


def test_values_of_another_content_are_a_contradiction() -> None:
    with pytest.raises(Contradiction, match="do not give its leaf"):
        opened(values=opening.seal_values(Keyed(SECRET), {**CLAIMS, "text": "other"}))


def test_values_that_make_no_leaf_are_a_contradiction() -> None:
    with pytest.raises(Contradiction, match="makes no leaf"):
        opened(values=opening.seal_values(Keyed(SECRET), {"no_claim": 1}))


def test_a_leaf_of_another_record_is_a_contradiction() -> None:
    first = next(iter(records.parse_leaf(LEAF).claims.values()))
    other = LEAF.replace(b64url_encode(first).encode(), b64url_encode(b"o" * 32).encode())
    assert other != LEAF
    with pytest.raises(Contradiction, match="do not give its leaf"):
        opened(leaf=other)


def test_an_erased_record_says_so() -> None:
    for record in ((None, VALUES), (WRAPPED, None)):
        with pytest.raises(CallerError, match="erased"):
            opened(wrapped=record[0], values=record[1])

"""What a number that is set aside commits to (docs/spec/format.md §16)."""

from __future__ import annotations

import hashlib

import pytest

from verifier.format import asides, jsonc
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json

SOURCE, SALT, ROW = Digest(b"\x11" * 32), b"\x22" * 32, b"7;0301234567"


def test_the_commitment_is_that_of_the_specification() -> None:
    message = b"notary/source-aside/v1\n" + SOURCE + b"\0" * 7 + b"\x07" + SALT + ROW
    assert asides.row_digest(SOURCE, 7, SALT, ROW) == hashlib.sha256(message).digest()


def test_the_greatest_number_has_its_commitment() -> None:
    assert len(asides.row_digest(SOURCE, 2**53 - 1, SALT, b"")) == 32


@pytest.mark.parametrize("length", [0, 31, 33])
def test_random_bytes_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(FormatError, match=f"got {length}") as caught:
        asides.row_digest(SOURCE, 7, bytes(length), ROW)
    assert caught.value.code == "ASIDE_SALT"


def test_the_claim_gives_the_random_bytes_back() -> None:
    assert asides.salt_of(asides.salt_claim(SALT)) == SALT


@pytest.mark.parametrize(
    "claim", [{}, "x", {"salt": 1}, {"salt": "A", "more": 1}, {"salt": "="}, None]
)
def test_another_claim_is_refused(claim: Json) -> None:
    with pytest.raises(FormatError):
        asides.salt_of(claim)


@pytest.mark.parametrize(
    ("claim", "row"),
    [
        ({"text": "a\u00e9\n"}, b"a\xc3\xa9\n"),
        ({"text": ""}, b""),
        ({"bytes": "_w"}, b"\xff"),
    ],
)
def test_the_row_is_the_bytes_of_the_claim_raw(claim: Json, row: bytes) -> None:
    assert asides.row_bytes("raw", claim) == row


@pytest.mark.parametrize(
    "claim",
    [
        {},
        {"text": "a", "bytes": "YQ"},
        {"text": "\ud800"},
        {"bytes": 1},
        ["a"],
        {"text": "a", "x": 1},
    ],
)
def test_another_claim_raw_has_no_row(claim: Json) -> None:
    with pytest.raises(FormatError):
        asides.row_bytes("raw", claim)


def test_a_row_too_long_for_a_claim_is_named_by_its_place() -> None:
    place: Json = {"row": 3, "end": 9, "file_sha256": "ab"}
    assert asides.row_claim({"import": 1, "raw": 2}) == "raw"
    assert asides.row_claim({"import": 1}) == "import"
    assert asides.row_bytes("import", place) == jsonc.encode(place)

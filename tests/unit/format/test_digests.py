"""Digests and the strict text forms of bytes."""

import pytest

from tests.reference.refusal import refused
from verifier.format.digests import (
    ZERO,
    Digest,
    b64_decode,
    b64_encode,
    b64url_decode,
    b64url_encode,
    from_hex,
    hex_decode,
    sha256,
    shown,
)


def test_sha256_gives_a_digest() -> None:
    digest = sha256(b"abc")
    assert isinstance(digest, Digest)
    assert digest.hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_digest_of_another_length_is_refused(length: int) -> None:
    with refused("DIGEST_LENGTH"):
        Digest(bytes(length))


def test_hex_of_a_digest_comes_back() -> None:
    assert from_hex("00" * 32) == ZERO


@pytest.mark.parametrize("text", ["AB", "a", "0x00", "zz", "a b", "ab\n", "٠٠", "ab "])
def test_hex_in_any_other_form_is_refused(text: str) -> None:
    with refused("HEX_FORM"):
        hex_decode(text)


def test_hex_of_another_length_is_no_digest() -> None:
    with refused("DIGEST_LENGTH"):
        from_hex("00" * 31)


@pytest.mark.parametrize("raw", [b"", b"f", b"fo", b"foo", b"\xfb\xff\xfe", bytes(range(256))])
def test_base64_of_any_bytes_comes_back(raw: bytes) -> None:
    assert b64url_decode(b64url_encode(raw)) == raw
    assert b64_decode(b64_encode(raw)) == raw


def test_base64url_uses_its_own_alphabet() -> None:
    assert b64url_encode(b"\xfb\xff\xfe") == "-__-"
    assert b64_encode(b"\xfb\xff\xfe") == "+//+"


@pytest.mark.parametrize(
    "text",
    [
        "Zg==",  # padding
        "Zh",  # a tail bit is set
        "Zm9",  # tail bits are set
        "Z",  # no bytes have this length
        "Zg\n",
        " Zg",
        "Z g",
        "+//+",  # the other alphabet
        "Zgé",
    ],
)
def test_base64url_in_any_other_form_is_refused(text: str) -> None:
    with refused("B64URL_FORM"):
        b64url_decode(text)


@pytest.mark.parametrize(
    "text",
    [
        "Zg",
        "Zg=",
        "Zh==",
        "Zm9=",
        "Z===",
        "====",
        "=",
        "Zg==\n",
        "-__-",
        "Zg==Zg==",
        "Z=g=",
        "é===",
    ],
)
def test_base64_in_any_other_form_is_refused(text: str) -> None:
    with refused("B64_FORM"):
        b64_decode(text)


def test_hostile_text_is_shown_in_ascii_and_cut() -> None:
    assert shown("é\n") == r"'\xe9\n'"
    assert len(shown("x" * 10_000)) < 100

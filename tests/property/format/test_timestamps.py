"""Tokens over arbitrary bytes and with damage anywhere: FormatError and nothing else, and no belief.

What parses after damage is judged like any other token; only its signer's path may still stand.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile.authority import SINCE, UNTIL, Authority, honest_authority, rsa_key
from verifier.format import timestamp_authority, timestamp_token
from verifier.format.errors import FormatError

# The library warns of serial numbers that no certificate should have, and then reads on.
pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")

AT = datetime(2026, 10, 1, 12, 30, 15, 250_000, tzinfo=UTC)
ROOTS = (honest_authority().root,)
TOKEN = honest_authority().token(b"text", AT)
RSA = Authority.make("RSA", key=rsa_key())
RSA_TOKEN = RSA.token(b"text", AT)


def judge(data: bytes, roots: tuple[object, ...] = ROOTS) -> str | None:
    """The code of the first thing that is wrong. Any other exception is a fault of ours."""
    try:
        token = timestamp_token.parse(data)
        timestamp_authority.check_signature(token)
        timestamp_authority.check_purpose(token.signer)
        timestamp_authority.check_valid_at(token.signer, token.gen_time)
        timestamp_authority.path(token, roots)  # type: ignore[arg-type]
    except FormatError as error:
        return error.code
    return None


def test_the_tokens_stand() -> None:
    assert judge(TOKEN) is None
    assert judge(RSA_TOKEN, (RSA.root,)) is None


def test_a_certificate_is_valid_at_its_first_and_at_its_last_second() -> None:
    signer = honest_authority().signer
    for at in (SINCE, UNTIL):
        timestamp_authority.check_valid_at(signer, at)
    for at in (SINCE - timedelta(microseconds=1), UNTIL + timedelta(microseconds=1)):
        with pytest.raises(FormatError, match="TOKEN_CERTIFICATE_TIME"):
            timestamp_authority.check_valid_at(signer, at)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_no_token(data: bytes) -> None:
    assert judge(data) == "TOKEN_DER"


@pytest.mark.parametrize("token", [TOKEN, RSA_TOKEN], ids=["ECDSA", "RSA"])
def test_a_byte_that_is_another_changes_nothing_that_is_read(token: bytes) -> None:
    true = timestamp_token.parse(token)
    for at, bit in product(range(len(token)), (1, 2, 0x10, 0x80)):
        data = token[:at] + bytes([token[at] ^ bit]) + token[at + 1 :]
        if judge(data, (*ROOTS, RSA.root)) is not None:
            continue
        # A certificate's signature may say of zeros at its end that they are not used; nothing signs that.
        read = timestamp_token.parse(data)
        assert read._replace(raw=token, certificates=true.certificates) == true
        signed = [one.tbs_certificate_bytes for one in true.certificates]
        assert [one.tbs_certificate_bytes for one in read.certificates] == signed


@given(
    st.sampled_from([TOKEN, RSA_TOKEN]),
    st.lists(
        st.tuples(st.integers(0, 1500), st.integers(0, 40), st.binary(max_size=12)), max_size=4
    ),
)
def test_damage_raises_our_error_alone(data: bytes, edits: list[tuple[int, int, bytes]]) -> None:
    for at, drop, put in edits:
        data = data[:at] + put + data[at + drop :]
    judge(data, (*ROOTS, RSA.root))


@given(st.text(max_size=200))
def test_roots_are_certificates_or_our_error(text: str) -> None:
    with pytest.raises(FormatError, match="TOKEN_ROOTS"):
        timestamp_authority.read_roots(text)


@given(st.integers(0, 400), st.characters(codec="ascii"))
def test_damaged_roots_raise_our_error_alone(at: int, put: str) -> None:
    pem = honest_authority().pem
    with suppress(FormatError):
        timestamp_authority.read_roots(pem[:at] + put + pem[at + 1 :])

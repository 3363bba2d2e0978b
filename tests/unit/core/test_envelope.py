"""What is sealed opens only unaltered, in its own place, with its own key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from notary.core import envelope
from notary.errors import CallerError, Contradiction

KEK = AESGCM(b"k" * 32)
SECRET, OTHER = b"s" * 32, b"t" * 32
NONCE = b"n" * 12
NAME = b"a" * 16
CONTEXT = envelope.wrap_context(envelope.RECORD, 1, b"d" * 16)
CHUNK = envelope.CHUNK_LENGTH


def sealed_bytes(
    plain: bytes, secret: bytes = SECRET, name: bytes = NAME, piece: int = 4096
) -> bytes:
    pieces = (plain[at : at + piece] for at in range(0, len(plain), piece))
    return b"".join(envelope.seal_chunks(secret, name, pieces))


def opened_bytes(
    sealed: bytes, secret: bytes = SECRET, name: bytes = NAME, piece: int = 5000
) -> bytes:
    pieces = (sealed[at : at + piece] for at in range(0, len(sealed), piece))
    return b"".join(envelope.unseal_chunks(secret, name, pieces))


def pattern(size: int) -> bytes:
    return bytes(range(256)) * (size // 256) + bytes(range(size % 256))


def test_a_wrapped_secret_opens_again() -> None:
    wrapped = envelope.wrap(KEK, SECRET, NONCE, CONTEXT)
    assert len(wrapped) == envelope.WRAPPED_LENGTH == 61
    assert envelope.unwrap(KEK, wrapped, CONTEXT) == SECRET


def test_every_flipped_bit_of_a_wrapped_secret_is_noticed() -> None:
    wrapped = envelope.wrap(KEK, SECRET, NONCE, CONTEXT)
    for i in range(len(wrapped)):
        for bit in range(8):
            damaged = bytearray(wrapped)
            damaged[i] ^= 1 << bit
            with pytest.raises(Contradiction):
                envelope.unwrap(KEK, bytes(damaged), CONTEXT)


@pytest.mark.parametrize(
    "context",
    [
        envelope.wrap_context(envelope.MATTER, 1, b"d" * 16),
        envelope.wrap_context(envelope.RECORD, 2, b"d" * 16),
        envelope.wrap_context(envelope.RECORD, 1, b"e" * 16),
    ],
)
def test_a_wrapped_secret_opens_in_no_other_place(context: bytes) -> None:
    with pytest.raises(Contradiction, match="moved from another row"):
        envelope.unwrap(KEK, envelope.wrap(KEK, SECRET, NONCE, CONTEXT), context)


def test_a_wrapped_secret_opens_under_no_other_key() -> None:
    with pytest.raises(Contradiction, match="another key encryption key"):
        envelope.unwrap(AESGCM(b"x" * 32), envelope.wrap(KEK, SECRET, NONCE, CONTEXT), CONTEXT)


@pytest.mark.parametrize("length", [0, 60, 62])
def test_a_wrapped_secret_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(Contradiction, match=f"got {length} bytes"):
        envelope.unwrap(KEK, b"\x01" * length, CONTEXT)


def test_a_key_encryption_key_has_32_bytes() -> None:
    with pytest.raises(CallerError, match="got 16"):
        envelope.kek_cipher(bytes(16))


def test_content_opens_with_its_secret_and_purpose_alone() -> None:
    sealed = envelope.seal(SECRET, envelope.VALUES, b"plain")
    assert envelope.unseal(SECRET, envelope.VALUES, sealed) == b"plain"
    for secret, purpose in ((OTHER, envelope.VALUES), (SECRET, envelope.TITLE)):
        with pytest.raises(Contradiction, match="altered or moved"):
            envelope.unseal(secret, purpose, sealed)
    with pytest.raises(Contradiction):
        envelope.unseal(SECRET, envelope.VALUES, sealed[:-1])


SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7]


@pytest.mark.parametrize("size", SIZES)
def test_an_attachment_opens_again_whatever_the_pieces(size: int) -> None:
    plain = pattern(size)
    sealed = sealed_bytes(plain)
    chunks = max(1, -(-size // CHUNK))
    assert len(sealed) == len(envelope.ATTACHMENT_MAGIC) + size + chunks * envelope.TAG_LENGTH
    assert sealed_bytes(plain, piece=3 * CHUNK) == sealed
    assert opened_bytes(sealed) == plain
    assert opened_bytes(sealed, piece=3 * CHUNK) == plain


@pytest.mark.parametrize("size", SIZES)
def test_an_attachment_that_was_cut_is_noticed(size: int) -> None:
    sealed = sealed_bytes(pattern(size))
    head, whole = len(envelope.ATTACHMENT_MAGIC), CHUNK + envelope.TAG_LENGTH
    cuts = {0, 1, head - 1, head, len(sealed) - 1, *range(head + whole, len(sealed), whole)}
    for cut in cuts:
        with pytest.raises(Contradiction):
            opened_bytes(sealed[:cut])


def test_an_attachment_that_was_extended_is_noticed() -> None:
    sealed = sealed_bytes(pattern(CHUNK))
    for tail in (b"\x00", sealed[-100:], sealed[len(envelope.ATTACHMENT_MAGIC) :]):
        with pytest.raises(Contradiction):
            opened_bytes(sealed + tail)


def test_chunks_that_changed_places_are_noticed() -> None:
    sealed = sealed_bytes(pattern(3 * CHUNK))
    head, whole = len(envelope.ATTACHMENT_MAGIC), CHUNK + envelope.TAG_LENGTH
    first, second, rest = (
        sealed[head : head + whole],
        sealed[head + whole : head + 2 * whole],
        sealed[head + 2 * whole :],
    )
    for order in (
        (second, first, rest),
        (first, first, rest),
        (first, rest),
        (rest, second, first),
    ):
        with pytest.raises(Contradiction):
            opened_bytes(sealed[:head] + b"".join(order))


def test_an_attachment_opens_under_no_other_name_or_secret() -> None:
    sealed = sealed_bytes(b"original")
    for secret, name in ((SECRET, b"b" * 16), (OTHER, NAME)):
        with pytest.raises(Contradiction, match="exchanged"):
            opened_bytes(sealed, secret, name)


def test_every_flipped_byte_of_an_attachment_is_noticed() -> None:
    sealed = sealed_bytes(b"original")
    for i in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[i] ^= 0x01
        with pytest.raises(Contradiction):
            opened_bytes(bytes(damaged))


def test_what_is_handed_out_before_a_fault_is_true() -> None:
    plain = pattern(2 * CHUNK)
    sealed = bytearray(sealed_bytes(plain))
    sealed[-1] ^= 1
    out: list[bytes] = []
    pieces: Iterator[bytes] = envelope.unseal_chunks(SECRET, NAME, [bytes(sealed)])
    with pytest.raises(Contradiction):
        out.extend(pieces)
    assert plain.startswith(b"".join(out))


def test_lookups_differ_by_secret_agency_purpose_and_text() -> None:
    found = {
        envelope.lookup(secret, agency, purpose, text)
        for secret in (SECRET, OTHER)
        for agency in (1, 2)
        for purpose in ("account", "token")
        for text in ("", "a", "b")
    }
    assert len(found) == 24
    assert {len(one) for one in found} == {envelope.LOOKUP_LENGTH}


def test_account_secrets_differ_by_matter_and_account() -> None:
    found = {envelope.account_secret(s, d) for s in (SECRET, OTHER) for d in (b"1" * 16, b"2" * 16)}
    assert len(found) == 4

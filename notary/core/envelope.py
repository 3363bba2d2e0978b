"""Encryption at rest: one secret for each record, wrapped; everything personal under keys of it.

Pure: nonces and secrets are arguments. To destroy a wrapped secret is to erase what it sealed, in
every copy of the store that still exists. Formats: docs/design/0001-storage-encryption.md. Test:
tests/unit/core/test_envelope.py.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from notary.core.keyed import Keyed
from notary.errors import CallerError, Contradiction

SECRET_LENGTH = 32  # bytes of a record's, a matter's or the log's secret
KEY_LENGTH = 32  # bytes: AES-256
NONCE_LENGTH = 12  # bytes: what AES-GCM takes without hashing
TAG_LENGTH = 16  # bytes
LOOKUP_LENGTH = 16  # bytes: no two spellings of one agency meet by chance
CHUNK_LENGTH = 2**20  # bytes of an attachment held in memory at a time

WRAP_VERSION = b"\x01"  # another byte will name another way to wrap, for example by a KMS
WRAPPED_LENGTH = len(WRAP_VERSION) + NONCE_LENGTH + SECRET_LENGTH + TAG_LENGTH

ATTACHMENT_MAGIC = b"notary-attachment/1\n"
_SEALED_CHUNK = CHUNK_LENGTH + TAG_LENGTH

# What a wrapped secret is for; it is authenticated, so that none can stand in another's place.
RECORD = b"record"
MATTER = b"matter"
LOG_LOOKUP = b"log-lookup"
LOG_MAP = b"log-map"

# Nonces under a content key: each is used for one message only, made once.
VALUES = 0
TITLE = 1


class Kek(Protocol):
    """Something that wraps secrets: AESGCM itself, or the keys of a running service (core.keks)."""

    def encrypt(self, nonce: bytes, plain: bytes, context: bytes, /) -> bytes:
        """Cipher text and tag."""
        ...

    def decrypt(self, nonce: bytes, sealed: bytes, context: bytes, /) -> bytes:
        """The plain text; raises InvalidTag."""
        ...


def wrap_context(use: bytes, agency_id: int, identity: bytes) -> bytes:
    """What a wrapped secret is bound to: its use, the agency, and the record or matter."""
    return b"notary/wrap/v1\n" + use + b"\n" + agency_id.to_bytes(8, "big") + identity


# The lookup secret tells which key a store wraps with. The log's own secrets belong to no agency.
LOOKUP_CONTEXT = wrap_context(LOG_LOOKUP, 0, b"")


def wrap(kek: Kek, secret: bytes, nonce: bytes, context: bytes) -> bytes:
    """Wrap a secret of 32 bytes under the key encryption key; `nonce` is random, 12 bytes."""
    return WRAP_VERSION + nonce + kek.encrypt(nonce, secret, context)


def unwrap(kek: Kek, wrapped: bytes, context: bytes) -> bytes:
    """The secret again. Raises Contradiction if key, bytes or context are not those of `wrap`."""
    if len(wrapped) != WRAPPED_LENGTH or wrapped[:1] != WRAP_VERSION:
        raise Contradiction(
            "WRAPPED_SECRET",
            f"a wrapped secret has {WRAPPED_LENGTH} bytes and begins with {WRAP_VERSION.hex()}, got "
            f"{len(wrapped)} bytes that begin with {wrapped[:1].hex()}",
        )
    nonce = wrapped[1 : 1 + NONCE_LENGTH]
    try:
        return kek.decrypt(nonce, wrapped[1 + NONCE_LENGTH :], context)
    except InvalidTag as error:
        raise Contradiction(
            "WRAPPED_SECRET",
            "a wrapped secret does not open: it was altered, moved from another row, or wrapped "
            "under another key encryption key",
        ) from error


def opens(kek: Kek, wrapped: bytes, context: bytes) -> bool:
    """Whether this key opens the wrapped secret."""
    try:
        unwrap(kek, wrapped, context)
    except Contradiction:
        return False
    return True


def seal(secret: bytes, purpose: int, plain: bytes) -> bytes:
    """Seal one message under the secret. A purpose is used once for a secret, or the nonce
    repeats.
    """
    return seal_keyed(Keyed(secret), purpose, plain)


def seal_keyed(secret: Keyed, purpose: int, plain: bytes) -> bytes:
    """The same for a secret whose padding is known already."""
    return _content(secret).encrypt(purpose.to_bytes(NONCE_LENGTH, "big"), plain, None)


def unseal(secret: bytes, purpose: int, sealed: bytes) -> bytes:
    """The message again. Raises Contradiction if it was altered or is another's."""
    try:
        return _content(Keyed(secret)).decrypt(purpose.to_bytes(NONCE_LENGTH, "big"), sealed, None)
    except InvalidTag as error:
        raise Contradiction(
            "SEALED_CONTENT", "sealed content does not open: it was altered or moved"
        ) from error


def account_secret(matter_secret: bytes, digest: bytes) -> bytes:
    """The secret of one account's spelling: a matter has any number of them, added at any time."""
    return hmac.digest(matter_secret, b"notary/account/v1" + digest, "sha256")


def seal_chunks(secret: bytes, name: bytes, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Seal an attachment as it streams; `chunks` are of any size, the output is canonical.

    The key is the record's and the name's, so that no two attachments can be exchanged. Chunk i
    has nonce i, so that none can be moved, and says whether it is the last, so that none can be
    cut off.
    """
    key = _attachment(secret, name)
    yield ATTACHMENT_MAGIC
    index = 0
    rest = bytearray()
    for chunk in chunks:
        rest += chunk
        # The last chunk is held back until the end is known: an empty one would be a second form.
        while len(rest) > CHUNK_LENGTH:
            yield _seal_chunk(key, index, bytes(rest[:CHUNK_LENGTH]), last=False)
            del rest[:CHUNK_LENGTH]
            index += 1
    yield _seal_chunk(key, index, bytes(rest), last=True)


def unseal_chunks(
    secret: bytes, name: bytes, sealed: Iterable[bytes], first: int = 0
) -> Iterator[bytes]:
    """The attachment's bytes again, chunk by chunk, each authenticated before it is handed out.

    With `first`, from that chunk on: `sealed` then begins at `sealed_at(first)`. Raises Contradiction when
    the sealed bytes were altered, reordered, cut, extended or exchanged; what was handed out before is then a
    true stretch of the original and no more.
    """
    key = _attachment(secret, name)
    if first:
        pieces = _exactly(sealed, _SEALED_CHUNK, _SEALED_CHUNK)
    else:
        pieces = _exactly(sealed, len(ATTACHMENT_MAGIC), _SEALED_CHUNK)
        if next(pieces, b"") != ATTACHMENT_MAGIC:
            raise Contradiction("SEALED_ATTACHMENT", "a stored attachment has not its first line")
    index = first
    held: bytes | None = None
    for piece in pieces:
        if held is not None:
            yield _unseal_chunk(key, index, held, last=False)
            index += 1
        held = piece
    if held is None:
        raise Contradiction("SEALED_ATTACHMENT", f"a stored attachment ends before chunk {first}")
    yield _unseal_chunk(key, index, held, last=True)


def sealed_at(chunk: int) -> int:
    """Where that chunk begins among the sealed bytes of an attachment."""
    return len(ATTACHMENT_MAGIC) + chunk * _SEALED_CHUNK


def lookup(secret: bytes, agency_id: int, purpose: str, text: str) -> bytes:
    """A keyed digest by which a text can be found and not guessed by whoever holds the store alone.

    `secret` is the log's lookup secret, `purpose` what the text is, for example "account".
    """
    return Lookup(secret, agency_id, purpose).of(text)


class Lookup:
    """The keyed digests of many texts of one agency and one purpose."""

    def __init__(self, secret: bytes, agency_id: int, purpose: str) -> None:
        self._key = Keyed(secret)
        self._prefix = (
            b"notary/lookup/v1\n" + agency_id.to_bytes(8, "big") + purpose.encode() + b"\n"
        )

    def of(self, text: str) -> bytes:
        """What `lookup` gives for the text."""
        return self._key.digest(self._prefix + text.encode())[:LOOKUP_LENGTH]


def kek_cipher(kek: bytes) -> AESGCM:
    """The cipher of a key encryption key. Raises CallerError unless it has 32 bytes."""
    if len(kek) != KEY_LENGTH:
        raise CallerError(
            "KEY_SIZE", f"a key encryption key has {KEY_LENGTH} bytes, got {len(kek)}"
        )
    return AESGCM(kek)


def _content(secret: Keyed) -> AESGCM:
    return AESGCM(secret.digest(b"notary/content/v1"))


def _attachment(secret: bytes, name: bytes) -> AESGCM:
    return AESGCM(hmac.digest(secret, b"notary/attachment/v1" + name, "sha256"))


def _seal_chunk(key: AESGCM, index: int, plain: bytes, *, last: bool) -> bytes:
    return key.encrypt(index.to_bytes(NONCE_LENGTH, "big"), plain, bytes([last]))


def _unseal_chunk(key: AESGCM, index: int, sealed: bytes, *, last: bool) -> bytes:
    try:
        return key.decrypt(index.to_bytes(NONCE_LENGTH, "big"), sealed, bytes([last]))
    except InvalidTag as error:
        raise Contradiction(
            "SEALED_ATTACHMENT",
            f"chunk {index} of a stored attachment does not open: the file was altered, cut, "
            "extended or exchanged",
        ) from error


def _exactly(parts: Iterable[bytes], first: int, then: int) -> Iterator[bytes]:
    """The bytes of `parts` cut anew: `first` bytes, then pieces of `then`, the last as it falls."""
    rest = bytearray()
    wanted = first
    for part in parts:
        rest += part
        while len(rest) >= wanted:
            yield bytes(rest[:wanted])
            del rest[:wanted]
            wanted = then
    if rest:
        yield bytes(rest)

"""Owns SHA-256 digests and the three strict text forms of bytes (docs/spec/README.md, Notation).

Proved by tests/unit/format/test_digests.py.
"""

import re
from binascii import a2b_base64, b2a_base64
from hashlib import sha256 as _sha256

from verifier.format.errors import FormatError

DIGEST_LENGTH = 32  # bytes of a SHA-256 or Keccak-256 digest

_HEX = re.compile(r"(?:[0-9a-f]{2})*")
_B64URL = re.compile(r"[A-Za-z0-9_-]*")
_TO_URL = bytes.maketrans(b"+/", b"-_")
_B64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")

# An error message repeats at most this much of what it refuses: input may be hostile and long.
_SHOWN_CHARACTERS = 80


class Digest(bytes):
    """32 bytes that are a hash.

    Raises FormatError DIGEST_LENGTH for any other length.
    """

    __slots__ = ()

    def __new__(cls, raw: bytes) -> "Digest":
        if len(raw) != DIGEST_LENGTH:
            raise FormatError("DIGEST_LENGTH", f"a digest has 32 bytes, got {len(raw)}")
        return bytes.__new__(cls, raw)


# Stands for an empty child of the matter map and for the head of a log that never anchored.
ZERO = Digest(bytes(DIGEST_LENGTH))


def shown(text: str) -> str:
    """Quote hostile text for an error message, in ASCII and cut to a bearable length."""
    cut = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
    return ascii(cut)


def sha256(data: bytes) -> Digest:
    """Hash bytes of any length with SHA-256 (FIPS 180-4)."""
    return bytes.__new__(Digest, _sha256(data).digest())


def hex_decode(text: str) -> bytes:
    """Read lower-case hexadecimal of whole bytes, without prefix.

    Raises FormatError HEX_FORM.
    """
    if not _HEX.fullmatch(text):
        raise FormatError("HEX_FORM", f"want lower-case hex of whole bytes, got {shown(text)}")
    return bytes.fromhex(text)


def from_hex(text: str) -> Digest:
    """Read a digest from 64 lower-case hexadecimal characters.

    Raises FormatError HEX_FORM, or DIGEST_LENGTH.
    """
    return Digest(hex_decode(text))


def b64url_encode(raw: bytes) -> str:
    """Write bytes as base64url without padding (RFC 4648 §5)."""
    return b2a_base64(raw, newline=False).translate(_TO_URL, b"=").decode("ascii")


def b64url_decode(text: str) -> bytes:
    """Read base64url without padding; every byte string has exactly one such text.

    Raises FormatError B64URL_FORM for padding, a foreign character, a length that no bytes
    have, or unused tail bits that are not zero.
    """
    if not _B64URL.fullmatch(text) or len(text) % 4 == 1:
        raise FormatError(
            "B64URL_FORM", f"want base64url of whole bytes without padding, got {shown(text)}"
        )
    standard = text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)
    raw = a2b_base64(standard)
    # RFC 4648 §3.5: a decoder may refuse pad bits that are not zero; here it must.
    if b64url_encode(raw) != text:
        raise FormatError("B64URL_FORM", f"the unused tail bits of {shown(text)} are not zero")
    return raw


def b64_encode(raw: bytes) -> str:
    """Write bytes as base64 with padding (RFC 4648 §4)."""
    return b2a_base64(raw, newline=False).decode("ascii")


def b64_decode(text: str) -> bytes:
    """Read base64 with padding; every byte string has exactly one such text.

    Raises FormatError B64_FORM for missing padding, a foreign character, or unused tail bits
    that are not zero.
    """
    if not _B64.fullmatch(text) or len(text) % 4 != 0:
        raise FormatError("B64_FORM", f"want base64 with padding, got {shown(text)}")
    raw = a2b_base64(text)
    if b64_encode(raw) != text:
        raise FormatError("B64_FORM", f"the unused tail bits of {shown(text)} are not zero")
    return raw

"""What records and keys are called over HTTP: names that tell nobody how many of them others have.

A record's row number counts the records of all agencies. Its name is that number and the agency's under a
block cipher, so it can't be guessed, needs no column, and of another agency it opens like one of nobody.
Spec: docs/http.md. Test: tests/unit/core/test_record_names.py.
"""

from __future__ import annotations

import base64
import hmac
import threading

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

PREFIX = "r"
KEY_PREFIX = "k"  # of API keys
NAME_LENGTH = 1 + 26  # characters: a letter for what it is, 128 bits in base32
NOBODY = 0  # row numbers begin at 1
_HALF = 8  # bytes of the agency's number and of the row's: one block of AES together
_PADDING = "=" * 6
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  # RFC 4648 §6
_PAIRS = [one + other for one in _ALPHABET for other in _ALPHABET]
_SHIFTS = range(120, -1, -10)  # 13 pairs of 10 bits: 128, and two that are 0


class RecordNames:
    """Names for row numbers and back; from any thread. `prefix` says of what, and parts their ciphers."""

    def __init__(self, lookup_secret: bytes, prefix: str = PREFIX) -> None:
        use = {PREFIX: b"notary/record-name/v1", KEY_PREFIX: b"notary/key-name/v1"}[prefix]
        key = hmac.digest(lookup_secret, use, "sha256")[:16]
        self._prefix = prefix
        # One block by itself, none the same: what ECB shows of longer messages has no place here.
        cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305
        self._lock = threading.Lock()
        self._encrypt: CipherContext = cipher.encryptor()
        self._decrypt: CipherContext = cipher.decryptor()

    def name(self, agency_id: int, record_id: int) -> str:
        """The name of the agency's record in that row."""
        plain = agency_id.to_bytes(_HALF, "big") + record_id.to_bytes(_HALF, "big")
        with self._lock:
            block = self._encrypt.update(plain)
        return self._prefix + _base32(block)

    def row(self, agency_id: int, name: str) -> int:
        """The row of the agency's record of this name; NOBODY for any other text."""
        if len(name) != NAME_LENGTH or not name.isascii():
            return NOBODY
        try:
            block = base64.b32decode(name[1:].upper() + _PADDING)
        except ValueError:
            return NOBODY
        with self._lock:
            plain = self._decrypt.update(block)
        record_id = int.from_bytes(plain[_HALF:], "big")
        # Compared as a whole: the last character has unused bits, and letters have two cases.
        if plain[:_HALF] != agency_id.to_bytes(_HALF, "big") or (
            self.name(agency_id, record_id) != name
        ):
            return NOBODY
        return record_id


def _base32(block: bytes) -> str:
    """As base64.b32encode without its padding, in a quarter of its time: each answer has a name."""
    bits = int.from_bytes(block, "big") << 2
    return "".join([_PAIRS[bits >> shift & 1023] for shift in _SHIFTS])

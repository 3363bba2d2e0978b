"""HMAC-SHA-256 under a key that is used more than once: its padding is hashed over, not made anew.

RFC 2104 §2. The library's one-shot call spends two thirds of its time on finding the algorithm,
and a record takes a dozen of them. Test: tests/unit/core/test_keyed.py, which compares every
result with the library's.
"""

from __future__ import annotations

from hashlib import sha256

BLOCK = 64  # bytes: RFC 2104 §2, B of SHA-256
_IPAD = bytes([byte ^ 0x36 for byte in range(256)])
_OPAD = bytes([byte ^ 0x5C for byte in range(256)])


class Keyed:
    """A key of at most 64 bytes, padded. `inner` and `outer` stand before what is hashed."""

    __slots__ = ("inner", "outer")

    def __init__(self, key: bytes) -> None:
        if len(key) > BLOCK:
            raise ValueError(f"a key of {len(key)} bytes is above the {BLOCK} of a block")
        padded = key.ljust(BLOCK, b"\x00")
        self.inner = padded.translate(_IPAD)
        self.outer = padded.translate(_OPAD)

    def digest(self, message: bytes) -> bytes:
        """HMAC-SHA-256 of the message."""
        # RFC 2104 §2: H(K XOR opad, H(K XOR ipad, text))
        return sha256(self.outer + sha256(self.inner + message).digest()).digest()

"""HMAC with a padded key is the library's HMAC."""

from __future__ import annotations

import hmac

import pytest

from notary.core.keyed import BLOCK, Keyed


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, BLOCK - 1, BLOCK])
def test_a_digest_is_the_librarys(length: int) -> None:
    key = bytes(range(200, 200 + length % 56)) + b"k" * (length - length % 56)
    assert len(key) == length
    keyed = Keyed(key)
    for size in (0, 1, 31, 32, 55, 56, 63, 64, 65, 1000):
        message = bytes(i % 251 for i in range(size))
        assert keyed.digest(message) == hmac.digest(key, message, "sha256")


def test_a_key_above_a_block_is_refused() -> None:
    # RFC 2104 §2 would hash such a key first; nothing here has one.
    with pytest.raises(ValueError, match="a key of 65 bytes is above the 64 of a block"):
        Keyed(bytes(BLOCK + 1))

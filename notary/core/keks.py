"""The key encryption keys of a running service: one wraps, each at hand may unwrap.

While the store's key is changed, rows under the old one and rows under the new one stand side by side,
and processes run that were started before. Which key wraps is the store's word: that under which the
log's own secret is wrapped (docs/design/0013-kek-rotation.md). Test: tests/unit/core/test_keks.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from notary.core import envelope
from notary.errors import CallerError

LoadKeks = Callable[[], Sequence[bytes]]
"""The keys of the key folder as they are now, of 32 bytes each; the newest first."""


class StoreKek:
    """Wraps and unwraps as `envelope.Kek`. `sealed` is the log's wrapped lookup secret."""

    def __init__(self, load: LoadKeks, sealed: bytes) -> None:
        self._load = load
        self._ciphers: list[AESGCM] = []
        self._sealed = b""
        self.settle(sealed)

    def settle(self, sealed: bytes) -> None:
        """Wrap from now on with the key that opens `sealed`, as read in the caller's write transaction.

        Every transaction that wraps begins with it: the key is changed under the store's write lock,
        so no row is ever written under a key that is about to go. Raises CallerError
        KEYS_OF_OTHER_STORE if no key at hand opens it.
        """
        if sealed == self._sealed:
            return
        for ciphers in (self._ciphers, self._read()):
            for cipher in ciphers:
                if not envelope.opens(cipher, sealed, envelope.LOOKUP_CONTEXT):
                    continue
                self._ciphers = [cipher, *[other for other in ciphers if other is not cipher]]
                self._sealed = sealed
                return
        raise CallerError(
            "KEYS_OF_OTHER_STORE",
            "the key encryption key does not open this store. Point the configuration to the store's own "
            "key folder, in its newest state; a store from before a change of the key wants the key that "
            "was kept then (docs/operations.md).",
        )

    def encrypt(self, nonce: bytes, plain: bytes, context: bytes) -> bytes:
        """AES-256-GCM under the key that the store names."""
        return self._ciphers[0].encrypt(nonce, plain, context)

    def decrypt(self, nonce: bytes, sealed: bytes, context: bytes) -> bytes:
        """The plain text, under whichever key at hand. Raises InvalidTag if none opens it."""
        ciphers = self._ciphers
        try:
            return _open(ciphers, nonce, sealed, context)
        except InvalidTag:
            # The row may have been wrapped anew since this process read the keys.
            found = self._read()
        opened = _open(found, nonce, sealed, context)
        # The one that wraps stays in front until `settle` is told otherwise.
        self._ciphers = [*ciphers[:1], *found]
        return opened

    def _read(self) -> list[AESGCM]:
        return [envelope.kek_cipher(key) for key in self._load()]


def _open(ciphers: Sequence[AESGCM], nonce: bytes, sealed: bytes, context: bytes) -> bytes:
    for cipher in ciphers:
        try:
            return cipher.decrypt(nonce, sealed, context)
        except InvalidTag:
            continue
    raise InvalidTag

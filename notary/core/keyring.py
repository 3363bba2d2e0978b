"""The keys in use: what wraps, finds, blinds and signs. Pure; nothing here is ever printed.

Test: tests/unit/core/test_keyring.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from notary.core import envelope
from verifier.format import notes
from verifier.format.batches import HeaderKey, keys_commitment
from verifier.format.digests import Digest
from verifier.format.notes import VKey
from verifier.format.receipts import receipts_origin


class NoteSigner:
    """An Ed25519 key and the name under which it signs notes."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self.vkey: VKey = notes.make_vkey(name, private_key.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """The note of `text`, which ends with LF."""
        return notes.sign(text, self.vkey.name, self._private_key)


@dataclass(frozen=True, repr=False)
class KeySet:
    """The four keys of a key folder, before it is known that they belong to a store.

    `kek` has 32 bytes. The chain account's key is another adapter's and none of these.
    """

    kek: bytes
    checkpoint: Ed25519PrivateKey
    next_checkpoint: Ed25519PrivateKey
    receipt: Ed25519PrivateKey

    def checkpoint_signer(self, log: str) -> NoteSigner:
        """Signs checkpoints, under the log's name (docs/spec/format.md §11)."""
        return NoteSigner(log, self.checkpoint)

    def next_checkpoint_signer(self, log: str) -> NoteSigner:
        """The signer that headers commit to as the next one."""
        return NoteSigner(log, self.next_checkpoint)

    def receipt_signer(self, log: str) -> NoteSigner:
        """Signs receipt groups, under `<log name>/receipts`."""
        return NoteSigner(receipts_origin(log), self.receipt)


@dataclass(frozen=True, repr=False)
class Keyring:
    """The keys of one log, opened against its store."""

    kek: AESGCM
    lookup_secret: bytes
    map_secret: bytes
    checkpoint: NoteSigner
    next_checkpoint_vkey: str
    receipt: NoteSigner

    def lookup(self, agency_id: int, purpose: str, text: str) -> bytes:
        """The 16 bytes by which the store finds `text` (envelope.lookup)."""
        return envelope.lookup(self.lookup_secret, agency_id, purpose, text)

    @property
    def header_keys(self) -> tuple[HeaderKey, ...]:
        """The keys in force, as a batch header lists them (docs/spec/format.md §10)."""
        return tuple(
            sorted(
                [
                    HeaderKey("checkpoint", self.checkpoint.vkey.text),
                    HeaderKey("receipt", self.receipt.vkey.text),
                ]
            )
        )

    @property
    def next_keys(self) -> Digest:
        """The header's commitment to the next checkpoint key and the receipt key, which stays."""
        return keys_commitment(
            [
                HeaderKey("checkpoint", self.next_checkpoint_vkey),
                HeaderKey("receipt", self.receipt.vkey.text),
            ]
        )

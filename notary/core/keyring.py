"""The keys in use: what wraps, finds, blinds and signs. Pure; nothing here is ever printed.

Which key set signs is not decided here: the store's newest batch header names it, so that two
processes at one store never disagree (docs/design/0011-key-rotation.md). Test:
tests/unit/core/test_keyring.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from notary.core import envelope
from notary.core.keks import LoadKeks, StoreKek
from notary.errors import CallerError
from verifier.format import key_sets, notes
from verifier.format.digests import Digest
from verifier.format.key_sets import KeySet
from verifier.format.notes import VKey
from verifier.format.receipts import receipts_origin
from verifier.format.signatures import ML_DSA_44

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey


class NoteSigner:
    """An Ed25519 key and the name under which it signs notes."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self.vkey: VKey = notes.make_vkey(name, private_key.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """The note of `text`, which ends with LF."""
        return notes.signed(text, self.vkey, self._private_key)


class KeysInForce(NamedTuple):
    """Digests of the key set that signs, and of the one that may follow it (format.md §10)."""

    keys: Digest
    next_keys: Digest


@dataclass(frozen=True, repr=False)
class SigningKeys:
    """The private keys of one key set, before it is known for which log.

    `number` counts the sets of a key folder from 1, in the order in which they were made.
    """

    number: int
    checkpoint: Ed25519PrivateKey
    cosigner: MLDSA44PrivateKey
    receipt: Ed25519PrivateKey


class LogSigner:
    """A key set with its private keys: signs checkpoints and receipt groups of one log."""

    def __init__(self, log: str, keys: SigningKeys) -> None:
        self.number = keys.number
        self._log = log
        self._cosigner = keys.cosigner
        self.checkpoint = NoteSigner(log, keys.checkpoint)
        self.receipt = NoteSigner(receipts_origin(log), keys.receipt)
        cosigner = notes.make_vkey(log, keys.cosigner.public_key().public_bytes_raw(), ML_DSA_44)
        self.key_set: KeySet = key_sets.make([self.checkpoint.vkey, cosigner], self.receipt.vkey)
        self.digest: Digest = key_sets.digest(self.key_set)

    def sign_checkpoint(self, text: str, timestamp: int) -> str:
        """The note of a checkpoint's text, signed by every checkpoint key; POSIX seconds."""
        return notes.cosign(self.checkpoint.sign(text), self._log, self._cosigner, timestamp)


class LogSigners:
    """The key sets at hand for a log. A digest that is not known yet is looked for once more.

    `load` gives the private keys as they are now: another process may have made a set since.
    """

    def __init__(self, log: str, load: Callable[[], Sequence[SigningKeys]]) -> None:
        self._log = log
        self._load = load
        self._known: dict[Digest, LogSigner] = {}

    def of(self, digest: Digest) -> LogSigner:
        """The signer of a key set. Raises CallerError KEYS_OF_OTHER_STORE if it is not at hand."""
        if digest not in self._known:
            self.all()
        found = self._known.get(digest)
        if found is None:
            numbers = ", ".join(
                [f"{one.number} ({one.digest.hex()})" for one in self._known.values()]
            )
            raise CallerError(
                "KEYS_OF_OTHER_STORE",
                f"the log wants the key set {digest.hex()}; the key folder has set {numbers or 'none'}. "
                "Point the configuration to the key folder that was made with this store.",
            )
        return found

    def all(self) -> list[LogSigner]:
        """Every key set at hand now, in the order in which they were made."""
        found = [LogSigner(self._log, keys) for keys in self._load()]
        self._known = {one.digest: one for one in found}
        return found


@dataclass(frozen=True, repr=False)
class HeldKeys:
    """What a key folder holds, before it is known that it belongs to a store.

    `kek` has 32 bytes. The chain account's key is another adapter's and none of these.
    """

    kek: bytes
    load_signing: Callable[[], Sequence[SigningKeys]]
    load_keks: LoadKeks


@dataclass(frozen=True, repr=False)
class Keyring:
    """The secrets of one log and what signs for it, opened against its store."""

    kek: StoreKek
    lookup_secret: bytes
    map_secret: bytes
    signers: LogSigners

    def lookup(self, agency_id: int, purpose: str, text: str) -> bytes:
        """The 16 bytes by which the store finds `text` (envelope.lookup)."""
        return envelope.lookup(self.lookup_secret, agency_id, purpose, text)

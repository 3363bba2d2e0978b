"""The keyring signs under the right names and shows no key."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from notary.core.keyring import Keyring, KeySet
from verifier.format import batches, notes

SEEDS = {"checkpoint": b"c" * 32, "next": b"n" * 32, "receipt": b"r" * 32}
KEYS = KeySet(b"k" * 32, *(Ed25519PrivateKey.from_private_bytes(seed) for seed in SEEDS.values()))
LOG = "notary.example/log"
RING = Keyring(
    AESGCM(b"k" * 32),
    b"l" * 32,
    b"m" * 32,
    KEYS.checkpoint_signer(LOG),
    KEYS.next_checkpoint_signer(LOG).vkey.text,
    KEYS.receipt_signer(LOG),
)


def test_signers_have_the_names_of_the_specification() -> None:
    assert RING.checkpoint.vkey.name == LOG
    assert RING.receipt.vkey.name == f"{LOG}/receipts"


def test_a_note_verifies_with_its_key_alone() -> None:
    note = notes.parse_note(RING.checkpoint.sign(f"{LOG}\n0\n{'A' * 43}=\n"))
    assert notes.verify(note, [RING.checkpoint.vkey]).keys == (RING.checkpoint.vkey,)


def test_header_keys_are_sorted_and_the_commitment_names_the_next() -> None:
    assert [key.use for key in RING.header_keys] == ["checkpoint", "receipt"]
    wanted = batches.keys_commitment(
        [
            batches.HeaderKey("checkpoint", RING.next_checkpoint_vkey),
            batches.HeaderKey("receipt", RING.receipt.vkey.text),
        ]
    )
    assert RING.next_keys == wanted
    assert RING.next_checkpoint_vkey != RING.checkpoint.vkey.text


def test_no_key_is_printed() -> None:
    shown = f"{KEYS!r} {RING!r} {RING.checkpoint!r}"
    for secret in (b"k" * 32, b"l" * 32, b"m" * 32, *SEEDS.values()):
        assert secret.hex() not in shown
        assert repr(secret)[2:-1] not in shown

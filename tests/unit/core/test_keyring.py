"""Key sets sign under the right names, are found by their digest, and show no key."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from notary.core.keyring import HeldKeys, Keyring, LogSigner, LogSigners, SigningKeys
from notary.errors import CallerError
from tests.simulators.keks import store_kek
from verifier.format import key_sets, notes
from verifier.format.digests import ZERO

LOG = "notary.example/log"
SEEDS = [bytes([n]) * 32 for n in range(1, 7)]


def signing(number: int) -> SigningKeys:
    checkpoint, cosigner, receipt = SEEDS[3 * number - 3 : 3 * number]
    return SigningKeys(
        number,
        Ed25519PrivateKey.from_private_bytes(checkpoint),
        MLDSA44PrivateKey.from_seed_bytes(cosigner),
        Ed25519PrivateKey.from_private_bytes(receipt),
    )


FIRST = LogSigner(LOG, signing(1))
TEXT = f"{LOG}\n0\n{'A' * 43}=\n"


def test_the_public_key_set_has_both_checkpoint_keys_and_the_receipt_key() -> None:
    assert key_sets.parse(key_sets.encode(FIRST.key_set)) == FIRST.key_set
    assert sorted(key.kind for key in FIRST.key_set.checkpoint) == [1, 6]
    assert {key.name for key in FIRST.key_set.checkpoint} == {LOG}
    assert FIRST.key_set.receipt.name == f"{LOG}/receipts"
    assert FIRST.digest == key_sets.digest(FIRST.key_set)


def test_a_checkpoint_bears_the_signature_of_every_checkpoint_key() -> None:
    note = notes.parse_note(FIRST.sign_checkpoint(TEXT, 7))
    assert set(key_sets.check_checkpoint(note, FIRST.key_set).keys) == set(FIRST.key_set.checkpoint)
    assert len(note.signatures) == 2


def test_a_key_set_that_another_process_made_is_found_when_it_is_asked_for() -> None:
    there = [signing(1)]
    signers = LogSigners(LOG, lambda: list(there))
    assert signers.of(FIRST.digest).number == 1
    second = LogSigner(LOG, signing(2))
    with pytest.raises(CallerError, match=f"wants the key set {second.digest.hex()}"):
        signers.of(second.digest)
    there.append(signing(2))
    assert signers.of(second.digest).key_set == second.key_set


def test_a_key_set_of_another_log_is_not_this_logs() -> None:
    signers = LogSigners("other.example/log", lambda: [signing(1)])
    with pytest.raises(CallerError) as caught:
        signers.of(FIRST.digest)
    assert caught.value.code == "KEYS_OF_OTHER_STORE"
    with pytest.raises(CallerError, match="has set none"):
        LogSigners(LOG, list).of(ZERO)


def test_no_key_is_printed() -> None:
    held = HeldKeys(b"k" * 32, lambda: [signing(1)], lambda: [b"k" * 32])
    ring = Keyring(store_kek(b"k" * 32), b"l" * 32, b"m" * 32, LogSigners(LOG, held.load_signing))
    shown = f"{held!r} {ring!r} {signing(1)!r} {FIRST!r} {FIRST.checkpoint!r} {ring.signers!r}"
    for secret in (b"k" * 32, b"l" * 32, b"m" * 32, *SEEDS):
        assert secret.hex() not in shown
        assert repr(secret)[2:-1] not in shown

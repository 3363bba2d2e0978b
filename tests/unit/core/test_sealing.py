"""A batch is what the specification says it is, also when nothing changed."""

from __future__ import annotations

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from notary.core.keyring import Keyring, KeysInForce, LogSigners, SigningKeys
from notary.core.sealing import ChangedMatter, NewBatch, make_batch, sign_checkpoint
from notary.errors import CallerError
from tests.simulators.keks import store_kek
from tests.simulators.store import IDENTITY, START
from verifier.format import batches, key_sets, matter_map, notes, trees
from verifier.format.batches import Change, NotBefore
from verifier.format.digests import ZERO, Digest
from verifier.format.frontier import Frontier
from verifier.format.heads import head_text

SIGNING = [
    SigningKeys(
        number,
        Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32),
        MLDSA44PrivateKey.from_seed_bytes(bytes([number + 2]) * 32),
        Ed25519PrivateKey.from_private_bytes(bytes([number + 4]) * 32),
    )
    for number in (1, 2)
]
SIGNERS = LogSigners(IDENTITY.name, lambda: SIGNING)
FIRST, SECOND = SIGNERS.all()
IN_FORCE = KeysInForce(FIRST.digest, SECOND.digest)
KEYS = Keyring(store_kek(b"k" * 32), b"l" * 32, b"m" * 32, SIGNERS)
KEY = Digest(b"\xaa" * 32)
ROOT = Digest(b"\xbb" * 32)


def made(frontier: Frontier, *changed: ChangedMatter, block: NotBefore | None = None) -> NewBatch:
    return make_batch(IDENTITY, KEYS, IN_FORCE, frontier, changed, lambda _: None, START, 60, block)


def test_an_empty_batch_has_the_empty_map() -> None:
    batch = made(Frontier())
    assert batch.header.map_root == ZERO
    assert batch.delta == b"notary-delta/1\nnotary.example/log\n0\n"
    assert batch.update.pages == []
    assert batch.header == batches.parse_header(batch.header_bytes)
    assert batch.header.sealed_at == START.replace(microsecond=123000)


def test_the_header_binds_delta_map_keys_and_block() -> None:
    frontier = Frontier()
    frontier.append(b"\x01" * 32)
    block = NotBefore(1, 7, Digest(b"\xcc" * 32))
    batch = made(frontier, ChangedMatter(5, 1, KEY, 3, ROOT), block=block)
    # format.md §9: HMAC(map secret, "notary/map-blind/v1" ‖ u64 batch ‖ key)[0:16]
    blind = matter_map.blind(b"m" * 32, 1, KEY)
    value = matter_map.value(head_text(IDENTITY.name, KEY, 3, ROOT), blind)
    header = batch.header
    assert header.map_root == matter_map.leaf_hash(KEY, value)
    assert batches.parse_delta(batch.delta).changes == (Change(KEY, None, value),)
    assert header.delta == sha256(batch.delta).digest()
    assert (header.batch, header.log, header.not_before) == (1, IDENTITY.name, block)
    assert (header.keys, header.next_keys) == IN_FORCE
    assert (header.max_deadline_s, header.successor) == (60, None)


def test_the_checkpoint_is_over_all_headers() -> None:
    frontier = Frontier()
    frontier.append(b"\x01" * 32)
    batch = made(frontier)
    note = notes.parse_note(sign_checkpoint(batch.header, batch.frontier, SIGNERS))
    key_sets.check_checkpoint(note, FIRST.key_set)
    # A hand-over is signed by the keys that it names, and by no other.
    over = notes.parse_note(
        sign_checkpoint(batch.header._replace(keys=SECOND.digest), batch.frontier, SIGNERS)
    )
    key_sets.check_checkpoint(over, SECOND.key_set)
    assert over.text == note.text
    checkpoint = notes.parse_checkpoint_text(note.text)
    hashes = [b"\x01" * 32, trees.leaf_hash(batch.header_bytes)]
    assert (checkpoint.origin, checkpoint.size) == (IDENTITY.name, 2)
    assert checkpoint.root == trees.root(hashes)
    assert batch.leaf_hash == hashes[1]
    assert frontier.size == 1  # the caller's frontier is not moved


def test_one_moment_gives_one_batch() -> None:
    assert made(Frontier()).header_bytes == made(Frontier()).header_bytes


def test_a_batch_of_a_key_set_that_is_not_at_hand_is_not_signed() -> None:
    batch = made(Frontier())
    with pytest.raises(CallerError, match="wants the key set"):
        sign_checkpoint(batch.header._replace(keys=ZERO), batch.frontier, SIGNERS)

"""What a batch is made of: map values, delta file, header, checkpoint. Pure.

Spec: docs/spec/format.md §9 to §11. Test: tests/unit/core/test_sealing.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from notary.core.keyring import Keyring, KeysInForce, LogSigners
from notary.core.log_identity import LogIdentity
from notary.core.map_pages import Changed, LoadPage, MapUpdate, change_map
from verifier.format import batches, matter_map, notes, trees
from verifier.format.batches import BatchHeader, Change, NotBefore
from verifier.format.digests import Digest, sha256
from verifier.format.frontier import Frontier
from verifier.format.heads import head_text


class ChangedMatter(NamedTuple):
    """A matter with records that no batch holds yet: the head that this batch gives it."""

    matter_id: int
    agency_id: int
    key: bytes
    size: int
    root: bytes


@dataclass(frozen=True)
class NewBatch:
    """A batch that is computed and not yet signed. `frontier` is the batch log's after it."""

    header: BatchHeader
    header_bytes: bytes
    leaf_hash: Digest
    frontier: Frontier
    delta: bytes
    update: MapUpdate


def map_value(
    log: str, batch: int, secret: bytes, key: bytes, size: int, root: bytes
) -> tuple[str, bytes, Digest]:
    """Head, blind and value of a matter in the batch of its last change."""
    head = head_text(log, Digest(key), size, Digest(root))
    blind = matter_map.blind(secret, batch, key)
    return head, blind, matter_map.value(head, blind)


def make_batch(
    identity: LogIdentity,
    keys: Keyring,
    in_force: KeysInForce,
    frontier: Frontier,
    changed: Sequence[ChangedMatter],
    load: LoadPage,
    sealed_at: datetime,
    max_deadline_s: int,
    not_before: NotBefore | None,
    successor: str | None = None,
) -> NewBatch:
    """The batch that follows a batch log with this frontier, over a map whose pages `load` gives."""
    index = frontier.size
    secret, log = keys.map_secret, identity.name
    values: list[Changed] = [
        (matter.key, map_value(log, index, secret, matter.key, matter.size, matter.root)[2])
        for matter in changed
    ]
    # The matters come in the store's order, the map and the delta file go by key.
    values.sort()
    update = change_map(values, load)
    old = update.old
    delta = batches.encode_delta(
        log,
        index,
        (
            Change(Digest(key), Digest(old[key]) if key in old else None, Digest(value))
            for key, value in values
        ),
    )
    header = BatchHeader(
        log=log,
        batch=index,
        sealed_at=sealed_at,
        map_root=update.root,
        delta=sha256(delta),
        max_deadline_s=max_deadline_s,
        keys=in_force.keys,
        next_keys=in_force.next_keys,
        successor=successor,
        not_before=not_before,
    )
    header_bytes = batches.encode_header(header)
    # What is read again from the store is what the bytes say, not what was meant: sealed_at, for
    # one, is cut to milliseconds.
    header = batches.parse_header(header_bytes)
    grown = frontier.copy()
    leaf_hash = trees.leaf_hash(header_bytes)
    grown.append(leaf_hash)
    return NewBatch(header, header_bytes, leaf_hash, grown, delta, update)


def sign_checkpoint(header: BatchHeader, frontier: Frontier, signers: LogSigners) -> str:
    """The signed note over the batch log that ends with this header; `frontier` is the log's after it.

    Signed by the key set that the header names; CallerError KEYS_OF_OTHER_STORE if it is not at hand.
    """
    text = notes.checkpoint_text(header.log, frontier.size, frontier.root())
    # The time is the header's, so that a checkpoint that is signed again says the same.
    return signers.of(header.keys).sign_checkpoint(text, int(header.sealed_at.timestamp()))

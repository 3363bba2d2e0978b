"""Hands the log over to its next key set, and destroys the one before once that can't be undone.

The whole switch is one commit of the store: the batch that names the next set. Before it the set
after the next is durable in the key folder; after it every process signs by what the newest header
says. A crash anywhere leaves the old keys or the new ones in force, never both, and the next call
goes on. The argument is docs/design/0011-key-rotation.md; spec: docs/spec/format.md §10. Test:
tests/unit/store/test_rotate_keys.py and tests/scenarios/service/test_keys.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from notary.core.keyring import Keyring, KeysInForce, LogSigner
from notary.errors import NothingHappened
from notary.ports import AnchorBook
from notary.usecases.seal import Block, Sealer
from verifier.format.digests import Digest

# Another process may seal at the same moment, and a batch may wait for its signature: each costs
# one turn. A worker seals once in a cadence, so more turns in a row mean that something is wrong.
MAX_TURNS = 5


class KeyUse(NamedTuple):
    """A key set that headers name, and the first of them."""

    digest: Digest
    first_batch: int


class KeyUses(Protocol):
    """What the batch headers say of key sets."""

    def state(self) -> tuple[KeysInForce, list[KeyUse]]:
        """The keys in force, and every key set that a header names in the order of the batches."""
        ...


@dataclass(frozen=True)
class KeySetShown:
    """A signing key set as people see it. `digest` is what headers name it by."""

    number: int
    state: str
    digest: str
    checkpoint_vkeys: tuple[str, ...]
    receipt_vkey: str


@dataclass(frozen=True)
class HandedOver:
    """A hand-over: `batch` is the first with the key set `keys`; it commits to `next_keys`.

    `now` is whether this call made it, or found it made and not anchored yet.
    """

    batch: int
    keys: Digest
    next_keys: Digest
    now: bool


@dataclass(frozen=True)
class KeyRotation:
    """Rotation of one log's key sets. `add_set` and `destroy_sets` are the key folder's."""

    uses: KeyUses
    keys: Keyring
    sealer: Sealer
    book: AnchorBook
    add_set: Callable[[], int]
    destroy_sets: Callable[[Sequence[int]], None]

    def rotate(self, now: datetime, not_before: Block | None) -> HandedOver:
        """Seal a batch with the next key set, unless the last hand-over still waits for its anchor.

        Raises NothingHappened as `Sealer.seal` does, or ROTATION_STARVED if other processes were
        faster again and again.
        """
        for _ in range(MAX_TURNS):
            in_force, uses = self.uses.state()
            newest = uses[-1] if uses else None
            if newest is not None and newest.first_batch > 0 and not self._anchored(newest):
                return HandedOver(newest.first_batch, in_force.keys, in_force.next_keys, now=False)
            # A crash after this leaves a set that no header names; the next call takes it up.
            following = self._prepared(in_force, uses)
            # A crash after this leaves the hand-over stored; whoever seals next signs it.
            sealed = self.sealer.seal(now, not_before, hand_over=(in_force.keys, following.digest))
            header = sealed.header
            if (header.keys, header.next_keys) == (in_force.next_keys, following.digest):
                return HandedOver(header.batch, header.keys, header.next_keys, now=True)
            # A batch that waited for its signature came first.
        raise NothingHappened(
            "ROTATION_STARVED",
            f"other batches came first {MAX_TURNS} times. Nothing is handed over; run again later.",
        )

    def retire(self) -> list[int]:
        """Destroy the key sets before the one in force, once its first batch is anchored.

        Until then the store could be lost with the hand-over, and nobody outside would know of the
        new keys. Gives the numbers of the sets that were destroyed; run again, it goes on.
        """
        in_force, uses = self.uses.state()
        current = next((use for use in uses if use.digest == in_force.keys), None)
        if current is None:
            return []
        # Asked before every batch: most logs have no old set, or destroyed it long ago.
        old = {use.digest for use in uses if use.first_batch < current.first_batch}
        leaving = [
            signer.number
            for signer in (self.keys.signers.all() if old else ())
            if signer.digest in old and signer.digest not in in_force
        ]
        if leaving and not self._anchored(current):
            leaving = []
        # Also without any: a crash may have left one half removed, which is no set any more.
        self.destroy_sets(leaving)
        return leaving

    def shown(self) -> list[KeySetShown]:
        """The signing key sets at hand, in the order in which they were made."""
        in_force, uses = self.uses.state()
        since = {use.digest: use.first_batch for use in uses}
        return [
            KeySetShown(
                signer.number,
                _state_of(signer.digest, in_force, since),
                signer.digest.hex(),
                tuple([key.text for key in signer.key_set.checkpoint]),
                signer.key_set.receipt.text,
            )
            for signer in self.keys.signers.all()
        ]

    def _anchored(self, use: KeyUse) -> bool:
        anchors = self.book.anchors()
        return bool(anchors) and anchors[-1].link.size > use.first_batch

    def _prepared(self, in_force: KeysInForce, uses: list[KeyUse]) -> LogSigner:
        """A key set that no header ever named: one that an earlier call left, or a new one."""
        named = {*in_force, *[use.digest for use in uses]}
        unused = [one for one in self.keys.signers.all() if one.digest not in named]
        if unused:
            return unused[0]
        number = self.add_set()
        return next(one for one in self.keys.signers.all() if one.number == number)


def _state_of(digest: Digest, in_force: KeysInForce, since: dict[Digest, int]) -> str:
    if digest == in_force.keys:
        return f"in force, since batch {since.get(digest, 0)}"
    if digest == in_force.next_keys:
        return "comes next"
    return "left behind, destroyed soon" if digest in since else "prepared, in no header yet"

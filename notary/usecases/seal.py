"""Seals batches: what changed since the last one, under one header, in one commit; then signs it.

The order is what keeps a second history from being signed, whatever store comes back from a backup:
the batch is stored, the mark beside the keys is raised to it, and only then its checkpoint is signed
and becomes readable. Spec: docs/spec/format.md §9 to §11; docs/design/0012-restored-stores.md. Tests:
tests/unit/store/test_seal.py, test_mark.py and test_crash.py there.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from notary.core import sealing
from notary.core.keyring import Keyring, KeysInForce
from notary.core.log_identity import LogIdentity
from notary.core.mark import Mark, SignedMark
from notary.core.moments import has_passed
from notary.errors import NothingHappened
from notary.ports import SealedBatch
from notary.usecases.sealing_store import SealingStore
from notary.usecases.standing import Standing
from verifier.format.batches import NotBefore
from verifier.format.digests import Digest

_SECOND_MS = 1000

Block = tuple[int, int, bytes, bytes]
"""A recent block: chain id, number, hash of 32 bytes, raw header RLP."""


class Sealer:
    """The log's one sealer. Two at once do no harm: one of them gets NothingHappened."""

    def __init__(
        self,
        store: SealingStore,
        standing: Standing,
        keys: Keyring,
        identity: LogIdentity,
        mark: SignedMark,
        *,
        cadence_s: int,
        max_batch_records: int,
        max_deadline_s: int,
    ) -> None:
        self._store = store
        self._standing = standing
        self._keys = keys
        self._identity = identity
        self._mark = mark
        self._cadence = timedelta(seconds=cadence_s)
        self._max_batch_records = max_batch_records
        self._max_deadline_s = max_deadline_s

    def due(self, now: datetime) -> bool:
        """Whether cadence or size asks for a batch, or one waits for its signature.

        An empty batch log is always due.
        """
        with self._store.reading() as seen:
            if seen.unsigned() is not None:
                return True
            if seen.successor() is not None:
                return False
            end = seen.end()
            if end.sealed_at is None or has_passed(self._cadence, end.sealed_at, now):
                return True
            return seen.unsealed_records() >= self._max_batch_records

    def unsealed(self, agency_id: int | None = None) -> int:
        """How many records no batch holds yet: of one agency, or of all."""
        with self._store.reading() as seen:
            return seen.unsealed_records(agency_id)

    def seal(
        self,
        now: datetime,
        not_before: Block | None,
        *,
        hand_over: tuple[Digest, Digest] | None = None,
        retire_to: str | None = None,
    ) -> SealedBatch:
        """Seal one batch, also when nothing changed. Durable and signed when this returns.

        With `hand_over`, the key set in force and another one, the batch is a hand-over: the set that
        its predecessor committed to signs from it on, and it commits to that other one.

        With `retire_to`, the name of another log, the batch is the last one of this log.

        A batch that a crash left unsigned is signed, and is the one returned. Raises NothingHappened
        LOG_RETIRED after the last batch. Raises NothingHappened
        SEALED_ELSEWHERE if another sealer was faster, or the reason why this store may not go on with
        its log (usecases.standing); Contradiction STORE_BEHIND_SIGNED if that shows only now.
        """
        self._standing.require()
        left = self._sign_newest()
        if left is not None:
            return left
        # Everything is computed from one unchanging view and outside the write lock, so that
        # records go on entering; what enters meanwhile is the next batch's. A crash here leaves
        # nothing.
        with self._store.reading() as seen:
            seen.require_open()
            end = seen.end()
            in_force = seen.keys_in_force()
            if hand_over is not None:
                if hand_over[0] != in_force.keys:
                    raise NothingHappened(
                        "HANDED_OVER_ELSEWHERE", "another process handed the keys over meanwhile"
                    )
                in_force = KeysInForce(in_force.next_keys, hand_over[1])
            # Before the batch is stored: one that nobody could sign would stop the log.
            signer = self._keys.signers.of(in_force.keys)
            changed = seen.changed_matters()
            deadlines = seen.deadlines_after(end.last_group_id)
            batch = sealing.make_batch(
                self._identity,
                self._keys,
                in_force,
                end.frontier,
                changed,
                seen.pages(end.frontier.size, changed),
                now,
                # Receipts may have been promised under a longer limit than today's.
                max(self._max_deadline_s, -(-deadlines.longest_ms // _SECOND_MS)),
                None if not_before is None else _named(not_before),
                retire_to,
            )
        header_rlp = None if not_before is None else not_before[3]
        with self._store.writing() as written:
            if written.batch_count() != batch.header.batch:
                raise NothingHappened(
                    "SEALED_ELSEWHERE",
                    f"batch {batch.header.batch} was sealed by another process meanwhile",
                )
            self._standing.require_signed(written)
            # The index is that of the view, so the predecessor is too, and with it the key set:
            # a process that runs since before a hand-over signs with the new keys or not at all.
            written.keep_key_set(batch.header.batch, signer.key_set)
            written.append(batch, changed, deadlines.last_group_id, header_rlp)
            if retire_to is not None and written.unsealed_records():
                # Undone with the transaction: what entered meanwhile would be in no batch for ever.
                raise NothingHappened(
                    "SEALED_ELSEWHERE", "records entered while the last batch was made; run again."
                )
        # A crash from here on leaves the batch stored and unsigned: nobody is shown it, and the next
        # call signs it.
        self._sign_newest()
        return SealedBatch(batch.header.batch, batch.header_bytes, batch.header, header_rlp)

    def _sign_newest(self) -> SealedBatch | None:
        """Sign the newest batch if it is not signed; return it then."""
        with self._store.reading() as seen:
            if seen.unsigned() is None:
                return None
        with self._store.writing() as written:
            # Again under the lock: another sealer may have signed it meanwhile.
            waiting = written.unsigned()
            if waiting is None:
                return None
            # The batch is durable, so the mark never says more than the store had; and nothing is
            # signed before the mark is durable, so no signature is forgotten by both volumes. A crash
            # after this leaves the mark at this very batch, which may be signed again: its root is
            # fixed by what is stored.
            self._mark.raise_to(Mark(waiting.frontier.size, bytes(waiting.frontier.root())))
            checkpoint = sealing.sign_checkpoint(
                waiting.sealed.header, waiting.frontier, self._keys.signers
            )
            written.keep_checkpoint(waiting.sealed.index, checkpoint)
        # A crash before this commit loses a signature that nobody has seen.
        return waiting.sealed


def _named(block: Block) -> NotBefore:
    chain_id, number, block_hash, _ = block
    return NotBefore(chain_id, number, Digest(block_hash))

"""Seals batches: what changed since the last one, under one header, one checkpoint, in one commit.

Spec: docs/spec/format.md §9 to §11. Tests: tests/unit/store/test_seal.py and
tests/unit/store/test_crash.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from notary.adapters.store import batches as rows
from notary.adapters.store.database import Database
from notary.core import sealing
from notary.core.keyring import Keyring
from notary.core.log_identity import LogIdentity
from notary.core.moments import has_passed
from notary.errors import NothingHappened
from notary.ports import SealedBatch
from verifier.format.batches import NotBefore
from verifier.format.digests import Digest

_SECOND_MS = 1000

Block = tuple[int, int, bytes, bytes]
"""A recent block: chain id, number, hash of 32 bytes, raw header RLP."""


class Sealer:
    """The log's one sealer. Two at once do no harm: one of them gets NothingHappened."""

    def __init__(
        self,
        database: Database,
        keys: Keyring,
        identity: LogIdentity,
        *,
        cadence_s: int,
        max_batch_records: int,
        max_deadline_s: int,
    ) -> None:
        self._database = database
        self._keys = keys
        self._identity = identity
        self._cadence = timedelta(seconds=cadence_s)
        self._max_batch_records = max_batch_records
        self._max_deadline_s = max_deadline_s

    def due(self, now: datetime) -> bool:
        """Whether cadence or size asks for a batch; an empty batch log is always due."""
        with self._database.reading() as connection:
            end = rows.log_end(connection)
            if end.sealed_at is None or has_passed(self._cadence, end.sealed_at, now):
                return True
            return rows.unsealed_records(connection) >= self._max_batch_records

    def unsealed(self) -> int:
        """How many records no batch holds yet."""
        with self._database.reading() as connection:
            return rows.unsealed_records(connection)

    def seal(self, now: datetime, not_before: Block | None) -> SealedBatch:
        """Seal one batch, also when nothing changed. Durable when this returns.

        Raises NothingHappened SEALED_ELSEWHERE if another sealer was faster.
        """
        # Everything is computed from one unchanging view and outside the write lock, so that
        # records go on entering; what enters meanwhile is the next batch's. A crash here leaves
        # nothing.
        with self._database.reading() as connection:
            end = rows.log_end(connection)
            changed = rows.changed_matters(connection)
            deadlines = rows.deadlines_after(connection, end.last_group_id)
            batch = sealing.make_batch(
                self._identity,
                self._keys,
                end.frontier,
                changed,
                rows.page_loader(connection, end.frontier.size),
                now,
                # Receipts may have been promised under a longer limit than today's.
                max(self._max_deadline_s, -(-deadlines.longest_ms // _SECOND_MS)),
                None if not_before is None else _named(not_before),
            )
        header_rlp = None if not_before is None else not_before[3]
        with self._database.transaction() as connection:
            if rows.batch_count(connection) != batch.header.batch:
                raise NothingHappened(
                    "SEALED_ELSEWHERE",
                    f"batch {batch.header.batch} was sealed by another process meanwhile",
                )
            # Signed under the lock and after the check: no two checkpoints of one size are ever
            # signed by processes that both live. A crash between signature and commit loses the
            # signature, which nobody has seen.
            checkpoint = sealing.sign_checkpoint(batch, self._keys)
            rows.append_batch(
                connection, batch, checkpoint, changed, deadlines.last_group_id, header_rlp
            )
        return SealedBatch(batch.header.batch, batch.header_bytes, batch.header, header_rlp)


def _named(block: Block) -> NotBefore:
    chain_id, number, block_hash, _ = block
    return NotBefore(chain_id, number, Digest(block_hash))

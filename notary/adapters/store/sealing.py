"""Rows that sealing reads and writes: what no batch holds yet, and all that a batch adds.

Test: tests/unit/store/test_seal.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, delete, func, insert, select, update

from notary.adapters.store import batches as rows
from notary.adapters.store import log
from notary.adapters.store.batches import BATCHES, DELTAS, GROUPS, HEADS, UNSIGNED
from notary.adapters.store.bulk import insert_rows
from notary.adapters.store.database import Database, table_of
from notary.adapters.store.tables import PendingHeadRow, SourceRow
from notary.core.keyring import KeysInForce
from notary.core.map_pages import LoadPage
from notary.core.mark import Mark
from notary.core.moments import milliseconds
from notary.core.sealing import ChangedMatter, NewBatch
from notary.ports import SealedBatch
from notary.usecases.sealing_store import Deadlines, LogEnd, Unsigned
from verifier.format import batches
from verifier.format.frontier import Frontier
from verifier.format.key_sets import KeySet

PENDING = table_of(PendingHeadRow)
SOURCES = table_of(SourceRow)


class SealingRows:
    """The rows as one transaction sees them: `sealing_store.SealingWritten`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def mark_at(self, size: int) -> Mark | None:
        """As KnownSizes."""
        return rows.mark_at(self._connection, size)

    def end(self) -> LogEnd:
        """As SealingSeen."""
        return rows.log_end(self._connection)

    def batch_count(self) -> int:
        """As SealingSeen."""
        return rows.batch_count(self._connection)

    def unsigned(self) -> Unsigned | None:
        """As SealingSeen."""
        row = self._connection.execute(
            select(
                BATCHES.c.id,
                BATCHES.c.header,
                BATCHES.c.frontier,
                BATCHES.c.checkpoint,
                BATCHES.c.not_before_header,
            )
            .order_by(BATCHES.c.id.desc())
            .limit(1)
        ).first()
        if row is None or row.checkpoint != UNSIGNED:
            return None
        header = batches.parse_header(row.header)
        sealed = SealedBatch(row.id, row.header, header, row.not_before_header)
        return Unsigned(sealed, Frontier.from_bytes(row.frontier))

    def unsealed_records(self, agency_id: int | None = None) -> int:
        """As SealingSeen."""
        counted = select(func.sum(PENDING.c.size - PENDING.c.sealed_size)).where(
            # The entries of sources go with the records that they are of.
            PENDING.c.matter_id.not_in(select(SOURCES.c.matter_id))
        )
        if agency_id is not None:
            counted = counted.where(PENDING.c.agency_id == agency_id)
        return int(self._connection.execute(counted).scalar_one() or 0)

    def changed_matters(self) -> list[ChangedMatter]:
        """As SealingSeen."""
        found = self._connection.execute(
            select(
                PENDING.c.matter_id,
                PENDING.c.agency_id,
                PENDING.c.key,
                PENDING.c.size,
                PENDING.c.root,
            )
        )
        return [ChangedMatter._make(row) for row in found]

    def deadlines_after(self, group_id: int) -> Deadlines:
        """As SealingSeen."""
        row = self._connection.execute(
            select(
                func.max(GROUPS.c.id), func.max(GROUPS.c.deadline_ms - GROUPS.c.received_at_ms)
            ).where(GROUPS.c.id > group_id)
        ).one()
        return Deadlines(group_id, 0) if row[0] is None else Deadlines(row[0], row[1])

    def pages(self, batch: int, changed: list[ChangedMatter]) -> LoadPage:
        """As SealingSeen."""
        return rows.page_loader(self._connection, batch, [one.key for one in changed])

    def keys_in_force(self) -> KeysInForce:
        """As SealingSeen."""
        return log.keys_in_force(self._connection)

    def successor(self) -> str | None:
        """As SealingSeen."""
        return log.successor(self._connection)

    def require_open(self) -> None:
        """As SealingSeen."""
        log.require_open(self._connection)

    def keep_key_set(self, batch: int, key_set: KeySet) -> None:
        """As SealingWritten."""
        log.keep_key_set(self._connection, batch, key_set)

    def append(
        self,
        batch: NewBatch,
        changed: list[ChangedMatter],
        last_group_id: int,
        not_before_header: bytes | None,
    ) -> None:
        """As SealingWritten. Pages come in the order of their prefixes."""
        index = batch.header.batch
        self._connection.execute(
            insert(BATCHES),
            {
                "id": index,
                "sealed_at_ms": milliseconds(batch.header.sealed_at),
                "last_group_id": last_group_id,
                "leaf_hash": batch.leaf_hash,
                "map_root": batch.update.root,
                "header": batch.header_bytes,
                "checkpoint": UNSIGNED,
                "frontier": batch.frontier.to_bytes(),
                "not_before_header": not_before_header,
            },
        )
        self._connection.execute(insert(DELTAS), {"batch": index, "content": batch.delta})
        if not changed:
            return
        insert_rows(
            self._connection,
            "map_pages",
            ("prefix", "batch", "content"),
            [(prefix, index, content) for prefix, content in batch.update.pages],
        )
        insert_rows(
            self._connection,
            "heads",
            ("agency_id", "matter_id", "batch", "size", "root"),
            [(one.agency_id, one.matter_id, index, one.size, one.root) for one in changed],
        )
        # Matters that grew since they were read stay pending, sealed up to what was read.
        sealed = (
            select(HEADS.c.size)
            .where(
                HEADS.c.agency_id == PENDING.c.agency_id,
                HEADS.c.matter_id == PENDING.c.matter_id,
                HEADS.c.batch == index,
            )
            .scalar_subquery()
        )
        self._connection.execute(delete(PENDING).where(PENDING.c.size == sealed))
        self._connection.execute(
            update(PENDING).values(sealed_size=func.coalesce(sealed, PENDING.c.sealed_size))
        )

    def keep_checkpoint(self, index: int, checkpoint: str) -> None:
        """As SealingWritten."""
        self._connection.execute(
            update(BATCHES)
            .where(BATCHES.c.id == index, BATCHES.c.checkpoint == UNSIGNED)
            .values(checkpoint=checkpoint)
        )


class StoredSealing:
    """Implements the port `SealingStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def reading(self) -> Iterator[SealingRows]:
        """As SealingStore."""
        with self._database.reading() as connection:
            yield SealingRows(connection)

    @contextmanager
    def writing(self) -> Iterator[SealingRows]:
        """As SealingStore."""
        with self._database.transaction() as connection:
            yield SealingRows(connection)

"""Rows of batches, heads and map pages, and the batch log that others read.

Test: tests/unit/store/test_seal.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update

from notary.adapters.store.bulk import insert_rows
from notary.adapters.store.database import Database, driver_cursor, driver_row, table_of
from notary.adapters.store.log import batches_before_new_keys, key_set_text
from notary.adapters.store.tables import (
    BatchRow,
    DeltaRow,
    HeadRow,
    MatterRow,
    PendingHeadRow,
    ReceiptGroupRow,
    SourceRow,
)
from notary.core.mark import Mark
from notary.core.moments import milliseconds, moment
from notary.core.sealing import ChangedMatter, NewBatch
from notary.errors import CallerError
from notary.ports import Promise, SealedBatch, SealedHead
from verifier.format import batches
from verifier.format.digests import Digest
from verifier.format.frontier import Frontier

BATCHES = table_of(BatchRow)
DELTAS = table_of(DeltaRow)
HEADS = table_of(HeadRow)
MATTERS = table_of(MatterRow)
PENDING = table_of(PendingHeadRow)
GROUPS = table_of(ReceiptGroupRow)
SOURCES = table_of(SourceRow)

NO_GROUP = 0  # receipt groups are counted from 1
UNSIGNED = ""  # the checkpoint of a batch that is stored and not yet signed


@dataclass(frozen=True)
class LogEnd:
    """The end of the batch log: its frontier, and what the next batch must know of the last."""

    frontier: Frontier
    sealed_at: datetime | None
    last_group_id: int


@dataclass(frozen=True)
class Unsigned:
    """The newest batch, while it waits for its checkpoint."""

    sealed: SealedBatch
    frontier: Frontier


class Deadlines(NamedTuple):
    """The newest receipt group, and the longest promise of those after the last batch."""

    last_group_id: int
    longest_ms: int


def log_end(connection: Connection) -> LogEnd:
    """Where the batch log ends; for an empty one, without a time."""
    row = connection.execute(
        select(BATCHES.c.frontier, BATCHES.c.sealed_at_ms, BATCHES.c.last_group_id)
        .order_by(BATCHES.c.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return LogEnd(Frontier(), None, NO_GROUP)
    return LogEnd(Frontier.from_bytes(row[0]), moment(row[1]), row[2])


def batch_count(connection: Connection) -> int:
    """The number of stored batches, signed or not. None is ever deleted, so the last index tells."""
    last = connection.execute(select(func.max(BATCHES.c.id))).scalar_one()
    return 0 if last is None else int(last) + 1


def signed_count(connection: Connection) -> int:
    """The number of batches that have their checkpoint: all, or all but the newest."""
    last = connection.execute(
        select(BATCHES.c.id)
        .where(BATCHES.c.checkpoint != UNSIGNED)
        .order_by(BATCHES.c.id.desc())
        .limit(1)
    ).scalar()
    return 0 if last is None else int(last) + 1


def unsigned_batch(connection: Connection) -> Unsigned | None:
    """The batch that a sealer stored and did not come to sign; None as a rule."""
    row = connection.execute(
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
    return Unsigned(
        SealedBatch(row.id, row.header, batches.parse_header(row.header), row.not_before_header),
        Frontier.from_bytes(row.frontier),
    )


def keep_checkpoint(connection: Connection, index: int, checkpoint: str) -> None:
    """Give the unsigned batch its checkpoint."""
    connection.execute(
        update(BATCHES)
        .where(BATCHES.c.id == index, BATCHES.c.checkpoint == UNSIGNED)
        .values(checkpoint=checkpoint)
    )


def mark_at(connection: Connection, size: int) -> Mark | None:
    """Size and root of the batch log's first `size` batches; None if there are fewer."""
    row = driver_row(connection, "SELECT frontier FROM batches WHERE id = ?", (size - 1,))
    return None if row is None else Mark(size, Frontier.from_bytes(row[0]).root())


def changed_matters(connection: Connection) -> list[ChangedMatter]:
    """The matters with records that no batch holds."""
    rows = connection.execute(
        select(
            PENDING.c.matter_id, PENDING.c.agency_id, PENDING.c.key, PENDING.c.size, PENDING.c.root
        )
    )
    return [ChangedMatter._make(row) for row in rows]


def unsealed_records(connection: Connection, agency_id: int | None = None) -> int:
    """How many records no batch holds: of one agency, or of all."""
    counted = select(func.sum(PENDING.c.size - PENDING.c.sealed_size)).where(
        # The entries of sources go with the records that they are of.
        PENDING.c.matter_id.not_in(select(SOURCES.c.matter_id))
    )
    if agency_id is not None:
        counted = counted.where(PENDING.c.agency_id == agency_id)
    return int(connection.execute(counted).scalar_one() or 0)


def deadlines_after(connection: Connection, group_id: int) -> Deadlines:
    """What the receipts after a group promise."""
    row = connection.execute(
        select(
            func.max(GROUPS.c.id), func.max(GROUPS.c.deadline_ms - GROUPS.c.received_at_ms)
        ).where(GROUPS.c.id > group_id)
    ).one()
    return Deadlines(group_id, 0) if row[0] is None else Deadlines(row[0], row[1])


def page_loader(connection: Connection, batch: int) -> Callable[[bytes], bytes | None]:
    """Reads the pages of the map as a batch left them."""
    cursor = driver_cursor(connection)

    def load(prefix: bytes) -> bytes | None:
        # The driver's own statement: a large sealing asks for fifty thousand pages.
        row = cursor.execute(
            "SELECT content FROM map_pages WHERE prefix = ? AND batch <= ?"
            " ORDER BY batch DESC LIMIT 1",
            (prefix, batch),
        ).fetchone()
        return None if row is None else row[0]

    return load


def append_batch(
    connection: Connection,
    batch: NewBatch,
    checkpoint: str,
    changed: list[ChangedMatter],
    last_group_id: int,
    not_before_header: bytes | None,
) -> None:
    """Write everything that a batch adds. Pages come in the order of their prefixes."""
    index = batch.header.batch
    connection.execute(
        insert(BATCHES),
        {
            "id": index,
            "sealed_at_ms": milliseconds(batch.header.sealed_at),
            "last_group_id": last_group_id,
            "leaf_hash": batch.leaf_hash,
            "map_root": batch.update.root,
            "header": batch.header_bytes,
            "checkpoint": checkpoint,
            "frontier": batch.frontier.to_bytes(),
            "not_before_header": not_before_header,
        },
    )
    connection.execute(insert(DELTAS), {"batch": index, "content": batch.delta})
    if not changed:
        return
    insert_rows(
        connection,
        "map_pages",
        ("prefix", "batch", "content"),
        [(prefix, index, content) for prefix, content in batch.update.pages],
    )
    insert_rows(
        connection,
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
    connection.execute(delete(PENDING).where(PENDING.c.size == sealed))
    connection.execute(
        update(PENDING).values(sealed_size=func.coalesce(sealed, PENDING.c.sealed_size))
    )


def heads_of(connection: Connection, matter_key: bytes, up_to: int | None) -> list[SealedHead]:
    """The matter's heads by batch, ascending; with `up_to`, those of batches 0 to `up_to`."""
    statement = (
        select(HEADS.c.batch, HEADS.c.size, HEADS.c.root)
        .join(
            MATTERS,
            (MATTERS.c.id == HEADS.c.matter_id) & (MATTERS.c.agency_id == HEADS.c.agency_id),
        )
        .where(MATTERS.c.key == matter_key)
        .order_by(HEADS.c.batch)
    )
    if up_to is not None:
        statement = statement.where(HEADS.c.batch <= up_to)
    return [SealedHead(row[0], row[1], row[2]) for row in connection.execute(statement)]


class StoredBatchLog:
    """Implements the port `BatchLog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def size(self) -> int:
        """The number of sealed batches: those that have their checkpoint."""
        with self._database.reading() as connection:
            return signed_count(connection)

    def batch(self, index: int) -> SealedBatch:
        """Batch `index`; raises CallerError BATCH_UNKNOWN if it is not sealed."""
        with self._database.reading() as connection:
            row = connection.execute(
                select(BATCHES.c.header, BATCHES.c.not_before_header).where(
                    BATCHES.c.id == index, BATCHES.c.checkpoint != UNSIGNED
                )
            ).first()
        if row is None:
            raise _unknown(index)
        return SealedBatch(index, row[0], batches.parse_header(row[0]), row[1])

    def checkpoint(self, size: int) -> str:
        """The signed note for that size, as it was made at sealing; CallerError if there is none."""
        with self._database.reading() as connection:
            row = connection.execute(
                select(BATCHES.c.checkpoint).where(BATCHES.c.id == size - 1)
            ).first()
        if row is None or row[0] == UNSIGNED:
            raise _unknown(size - 1)
        return str(row[0])

    def leaf_hashes(self, size: int) -> list[bytes]:
        """The hashes of headers 0 to size − 1; CallerError if there are fewer batches."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(BATCHES.c.leaf_hash)
                .where(BATCHES.c.id < size, BATCHES.c.checkpoint != UNSIGNED)
                .order_by(BATCHES.c.id)
            )
            hashes = [row[0] for row in rows]
        if len(hashes) != size:
            raise _unknown(size - 1)
        return hashes

    def delta(self, index: int) -> bytes:
        """The delta file of batch `index`; raises CallerError BATCH_UNKNOWN if it is not sealed."""
        with self._database.reading() as connection:
            row = connection.execute(
                select(DELTAS.c.content)
                .join(BATCHES, BATCHES.c.id == DELTAS.c.batch)
                .where(DELTAS.c.batch == index, BATCHES.c.checkpoint != UNSIGNED)
            ).first()
        if row is None:
            raise _unknown(index)
        return bytes(row[0])

    def first_promise(self, anchored: int) -> Promise | None:
        """The earliest receipt and deadline of what the first so many batches do not hold."""
        held = select(BATCHES.c.last_group_id).where(BATCHES.c.id == anchored - 1)
        with self._database.reading() as connection:
            last = connection.execute(held).scalar() or NO_GROUP
            row = connection.execute(
                select(func.min(GROUPS.c.received_at_ms), func.min(GROUPS.c.deadline_ms)).where(
                    GROUPS.c.id > last
                )
            ).one()
        return None if row[0] is None else Promise(moment(row[0]), moment(row[1]))

    def key_set(self, digest: Digest) -> bytes:
        """The key set that a header names in `keys`; raises Contradiction KEY_SET_LOST."""
        with self._database.reading() as connection:
            return key_set_text(connection, digest)

    def hand_overs(self, size: int) -> list[int]:
        """The batches before each hand-over of keys among the first `size` batches, ascending."""
        with self._database.reading() as connection:
            return batches_before_new_keys(connection, size)


def _unknown(index: int) -> CallerError:
    return CallerError("BATCH_UNKNOWN", f"batch {index} is not sealed; see `notary status`")

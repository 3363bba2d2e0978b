"""Rows of batches and map pages, and the batch log that others read.

Test: tests/unit/store/test_seal.py.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, func, select

from notary.adapters.store.database import (
    Database,
    driver_cursor,
    driver_row,
    is_postgres,
    table_of,
)
from notary.adapters.store.log import batches_before_new_keys, key_set_text
from notary.adapters.store.tables import (
    BatchRow,
    DeltaRow,
    HeadRow,
    ReceiptGroupRow,
)
from notary.core.mark import Mark
from notary.core.moments import moment
from notary.errors import CallerError
from notary.ports import Promise, SealedBatch
from notary.usecases.sealing_store import LogEnd
from verifier.format import batches
from verifier.format.digests import Digest
from verifier.format.frontier import Frontier

BATCHES = table_of(BatchRow)
DELTAS = table_of(DeltaRow)
HEADS = table_of(HeadRow)
GROUPS = table_of(ReceiptGroupRow)

# Bytes of the prefixes that a server is asked for together, by their first byte: at most 256 pages an answer.
# Up to some ten million matters no page lies deeper.
ASKED_TOGETHER = 2
NO_GROUP = 0  # receipt groups are counted from 1
UNSIGNED = ""  # the checkpoint of a batch that is stored and not yet signed


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


def mark_at(connection: Connection, size: int) -> Mark | None:
    """Size and root of the batch log's first `size` batches; None if there are fewer."""
    row = driver_row(connection, "SELECT frontier FROM batches WHERE id = ?", (size - 1,))
    return None if row is None else Mark(size, Frontier.from_bytes(row[0]).root())


def page_loader(
    connection: Connection, batch: int, keys: Iterable[bytes] = ()
) -> Callable[[bytes], bytes | None]:
    """Reads the pages of the map as a batch left them; best in the order of their prefixes.

    `keys` are those whose pages will be asked for, so that a server is not asked for each by itself.
    """
    cursor = driver_cursor(connection)
    # A file has no round trips, and for few keys they are few.
    wanted = sorted({key[:ASKED_TOGETHER] for key in keys}) if is_postgres(connection) else []
    ahead: dict[bytes, bytes] = {}

    def load(prefix: bytes) -> bytes | None:
        if prefix in ahead:
            return ahead.pop(prefix)
        if wanted and len(prefix) == ASKED_TOGETHER - 1:
            below = wanted[bisect_left(wanted, prefix) : bisect_right(wanted, prefix + b"\xff")]
            ahead.update(_pages_of(cursor, below, batch))
        # The driver's own statement: a large sealing asks for fifty thousand pages.
        row = cursor.execute(
            "SELECT content FROM map_pages WHERE prefix = ? AND batch <= ?"
            " ORDER BY batch DESC LIMIT 1",
            (prefix, batch),
        ).fetchone()
        return None if row is None else row[0]

    return load


def _pages_of(cursor: Any, prefixes: list[bytes], batch: int) -> Iterator[tuple[bytes, bytes]]:
    """Of each prefix that has a page the newest one, by one question to PostgreSQL."""
    found = cursor.execute(
        "SELECT wanted.prefix, page.content FROM unnest(?::bytea[]) AS wanted (prefix)"
        " CROSS JOIN LATERAL (SELECT content FROM map_pages WHERE prefix = wanted.prefix"
        " AND batch <= ? ORDER BY batch DESC LIMIT 1) AS page",
        (prefixes, batch),
    )
    yield from found.fetchall()


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

"""Rows of records, receipts and attachments: bulk in, one or many out. No rule of the service is
here.

Statements go to the driver as they stand, a list of tuples at a time: this is where a bulk import
spends what the hashing leaves. Test: tests/unit/store/test_accept.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Select, func, select

from notary.adapters.store.bulk import insert_rows, parts, rows_among
from notary.adapters.store.database import (
    Database,
    driver_cursor,
    driver_row,
    is_postgres,
    table_of,
)
from notary.adapters.store.log import keys_in_force, require_open, settle_kek
from notary.adapters.store.source_rows import stored_sources, write_entries
from notary.adapters.store.tables import (
    AttachmentRow,
    HeadRow,
    MatterRow,
    ReceiptGroupRow,
    RecordRow,
)
from notary.core.keks import StoreKek
from notary.core.keyring import KeysInForce
from notary.core.receipts import ReceiptGroup
from notary.core.source_edge import StoredSource
from notary.usecases.record_store import (
    GrownMatter,
    GrownSource,
    MatterState,
    NewAttachment,
    NewRecord,
    NewWaiting,
    StoredAttachment,
    StoredGroup,
    StoredLeaf,
    StoredRecord,
    WaitingRow,
)

RECORDS = table_of(RecordRow)
MATTERS = table_of(MatterRow)
GROUPS = table_of(ReceiptGroupRow)
ATTACHMENTS = table_of(AttachmentRow)
HEADS = table_of(HeadRow)

# What a commit adds to its matters, a row each: SQLite takes them one by one, PostgreSQL as arrays at once.
_GROW = "UPDATE matters SET size = ?, frontier = ? WHERE id = ?"
_GROW_ARRAYS = (
    "UPDATE matters SET size = new.size, frontier = new.frontier"
    " FROM unnest(?::bigint[], ?::bytea[], ?::bigint[]) AS new (size, frontier, id)"
    " WHERE matters.id = new.id"
)
# A matter without a pending head is sealed up to its old size; one that has it keeps what it says.
_PENDING = (
    "INSERT INTO pending_heads (agency_id, matter_id, key, sealed_size, size, root) {}"
    " ON CONFLICT (agency_id, matter_id) DO UPDATE SET size = excluded.size, root = excluded.root"
)
_PEND = _PENDING.format("VALUES (?, ?, ?, ?, ?, ?)")
_PEND_ARRAYS = _PENDING.format(
    "SELECT * FROM unnest(?::bigint[], ?::bigint[], ?::bytea[], ?::bigint[], ?::bigint[], ?::bytea[])"
)

_RECORD_COLUMNS = ("id", *NewRecord._fields[1:])
_RECORDS: Select[Any] = select(
    RECORDS.c.id,
    RECORDS.c.matter_id,
    MATTERS.c.key,
    RECORDS.c.position,
    RECORDS.c.group_id,
    RECORDS.c.group_index,
    RECORDS.c.idempotency_digest,
    RECORDS.c.leaf_hash,
    RECORDS.c.head_root,
    RECORDS.c.wrapped_secret,
    RECORDS.c.leaf,
    RECORDS.c.sealed_values,
).join(MATTERS, MATTERS.c.id == RECORDS.c.matter_id)


class RecordRows:
    """The rows as one transaction sees them: `record_store.RecordsWritten`, and in a reading one
    `RecordsRead`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def settle(self, kek: StoreKek) -> None:
        """As RecordsWritten."""
        settle_kek(self._connection, kek)

    def require_open(self) -> None:
        """As RecordsWritten."""
        require_open(self._connection)

    def keys_in_force(self) -> KeysInForce:
        """As RecordsWritten."""
        return keys_in_force(self._connection)

    def known_digests(self, agency_id: int, digests: Sequence[bytes]) -> dict[bytes, int]:
        """Which idempotency digests have a record already: digest → record id."""
        # Every record comes by here: the driver takes its values as they are.
        return dict(
            rows_among(
                self._connection,
                "SELECT idempotency_digest, id FROM records WHERE agency_id = ? AND idempotency_digest",
                (agency_id,),
                digests,
            )
        )

    def matter_states(self, agency_id: int, keys: Sequence[bytes]) -> dict[bytes, MatterState]:
        """The agency's matters among these keys, by key."""
        found = rows_among(
            self._connection,
            "SELECT id, key, frontier FROM matters WHERE agency_id = ?"
            " AND id NOT IN (SELECT matter_id FROM sources) AND key",
            (agency_id,),
            keys,
        )
        return {row[1]: MatterState._make(row) for row in found}

    def sources(self, agency_id: int, keys: Sequence[bytes]) -> dict[bytes, StoredSource]:
        """As RecordsWritten."""
        return stored_sources(self._connection, agency_id, keys)

    def asides(self, agency_id: int, digests: Sequence[bytes]) -> dict[bytes, int | None]:
        """As RecordsWritten."""
        waits = "SELECT 1 FROM unassigned WHERE agency_id = ? AND record_id IS NULL LIMIT 1"
        if not digests or driver_row(self._connection, waits, (agency_id,)) is None:
            return {}
        return dict(
            rows_among(
                self._connection,
                "SELECT idempotency_digest, aside_at FROM unassigned"
                " WHERE agency_id = ? AND record_id IS NULL AND idempotency_digest",
                (agency_id,),
                digests,
            )
        )

    def let_wait(self, rows: list[NewWaiting]) -> None:
        """As RecordsWritten. A row that once waited and entered is not written again."""
        driver_cursor(self._connection).executemany(
            "INSERT INTO unassigned"
            " (agency_id, idempotency_digest, wrapped_secret, sealed_row, aside_at)"
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            rows,
        )

    def unasked_waiting(self, agency_id: int, count: int) -> list[WaitingRow]:
        """As RecordsWritten."""
        rows = driver_cursor(self._connection).execute(
            "SELECT idempotency_digest, wrapped_secret, sealed_row FROM unassigned"
            " WHERE agency_id = ? AND record_id IS NULL AND aside_at IS NULL ORDER BY id LIMIT ?",
            (agency_id, count),
        )
        return [WaitingRow(*row) for row in rows]

    def set_aside_at(
        self, agency_id: int, digest: bytes, aside_at: int, sealed: tuple[bytes, bytes] | None
    ) -> None:
        """As RecordsWritten."""
        content = ", wrapped_secret = ?, sealed_row = ?" if sealed else ""
        driver_cursor(self._connection).execute(
            f"UPDATE unassigned SET aside_at = ?{content}"  # noqa: S608 - our own names
            " WHERE agency_id = ? AND idempotency_digest = ?",
            (aside_at, *(sealed or ()), agency_id, digest),
        )

    def grow_sources(self, matters: list[GrownMatter], sources: list[GrownSource]) -> None:
        """As RecordsWritten."""
        self._grow(matters)
        for one in sources:
            write_entries(self._connection, one)

    def next_ids(self) -> tuple[int, int]:
        """As RecordsSeen."""
        row = driver_row(
            self._connection,
            "SELECT (SELECT coalesce(max(id), 0) FROM records) + 1,"
            " (SELECT coalesce(max(id), 0) FROM receipt_groups) + 1",
        )
        return row[0], row[1]

    def append(
        self,
        agency_id: int,
        group_id: int,
        group: StoredGroup,
        records: list[NewRecord],
        attachments: list[NewAttachment],
        matters: list[GrownMatter],
    ) -> None:
        """Write everything that one commit adds."""
        cursor = driver_cursor(self._connection)
        cursor.execute(
            "INSERT INTO receipt_groups (id, agency_id, received_at_ms, deadline_ms, note, leaf_hashes)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                group_id,
                agency_id,
                group.received_at_ms,
                group.deadline_ms,
                group.receipts.note,
                group.receipts.leaf_hashes,
            ),
        )
        insert_rows(self._connection, "records", _RECORD_COLUMNS, records)
        if attachments:
            insert_rows(self._connection, "attachments", NewAttachment._fields, attachments)
        self._grow(matters)

    def _grow(self, matters: list[GrownMatter]) -> None:
        if not matters:
            return
        cursor = driver_cursor(self._connection)
        grown = [(one.size, one.frontier, one.matter_id) for one in matters]
        pending = [
            (one.agency_id, one.matter_id, one.key, one.old_size, one.size, one.root)
            for one in matters
        ]
        if is_postgres(self._connection):
            cursor.execute(_GROW_ARRAYS, [list(column) for column in zip(*grown, strict=True)])
            cursor.execute(_PEND_ARRAYS, [list(column) for column in zip(*pending, strict=True)])
        else:
            cursor.executemany(_GROW, grown)
            cursor.executemany(_PEND, pending)

    def records_by_id(self, agency_id: int, record_ids: Sequence[int]) -> dict[int, StoredRecord]:
        """The agency's records among these ids, by id."""
        found = {}
        for part in parts(record_ids):
            rows = self._connection.execute(
                _RECORDS.where(RECORDS.c.agency_id == agency_id, RECORDS.c.id.in_(part))
            )
            found.update({row[0]: StoredRecord._make(row) for row in rows})
        return found

    def groups_by_id(self, group_ids: Iterable[int]) -> Mapping[int, StoredGroup]:
        """The receipt groups among these ids, by id."""
        found = {}
        for part in parts(sorted(set(group_ids))):
            rows = self._connection.execute(
                select(
                    GROUPS.c.id,
                    GROUPS.c.received_at_ms,
                    GROUPS.c.deadline_ms,
                    GROUPS.c.note,
                    GROUPS.c.leaf_hashes,
                ).where(GROUPS.c.id.in_(part))
            )
            for row in rows:
                found[row[0]] = StoredGroup(row[1], row[2], ReceiptGroup(row[3], row[4]))
        return found

    def of_matter(
        self, agency_id: int, matter_key: bytes, first: int, count: int
    ) -> list[StoredRecord]:
        """As RecordsRead."""
        rows = self._connection.execute(
            _RECORDS.where(
                MATTERS.c.key == matter_key,
                RECORDS.c.agency_id == agency_id,
                RECORDS.c.position >= first,
            )
            .order_by(RECORDS.c.position)
            .limit(count)
        )
        return [StoredRecord._make(row) for row in rows]

    def entered_after(self, agency_id: int, record_id: int, count: int) -> list[StoredRecord]:
        """As RecordsRead."""
        rows = self._connection.execute(
            _RECORDS.where(RECORDS.c.agency_id == agency_id, RECORDS.c.id > record_id)
            .order_by(RECORDS.c.id)
            .limit(count)
        )
        return [StoredRecord._make(row) for row in rows]

    def leaves(self, agency_id: int, matter_key: bytes) -> list[StoredLeaf]:
        """As RecordsRead."""
        rows = self._connection.execute(
            select(RECORDS.c.position, RECORDS.c.leaf_hash, RECORDS.c.leaf)
            .join(MATTERS, MATTERS.c.id == RECORDS.c.matter_id)
            .where(MATTERS.c.key == matter_key, RECORDS.c.agency_id == agency_id)
            .order_by(RECORDS.c.position)
        )
        return [StoredLeaf._make(row) for row in rows]

    def attachments(self, record_ids: Sequence[int]) -> dict[int, list[StoredAttachment]]:
        """As RecordsRead."""
        found: dict[int, list[StoredAttachment]] = {}
        for part in parts(record_ids):
            rows = self._connection.execute(
                select(
                    ATTACHMENTS.c.record_id,
                    ATTACHMENTS.c.number,
                    ATTACHMENTS.c.name,
                    ATTACHMENTS.c.size,
                )
                .where(ATTACHMENTS.c.record_id.in_(part))
                .order_by(ATTACHMENTS.c.record_id, ATTACHMENTS.c.number)
            )
            for record_id, number, name, size in rows:
                found.setdefault(record_id, []).append(StoredAttachment(number, name, size))
        return found

    def sealed_in(self, agency_id: int, matter_id: int, position: int) -> int | None:
        """As RecordsRead."""
        row = self._connection.execute(
            select(func.min(HEADS.c.batch)).where(
                HEADS.c.agency_id == agency_id,
                HEADS.c.matter_id == matter_id,
                HEADS.c.size > position,
            )
        ).one()
        return None if row[0] is None else int(row[0])


class StoredRecords:
    """Implements the ports `RecordStore` and `RecordArchive`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def reading(self) -> Iterator[RecordRows]:
        """As RecordStore."""
        with self._database.reading() as connection:
            yield RecordRows(connection)

    @contextmanager
    def writing(self) -> Iterator[RecordRows]:
        """As RecordStore."""
        with self._database.transaction() as connection:
            yield RecordRows(connection)

"""Rows that evidence is made of: heads and leaves of a matter, entries of a source, pages of the map.

Tests: tests/unit/store/test_read.py, tests/unit/store/test_history.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, select

from notary.adapters.store.batches import BATCHES, HEADS, batch_count, page_loader
from notary.adapters.store.database import Database, driver_cursor
from notary.adapters.store.records import MATTERS, RECORDS, RecordRows
from notary.adapters.store.source_rows import SOURCES, entries_of
from notary.core.map_pages import LoadPage, LoadVersions
from notary.ports import SealedHead


class EvidenceRows:
    """The rows as one reading transaction sees them: `evidence.EvidenceSeen`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def has_matter(self, agency_id: int, key: bytes) -> bool:
        """As EvidenceSeen."""
        return bool(RecordRows(self._connection).matter_states(agency_id, [key]))

    def batch_count(self) -> int:
        """As EvidenceSeen."""
        return batch_count(self._connection)

    def headers(self, batches: int) -> list[bytes]:
        """As EvidenceSeen."""
        rows = self._connection.execute(
            select(BATCHES.c.header).where(BATCHES.c.id < batches).order_by(BATCHES.c.id)
        )
        return [bytes(row[0]) for row in rows]

    def heads(self, key: bytes, up_to: int | None) -> list[SealedHead]:
        """As EvidenceSeen."""
        statement = (
            select(HEADS.c.batch, HEADS.c.size, HEADS.c.root)
            .join(
                MATTERS,
                (MATTERS.c.id == HEADS.c.matter_id) & (MATTERS.c.agency_id == HEADS.c.agency_id),
            )
            .where(MATTERS.c.key == key)
            .order_by(HEADS.c.batch)
        )
        if up_to is not None:
            statement = statement.where(HEADS.c.batch <= up_to)
        return [SealedHead(row[0], row[1], row[2]) for row in self._connection.execute(statement)]

    def pages(self, batch: int) -> LoadPage:
        """As EvidenceSeen."""
        return page_loader(self._connection, batch)

    def page_versions(self, batches: int) -> LoadVersions:
        """As EvidenceSeen."""

        def load(prefix: bytes) -> Iterator[tuple[int, bytes]]:
            # A cursor for each page: several are read side by side, none as a whole.
            return iter(
                driver_cursor(self._connection).execute(
                    "SELECT batch, content FROM map_pages WHERE prefix = ? AND batch < ? ORDER BY batch",
                    (prefix, batches),
                )
            )

        return load

    def leaves(self, agency_id: int, key: bytes, size: int) -> list[bytes]:
        """As EvidenceSeen."""
        rows = self._connection.execute(
            select(RECORDS.c.leaf)
            .join(MATTERS, MATTERS.c.id == RECORDS.c.matter_id)
            .where(
                MATTERS.c.key == key, RECORDS.c.agency_id == agency_id, RECORDS.c.position < size
            )
            .order_by(RECORDS.c.position)
        )
        return [row[0] for row in rows]

    def source_number(self, agency_id: int, key: bytes) -> str | None:
        """As EvidenceSeen."""
        wanted = (
            select(MATTERS.c.number)
            .join(SOURCES, SOURCES.c.matter_id == MATTERS.c.id)
            .where(MATTERS.c.key == key, SOURCES.c.agency_id == agency_id)
        )
        found = self._connection.execute(wanted).scalar()
        return None if found is None else str(found)

    def entries(self, key: bytes, first: int, end: int) -> Iterator[tuple[int, bytes]]:
        """As EvidenceSeen."""
        return entries_of(self._connection, key, first, end)


class StoredEvidence:
    """Implements the port `EvidenceArchive`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def reading(self) -> Iterator[EvidenceRows]:
        """As EvidenceArchive."""
        with self._database.reading() as connection:
            yield EvidenceRows(connection)

"""When this store was restored from a backup, and whether it was compared with the chain since.

A restored store takes nothing in and seals nothing before that comparison; neither does one that the
sender found to be behind the chain (docs/design/0012-restored-stores.md). Test:
tests/unit/store/test_standing.py, tests/scenarios/service/test_backup.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, insert, update
from sqlmodel import Field

from notary.adapters.store.batches import mark_at
from notary.adapters.store.database import Database, Row, driver_row, table_of
from notary.core.mark import Mark
from notary.core.moments import milliseconds, moment
from notary.usecases.standing import Restoration


class RestorationRow(Row, table=True):
    """A restoration: of a backup made then, with so many batches. Compared with the chain or not."""

    __tablename__ = "restorations"

    generation: int | None = Field(default=None, primary_key=True)
    restored_at_ms: int
    backup_made_at_ms: int
    size: int
    compared_at_ms: int | None


RESTORATIONS = table_of(RestorationRow)


def add_restoration(
    connection: Connection, restored_at: datetime, backup_made_at: datetime, size: int
) -> None:
    """Mark the store as restored and not yet compared."""
    connection.execute(
        insert(RESTORATIONS),
        {
            "restored_at_ms": milliseconds(restored_at),
            "backup_made_at_ms": milliseconds(backup_made_at),
            "size": size,
            "compared_at_ms": None,
        },
    )


def newest_restoration(connection: Connection) -> Restoration | None:
    """The newest restoration; None if the store never came from a backup."""
    row = driver_row(
        connection,
        "SELECT generation, restored_at_ms, backup_made_at_ms, size, compared_at_ms FROM restorations"
        " ORDER BY generation DESC LIMIT 1",
    )
    if row is None:
        return None
    generation, restored_at, backup_made_at, size, compared_at = row
    return Restoration(
        generation,
        moment(restored_at),
        moment(backup_made_at),
        size,
        None if compared_at is None else moment(compared_at),
    )


def mark_compared(connection: Connection, now: datetime) -> None:
    """The chain shows no anchor that this store does not know."""
    connection.execute(
        update(RESTORATIONS)
        .where(RESTORATIONS.c.compared_at_ms.is_(None))
        .values(compared_at_ms=milliseconds(now))
    )


class StandingRows:
    """The rows as one reading transaction sees them: `standing.StandingSeen`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def mark_at(self, size: int) -> Mark | None:
        """As KnownSizes."""
        return mark_at(self._connection, size)

    def alarm_text(self, code: str) -> str | None:
        """As StandingSeen."""
        row = driver_row(self._connection, "SELECT text FROM sender_alarms WHERE code = ?", (code,))
        return None if row is None else str(row[0])

    def newest_restoration(self) -> Restoration | None:
        """As StandingSeen."""
        return newest_restoration(self._connection)


class StoredStanding:
    """Implements the port `StandingStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def reading(self) -> Iterator[StandingRows]:
        """As StandingStore."""
        with self._database.reading() as connection:
            yield StandingRows(connection)

"""The worker's sign of life, in the store, so that any process can judge it.

Test: tests/scenarios/service/test_service.py.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import Field

from notary.adapters.store.database import Database, Row, driver_cursor, table_of
from notary.core.moments import milliseconds, moment
from notary.ports import Beat, Clock


class PulseRow(Row, table=True):
    """One row: when the worker last ended a pass, and the error that it met, in words."""

    __tablename__ = "pulse"

    id: int = Field(primary_key=True)
    seen_at_ms: int
    error: str | None


PULSE = table_of(PulseRow)


class StoredPulse:
    """Implements notary.worker.Pulse and notary.ports.LastBeat. Losing the last beat is harmless."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def beat(self, error: str | None) -> None:
        """Record that a pass ended, with the error that it met."""
        seen_at_ms = milliseconds(self._clock.now())
        with self._database.transaction() as connection:
            driver_cursor(connection).execute(
                "INSERT INTO pulse (id, seen_at_ms, error) VALUES (1, ?, ?) ON CONFLICT (id)"
                " DO UPDATE SET seen_at_ms = excluded.seen_at_ms, error = excluded.error",
                (seen_at_ms, error),
            )

    def last(self) -> Beat | None:
        """The last beat, or None if no worker ever ran."""
        with self._database.reading() as connection:
            row = connection.execute(select(PULSE.c.seen_at_ms, PULSE.c.error)).first()
        if row is None:
            return None
        return Beat(moment(row.seen_at_ms), row.error)

"""The request to anchor at once: up to which receipt group, and since when. One row, which outlives a crash.

Nothing is marked as done: whether a batch holds those records, and whether the chain holds that batch, is
looked up. So a request that joins another, or is repeated, or comes while a batch is being sealed can't get
lost.
Test: tests/unit/store/test_priority.py.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Connection, func, insert, select, update
from sqlmodel import Field

from notary.adapters.store.batches import BATCHES, GROUPS, NO_GROUP, log_end
from notary.adapters.store.database import Database, Row, table_of
from notary.core.moments import milliseconds, moment
from notary.usecases.priority import Asked


class PriorityRow(Row, table=True):
    """What was asked for last: every record up to that receipt group."""

    __tablename__ = "priority"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(primary_key=True)
    group_id: int
    asked_at_ms: int


PRIORITY = table_of(PriorityRow)
THE_ROW = 1


class StoredPriority:
    """Implements notary.usecases.priority.Requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, now: datetime, anchored: int) -> Asked | None:
        """Ask for every record that is acknowledged by now; None if the chain holds all of them.

        `anchored` is the number of batches that the chain holds. Durable when this returns. A request
        that is still open is extended and keeps its time; asking for the same again changes nothing.
        """
        with self._database.transaction() as connection:
            newest = connection.execute(select(func.max(GROUPS.c.id))).scalar() or NO_GROUP
            kept = connection.execute(select(PRIORITY)).first()
            if newest <= _groups_in(connection, anchored):
                return None
            if kept is None:
                row = {"id": THE_ROW, "group_id": newest, "asked_at_ms": milliseconds(now)}
                connection.execute(insert(PRIORITY), row)
            elif kept.group_id < newest:
                asked_at_ms = kept.asked_at_ms
                if kept.group_id <= _groups_in(connection, anchored):
                    asked_at_ms = milliseconds(now)
                connection.execute(
                    update(PRIORITY).values(group_id=newest, asked_at_ms=asked_at_ms)
                )
            return _asked(connection, anchored)

    def asked(self, anchored: int) -> Asked | None:
        """The request that is open when the chain holds so many batches; None if there is none."""
        with self._database.reading() as connection:
            return _asked(connection, anchored)


def _asked(connection: Connection, anchored: int) -> Asked | None:
    kept = connection.execute(select(PRIORITY)).first()
    if kept is None or kept.group_id <= _groups_in(connection, anchored):
        return None
    end = log_end(connection)
    return Asked(moment(kept.asked_at_ms), kept.group_id > end.last_group_id, end.sealed_at)


def _groups_in(connection: Connection, batches: int) -> int:
    """The newest receipt group that the first so many batches hold."""
    wanted = select(BATCHES.c.last_group_id).where(BATCHES.c.id == batches - 1)
    return connection.execute(wanted).scalar() or NO_GROUP

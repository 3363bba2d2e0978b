"""The messages whose signatures are to be checked: implements notary.usecases.dkim_checks.CheckQueue.

Entries stay when they are done, so that the same file given again asks nobody again. Test:
tests/scenarios/ingest/test_dkim.py.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, UniqueConstraint, and_, func, insert, select, update
from sqlmodel import Field

from notary.adapters.store.database import Database, Row, only_where, table_of
from notary.core.moments import milliseconds, moment
from notary.usecases.dkim_checks import Wanted


class DkimCheckRow(Row, table=True):
    """A message, by its idempotency key; without `due_at_ms` it is done."""

    __tablename__ = "dkim_checks"
    __table_args__ = (
        UniqueConstraint("agency_id", "key"),
        # The worker looks every other second, and most entries are of the past.
        Index("ix_dkim_checks_due", "due_at_ms", **only_where("due_at_ms IS NOT NULL")),
    )

    id: int | None = Field(default=None, primary_key=True)
    agency_id: int
    key: str
    wanted_at_ms: int = Field(sa_type=BigInteger)
    due_at_ms: int | None = Field(sa_type=BigInteger)
    tries: int
    last_error: str | None


CHECKS = table_of(DkimCheckRow)


class StoredDkimChecks:
    """The queue of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def want(self, agency_id: int, key: str, now: datetime) -> None:
        """Queue the message with this idempotency key, unless it ever was."""
        with self._database.transaction() as connection:
            known = select(CHECKS.c.id).where(CHECKS.c.agency_id == agency_id, CHECKS.c.key == key)
            if connection.execute(known).first() is not None:
                return
            connection.execute(
                insert(CHECKS),
                {
                    "agency_id": agency_id,
                    "key": key,
                    "wanted_at_ms": milliseconds(now),
                    "due_at_ms": milliseconds(now),
                    "tries": 0,
                    "last_error": None,
                },
            )

    def take(self, now: datetime, until: datetime) -> Wanted | None:
        """The oldest that is due."""
        due = (
            select(CHECKS)
            .where(CHECKS.c.due_at_ms <= milliseconds(now))
            .order_by(CHECKS.c.due_at_ms, CHECKS.c.id)
            .limit(1)
        )
        with self._database.reading() as connection:
            if connection.execute(due).first() is None:
                return None
        with self._database.transaction() as connection:
            # Looked up again: another worker may have taken it.
            row = connection.execute(due).first()
            if row is None:
                return None
            connection.execute(
                update(CHECKS).where(CHECKS.c.id == row.id).values(due_at_ms=milliseconds(until))
            )
        return Wanted(row.id, row.agency_id, row.key, moment(row.wanted_at_ms), row.tries)

    def put_off(self, wanted: Wanted, until: datetime, error: str) -> None:
        """It could not be checked; not due before then."""
        self._change(
            wanted, due_at_ms=milliseconds(until), tries=wanted.tries + 1, last_error=error
        )

    def end(self, wanted: Wanted) -> None:
        """It is checked, or gone."""
        self._change(wanted, due_at_ms=None, last_error=None)

    def counts(self) -> dict[str, int]:
        """How many messages of all agencies are done, wait, or wait again after a failure."""
        waits, failed = CHECKS.c.due_at_ms.is_not(None), CHECKS.c.last_error.is_not(None)
        with self._database.reading() as connection:
            total, waiting, failing = connection.execute(
                select(
                    func.count(),
                    func.count().filter(waits),
                    func.count().filter(and_(waits, failed)),
                )
            ).one()
        return {"done": total - waiting, "waiting": waiting - failing, "failing": failing}

    def waiting(self, agency_id: int | None = None) -> tuple[int, str | None]:
        """How many wait, of one agency or of all, and the last error of one of them."""
        wait = select(CHECKS.c.last_error).where(CHECKS.c.due_at_ms.is_not(None))
        if agency_id is not None:
            wait = wait.where(CHECKS.c.agency_id == agency_id)
        with self._database.reading() as connection:
            errors = connection.execute(wait).scalars().all()
        return len(errors), next((error for error in errors if error), None)

    def _change(self, wanted: Wanted, **values: Any) -> None:
        with self._database.transaction() as connection:
            connection.execute(update(CHECKS).where(CHECKS.c.id == wanted.id).values(**values))

"""The lease of the one worker of a log, in the store, and who stands by for it.

A lease counts by its epoch: whoever took it last holds it. When it lapses is told by the database's clock
where that is a server's, else by the machine's; a clock that is wrong hands the lease over too early or too
late, and the epoch keeps two holders apart. Spec: docs/spec/sender.md §12. Test:
tests/unit/store/test_leases.py.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Connection, delete, insert, select, text, update
from sqlmodel import Field

from notary.adapters.store.database import Database, Row, is_postgres, table_of
from notary.core.moments import milliseconds
from notary.errors import NothingHappened
from notary.ports import Clock
from notary.usecases.lease import LEASE_LOST, Lease, Workers

FREE = 0  # a time that is always over


class LeaseRow(Row, table=True):
    """Who works, since which epoch, and until when unless it is renewed."""

    __tablename__ = "leases"

    kind: str = Field(primary_key=True)
    holder: str
    epoch: int
    until_ms: int


class StandbyRow(Row, table=True):
    """Who waits for the lease, and until when that is believed without another word."""

    __tablename__ = "standbys"

    holder: str = Field(primary_key=True)
    until_ms: int


LEASES = table_of(LeaseRow)
STANDBYS = table_of(StandbyRow)
WORKER = "worker"  # the one kind there is: sealing, sending and what runs beside them


class StoredLeases:
    """Implements the port `notary.usecases.lease.Leases` for the worker of one log."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def take(self, holder: str, length: timedelta, is_gone: Callable[[str], bool]) -> Lease | None:
        """Take the lease if it is free, has lapsed, or its holder is gone; None if it is another's."""
        # Without the write lock first: whoever stands by must not hold up those who write.
        with self._database.reading() as connection:
            if not self._is_free(connection, holder, length, is_gone):
                return None
        with self._database.transaction() as connection:
            if not self._is_free(connection, holder, length, is_gone):
                return None
            until_ms = self._now_ms(connection) + _ms(length)
            before = connection.execute(
                select(LEASES.c.epoch).where(LEASES.c.kind == WORKER)
            ).scalar()
            row = {"holder": holder, "epoch": (before or 0) + 1, "until_ms": until_ms}
            if before is None:
                connection.execute(insert(LEASES), {"kind": WORKER, **row})
            else:
                connection.execute(update(LEASES).where(LEASES.c.kind == WORKER).values(row))
            connection.execute(delete(STANDBYS).where(STANDBYS.c.holder == holder))
        return Lease(holder, (before or 0) + 1)

    def renew(self, lease: Lease, length: timedelta) -> None:
        """Hold it for `length` from now. Raises NothingHappened LEASE_LOST if somebody else took it."""
        with self._database.transaction() as connection:
            require(connection, lease)
            until_ms = self._now_ms(connection) + _ms(length)
            connection.execute(
                update(LEASES).where(LEASES.c.kind == WORKER).values(until_ms=until_ms)
            )

    def give_back(self, lease: Lease) -> None:
        """Let whoever stands by take it at once; nothing happens if somebody else has it."""
        mine = (LEASES.c.kind == WORKER) & (LEASES.c.epoch == lease.epoch)
        with self._database.transaction() as connection:
            connection.execute(update(LEASES).where(mine).values(until_ms=FREE))

    def stand_by(self, holder: str, length: timedelta) -> None:
        """Be known as waiting for `length` from now."""
        with self._database.transaction() as connection:
            now_ms = self._now_ms(connection)
            gone = (STANDBYS.c.until_ms <= now_ms) | (STANDBYS.c.holder == holder)
            connection.execute(delete(STANDBYS).where(gone))
            row = {"holder": holder, "until_ms": now_ms + _ms(length)}
            connection.execute(insert(STANDBYS), row)

    def leave(self, holder: str) -> None:
        """Wait no more."""
        with self._database.transaction() as connection:
            connection.execute(delete(STANDBYS).where(STANDBYS.c.holder == holder))

    def workers(self) -> Workers:
        """Who holds the lease and who stands by, as far as is known now."""
        with self._database.reading() as connection:
            now_ms = self._now_ms(connection)
            held = connection.execute(
                select(LEASES.c.holder).where(LEASES.c.kind == WORKER, LEASES.c.until_ms > now_ms)
            ).scalar()
            waiting = connection.execute(
                select(STANDBYS.c.holder)
                .where(STANDBYS.c.until_ms > now_ms)
                .order_by(STANDBYS.c.holder)
            ).scalars()
            return Workers(held, tuple(waiting))

    def _is_free(
        self,
        connection: Connection,
        holder: str,
        length: timedelta,
        is_gone: Callable[[str], bool],
    ) -> bool:
        row = connection.execute(select(LEASES).where(LEASES.c.kind == WORKER)).first()
        if row is None or row.holder == holder:
            return True
        now_ms = self._now_ms(connection)
        # Nobody holds it for longer than a length: then the clock was set back since.
        lapsed = row.until_ms <= now_ms or row.until_ms > now_ms + _ms(length)
        return lapsed or is_gone(row.holder)

    def _now_ms(self, connection: Connection) -> int:
        if not is_postgres(connection):
            return milliseconds(self._clock.now())
        # Not now(): that is when the transaction began, and it may have waited for the lock since.
        now = text("SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint)")
        return int(connection.execute(now).scalar_one())


def require(connection: Connection, lease: Lease) -> None:
    """Raise NothingHappened LEASE_LOST unless nobody took the lease since; within the writing transaction.

    That transaction holds the store's write lock, and a lease is taken under the same one: what was true
    here is true when it commits.
    """
    row = connection.execute(
        select(LEASES.c.holder, LEASES.c.epoch).where(LEASES.c.kind == WORKER)
    ).first()
    if row is None or row.epoch != lease.epoch:
        raise NothingHappened(
            LEASE_LOST,
            f"{'nobody' if row is None else row.holder} works for this log now, since this process did not "
            "renew its lease in time. It wrote nothing since.",
        )


def _ms(length: timedelta) -> int:
    return int(length.total_seconds() * 1000)

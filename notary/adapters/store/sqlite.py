"""The store in one SQLite file: how it is opened, and what its errors mean.

WAL mode with synchronous=FULL: a commit that returned survives a power loss. Every write transaction begins
with BEGIN IMMEDIATE, because the driver's own way (a transaction that starts to read and asks for the write
lock later) loses updates between two connections without a word. Test: tests/unit/store/test_sqlite.py.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from notary.adapters.store.sqlite_lock import holder_of
from notary.errors import NothingHappened

BUSY_TIMEOUT_MS = 30_000  # a sealing of 100,000 matters holds the write lock for about ten seconds
CACHE_KIB = 64 * 1024  # the pages of a large sealing stay in memory while it runs
# Pages in the write-ahead log before they are moved into the file, 64 MiB: keys of records are random, so a
# commit touches a page of their index for nearly each of its records, and with SQLite's own 1,000 each commit
# of an import wrote all of them twice (docs/design/0039-what-growth-costs.md).
LOG_PAGES = 16_384
PRIVATE_FILE = 0o600  # nobody but the service's own account reads the store


class SqliteFile:
    """Implements notary.adapters.store.database.Backend."""

    damaged = "Stop the service and restore the store from a backup"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self._found = False  # that the file is there is looked up once
        self.writer = _engine(path, begin="BEGIN IMMEDIATE", pragmas=("query_only=OFF",))
        self.reader = _engine(path, begin="BEGIN", pragmas=("query_only=ON",))

    @property
    def unavailable(self) -> str:
        """What to do when the driver's error is of the disk or a lock."""
        holder = holder_of(self.path)
        if holder is not None:
            return f"{holder} holds the write lock: wait for it, or kill it, then try again"
        return (
            "check that the disk has room and that no other program holds the file, then try again"
        )

    def held_up_by(self) -> str | None:
        """The process that stands still in the middle of a write; nobody else writes until it is gone."""
        holder = holder_of(self.path)
        return f"process {holder.pid}" if holder is not None and holder.stands_still else None

    def before_writing(self) -> None:
        """Create the file for this account alone; SQLite gives its log files the same mode."""
        if not self._found and not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, PRIVATE_FILE))
        self._found = True

    def before_reading(self) -> None:
        """Raise NothingHappened STORE_MISSING where the driver would make an empty file."""
        if not self._found and not self.path.exists():
            raise NothingHappened(
                "STORE_MISSING", f"{self.path}: there is no store here. Run `notary init` first."
            )
        self._found = True

    def is_unavailable(self, error: BaseException) -> bool:
        """Whether the driver's error is of the disk or a lock, and nothing was written."""
        return isinstance(error, sqlite3.OperationalError)

    def is_integrity(self, error: BaseException) -> bool:
        """Whether the driver's error is of a broken constraint."""
        return isinstance(error, sqlite3.IntegrityError)

    def is_driver_error(self, error: BaseException) -> bool:
        """Whether the error is the driver's at all."""
        return isinstance(error, sqlite3.DatabaseError)

    def is_lost(self, connection: Connection) -> bool:
        """A file is never lost."""
        return False

    def is_failed(self, connection: Connection) -> bool:
        """A statement that failed undoes itself alone; the transaction goes on."""
        return False

    def forget_deleted(self) -> bool:
        """Move everything from the write-ahead log into the file and empty the log.

        After an erasure this is what takes the old bytes off the disk. Raises NothingHappened STORE_BUSY.
        """
        raw = self.writer.raw_connection()
        try:
            cursor = raw.cursor()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (busy, *_) = cursor.fetchall()[0]
            cursor.close()
        finally:
            raw.close()
        if busy:
            raise NothingHappened(
                "STORE_BUSY",
                f"{self.path}: a reader kept the write-ahead log from being emptied. Try again.",
            )
        return True

    def alone(self) -> AbstractContextManager[None]:
        """Nothing: whoever can open the file is on this machine, where a lock file does."""
        return nullcontext()

    def size(self) -> int:
        """The bytes of the file, once all that stands in the write-ahead log is in it."""
        with self.reader.connect() as connection:
            row = connection.exec_driver_sql(
                "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
            ).one()
        return int(row[0])


def _engine(path: Path, begin: str, pragmas: tuple[str, ...]) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        # Parameters are personal data, though sealed: no error message or log line shows them.
        hide_parameters=True,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        # The driver begins no transaction of its own accord; the listener below does.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            # Deleted content is overwritten: an erased record must not be found in free pages.
            "secure_delete=ON",
            "temp_store=MEMORY",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            f"cache_size=-{CACHE_KIB}",
            f"wal_autocheckpoint={LOG_PAGES}",
            *pragmas,
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin_explicitly(connection: Connection) -> None:
        # By the driver, whose way is the shorter one: nearly every request begins one.
        connection.connection.cursor().execute(begin)

    return engine

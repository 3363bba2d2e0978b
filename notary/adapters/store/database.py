"""The store's one file: how it is opened, and what a transaction is.

SQLite in WAL mode with synchronous=FULL: a commit that returned survives a power loss. Every write
transaction begins with BEGIN IMMEDIATE, because the driver's own way (a transaction that starts to
read and asks for the write lock later) loses updates between two connections without a word.

How to add a table: write a class `XRow(Row, table=True)` in a module of this package, with
`agency_id` in it and in its unique keys unless the table belongs to the log as a whole, and import
that module in `schema.py`. How to add a migration: write `migrations/versions/mNNNN_words.py` with
`revision = "NNNN_words"` and `down_revision` the one before (SQLite runs it whole or not at all);
it creates exactly what the classes declare, and is never changed once released.
`upgrade(database)` in `migrations/__init__.py` runs them. tests/unit/store/test_migrations.py
compares the migrated schema with the classes, statement by statement.

Test: tests/unit/store/test_database.py.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlmodel import SQLModel

from notary.errors import Contradiction, NothingHappened, OutcomeUnknown

# Use cases pass a connection from one function of this package to the next and do nothing with it,
# so that only this package imports the library.
__all__ = ["METADATA", "Connection", "Database", "Row", "driver_cursor", "driver_row", "table_of"]

BUSY_TIMEOUT_MS = 30_000  # a sealing of 100,000 matters holds the write lock for about ten seconds
CACHE_KIB = 64 * 1024  # the pages of a large sealing stay in memory while it runs
PRIVATE_FILE = 0o600  # nobody but the service's own account reads the store

# Constraints need names that don't depend on the order of declaration: migrations refer to them.
METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Row(SQLModel):
    """Base of every table of the store."""

    metadata: ClassVar[MetaData] = METADATA


def table_of(row: type[Row]) -> Table:
    """The table that the class declares, for statements of SQLAlchemy's Core."""
    table: Table = row.__table__  # type: ignore[attr-defined]  # SQLModel adds it unannounced
    return table


class Database:
    """The store's file, with one way to write and one way to read.

    Nothing is opened before the first use. Connections may be used from any thread, each by one at
    a time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._found = False  # that the file is there is looked up once
        self._writer = _engine(path, begin="BEGIN IMMEDIATE", pragmas=("query_only=OFF",))
        self._reader = _engine(path, begin="BEGIN", pragmas=("query_only=ON",))

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A write transaction: commits when the block ends, rolls back when it raises.

        It holds the store's only write lock, so the block should do nothing slow that could be
        done before. Raises NothingHappened if the lock or the disk could not be had,
        OutcomeUnknown if the commit itself failed, Contradiction if the store is damaged or a
        constraint was broken.
        """
        self._make_private()
        with _translated(self.path):
            connection = self._writer.connect()
        try:
            with _translated(self.path):
                outer = connection.begin()
            try:
                with _translated(self.path):
                    yield connection
            except BaseException:
                outer.rollback()
                raise
            try:
                outer.commit()
            except DBAPIError as error:
                # SQLite may still hold the transaction; closing the connection for good ends it.
                connection.invalidate()
                raise OutcomeUnknown(
                    "STORE_COMMIT_FAILED",
                    f"{self.path}: the commit failed ({error.orig}); whether it applied shows only "
                    "when the store is read again. Check the disk, then look before repeating.",
                ) from error
        finally:
            connection.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One unchanging view of the store. Writing through it fails."""
        if not self._found and not self.path.exists():
            # The driver would make an empty file.
            raise NothingHappened(
                "STORE_MISSING", f"{self.path}: there is no store here. Run `notary init` first."
            )
        self._found = True
        with _translated(self.path), self._reader.connect() as connection, connection.begin():
            yield connection

    def truncate_wal(self) -> None:
        """Move everything from the write-ahead log into the file and empty the log.

        After an erasure this is what takes the old bytes off the disk.
        """
        with _translated(self.path):
            raw = self._writer.raw_connection()
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

    def close(self) -> None:
        """Close every pooled connection; the last one folds the write-ahead log into the file."""
        self._reader.dispose()
        self._writer.dispose()

    def _make_private(self) -> None:
        """Create the file for this account alone; SQLite gives its log files the same mode."""
        if not self._found and not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, PRIVATE_FILE))
        self._found = True


def driver_cursor(connection: Connection) -> Any:
    """A cursor of the SQLite driver inside the connection's transaction, for loops of bulk
    statements.

    A statement through SQLAlchemy costs about 40 µs in Python, the driver's own about 4.
    """
    return connection.connection.cursor()


def driver_row(connection: Connection, statement: str, parameters: tuple[Any, ...] = ()) -> Any:
    """The first row of a statement as the driver gives it, or None: for what every commit asks."""
    return driver_cursor(connection).execute(statement, parameters).fetchone()


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
            *pragmas,
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin_explicitly(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """The driver's errors as the service's, by what to do next."""
    try:
        yield
    except (OperationalError, sqlite3.OperationalError) as error:
        raise NothingHappened(
            "STORE_UNAVAILABLE",
            f"{path}: {_cause(error)}. Nothing was written; check that the disk has room and that no "
            "other program holds the file, then try again.",
        ) from error
    except (IntegrityError, sqlite3.IntegrityError) as error:
        raise Contradiction(
            "STORE_INTEGRITY",
            f"{path}: {_cause(error)}. Nothing was written; the store disagrees with what the service "
            "had just read from it.",
        ) from error
    except (DBAPIError, sqlite3.DatabaseError) as error:
        raise Contradiction(
            "STORE_DAMAGED",
            f"{path}: {_cause(error)}. Stop the service and restore the store from a backup.",
        ) from error


def _cause(error: DBAPIError | sqlite3.Error) -> str:
    """What SQLite said, without the statement and its parameters."""
    return str(error.orig if isinstance(error, DBAPIError) else error)

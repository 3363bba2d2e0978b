"""The store's database: one way to write and one way to read, over SQLite or PostgreSQL.

What a write transaction reads stays so until it ends, because it holds the store's only write lock; a reader
sees one unchanging view. How either database is brought to that is in `sqlite` and `postgres`.

How to add a table: write a class `XRow(Row, table=True)` in a module of this package, with
`agency_id` in it and in its unique keys unless the table belongs to the log as a whole, and import
that module in `schema.py`. How to add a migration: write `migrations/versions/mNNNN_words.py` with
`revision = "NNNN_words"` and `down_revision` the one before (either database runs it whole or not at all);
it creates exactly what the classes declare, with `BIG` for every integer, and is never changed once
released. `upgrade(database)` in `migrations/__init__.py` runs them. tests/unit/store/test_migrations.py
compares the migrated schema with the classes on both databases.

How to write a statement: SQLAlchemy's Core, or where that is too slow the driver's own by `driver_cursor`,
with `?` for parameters and nothing that one of the two databases does not know.

Test: tests/unit/store/test_database.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Protocol

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Integer,
    MetaData,
    RootTransaction,
    Table,
    event,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlmodel import SQLModel

from notary.adapters.durable import one_at_a_time
from notary.adapters.store.sqlite import SqliteFile
from notary.errors import Contradiction, NothingHappened, OutcomeUnknown

# Tests name a connection without importing the library.
__all__ = [
    "BIG",
    "METADATA",
    "Connection",
    "Database",
    "Row",
    "driver_cursor",
    "driver_row",
    "is_postgres",
    "only_where",
    "server_cursor",
    "table_of",
]

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

ROWS_AT_A_TIME = 2_000  # of a whole table, in memory
_server_cursors = itertools.count(1)  # names; each is needed once in a connection

# SQLite's INTEGER has 64 bits and is what its row ids must be called; PostgreSQL's has 32.
BIG = BigInteger().with_variant(Integer(), "sqlite")


def only_where(condition: str) -> dict[str, Any]:
    """What makes an index partial, on either database; for `Index` and for alembic's `create_index`."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


@event.listens_for(Table, "after_parent_attach")
def _with_wide_integers(table: Table, metadata: MetaData) -> None:
    """Every `int` of a row is a BIG: a time in milliseconds does not fit into 32 bits, an id may not."""
    if metadata is METADATA:
        for column in table.columns:
            if type(column.type) is Integer:
                column.type = BIG


class Row(SQLModel):
    """Base of every table of the store."""

    metadata: ClassVar[MetaData] = METADATA


def table_of(row: type[Row]) -> Table:
    """The table that the class declares, for statements of SQLAlchemy's Core."""
    table: Table = row.__table__  # type: ignore[attr-defined]  # SQLModel adds it unannounced
    return table


class Backend(Protocol):
    """What differs between the two databases. Each engine begins its transactions by itself."""

    name: str  # for people; no secret is in it
    damaged: str  # what to do when it says what it should not
    writer: Engine
    reader: Engine

    @property
    def unavailable(self) -> str: ...  # what to do when it can't be had

    def held_up_by(self) -> str | None: ...

    def before_writing(self) -> None: ...

    def before_reading(self) -> None: ...

    def is_unavailable(self, error: BaseException) -> bool: ...

    def is_integrity(self, error: BaseException) -> bool: ...

    def is_driver_error(self, error: BaseException) -> bool: ...

    def is_lost(self, connection: Connection) -> bool: ...

    def is_failed(self, connection: Connection) -> bool: ...

    def size(self) -> int: ...

    def forget_deleted(self) -> bool: ...

    def alone(self) -> AbstractContextManager[None]: ...


class Database:
    """The store's database: a SQLite file, given as its path, or PostgreSQL, given as a URI.

    Nothing is opened before the first use. Connections may be used from any thread, each by one at
    a time.
    """

    def __init__(self, place: Path | str) -> None:
        self.place = place
        # What each write transaction asks first, and what it raises ends it: the worker's lease.
        self.guard: Callable[[Connection], None] | None = None
        self._backend: Backend = SqliteFile(place) if isinstance(place, Path) else _postgres(place)
        self._writer = self._backend.writer
        self._reader = self._backend.reader

    def __str__(self) -> str:
        """What people call it; no password is in it."""
        return self._backend.name

    @property
    def path(self) -> Path:
        """SQLite's file. Only for a store that is in one."""
        assert isinstance(self.place, Path), f"{self} is no file"
        return self.place

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A write transaction: commits when the block ends, rolls back when it raises.

        It holds the store's only write lock, so the block should do nothing slow that could be
        done before. Raises NothingHappened if the lock, the disk or the server could not be had,
        OutcomeUnknown if the commit itself failed, Contradiction if the store is damaged or a
        constraint was broken.
        """
        self._backend.before_writing()
        with self._translated():
            connection, outer = _begun(self._writer)
        try:
            try:
                with self._translated(connection):
                    if self.guard is not None:
                        self.guard(connection)
                    yield connection
                if self._backend.is_failed(connection):
                    raise Contradiction(
                        "STORE_TRANSACTION",
                        f"{self}: a statement failed and its error was not passed on. Nothing was written.",
                    )
            except BaseException:
                # On a line that is gone there is nothing to roll back any more.
                with suppress(DBAPIError):
                    outer.rollback()
                raise
            try:
                outer.commit()
            except DBAPIError as error:
                # SQLite may still hold the transaction; closing the connection for good ends it.
                connection.invalidate()
                raise OutcomeUnknown(
                    "STORE_COMMIT_FAILED",
                    f"{self}: the commit failed ({_cause(error)}); whether it applied shows only "
                    "when the store is read again. Check the disk, then look before repeating.",
                ) from error
        finally:
            connection.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One unchanging view of the store. Writing through it fails."""
        self._backend.before_reading()
        with self._translated():
            connection, outer = _begun(self._reader)
        try:
            with self._translated(connection):
                yield connection
            with self._translated(connection):
                outer.commit()
        finally:
            connection.close()

    def row(self, statement: str, parameters: tuple[Any, ...] = ()) -> Any:
        """The first row of one statement as the driver gives it, or None.

        One statement sees one view by itself, and a transaction around it takes longer than it does: for what
        every request asks. Raises as `reading`.
        """
        self._backend.before_reading()
        for last in (False, True):
            with self._translated():
                connection = self._reader.connect()
            try:
                with self._translated(connection):
                    return driver_row(connection, statement, parameters)
            except NothingHappened:
                # A pooled line may have been cut long ago: once anew.
                if last or not connection.invalidated:
                    raise
            finally:
                connection.close()
        raise AssertionError  # the loop returns or raises

    @contextmanager
    def alone(self, lock: Path) -> Iterator[None]:
        """Held by one at a time of all that take it, on whatever machine; others wait.

        Reading and writing go on. `lock` keeps apart those of this machine. Raises NothingHappened
        STORE_UNAVAILABLE if it can't be had.
        """
        with one_at_a_time(lock), self._translated(), self._backend.alone():
            yield

    def check_guard(self) -> None:
        """Raise what the guard raises now; for effects that are no writes."""
        if self.guard is not None:
            with self.reading() as connection:
                self.guard(connection)

    def forget_deleted(self) -> bool:
        """Take the bytes of what was deleted off the disk; False where the database does it in its own time.

        Raises NothingHappened STORE_BUSY while readers keep SQLite from it.
        """
        with self._translated():
            return self._backend.forget_deleted()

    def held_up_by(self) -> str | None:
        """Whatever stands still in the middle of a write and so keeps everybody from writing, for people."""
        return self._backend.held_up_by()

    def size(self) -> int:
        """How many bytes the store takes, its originals apart."""
        with self._translated():
            return self._backend.size()

    def close(self) -> None:
        """Close every pooled connection; SQLite's last one folds the write-ahead log into the file."""
        self._reader.dispose()
        self._writer.dispose()

    @contextmanager
    def _translated(self, connection: Connection | None = None) -> Iterator[None]:
        """The driver's errors as the service's, by what to do next."""
        backend = self._backend
        try:
            yield
        except PoolTimeoutError as error:
            raise NothingHappened(
                "STORE_BUSY",
                f"{self}: every connection of this process is in use. Try again later.",
            ) from error
        except Exception as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            if cause is None or not backend.is_driver_error(cause):
                raise
            if (
                connection is not None
                and not connection.invalidated
                and backend.is_lost(connection)
            ):
                connection.invalidate()
            if backend.is_unavailable(cause):
                raise NothingHappened(
                    "STORE_UNAVAILABLE",
                    f"{self}: {_cause(cause)}. Nothing was written; {backend.unavailable}.",
                ) from error
            if backend.is_integrity(cause):
                raise Contradiction(
                    "STORE_INTEGRITY",
                    f"{self}: {_cause(cause)}. Nothing was written; the store disagrees with what the "
                    "service had just read from it.",
                ) from error
            raise Contradiction(
                "STORE_DAMAGED", f"{self}: {_cause(cause)}. {backend.damaged}."
            ) from error


def _postgres(uri: str) -> Backend:
    # Imported here: the driver takes long to load, and a store in a file needs none of it.
    from notary.adapters.store.postgres import PostgresServer

    return PostgresServer(uri)


def _begun(engine: Engine) -> tuple[Connection, RootTransaction]:
    """A connection in a transaction. Once anew if a pooled line was cut: nothing was asked on it yet."""
    for last in (False, True):
        connection = engine.connect()
        try:
            return connection, connection.begin()
        except BaseException as error:
            connection.close()
            if last or not (isinstance(error, DBAPIError) and error.connection_invalidated):
                raise
    raise AssertionError  # the loop returns or raises


def is_postgres(connection: Connection) -> bool:
    """Whether the store is in PostgreSQL; for the few statements that each database has its own way for."""
    return connection.dialect.name == "postgresql"


def driver_cursor(connection: Connection) -> Any:
    """A cursor of the driver inside the connection's transaction, for loops of bulk statements.

    Parameters are `?` on either database. A statement through SQLAlchemy costs about 40 µs in Python, the
    driver's own about 4 on SQLite.
    """
    raw = connection.connection
    if not is_postgres(connection):
        return raw.cursor()
    return _PostgresCursor(raw.cursor(binary=True))


def driver_row(connection: Connection, statement: str, parameters: tuple[Any, ...] = ()) -> Any:
    """The first row of a statement as the driver gives it, or None: for what every commit asks."""
    cursor = driver_cursor(connection).execute(statement, parameters)
    row = cursor.fetchone()
    # A statement with rows left would hold its view for as long as it lives.
    cursor.close()
    return row


def server_cursor(connection: Connection, statement: str) -> Any:
    """The rows of a statement, which PostgreSQL keeps and hands over some at a time, and not all at once."""
    raw: Any = connection.connection.driver_connection
    cursor = raw.cursor(f"rows_{next(_server_cursors)}", binary=True)
    cursor.itersize = ROWS_AT_A_TIME
    return cursor.execute(statement)


class _PostgresCursor:
    """A cursor of psycopg that takes `?` for a parameter, as SQLite's does."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cursor)

    def execute(self, statement: str, parameters: Any = ()) -> _PostgresCursor:
        self._cursor.execute(_marked(statement), parameters)
        return self

    def executemany(self, statement: str, parameters: Any) -> _PostgresCursor:
        self._cursor.executemany(_marked(statement), parameters)
        return self


@lru_cache(maxsize=256)
def _marked(statement: str) -> str:
    return statement.replace("?", "%s")


def _cause(error: BaseException) -> str:
    """What the database said, without the statement, its parameters and the rows concerned."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    told = getattr(getattr(cause, "diag", None), "message_primary", None)
    return str(told or cause).strip()

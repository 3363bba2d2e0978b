"""All rows of a store from PostgreSQL into a SQLite file, and back: what backup and restore rest on.

A dump is one moment of the store; a load happens whole or not at all. Both ways every table goes row by row
as it is, ids included, so that a store may move from one database to the other. Test:
tests/unit/store/test_transfer.py.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, Connection, Table

from notary.adapters.store.bulk import insert_rows
from notary.adapters.store.database import ROWS_AT_A_TIME, Database, driver_row, server_cursor
from notary.adapters.store.migrations import upgrade
from notary.adapters.store.schema import METADATA
from notary.errors import CallerError, NothingHappened
from notary.ports import Progress


def dump(database: Database, path: Path, progress: Progress) -> None:
    """Write all rows of a store in PostgreSQL to a new SQLite file, which has no log beside it.

    Raises NothingHappened COPY_FAILED.
    """
    empty = Database(path)
    upgrade(empty)
    empty.close()
    try:
        with (
            database.reading() as connection,
            closing(sqlite3.connect(path, isolation_level=None)) as target,
        ):
            total = sum([driver_row(connection, _counting(table))[0] for table in _TABLES])
            done = 0
            # A file without a write-ahead log can be read where nothing may be written.
            target.execute("PRAGMA journal_mode=DELETE")
            target.execute("BEGIN")
            for table in _TABLES:
                marks = ", ".join("?" * len(table.columns))
                insert = f"INSERT INTO {table.name} ({_names(table)}) VALUES ({marks})"  # noqa: S608 - our own names
                with server_cursor(connection, _reading(table)) as rows:
                    while part := rows.fetchmany(ROWS_AT_A_TIME):
                        target.executemany(insert, part)
                        done += len(part)
                        progress(done, total)
            target.execute("COMMIT")
    except sqlite3.Error as error:
        raise NothingHappened(
            "COPY_FAILED", f"{database} could not be copied to {path}: {error}. Check the disk."
        ) from error


def load(path: Path, database: Database, progress: Progress, *, over: bool = False) -> None:
    """Take all rows of a SQLite file of this version's schema into an empty database in PostgreSQL.

    In one transaction, which with `over` first takes away what is there. Raises CallerError STORE_NOT_EMPTY
    or STORE_FOREIGN.
    """
    upgrade(database)
    with (
        closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as source,
        database.transaction() as connection,
    ):
        if over:
            named = ", ".join(table.name for table in _TABLES)
            connection.exec_driver_sql(f"TRUNCATE {named}")
        _require_empty(connection, database)
        total = sum([source.execute(_counting(table)).fetchone()[0] for table in _TABLES])
        done = 0
        for table in _TABLES:
            for part in _parts_of(source, table):
                insert_rows(connection, table.name, table.columns.keys(), part)
                done += len(part)
                progress(done, total)
            _go_on_after(connection, table)
        # Until the server comes to it by itself, it would plan as for empty tables.
        connection.exec_driver_sql("ANALYZE")


def require_vacant(database: Database) -> None:
    """Give an empty database this version's schema. Raises CallerError STORE_NOT_EMPTY or STORE_FOREIGN."""
    upgrade(database)
    with database.reading() as connection:
        _require_empty(connection, database)


_TABLES = METADATA.sorted_tables  # a table after those that its rows name


def _names(table: Table) -> str:
    return ", ".join(table.columns.keys())


def _counting(table: Table) -> str:
    return f"SELECT count(*) FROM {table.name}"  # noqa: S608 - our own names


def _reading(table: Table) -> str:
    return f"SELECT {_names(table)} FROM {table.name}"  # noqa: S608 - our own names


def _require_empty(connection: Connection, database: Database) -> None:
    for table in _TABLES:
        if driver_row(connection, f"SELECT 1 FROM {table.name} LIMIT 1") is not None:  # noqa: S608 - our own names
            raise CallerError(
                "STORE_NOT_EMPTY",
                f"{database} holds a store already. Nothing is ever written over one: give an empty "
                "database.",
            )


def _parts_of(source: sqlite3.Connection, table: Table) -> Iterator[list[Sequence[Any]]]:
    """The rows of a table, some at a time. SQLite keeps a truth as a number."""
    truths = [isinstance(column.type, Boolean) for column in table.columns]
    rows = source.execute(_reading(table))
    while part := rows.fetchmany(ROWS_AT_A_TIME):
        if any(truths):
            yield [
                tuple(
                    bool(value) if truth else value
                    for value, truth in zip(row, truths, strict=True)
                )
                for row in part
            ]
        else:
            yield part


def _go_on_after(connection: Connection, table: Table) -> None:
    """Let the next id that the server gives be the one after the last."""
    column = table.autoincrement_column
    if column is not None:
        connection.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column.name}'),"  # noqa: S608 - our own names
            # Batches are counted from 0, which no sequence may have.
            f" greatest(max({column.name}), 1), coalesce(max({column.name}), 0) > 0) FROM {table.name}"
        )

"""Consistent copies of the database while it is in use, and what the store or such a copy holds.

A copy is one moment of the store, in a SQLite file whichever database the store is in; writers go on. It has
no write-ahead log of its own and is only ever read. SQLite's is made by its backup interface inside one read
transaction, PostgreSQL's by `transfer`. Test: tests/scenarios/service/test_backup.py.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from notary.adapters.durable import PART, force_file
from notary.adapters.store import transfer
from notary.adapters.store.database import Connection, Database, driver_cursor, server_cursor
from notary.core.log_identity import LogIdentity
from notary.errors import Contradiction, NothingHappened
from notary.ports import Progress
from notary.usecases.backup_store import StoreFacts
from verifier.format.frontier import Frontier
from verifier.format.trees import EMPTY_ROOT

PAGES_AT_A_TIME = 4096  # 16 MiB: the bar moves, and the steps cost nothing


class Rows(Protocol):
    """A connection that reads rows by SQL, with `?` for parameters, in one unchanging view."""

    def execute(self, statement: str, parameters: Sequence[Any] = ..., /) -> Any:
        """Ask; what is given is iterated or asked for one row by `fetchone`."""
        ...


def copy_database(database: Database, target: Path, progress: Progress) -> None:
    """Copy the database as it is now; on disk when this returns, its name apart."""
    part = target.with_name(target.name + PART)
    part.unlink(missing_ok=True)
    if isinstance(database.place, Path):
        _copy_file(database.place, part, progress)
    else:
        transfer.dump(database, part, progress)
    part.chmod(0o600)
    force_file(part)
    part.replace(target)


def _copy_file(source: Path, part: Path, progress: Progress) -> None:
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as reading,
            closing(sqlite3.connect(part)) as writing,
        ):
            # The transaction stays open, so that no commit of others makes the copy begin anew.
            reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
            reading.backup(
                writing,
                pages=PAGES_AT_A_TIME,
                progress=lambda _, left, total: progress(total - left, total),
                sleep=0,
            )
            reading.execute("ROLLBACK")
            # A file without a write-ahead log can be read where nothing may be written.
            writing.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise NothingHappened(
            "COPY_FAILED",
            f"{source} could not be copied to {part}: {error}. Check both disks, then run again.",
        ) from error


@contextmanager
def opened_copy(path: Path) -> Iterator[sqlite3.Connection]:
    """A copy, to be read. Raises Contradiction BACKUP_DAMAGED where SQLite says so."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise Contradiction(
            "BACKUP_DAMAGED", f"{path}: {error}. Use another backup; this one can't be trusted."
        ) from error


@contextmanager
def opened_live(database: Database) -> Iterator[Rows]:
    """The store as it is now, to be read: one moment of it, however long the reading takes.

    Raises Contradiction STORE_DAMAGED where the database says so.
    """
    if isinstance(database.place, str):
        with database.reading() as connection, ExitStack() as cursors:
            yield _ServerRows(connection, cursors)
        return
    path = database.place
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            connection.execute("BEGIN")
            yield connection
    except sqlite3.Error as error:
        raise Contradiction("STORE_DAMAGED", f"{path}: {error}. Restore a backup.") from error


class _ServerRows:
    """Implements Rows over a view of PostgreSQL."""

    def __init__(self, connection: Connection, cursors: ExitStack) -> None:
        self._connection = connection
        self._cursors = cursors

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Any:
        """Ask. Without parameters it may be of a whole table, which stays on the server."""
        if parameters:
            return driver_cursor(self._connection).execute(statement, parameters)
        return self._cursors.enter_context(server_cursor(self._connection, statement))


def facts(connection: Rows) -> StoreFacts:
    """What the copy holds."""
    log = connection.execute("SELECT chain_id, contract, log_address, name FROM log").fetchone()
    newest = connection.execute(
        "SELECT id, frontier FROM batches WHERE checkpoint != '' ORDER BY id DESC LIMIT 1"
    ).fetchone()
    anchor = connection.execute(
        "SELECT number, size, head FROM intents WHERE number IS NOT NULL"
        " ORDER BY number DESC LIMIT 1"
    ).fetchone()
    (schema,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    (records,) = connection.execute("SELECT count(*) FROM records").fetchone()
    # A source has a row of this table too, under a number of another prefix.
    (matters,) = connection.execute(
        "SELECT count(*) FROM matters WHERE number LIKE 'nm%'"
    ).fetchone()
    return StoreFacts(
        LogIdentity(*log),
        schema,
        0 if newest is None else newest[0] + 1,
        bytes(EMPTY_ROOT if newest is None else Frontier.from_bytes(newest[1]).root()),
        anchor,
        records,
        matters,
    )


def named_objects(connection: Rows) -> Iterator[tuple[bytes, int]]:
    """Every object that a record names, ascending by name, with its size before sealing."""
    yield from connection.execute("SELECT name, size FROM attachments ORDER BY name")


def emptied_records(connection: Rows) -> Iterator[tuple[bytes, int, bytes]]:
    """Matter key, position and leaf hash of every record without content."""
    yield from connection.execute(
        "SELECT key, position, leaf_hash FROM records JOIN matters ON matters.id = matter_id"
        " WHERE records.wrapped_secret IS NULL AND sealed_values IS NULL ORDER BY matter_id, position"
    )

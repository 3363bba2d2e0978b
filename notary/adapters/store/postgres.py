"""The store in a PostgreSQL database: how it is opened, and what its errors mean.

One writing transaction at a time, by an advisory lock that its first statement takes, as on SQLite by the
file's write lock: docs/design/0026-one-writer-on-postgresql.md says why. Readers see one unchanging
snapshot. A server that does not force a commit to its disk is refused.
Test: tests/unit/store/test_postgres.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.types.string import StrDumper
from sqlalchemy import Connection, Engine, create_engine, event

from notary.errors import CallerError

WRITER_LOCK = 0x6E6F74617279  # "notary": advisory locks of a database are told apart by a number
ALONE_LOCK = WRITER_LOCK + 1
LOCK_TIMEOUT_MS = 30_000  # as on SQLite: a large sealing holds the lock for about ten seconds
# A process that stands still in the middle of a write transaction (a paused machine) would keep every other
# one from writing: the server ends its session. A reader is in nobody's way, and may think for longer.
IDLE_TIMEOUT_MS = 60_000
CONNECT_TIMEOUT_S = 10
KEEPALIVES_S = (
    30  # a machine that is gone without a word is noticed within about a minute, lock and all
)
OLDEST_SERVER = 140_000  # PostgreSQL 14, the oldest that is maintained
CONNECTIONS = 20  # of a process that read at once, and as many that wait to write

_SETTINGS: dict[str, int | str] = {
    "lock_timeout": LOCK_TIMEOUT_MS,
    "tcp_keepalives_idle": KEEPALIVES_S,
    "tcp_keepalives_interval": 10,
    "tcp_keepalives_count": 3,
    "timezone": "UTC",
}
_WRITER_SETTINGS: dict[str, int | str] = {"idle_in_transaction_session_timeout": IDLE_TIMEOUT_MS}
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class PostgresServer:
    """Implements notary.adapters.store.database.Backend over a URI of libpq."""

    unavailable = (
        "check that the server runs and can be reached, and that its disk has room, then try again"
    )
    damaged = "Stop the service and see the server's log; restore the store from a backup if it is damaged"

    def __init__(self, uri: str) -> None:
        self.name = shown(uri)
        self._uri = uri
        begin = f"BEGIN; SELECT pg_advisory_xact_lock({WRITER_LOCK})"
        self.writer = self._engine(begin, {**_SETTINGS, **_WRITER_SETTINGS})
        self.reader = self._engine("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", _SETTINGS)

    def before_writing(self) -> None:
        """Nothing: the server keeps its files."""

    def before_reading(self) -> None:
        """Nothing: a database is there or can't be reached."""

    def is_unavailable(self, error: BaseException) -> bool:
        """Whether the driver's error is of the server, the line, its disk or a lock.

        Also what a server says that only reads, as a standby does.
        """
        return isinstance(error, psycopg.OperationalError | psycopg.errors.ReadOnlySqlTransaction)

    def is_integrity(self, error: BaseException) -> bool:
        """Whether the driver's error is of a broken constraint."""
        return isinstance(error, psycopg.IntegrityError)

    def is_driver_error(self, error: BaseException) -> bool:
        """Whether the error is the driver's at all."""
        return isinstance(error, psycopg.Error)

    def is_lost(self, connection: Connection) -> bool:
        """Whether the line to the server is gone."""
        return bool(_driver(connection).closed)

    def is_failed(self, connection: Connection) -> bool:
        """Whether a statement failed: the server would answer COMMIT with a roll-back and no error."""
        return _driver(connection).info.transaction_status == TransactionStatus.INERROR

    def forget_deleted(self) -> bool:
        """False: the server overwrites what was deleted when it needs the room (docs/operations.md)."""
        return False

    def held_up_by(self) -> str | None:
        """Nobody for long: the server ends a session that stands still in the middle of a write."""
        return None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A lock of the database's, apart from that of writers, kept until the block ends."""
        with self.reader.connect() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ALONE_LOCK})")
            yield

    def size(self) -> int:
        """The bytes of the database, as the server counts them."""
        with self.reader.connect() as connection:
            row = connection.exec_driver_sql("SELECT pg_database_size(current_database())").one()
        return int(row[0])

    def _engine(self, begin: str, settings: Mapping[str, int | str]) -> Engine:
        engine = create_engine(
            "postgresql+psycopg://",
            creator=lambda: self._connect(settings),
            hide_parameters=True,
            use_native_hstore=False,
            pool_size=CONNECTIONS,
            max_overflow=0,
        )

        @event.listens_for(engine, "begin")
        def begin_explicitly(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine

    def _connect(self, settings: Mapping[str, int | str]) -> psycopg.Connection[Any]:
        """A session in which no transaction begins of its own accord."""
        connection = psycopg.connect(
            self._uri,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_S,
            application_name="notary",
        )
        try:
            connection.adapters.register_dumper(str, _Text)
            for name, value in settings.items():
                connection.execute("SELECT set_config(%s, %s, false)", (name, str(value)))
            _require_fit(connection, self.name)
        except BaseException:
            connection.close()
            raise
        return connection


class _Text(StrDumper):
    """PostgreSQL keeps no NUL in a text, SQLite does; a stranger's error message may have one."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", _REPLACEMENT))


def shown(uri: str) -> str:
    """The database's name for people: user, host and database, and never a password.

    Raises CallerError CONFIG_INVALID for what is no URI of libpq.
    """
    try:
        parts = conninfo_to_dict(uri)
    except psycopg.Error:
        # What libpq says of it may repeat the password.
        raise CallerError(
            "CONFIG_INVALID",
            "database is no PostgreSQL URI, as postgresql://user@host:5432/name (not repeated here, "
            "for it may hold a password)",
        ) from None
    service = parts.get("service")
    if service and not parts.get("dbname"):
        return f"postgresql://?service={service}"
    user = f"{parts['user']}@" if parts.get("user") else ""
    host, port = str(parts.get("host") or ""), parts.get("port")
    where = f"{host}:{port}" if port and not host.startswith("/") else host
    return f"postgresql://{user}{where}/{parts.get('dbname') or ''}"


def _require_fit(connection: psycopg.Connection[Any], name: str) -> None:
    """Raise CallerError STORE_NOT_DURABLE or STORE_SERVER for a server on which promises would be empty."""
    row = connection.execute(
        "SELECT current_setting('fsync'), current_setting('synchronous_commit'),"
        " current_setting('server_encoding'), current_setting('server_version')"
    ).fetchone()
    assert row is not None
    fsync, synchronous_commit, encoding, version = row
    for setting, value in (("fsync", fsync), ("synchronous_commit", synchronous_commit)):
        if value == "off":
            raise CallerError(
                "STORE_NOT_DURABLE",
                f"{name}: the server has {setting} = off, so what it commits can be lost. Set it to on "
                "(docs/operations.md), then start again.",
            )
    if connection.info.server_version < OLDEST_SERVER or encoding != "UTF8":
        raise CallerError(
            "STORE_SERVER",
            f"{name}: PostgreSQL {version}, encoding {encoding}; want 14 or later and UTF8.",
        )


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    found = connection.connection.driver_connection
    assert isinstance(found, psycopg.Connection)
    return found

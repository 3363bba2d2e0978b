"""Owns the faults of a store: errors, a full disk, a killed process and a loss of power, each at a
numbered place before or after each statement, commit and change of a file.

Both databases are the real ones and answer for their own files: SQLite by synchronous=FULL, which
tests/unit/store/test_sqlite.py reads back, PostgreSQL by the settings without which it is refused. Of the
files that the service writes itself, the simulator knows what was forced to disk, and a loss of power takes
the rest away.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy.pool.base import _ConnectionFairy as PoolProxiedConnection

from notary.adapters.store.database import Database
from tests.postgres import end_sessions
from tests.simulators.places import Places

Strike = Callable[[str], None]


class Disk:
    """What of the files under a folder would survive a loss of power.

    Names and content become durable apart from one another, each by its own fsync (POSIX promises no
    more). A name that was replaced comes back with what it held.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._unforced: set[Path] = set()
        self._unnamed: dict[Path, bytes | None] = {}

    def made(self, path: Path) -> None:
        """A file or folder of that name is new."""
        self._unnamed.setdefault(path, None)
        if not path.is_dir():
            self._unforced.add(path)

    def forced(self, path: Path) -> None:
        """The file's content, or the names in the folder, are on disk."""
        self._unforced.discard(path)
        if path.is_dir():
            self._unnamed = {
                name: old for name, old in self._unnamed.items() if name.parent != path
            }

    def renamed(self, source: Path, target: Path, old: bytes | None) -> None:
        """The file has another name, which held `old` before."""
        self._unnamed.pop(source, None)
        self._unnamed.setdefault(target, old)
        if source in self._unforced:
            self._unforced.discard(source)
            self._unforced.add(target)

    def lose_power(self) -> None:
        """Take away whatever was not forced to disk."""
        for path in self._unforced:
            if path.exists():
                os.truncate(path, 0)
        for path, old in self._unnamed.items():
            if old is not None:
                path.write_bytes(old)
            elif path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def kill(_: str) -> None:
    """The process is gone before its next instruction."""
    os.kill(os.getpid(), signal.SIGKILL)


def power_loss(disk: Disk) -> Strike:
    """The process is gone, and with it what was not forced to disk."""

    def strike(name: str) -> None:
        disk.lose_power()
        kill(name)

    return strike


def disk_error(name: str) -> None:
    """The error that a failing disk gives at that place, by what the place is of."""
    if name.split()[1] in FILE_EFFECTS:
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    raise sqlite3.OperationalError("disk I/O error")


def disk_full(name: str) -> None:
    """The error that a full disk gives at that place."""
    if name.split()[1] in FILE_EFFECTS:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    raise sqlite3.OperationalError("database or disk is full")


def cut(uri: str) -> Strike:
    """Every line to the server is gone before the next statement."""
    return lambda name: end_sessions(uri)


FILE_EFFECTS = frozenset({"create", "write", "force", "rename", "make"})


@contextmanager
def watched(database: Database, folder: Path, places: Places) -> Iterator[Disk]:
    """Inside the block every effect on the store passes by `places`: statements and commits of its
    writer, and files under `folder`.
    """
    disk = Disk(folder)
    with _statements(database, places), _files(disk, places):
        yield disk


@contextmanager
def full_after(database: Database, pages: int) -> Iterator[None]:
    """Inside the block SQLite itself finds the disk full when the file has grown by so many pages."""

    def limit(connection: Any, limited: bool) -> None:
        (size,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={size + pages if limited else 2**30}")

    raw = database._writer.raw_connection()
    try:
        limit(raw.driver_connection, True)
        raw.close()
        yield
    finally:
        raw = database._writer.raw_connection()
        limit(raw.driver_connection, False)
        raw.close()


class _Cursor:
    """A cursor of the driver whose statements pass by the places, also where no library stands between."""

    def __init__(self, cursor: Any, places: Places) -> None:
        self._cursor = cursor
        self._places = places

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cursor)

    def execute(self, text: str, *parameters: Any) -> Any:
        return self._run(self._cursor.execute, text, *parameters)

    def executemany(self, text: str, *parameters: Any) -> Any:
        return self._run(self._cursor.executemany, text, *parameters)

    @contextmanager
    def copy(self, text: str) -> Iterator[Any]:
        """PostgreSQL's way to insert many rows; a statement like another."""
        with self._places.around(f"insert {text.split()[1]}"), self._cursor.copy(text) as rows:
            yield rows

    def _run(self, method: Callable[..., Any], text: str, *parameters: Any) -> Any:
        kind = _kind(text)
        if kind is None:
            return method(text, *parameters)
        with self._places.around(kind):
            return method(text, *parameters)


@contextmanager
def _statements(database: Database, places: Places) -> Iterator[None]:
    dialect: Any = database._writer.dialect
    commit, cursor_of = dialect.do_commit, PoolProxiedConnection.cursor

    def watched_cursor(self: Any, *arguments: Any, **named: Any) -> Any:
        cursor = cursor_of(self, *arguments, **named)
        return _Cursor(cursor, places) if self._pool is database._writer.pool else cursor

    def watched_commit(connection: Any) -> None:
        with places.around("commit"):
            commit(connection)

    with (
        patch.object(PoolProxiedConnection, "cursor", watched_cursor),
        patch.object(dialect, "do_commit", watched_commit),
    ):
        yield


def _kind(text: str) -> str | None:
    """Verb and table of a statement; None for one that only reads."""
    words = text.replace("(", " ").split()
    verb = words[0].lower().rstrip(";")
    if verb in ("insert", "delete"):
        return f"{verb} {words[2]}"
    if verb == "update":
        return f"{verb} {words[1]}"
    return verb if verb == "begin" else None


class _File:
    """A file whose writing passes by the places."""

    def __init__(self, file: Any, places: Places, kind: str) -> None:
        self._file = file
        self._places = places
        self._kind = kind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, content: bytes) -> int:
        with self._places.around(f"write {self._kind}"):
            written: int = self._file.write(content)
            # What the process holds back would be lost to a kill in any case.
            self._file.flush()
        return written


@contextmanager
def _files(disk: Disk, places: Places) -> Iterator[None]:
    """`os` as the service sees it. SQLite does not go through it."""
    real_open, real_fdopen, real_fsync, real_mkdir = os.open, os.fdopen, os.fsync, os.mkdir
    real_rename, real_replace, real_io_open = os.rename, os.replace, io.open

    def ours(path: Any) -> Path | None:
        found = Path(os.fsdecode(path)).absolute()
        return found if found.is_relative_to(disk.folder) else None

    def of_descriptor(descriptor: int) -> Path | None:
        return ours(Path(f"/proc/self/fd/{descriptor}").readlink())

    def open_(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        found = ours(path) if flags & os.O_CREAT else None
        if found is None or found.exists():
            return real_open(path, flags, *rest, **named)
        with places.around(f"create {_what(found)}"):
            descriptor = real_open(path, flags, *rest, **named)
            disk.made(found)
        return descriptor

    def io_open(path: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
        found = ours(path) if isinstance(path, str | Path) and mode == "wb" else None
        if found is None:
            return real_io_open(path, mode, *rest, **named)
        with places.around(f"create {_what(found)}"):
            file = real_io_open(path, mode, *rest, **named)
            disk.made(found)
        return _File(file, places, _what(found))

    def fdopen(descriptor: int, *rest: Any, **named: Any) -> Any:
        found = of_descriptor(descriptor)
        file = real_fdopen(descriptor, *rest, **named)
        return file if found is None else _File(file, places, _what(found))

    def fsync(descriptor: int) -> None:
        found = of_descriptor(descriptor)
        if found is None:
            return real_fsync(descriptor)
        with places.around(f"force {_what(found)}"):
            # That the call is made is what counts: the disk that forgets is `disk`.
            disk.forced(found)
        return None

    def mkdir(path: Any, *rest: Any, **named: Any) -> None:
        found = ours(path)
        if found is None or found.exists() or not found.parent.exists():
            return real_mkdir(path, *rest, **named)
        with places.around("make folder"):
            real_mkdir(path, *rest, **named)
            disk.made(found)
        return None

    def renaming(real: Callable[..., None]) -> Callable[..., None]:
        def rename(source: Any, target: Any, **named: Any) -> None:
            found, into = ours(source), ours(target)
            if found is None or into is None:
                return real(source, target, **named)
            with places.around(f"rename {_what(into)}"):
                old = into.read_bytes() if into.exists() else None
                real(source, target, **named)
                disk.renamed(found, into, old)
            return None

        return rename

    with (
        patch.object(os, "open", open_),
        patch.object(io, "open", io_open),
        patch.object(os, "fdopen", fdopen),
        patch.object(os, "fsync", fsync),
        patch.object(os, "mkdir", mkdir),
        patch.object(os, "rename", renaming(real_rename)),
        patch.object(os, "replace", renaming(real_replace)),
    ):
        yield


def _what(path: Path) -> str:
    if path.is_dir():
        return "folder"
    return path.suffix.lstrip(".") or "object"

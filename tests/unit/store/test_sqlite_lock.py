"""A process that stands still in the middle of a write into SQLite is named."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from notary.adapters.store import sqlite
from notary.adapters.store.database import Database
from notary.adapters.store.sqlite_lock import holder_of
from notary.errors import NothingHappened
from tests.simulators.store import StoreWorld

WRITER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("writing", flush=True)
time.sleep(600)
"""


@pytest.fixture
def writer(sqlite_world: StoreWorld) -> Iterator[int]:
    """The number of a process that holds the write lock and is stopped."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(sqlite_world.database.path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    os.kill(process.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
    yield process.pid
    process.kill()
    process.stdout.close()
    process.wait()


def test_whoever_stands_still_in_a_write_is_named_until_it_goes_on(
    sqlite_world: StoreWorld, writer: int
) -> None:
    database = sqlite_world.database
    assert database.held_up_by() == f"process {writer}"
    # Reading goes on.
    assert sqlite_world.register.all(sqlite_world.agency_id) == []
    os.kill(writer, signal.SIGCONT)
    os.waitid(os.P_PID, writer, os.WCONTINUED)
    assert database.held_up_by() is None
    holder = holder_of(database.path)
    assert holder is not None
    assert str(holder) == f"process {writer}"


def test_a_write_that_waited_in_vain_names_it(
    sqlite_world: StoreWorld, writer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 50)
    database = Database(sqlite_world.database.path)
    with (
        pytest.raises(
            NothingHappened, match=f"process {writer}, which stands still, holds"
        ) as caught,
        database.transaction(),
    ):
        pytest.fail("the lock is held")
    assert caught.value.code == "STORE_UNAVAILABLE"
    database.close()


def test_nobody_is_named_where_nobody_writes(sqlite_world: StoreWorld, tmp_path: Path) -> None:
    assert sqlite_world.database.held_up_by() is None
    assert holder_of(sqlite_world.database.path) is None
    assert holder_of(tmp_path / "no.db") is None
    with sqlite_world.database.transaction():
        holder = holder_of(sqlite_world.database.path)
        assert holder is not None
        assert (holder.pid, holder.stands_still) == (os.getpid(), False)
        assert sqlite_world.database.held_up_by() is None

"""What a store in SQLite promises of its file. What holds on either database: test_database.py."""

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from notary.adapters.store.database import Database
from notary.adapters.store.sqlite import LOG_PAGES
from notary.errors import Contradiction, NothingHappened


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "notary.db")
    with database.transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE counters (id INTEGER PRIMARY KEY)")
    yield database
    database.close()


def test_a_missing_store_is_not_made_by_reading(tmp_path: Path) -> None:
    absent = Database(tmp_path / "absent.db")
    with pytest.raises(NothingHappened, match="no store"), absent.reading():
        pass
    with pytest.raises(NothingHappened, match="no store"):
        absent.row("SELECT 1")
    assert not absent.path.exists()


def test_the_file_is_private(database: Database) -> None:
    for file in database.path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_the_file_is_opened_as_promised(database: Database) -> None:
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "wal_autocheckpoint": LOG_PAGES,
    }
    with database.transaction() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in wanted}
    assert found == wanted


def test_a_damaged_file_is_a_contradiction(tmp_path: Path) -> None:
    path = tmp_path / "notary.db"
    path.write_bytes(b"This is no database." * 500)
    damaged = Database(path)
    with pytest.raises(Contradiction, match="restore"), damaged.transaction():
        pass
    damaged.close()


def test_a_lock_that_stays_is_reported_as_nothing_happened(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notary.adapters.store.sqlite.BUSY_TIMEOUT_MS", 50)
    holder = sqlite3.connect(database.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    late = Database(database.path)
    with pytest.raises(NothingHappened, match="locked"), late.transaction():
        pass
    holder.close()
    late.close()


def test_truncating_takes_the_old_bytes_off_the_disk(database: Database) -> None:
    canary = b"canary-7f3a-to-be-forgotten"
    with database.transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE notes (id INTEGER PRIMARY KEY, t BLOB)")
        connection.exec_driver_sql("INSERT INTO notes VALUES (1, ?)", (canary,))
    assert any(canary in file.read_bytes() for file in database.path.parent.iterdir())
    with database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM notes")
    database.forget_deleted()
    assert not any(canary in file.read_bytes() for file in database.path.parent.iterdir())


def test_the_size_is_that_of_the_file_once_the_log_is_in_it(database: Database) -> None:
    with database.transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE notes (id INTEGER PRIMARY KEY, t BLOB)")
        connection.exec_driver_sql("INSERT INTO notes VALUES (1, ?)", (bytes(200_000),))
    size = database.size()
    assert database.path.stat().st_size < 200_000 < size
    database.forget_deleted()
    assert database.path.stat().st_size == size

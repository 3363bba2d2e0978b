"""What a transaction of the store promises, on the real file."""

import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from notary.adapters.store.database import Database
from notary.errors import Contradiction, NothingHappened, OutcomeUnknown


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "notary.db")
    with database.transaction() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE counters (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)"
        )
        connection.exec_driver_sql("INSERT INTO counters VALUES (1, 0)")
    yield database
    database.close()


def count(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(text("SELECT n FROM counters")).scalar_one())


def test_two_connections_lose_no_update(database: Database) -> None:
    other = Database(database.path)

    def add(one: Database) -> None:
        for _ in range(100):
            with one.transaction() as connection:
                n = connection.execute(text("SELECT n FROM counters")).scalar_one()
                connection.execute(text("UPDATE counters SET n = :n"), {"n": n + 1})

    threads = [threading.Thread(target=add, args=(one,)) for one in (database, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert count(database) == 200


def test_an_exception_rolls_back(database: Database) -> None:
    def fail_half_way() -> None:
        with database.transaction() as connection:
            connection.exec_driver_sql("UPDATE counters SET n = 7")
            raise KeyError

    with pytest.raises(KeyError):
        fail_half_way()
    assert count(database) == 0


def test_reading_sees_one_state_while_another_writes(database: Database) -> None:
    with database.reading() as connection:
        before = connection.execute(text("SELECT n FROM counters")).scalar_one()
        with database.transaction() as writer:
            writer.exec_driver_sql("UPDATE counters SET n = 7")
        assert connection.execute(text("SELECT n FROM counters")).scalar_one() == before
    assert count(database) == 7


def test_reading_cannot_write(database: Database) -> None:
    with pytest.raises(NothingHappened, match="readonly"), database.reading() as connection:
        connection.exec_driver_sql("UPDATE counters SET n = 7")


def test_a_missing_store_is_not_made_by_reading(tmp_path: Path) -> None:
    absent = Database(tmp_path / "absent.db")
    with pytest.raises(NothingHappened, match="no store"), absent.reading():
        pass
    assert not absent.path.exists()


def test_the_file_is_private(database: Database) -> None:
    for file in database.path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_the_file_is_opened_as_promised(database: Database) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    with database.transaction() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in wanted}
    assert found == wanted


def test_a_broken_constraint_is_a_contradiction_and_shows_no_value(database: Database) -> None:
    with pytest.raises(Contradiction) as caught, database.transaction() as connection:
        connection.execute(text("INSERT INTO counters VALUES (1, :n)"), {"n": "canary"})
    assert caught.value.code == "STORE_INTEGRITY"
    assert "canary" not in f"{caught.value} {caught.value.__cause__}"
    assert count(database) == 0


def test_a_commit_that_fails_is_of_unknown_outcome(database: Database) -> None:
    with database.transaction() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE children (id INTEGER REFERENCES counters DEFERRABLE INITIALLY DEFERRED)"
        )

    def add_orphan() -> None:
        with database.transaction() as connection:
            connection.exec_driver_sql("UPDATE counters SET n = 7")
            # A deferred constraint is a way to make COMMIT itself fail.
            connection.exec_driver_sql("INSERT INTO children VALUES (99)")

    with pytest.raises(OutcomeUnknown, match="look before repeating"):
        add_orphan()
    assert count(database) == 0
    with database.transaction() as connection:
        connection.exec_driver_sql("UPDATE counters SET n = 8")
    assert count(database) == 8


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
    monkeypatch.setattr("notary.adapters.store.database.BUSY_TIMEOUT_MS", 50)
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
    database.truncate_wal()
    assert not any(canary in file.read_bytes() for file in database.path.parent.iterdir())

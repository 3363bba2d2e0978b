"""What a transaction of the store promises, on each database."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from notary.adapters.store.database import Database, driver_row
from notary.errors import Contradiction, NothingHappened, OutcomeUnknown


@pytest.fixture
def database(tmp_path: Path, store_uri: str | None) -> Iterator[Database]:
    database = Database(store_uri or tmp_path / "notary.db")
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
    other = Database(database.place)

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


def test_a_row_alone_is_the_newest_and_holds_no_view(database: Database) -> None:
    with database.transaction() as connection:
        connection.exec_driver_sql("INSERT INTO counters VALUES (2, 0), (3, 0)")
    for n in (1, 2):
        with database.transaction() as connection:
            connection.exec_driver_sql("UPDATE counters SET n = ?".replace("?", str(n)))
        # Of three rows two are left; a statement that went on would go on showing these.
        assert database.row("SELECT n FROM counters WHERE id > ?", (0,)) == (n,)
    assert database.row("SELECT n FROM counters WHERE id > ?", (3,)) is None
    # SQLite refuses this while a view is held.
    database.forget_deleted()


def test_a_row_that_can_not_be_asked_for_is_no_row(database: Database) -> None:
    with pytest.raises((NothingHappened, Contradiction), match="nothing_of_this_name"):
        database.row("SELECT n FROM nothing_of_this_name")
    assert database.row("SELECT n FROM counters") == (0,)


def test_reading_cannot_write(database: Database) -> None:
    with pytest.raises(NothingHappened, match=r"read-?only"), database.reading() as connection:
        connection.exec_driver_sql("UPDATE counters SET n = 7")


def test_a_broken_constraint_is_a_contradiction_and_shows_no_value(database: Database) -> None:
    with pytest.raises(Contradiction) as caught, database.transaction() as connection:
        connection.execute(text("INSERT INTO counters VALUES (1, :n)"), {"n": 746_251})
    assert caught.value.code == "STORE_INTEGRITY"
    assert "746251" not in f"{caught.value} {caught.value.__cause__}"
    assert count(database) == 0


def test_a_commit_that_fails_is_of_unknown_outcome(database: Database) -> None:
    with database.transaction() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE children (id INTEGER REFERENCES counters (id) DEFERRABLE INITIALLY DEFERRED)"
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


def test_a_view_begins_with_its_first_statement_and_a_writer_sees_the_newest(
    database: Database,
) -> None:
    """A writer that waited for the lock must not go on from what was there when it began to wait."""
    entered = threading.Event()

    def add_late() -> None:
        entered.set()
        with database.transaction() as connection:
            (n,) = driver_row(connection, "SELECT n FROM counters WHERE id = ?", (1,))
            connection.execute(text("UPDATE counters SET n = :n"), {"n": n + 1})

    late = threading.Thread(target=add_late)
    with database.transaction() as connection:
        late.start()
        entered.wait()
        connection.exec_driver_sql("UPDATE counters SET n = 10")
    late.join()
    assert count(database) == 11

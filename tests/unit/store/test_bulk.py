"""Many rows at once are the same rows on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from notary.adapters.store.bulk import MAX_VARIABLES, insert_rows, parts, rows_among
from notary.adapters.store.database import Database, driver_cursor
from notary.errors import Contradiction
from tests.simulators.store import empty_store

MANY = 2 * MAX_VARIABLES + 1


@pytest.fixture
def database(tmp_path: Path, store_uri: str | None) -> Iterator[Database]:
    found = empty_store(tmp_path, store_uri)
    yield found
    found.close()


def agencies(database: Database) -> list[tuple[object, ...]]:
    with database.reading() as connection:
        cursor = driver_cursor(connection)
        cursor.execute("SELECT agency_id, name, created_at_ms FROM agencies ORDER BY agency_id")
        return [tuple(row) for row in cursor.fetchall()]


def test_rows_of_texts_and_wide_integers_come_back(database: Database) -> None:
    rows = [(2**62, "Ä\N{SNOWMAN}", 2**63 - 1), (1, "", -(2**63))]
    with database.transaction() as connection:
        insert_rows(connection, "agencies", ("agency_id", "name", "created_at_ms"), rows)
    assert agencies(database) == sorted(rows)


def test_bytes_truth_and_null_come_back(database: Database) -> None:
    columns = (
        *("id", "size", "chain", "number", "authority", "wanted_at_ms", "due_at_ms", "tries"),
        *("given_up", "token", "until_ms"),
    )
    row = (1, 2, "a", 0, "b", 3, 4, 5, True, b"\0\xff\\x", None)
    with database.transaction() as connection:
        insert_rows(connection, "timestamp_tokens", columns, [row])
    with database.reading() as connection:
        found = driver_cursor(connection).execute(
            "SELECT given_up, token, until_ms FROM timestamp_tokens WHERE id = ?", (1,)
        )
        assert [tuple(one) for one in found] == [(True, b"\0\xff\\x", None)]


def test_a_row_that_is_there_already_undoes_all(database: Database) -> None:
    columns = ("agency_id", "name", "created_at_ms")

    def insert() -> None:
        with database.transaction() as connection:
            insert_rows(connection, "agencies", columns, [(1, "a", 0), (2, "b", 0), (1, "c", 0)])

    with pytest.raises(Contradiction) as caught:
        insert()
    assert caught.value.code == "STORE_INTEGRITY"
    assert agencies(database) == []


def test_rows_among_many_values_are_found_each_once(database: Database) -> None:
    columns = ("agency_id", "name", "created_at_ms")
    with database.transaction() as connection:
        insert_rows(
            connection, "agencies", columns, [(n, f"{n}", n % 2) for n in range(1, MANY + 1)]
        )
    asked = "SELECT agency_id FROM agencies WHERE created_at_ms = ? AND name"
    with database.reading() as connection:
        found = [
            row[0] for row in rows_among(connection, asked, (1,), [f"{n}" for n in range(MANY + 9)])
        ]
        assert list(rows_among(connection, asked, (1,), [])) == []
    assert sorted(found) == [n for n in range(1, MANY + 1) if n % 2]


def test_parts_are_all_values_in_order() -> None:
    values = list(range(MANY))
    assert [value for part in parts(values) for value in part] == values
    assert max(len(part) for part in parts(values)) == MAX_VARIABLES
    assert list(parts([])) == []

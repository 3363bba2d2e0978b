"""Many rows at once, by the way that each database is fast at.

SQLite takes a statement a row without a round trip; PostgreSQL takes COPY and arrays. Test:
tests/unit/store/test_bulk.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Boolean, LargeBinary

from notary.adapters.store.database import METADATA, Connection, driver_cursor, is_postgres

T = TypeVar("T")

MAX_VARIABLES = 500  # parameters of one statement: far below SQLite's limit, and one plan for most


def insert_rows(
    connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Append rows, each with the columns in that order."""
    cursor = driver_cursor(connection)
    named = ", ".join(columns)
    if not is_postgres(connection):
        marks = ", ".join("?" * len(columns))
        cursor.executemany(f"INSERT INTO {table} ({named}) VALUES ({marks})", rows)  # noqa: S608 - our own names
        return
    with cursor.copy(f"COPY {table} ({named}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(_types(table, tuple(columns)))
        for row in rows:
            copy.write_row(row)


def rows_among(
    connection: Connection, statement: str, fixed: tuple[Any, ...], values: Sequence[Any]
) -> Iterator[Any]:
    """The rows of a statement that ends with the column that is to be one of `values`."""
    cursor = driver_cursor(connection)
    if is_postgres(connection):
        yield from cursor.execute(f"{statement} = ANY(?)", (*fixed, list(values)))
        return
    for part in parts(values):
        marks = ",".join("?" * len(part))
        yield from cursor.execute(f"{statement} IN ({marks})", (*fixed, *part))


def parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in lists that a statement takes as parameters."""
    for at in range(0, len(values), MAX_VARIABLES):
        yield values[at : at + MAX_VARIABLES]


@lru_cache
def _types(table: str, columns: tuple[str, ...]) -> list[str]:
    """What PostgreSQL calls the columns' types: a binary COPY converts nothing."""
    declared = METADATA.tables[table].c
    return [_type_of(declared[name].type) for name in columns]


def _type_of(declared: Any) -> str:
    for kind, name in ((BigInteger, "int8"), (LargeBinary, "bytea"), (Boolean, "bool")):
        if isinstance(declared, kind):
            return name
    return "text"

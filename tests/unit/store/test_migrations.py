"""The migrations make exactly what the table classes declare."""

import re
import sqlite3
from pathlib import Path

import pytest

from notary.adapters.store.database import Database
from notary.adapters.store.migrations import require_current, upgrade
from notary.adapters.store.schema import METADATA
from notary.errors import CallerError
from tests.postgres import Server


def schema(path: Path) -> dict[str, tuple[str, ...]]:
    """Every statement of the schema by its object's name, split so that the order of constraints
    is free.
    """
    with sqlite3.connect(path) as connection:
        rows = connection.execute(
            "SELECT name, sql FROM sqlite_master"
            " WHERE sql IS NOT NULL AND name != 'alembic_version'"
        ).fetchall()
    connection.close()
    return {name: _parts(sql) for name, sql in rows}


def _parts(sql: str) -> tuple[str, ...]:
    # At commas outside of brackets: a column that was added later stands after the constraints, in no line
    # of its own.
    start, _, rest = re.sub(r"\s+", " ", sql).partition("(")
    body, _, end = rest.rpartition(")")
    parts, depth = [""], 0
    for letter in body:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    lines = [part.strip() for part in parts]
    columns = [line for line in lines if not line.startswith("CONSTRAINT")]
    constraints = sorted(line for line in lines if line.startswith("CONSTRAINT"))
    return (start.strip(), *columns, *constraints, end.strip())


def test_the_migrated_schema_is_the_declared_one(tmp_path: Path) -> None:
    migrated, declared = Database(tmp_path / "migrated.db"), Database(tmp_path / "declared.db")
    upgrade(migrated)
    with declared.transaction() as connection:
        METADATA.create_all(connection)
    migrated.close()
    declared.close()
    assert schema(migrated.path) == schema(declared.path)
    assert len(schema(migrated.path)) >= 12


# The one table that no class declares: alembic makes it, with a width that says nothing.
_CATALOG = """
    SELECT 'column', table_name, column_name, data_type, is_nullable, column_default
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name != 'alembic_version'
    UNION ALL
    SELECT 'index', tablename, indexname, indexdef, '', ''
    FROM pg_indexes WHERE schemaname = 'public' AND tablename != 'alembic_version'
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', ''
    FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text != 'alembic_version'
    ORDER BY 1, 2, 3
"""


def test_the_migrated_schema_is_the_declared_one_on_postgresql(
    postgres_store: str, postgres_server: Server
) -> None:
    migrated, declared = Database(postgres_store), Database(postgres_server.empty())
    with declared.transaction() as connection:
        METADATA.create_all(connection)
    found = []
    for one in (migrated, declared):
        with one.reading() as connection:
            found.append([tuple(row) for row in connection.exec_driver_sql(_CATALOG)])
        one.close()
    assert found[0] == found[1]
    assert len({row[1] for row in found[0] if row[0] == "column"}) >= 12
    postgres_server.drop(str(declared.place))


def test_upgrading_twice_changes_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "notary.db")
    upgrade(database)
    before = schema(database.path)
    upgrade(database)
    require_current(database)
    assert schema(database.path) == before
    database.close()


def test_a_store_without_schema_is_refused(tmp_path: Path) -> None:
    database = Database(tmp_path / "notary.db")
    with pytest.raises(CallerError, match="the schema is missing"):
        require_current(database)
    with database.transaction():
        pass
    with pytest.raises(CallerError, match="the schema is missing"):
        require_current(database)
    database.close()


def test_a_migration_that_fails_leaves_the_old_schema(tmp_path: Path) -> None:
    database = Database(tmp_path / "notary.db")
    with database.transaction() as connection:
        # The first migration creates `agencies` before it comes to `records`.
        connection.exec_driver_sql("CREATE TABLE records (x INTEGER)")
    with pytest.raises(Exception, match="records"):
        upgrade(database)
    assert list(schema(database.path)) == ["records"]
    database.close()

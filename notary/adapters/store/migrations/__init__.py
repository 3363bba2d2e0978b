"""The store's schema, step by step. `upgrade` brings a database to the newest step.

Test: tests/unit/store/test_migrations.py.
"""

from __future__ import annotations

from pathlib import Path

from notary.adapters.store.database import Connection, Database, driver_row, is_postgres
from notary.errors import CallerError, NothingHappened

HERE = Path(__file__).parent

# A name of the catalog, in the order in which people would look.
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
_POSTGRES_TABLES = (
    "SELECT relname FROM pg_catalog.pg_class WHERE relnamespace = current_schema()::regnamespace"
    " AND relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY relname"
)
_STEPS = "alembic_version"


def upgrade(database: Database, step: str = "head") -> None:
    """Bring the store to this version's schema, in one transaction: a crash leaves the old one.

    Another `step` than the newest is for tests, which begin with an older store. Raises CallerError
    STORE_FOREIGN if the database holds something else.
    """
    # Loaded here, because every command asks for the newest step and few take one: with the steps
    # themselves the library takes a fifth of a small command's time.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    with database.transaction() as connection:
        _require_ours(connection, database)
        config.attributes["connection"] = connection
        command.upgrade(config, step)


def newest_step() -> str:
    """The step to which `upgrade` brings a store, by the names of the modules that make the steps."""
    return max([path.stem[1:] for path in (HERE / "versions").glob("m[0-9]*.py")])


def require_current(database: Database) -> None:
    """Raise CallerError unless the store has exactly this version's schema."""
    wanted = newest_step()
    found = None
    try:
        with database.reading() as connection:
            if _STEPS in _tables(connection):
                found = _step_of(connection)
    except NothingHappened as error:
        if error.code != "STORE_MISSING":
            raise
    if found != wanted:
        raise CallerError(
            "STORE_SCHEMA",
            f"{database}: the schema is {found or 'missing'}, this version wants {wanted}. "
            "Run `notary init` with this version, or use the version that wrote the store.",
        )


def _require_ours(connection: Connection, database: Database) -> None:
    tables = _tables(connection)
    if not tables:
        return
    if _STEPS not in tables:
        raise CallerError(
            "STORE_FOREIGN",
            f"{database} holds something else: its table {tables[0]} is not of a store. Nothing was "
            "changed; give an empty database.",
        )
    found = _step_of(connection)
    known = {path.stem[1:] for path in (HERE / "versions").glob("m[0-9]*.py")}
    if found is not None and found not in known:
        raise CallerError(
            "STORE_FOREIGN",
            f"{database} is at step {found}, which this version does not know: a newer version or "
            "another program made it. Nothing was changed.",
        )


def _tables(connection: Connection) -> list[str]:
    listed = _POSTGRES_TABLES if is_postgres(connection) else _TABLES
    return [row[0] for row in connection.exec_driver_sql(listed)]


def _step_of(connection: Connection) -> str | None:
    row = driver_row(connection, "SELECT version_num FROM alembic_version")
    return None if row is None else str(row[0])

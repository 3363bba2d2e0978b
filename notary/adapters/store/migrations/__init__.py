"""The store's schema, step by step. `upgrade` brings a file to the newest step.

Test: tests/unit/store/test_migrations.py.
"""

from __future__ import annotations

from pathlib import Path

from notary.adapters.store.database import Connection, Database, driver_row
from notary.errors import CallerError

HERE = Path(__file__).parent


def upgrade(database: Database, step: str = "head") -> None:
    """Bring the store to this version's schema, in one transaction: a crash leaves the old one.

    Another `step` than the newest is for tests, which begin with an older store.
    """
    # Loaded here, because every command asks for the newest step and few take one: with the steps
    # themselves the library takes a fifth of a small command's time.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    with database.transaction() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, step)


def newest_step() -> str:
    """The step to which `upgrade` brings a store, by the names of the modules that make the steps."""
    return max([path.stem[1:] for path in (HERE / "versions").glob("m[0-9]*.py")])


def require_current(database: Database) -> None:
    """Raise CallerError unless the store has exactly this version's schema."""
    wanted = newest_step()
    found = None
    if database.path.exists():
        with database.reading() as connection:
            found = _step_of(connection)
    if found != wanted:
        raise CallerError(
            "STORE_SCHEMA",
            f"{database.path}: the schema is {found or 'missing'}, this version wants {wanted}. "
            "Run `notary init` with this version, or use the version that wrote the store.",
        )


def _step_of(connection: Connection) -> str | None:
    table = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
    if driver_row(connection, table) is None:
        return None
    row = driver_row(connection, "SELECT version_num FROM alembic_version")
    return None if row is None else str(row[0])

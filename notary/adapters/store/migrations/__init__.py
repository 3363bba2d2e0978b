"""The store's schema, step by step. `upgrade` brings a file to the newest step.

Test: tests/unit/store/test_migrations.py.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from notary.adapters.store.database import Database
from notary.errors import CallerError

HERE = Path(__file__).parent


def upgrade(database: Database) -> None:
    """Bring the store to this version's schema, in one transaction: a crash leaves the old one."""
    with database.transaction() as connection:
        command.upgrade(_config(connection), "head")


def require_current(database: Database) -> None:
    """Raise CallerError unless the store has exactly this version's schema."""
    wanted = ScriptDirectory(str(HERE)).get_current_head()
    found = None
    if database.path.exists():
        with database.reading() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
    if found != wanted:
        raise CallerError(
            "STORE_SCHEMA",
            f"{database.path}: the schema is {found or 'missing'}, this version wants {wanted}. "
            "Run `notary init` with this version, or use the version that wrote the store.",
        )


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config

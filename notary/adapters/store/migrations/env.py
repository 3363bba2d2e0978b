"""What alembic runs: the migrations on the connection that `upgrade` hands over, in its
transaction.
"""

from alembic import context

from notary.adapters.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # SQLite's schema changes are transactional, and the caller's transaction holds them all.
    transactional_ddl=True,
)
context.run_migrations()

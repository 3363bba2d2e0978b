"""Messages whose signatures are to be checked."""

import sqlalchemy as sa
from alembic import op

from notary.adapters.store.database import BIG, only_where

revision = "0014_dkim_checks"
down_revision = "0013_users"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "dkim_checks",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agency_id", BIG, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("wanted_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("tries", BIG, nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dkim_checks")),
        sa.UniqueConstraint("agency_id", "key", name=op.f("uq_dkim_checks_agency_id_key")),
    )
    op.create_index(
        "ix_dkim_checks_due",
        "dkim_checks",
        ["due_at_ms"],
        **only_where("due_at_ms IS NOT NULL"),
    )

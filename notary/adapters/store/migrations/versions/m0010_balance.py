"""What the log's account had when the chain was last asked."""

import sqlalchemy as sa
from alembic import op

from notary.adapters.store.database import BIG

revision = "0010_balance"
down_revision = "0009_notices"


def upgrade() -> None:
    """Create the table of one row."""
    op.create_table(
        "balance",
        sa.Column("id", BIG, nullable=False),
        sa.Column("wei", sa.String(), nullable=False),
        sa.Column("seen_at_ms", BIG, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_balance_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balance")),
    )

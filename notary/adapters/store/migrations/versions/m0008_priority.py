"""The request to anchor at once."""

import sqlalchemy as sa
from alembic import op

from notary.adapters.store.database import BIG

revision = "0008_priority"
down_revision = "0007_costs"


def upgrade() -> None:
    """Create the table of one row."""
    op.create_table(
        "priority",
        sa.Column("id", BIG, nullable=False),
        sa.Column("group_id", BIG, nullable=False),
        sa.Column("asked_at_ms", BIG, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_priority_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_priority")),
    )

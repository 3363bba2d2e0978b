"""The worker's sign of life."""

import sqlalchemy as sa
from alembic import op

from notary.adapters.store.database import BIG

revision = "0004_pulse"
down_revision = "0003_imports"


def upgrade() -> None:
    """Create the table of one row."""
    op.create_table(
        "pulse",
        sa.Column("id", BIG, nullable=False),
        sa.Column("seen_at_ms", BIG, nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pulse")),
    )

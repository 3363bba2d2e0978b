"""When the store was restored, and whether it was compared with the chain since."""

import sqlalchemy as sa
from alembic import op

from notary.adapters.store.database import BIG

revision = "0005_restorations"
down_revision = "0004_pulse"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "restorations",
        sa.Column("generation", BIG, nullable=False),
        sa.Column("restored_at_ms", BIG, nullable=False),
        sa.Column("backup_made_at_ms", BIG, nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("compared_at_ms", BIG, nullable=True),
        sa.PrimaryKeyConstraint("generation", name=op.f("pk_restorations")),
    )

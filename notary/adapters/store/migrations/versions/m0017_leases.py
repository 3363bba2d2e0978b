"""The lease of the one worker, and who stands by."""

import sqlalchemy as sa
from alembic import op

from notary.adapters.store.database import BIG

revision = "0017_leases"
down_revision = "0016_custody"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "leases",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("until_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_leases")),
    )
    op.create_table(
        "standbys",
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("until_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("holder", name=op.f("pk_standbys")),
    )

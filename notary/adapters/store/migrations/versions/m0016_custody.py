"""Records of custody that could not enter the log yet."""

import sqlalchemy as sa
from alembic import op

from notary.adapters.store.database import BIG

revision = "0016_custody"
down_revision = "0015_sources"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "held_custody",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agency_id", BIG, nullable=False),
        sa.Column("matter_key", sa.LargeBinary(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column("sealed_claims", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agencies.agency_id"], name=op.f("fk_held_custody_agency_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held_custody")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_held_custody_idempotency_key")),
    )
    op.create_index(
        op.f("ix_held_custody_agency_id_matter_key"), "held_custody", ["agency_id", "matter_key"]
    )

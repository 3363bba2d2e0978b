"""Who made, changed or ended users and keys, from now on."""

import sqlalchemy as sa
from alembic import op

from notary.adapters.store.database import BIG

revision = "0019_people_acts"
down_revision = "0018_exports"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "people_acts",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agency_id", BIG, nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("key_id", BIG, nullable=True),
        sa.Column("roles", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agencies.agency_id"], name=op.f("fk_people_acts_agency_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people_acts")),
    )
    op.create_index(op.f("ix_people_acts_agency_id_id"), "people_acts", ["agency_id", "id"])

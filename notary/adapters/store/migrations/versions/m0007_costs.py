"""What each transaction of the sender cost."""

import sqlalchemy as sa
from alembic import op

from notary.adapters.store.database import BIG

revision = "0007_costs"
down_revision = "0006_key_sets"


def upgrade() -> None:
    """Create the table. What was paid before is not known; it leaves the day's sum within a day."""
    op.create_table(
        "costs",
        sa.Column("intent_id", BIG, nullable=False),
        sa.Column("block_time", BIG, nullable=False),
        sa.Column("wei", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("intent_id", name=op.f("pk_costs")),
        sa.ForeignKeyConstraint(["intent_id"], ["intents.id"], name=op.f("fk_costs_intent_id")),
    )
    op.create_index(op.f("ix_costs_block_time"), "costs", ["block_time"])

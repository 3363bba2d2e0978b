"""The endpoints as they were last met, and what became of released as-of proofs."""

import sqlalchemy as sa
from alembic import op

from notary.adapters.store.database import BIG

revision = "0011_endpoints"
down_revision = "0010_balance"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "endpoints",
        sa.Column("place", BIG, nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("condition", sa.String(), nullable=False),
        sa.Column("since_ms", BIG, nullable=False),
        sa.Column("behind", BIG, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_endpoints")),
    )
    op.create_table(
        "as_of_words",
        sa.Column("as_of_id", BIG, nullable=False),
        sa.Column("said", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["as_of_id"], ["as_ofs.id"], name=op.f("fk_as_of_words_as_of_id")),
        sa.PrimaryKeyConstraint("as_of_id", name=op.f("pk_as_of_words")),
    )
    op.create_table(
        "as_of_orphans",
        sa.Column("as_of_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["as_of_id"], ["as_ofs.id"], name=op.f("fk_as_of_orphans_as_of_id")
        ),
        sa.PrimaryKeyConstraint("as_of_id", name=op.f("pk_as_of_orphans")),
    )

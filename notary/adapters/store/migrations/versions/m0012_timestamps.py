"""Time-stamp tokens, wanted and kept."""

import sqlalchemy as sa
from alembic import op

from notary.adapters.store.database import BIG, only_where

revision = "0012_timestamps"
down_revision = "0011_endpoints"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "timestamp_tokens",
        sa.Column("id", BIG, nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("chain", sa.String(), nullable=False),
        sa.Column("number", BIG, nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("wanted_at_ms", BIG, nullable=False),
        sa.Column("due_at_ms", BIG, nullable=False),
        sa.Column("tries", BIG, nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("given_up", sa.Boolean(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.Column("gen_time_ms", BIG, nullable=True),
        sa.Column("until_ms", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timestamp_tokens")),
        sa.UniqueConstraint(
            "size", "chain", "number", name=op.f("uq_timestamp_tokens_size_chain_number")
        ),
    )
    op.create_index(
        "ix_timestamp_tokens_open",
        "timestamp_tokens",
        ["authority"],
        **only_where("token IS NULL"),
    )
    op.create_index("ix_timestamp_tokens_until", "timestamp_tokens", ["until_ms"])

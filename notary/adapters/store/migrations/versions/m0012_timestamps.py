"""Time-stamp tokens, wanted and kept."""

import sqlalchemy as sa
from alembic import op

revision = "0012_timestamps"
down_revision = "0011_endpoints"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "timestamp_tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("chain", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("wanted_at_ms", sa.Integer(), nullable=False),
        sa.Column("due_at_ms", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("given_up", sa.Boolean(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.Column("gen_time_ms", sa.Integer(), nullable=True),
        sa.Column("until_ms", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timestamp_tokens")),
        sa.UniqueConstraint(
            "size", "chain", "number", name=op.f("uq_timestamp_tokens_size_chain_number")
        ),
    )
    op.create_index(
        "ix_timestamp_tokens_open",
        "timestamp_tokens",
        ["authority"],
        sqlite_where=sa.text("token IS NULL"),
    )
    op.create_index("ix_timestamp_tokens_until", "timestamp_tokens", ["until_ms"])

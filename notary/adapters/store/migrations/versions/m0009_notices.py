"""Alarms that came and went, and what receivers still have to be told of it."""

import sqlalchemy as sa
from alembic import op

from notary.adapters.store.database import BIG

revision = "0009_notices"
down_revision = "0008_priority"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "alarm_events",
        sa.Column("id", BIG, nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("change", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("since_ms", BIG, nullable=False),
        sa.Column("seen_at_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_events")),
        sa.UniqueConstraint("message_id", name=op.f("uq_alarm_events_message_id")),
    )
    op.create_index(op.f("ix_alarm_events_code"), "alarm_events", ["code"])
    op.create_table(
        "notices",
        sa.Column("event_id", BIG, nullable=False),
        sa.Column("receiver", sa.String(), nullable=False),
        sa.Column("tries", BIG, nullable=False),
        sa.Column("next_at_ms", BIG, nullable=False),
        sa.Column("given_up", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "receiver", name=op.f("pk_notices")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["alarm_events.id"], name=op.f("fk_notices_event_id")
        ),
    )
    op.create_index("ix_notices_due", "notices", ["receiver", "next_at_ms"])

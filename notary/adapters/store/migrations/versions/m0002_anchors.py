"""The sender: intents, attempts, legs, as-of proofs, and what it keeps of the chain."""

import sqlalchemy as sa
from alembic import op

from notary.adapters.store.database import BIG, only_where

revision = "0002_anchors"
down_revision = "0001_intake"

UNSENT = (
    "state IN ('SEALED', 'RESERVED', 'SIGNED')"
    " OR (state = 'HELD' AND resume IN ('SEALED', 'RESERVED', 'SIGNED'))"
)


def upgrade() -> None:
    """Create the sender's tables."""
    op.create_table(
        "intents",
        sa.Column("id", BIG, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("chain_id", BIG, nullable=False),
        sa.Column("contract", sa.LargeBinary(), nullable=False),
        sa.Column("log_address", sa.LargeBinary(), nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", BIG, nullable=True),
        sa.Column("prev", sa.LargeBinary(), nullable=True),
        sa.Column("block_number", BIG, nullable=True),
        sa.Column("block_hash", sa.LargeBinary(), nullable=True),
        sa.Column("block_time", BIG, nullable=True),
        sa.Column("tx_hash", sa.LargeBinary(), nullable=True),
        sa.Column("number", BIG, nullable=True),
        sa.Column("head", sa.LargeBinary(), nullable=True),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("resume", sa.String(), nullable=True),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intents")),
        sa.UniqueConstraint("number", name=op.f("uq_intents_number")),
        sa.UniqueConstraint("head", name=op.f("uq_intents_head")),
    )
    op.create_index(
        "uq_intents_unsent",
        "intents",
        ["log_address"],
        unique=True,
        **only_where(UNSENT),
    )
    op.create_index(
        "ix_intents_open",
        "intents",
        ["id"],
        **only_where("state != 'PROVED' AND NOT closed"),
    )
    op.create_table(
        "attempts",
        sa.Column("intent_id", BIG, nullable=False),
        sa.Column("place", BIG, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("gas_limit", BIG, nullable=False),
        sa.Column("max_fee", BIG, nullable=False),
        sa.Column("priority_fee", BIG, nullable=False),
        sa.Column("first_sent_at_ms", BIG, nullable=True),
        sa.PrimaryKeyConstraint("intent_id", "place", name=op.f("pk_attempts")),
        sa.UniqueConstraint("hash", name=op.f("uq_attempts_hash")),
        sa.ForeignKeyConstraint(["intent_id"], ["intents.id"], name=op.f("fk_attempts_intent_id")),
    )
    op.create_table(
        "legs",
        sa.Column("intent_id", BIG, nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("tx_index", BIG, nullable=False),
        sa.Column("tx", sa.LargeBinary(), nullable=False),
        sa.Column("tx_proof", sa.LargeBinary(), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=False),
        sa.Column("receipt_proof", sa.LargeBinary(), nullable=False),
        sa.Column("log_index", BIG, nullable=False),
        sa.PrimaryKeyConstraint("intent_id", name=op.f("pk_legs")),
        sa.ForeignKeyConstraint(["intent_id"], ["intents.id"], name=op.f("fk_legs_intent_id")),
    )
    op.create_table(
        "as_ofs",
        sa.Column("id", BIG, nullable=False),
        sa.Column("block_number", BIG, nullable=False),
        sa.Column("block_hash", sa.LargeBinary(), nullable=False),
        sa.Column("block_time", BIG, nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("anchors", BIG, nullable=False),
        sa.Column("account_proof", sa.LargeBinary(), nullable=False),
        sa.Column("storage_proof", sa.LargeBinary(), nullable=False),
        sa.Column("taken_at_ms", BIG, nullable=False),
        sa.Column("released", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_as_ofs")),
        sa.UniqueConstraint("block_hash", name=op.f("uq_as_ofs_block_hash")),
    )
    op.create_index("ix_as_ofs_released", "as_ofs", ["block_number"], **only_where("released"))
    op.create_index("ix_as_ofs_pending", "as_ofs", ["block_number"], **only_where("NOT released"))
    op.create_table(
        "chain_pin",
        sa.Column("id", BIG, nullable=False),
        sa.Column("chain_id", BIG, nullable=False),
        sa.Column("genesis_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chain_pin")),
        sa.CheckConstraint("id = 1", name=op.f("ck_chain_pin_one_row")),
    )
    op.create_table(
        "recent_block",
        sa.Column("id", BIG, nullable=False),
        sa.Column("chain_id", BIG, nullable=False),
        sa.Column("number", BIG, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recent_block")),
        sa.CheckConstraint("id = 1", name=op.f("ck_recent_block_one_row")),
    )
    op.create_table(
        "sender_alarms",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("since_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_sender_alarms")),
    )

"""Intake and sealing: agencies, matters, records, receipts, batches and the matter map."""

import sqlalchemy as sa
from alembic import op

from notary.adapters.store.database import BIG

revision = "0001_intake"
down_revision = None


def upgrade() -> None:
    """Create the first tables."""
    op.create_table(
        "log",
        sa.Column("id", BIG, nullable=False),
        sa.Column("chain_id", BIG, nullable=False),
        sa.Column("contract", sa.LargeBinary(), nullable=False),
        sa.Column("log_address", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("wrapped_lookup_secret", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped_map_secret", sa.LargeBinary(), nullable=False),
        sa.Column("checkpoint_vkey", sa.String(), nullable=False),
        sa.Column("next_checkpoint_vkey", sa.String(), nullable=False),
        sa.Column("receipt_vkey", sa.String(), nullable=False),
        sa.Column("created_at_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log")),
        sa.CheckConstraint("id = 1", name=op.f("ck_log_one_row")),
    )
    op.create_table(
        "agencies",
        sa.Column("agency_id", BIG, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("agency_id", name=op.f("pk_agencies")),
        sa.UniqueConstraint("name", name=op.f("uq_agencies_name")),
    )
    op.create_table(
        "tokens",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agency_id", BIG, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("created_at_ms", BIG, nullable=False),
        sa.Column("revoked_at_ms", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agencies.agency_id"], name=op.f("fk_tokens_agency_id")
        ),
    )
    op.create_index(op.f("ix_tokens_agency_id"), "tokens", ["agency_id"])
    op.create_table(
        "matters",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agency_id", BIG, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("wrapped_secret", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_title", sa.LargeBinary(), nullable=False),
        sa.Column("created_at_ms", BIG, nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matters")),
        sa.UniqueConstraint("agency_id", "id", name=op.f("uq_matters_agency_id_id")),
        sa.UniqueConstraint("key", name=op.f("uq_matters_key")),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agencies.agency_id"], name=op.f("fk_matters_agency_id")
        ),
    )
    op.create_table(
        "pending_heads",
        sa.Column("agency_id", BIG, nullable=False),
        sa.Column("matter_id", BIG, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_size", BIG, nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("agency_id", "matter_id", name=op.f("pk_pending_heads")),
        sa.ForeignKeyConstraint(
            ["agency_id", "matter_id"],
            ["matters.agency_id", "matters.id"],
            name=op.f("fk_pending_heads_agency_id_matter_id"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "accounts",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agency_id", BIG, nullable=False),
        sa.Column("matter_id", BIG, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_spelling", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("agency_id", "digest", name=op.f("uq_accounts_agency_id_digest")),
        sa.ForeignKeyConstraint(
            ["agency_id", "matter_id"],
            ["matters.agency_id", "matters.id"],
            name=op.f("fk_accounts_agency_id_matter_id"),
        ),
    )
    op.create_index(op.f("ix_accounts_agency_id_matter_id"), "accounts", ["agency_id", "matter_id"])
    op.create_table(
        "receipt_groups",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agency_id", BIG, nullable=False),
        sa.Column("received_at_ms", BIG, nullable=False),
        sa.Column("deadline_ms", BIG, nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("leaf_hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt_groups")),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agencies.agency_id"], name=op.f("fk_receipt_groups_agency_id")
        ),
    )
    op.create_table(
        "records",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agency_id", BIG, nullable=False),
        sa.Column("matter_id", BIG, nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("group_id", BIG, nullable=False),
        sa.Column("group_index", BIG, nullable=False),
        sa.Column("idempotency_digest", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("head_root", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped_secret", sa.LargeBinary(), nullable=True),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_values", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_records")),
        sa.UniqueConstraint(
            "agency_id", "idempotency_digest", name=op.f("uq_records_agency_id_idempotency_digest")
        ),
        sa.UniqueConstraint(
            "agency_id",
            "matter_id",
            "position",
            name=op.f("uq_records_agency_id_matter_id_position"),
        ),
        sa.ForeignKeyConstraint(
            ["agency_id", "matter_id"],
            ["matters.agency_id", "matters.id"],
            name=op.f("fk_records_agency_id_matter_id"),
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["receipt_groups.id"], name=op.f("fk_records_group_id")
        ),
    )
    op.create_table(
        "attachments",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agency_id", BIG, nullable=False),
        sa.Column("record_id", BIG, nullable=False),
        sa.Column("number", BIG, nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
        sa.UniqueConstraint(
            "agency_id",
            "record_id",
            "number",
            name=op.f("uq_attachments_agency_id_record_id_number"),
        ),
        sa.UniqueConstraint("name", name=op.f("uq_attachments_name")),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agencies.agency_id"], name=op.f("fk_attachments_agency_id")
        ),
        sa.ForeignKeyConstraint(
            ["record_id"], ["records.id"], name=op.f("fk_attachments_record_id")
        ),
    )
    op.create_table(
        "batches",
        sa.Column("id", BIG, nullable=False),
        sa.Column("sealed_at_ms", BIG, nullable=False),
        sa.Column("last_group_id", BIG, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("map_root", sa.LargeBinary(), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("checkpoint", sa.String(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("not_before_header", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    op.create_table(
        "delta_files",
        sa.Column("batch", BIG, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("batch", name=op.f("pk_delta_files")),
        sa.ForeignKeyConstraint(["batch"], ["batches.id"], name=op.f("fk_delta_files_batch")),
    )
    op.create_table(
        "heads",
        sa.Column("agency_id", BIG, nullable=False),
        sa.Column("matter_id", BIG, nullable=False),
        sa.Column("batch", BIG, nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("agency_id", "matter_id", "batch", name=op.f("pk_heads")),
        sa.ForeignKeyConstraint(
            ["agency_id", "matter_id"],
            ["matters.agency_id", "matters.id"],
            name=op.f("fk_heads_agency_id_matter_id"),
        ),
        sa.ForeignKeyConstraint(["batch"], ["batches.id"], name=op.f("fk_heads_batch")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "map_pages",
        sa.Column("id", BIG, nullable=False),
        sa.Column("prefix", sa.LargeBinary(), nullable=False),
        sa.Column("batch", BIG, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_map_pages")),
        sa.UniqueConstraint("prefix", "batch", name=op.f("uq_map_pages_prefix_batch")),
        sa.ForeignKeyConstraint(["batch"], ["batches.id"], name=op.f("fk_map_pages_batch")),
    )

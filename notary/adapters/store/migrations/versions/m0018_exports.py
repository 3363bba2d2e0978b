"""Exports that were ordered, and the packages that are kept for them."""

import sqlalchemy as sa
from alembic import op

from notary.adapters.store.database import BIG

revision = "0018_exports"
down_revision = "0017_leases"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "export_jobs",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agency_id", BIG, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("matter_key", sa.LargeBinary(), nullable=False),
        sa.Column("idempotency_digest", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_order", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_ms", BIG, nullable=False),
        sa.Column("due_ms", BIG, nullable=False),
        sa.Column("holder", sa.LargeBinary(), nullable=True),
        sa.Column("attempts", BIG, nullable=False),
        sa.Column("done", BIG, nullable=False),
        sa.Column("total", BIG, nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("package_salt", sa.LargeBinary(), nullable=True),
        sa.Column("object_name", sa.LargeBinary(), nullable=True),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("expires_ms", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agencies.agency_id"], name=op.f("fk_export_jobs_agency_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_jobs")),
        sa.UniqueConstraint("name", name=op.f("uq_export_jobs_name")),
        sa.UniqueConstraint(
            "agency_id",
            "idempotency_digest",
            name=op.f("uq_export_jobs_agency_id_idempotency_digest"),
        ),
    )
    op.create_index(op.f("ix_export_jobs_matter_key"), "export_jobs", ["matter_key"])

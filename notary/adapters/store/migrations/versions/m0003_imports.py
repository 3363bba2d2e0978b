"""Importing: layouts of originals, kept stretches, rows that wait, marks of events."""

import sqlalchemy as sa
from alembic import op

from notary.adapters.store.database import BIG, only_where

revision = "0003_imports"
down_revision = "0002_anchors"


def upgrade() -> None:
    """Create the tables of importing."""
    op.create_table(
        "import_layouts",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agency_id", BIG, nullable=False),
        sa.Column("file_digest", sa.LargeBinary(), nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_layouts")),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agencies.agency_id"], name=op.f("fk_import_layouts_agency_id")
        ),
    )
    op.create_index(
        op.f("ix_import_layouts_agency_id_file_digest"),
        "import_layouts",
        ["agency_id", "file_digest"],
    )
    op.create_table(
        "import_pieces",
        sa.Column("layout_id", BIG, nullable=False),
        sa.Column("place", BIG, nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("layout_id", "place", name=op.f("pk_import_pieces")),
        sa.ForeignKeyConstraint(
            ["layout_id"], ["import_layouts.id"], name=op.f("fk_import_pieces_layout_id")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "import_kept",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agency_id", BIG, nullable=False),
        sa.Column("layout_id", BIG, nullable=False),
        sa.Column("idempotency_digest", sa.LargeBinary(), nullable=True),
        sa.Column("wrapped_secret", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_content", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_kept")),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agencies.agency_id"], name=op.f("fk_import_kept_agency_id")
        ),
        sa.ForeignKeyConstraint(
            ["layout_id"], ["import_layouts.id"], name=op.f("fk_import_kept_layout_id")
        ),
    )
    op.create_index(op.f("ix_import_kept_layout_id"), "import_kept", ["layout_id"])
    op.create_index(
        "ix_import_kept_record",
        "import_kept",
        ["agency_id", "idempotency_digest"],
        **only_where("idempotency_digest IS NOT NULL"),
    )
    op.create_table(
        "unassigned",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agency_id", BIG, nullable=False),
        sa.Column("idempotency_digest", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped_secret", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_row", sa.LargeBinary(), nullable=True),
        sa.Column("record_id", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unassigned")),
        sa.UniqueConstraint(
            "agency_id",
            "idempotency_digest",
            name=op.f("uq_unassigned_agency_id_idempotency_digest"),
        ),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agencies.agency_id"], name=op.f("fk_unassigned_agency_id")
        ),
        sa.ForeignKeyConstraint(
            ["record_id"], ["records.id"], name=op.f("fk_unassigned_record_id")
        ),
    )
    op.create_index(
        "ix_unassigned_waiting",
        "unassigned",
        ["agency_id", "id"],
        **only_where("record_id IS NULL"),
    )
    op.create_table(
        "import_marks",
        sa.Column("agency_id", BIG, nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=False),
        sa.Column("matter_key", sa.LargeBinary(), nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("agency_id", "identity", name=op.f("pk_import_marks")),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agencies.agency_id"], name=op.f("fk_import_marks_agency_id")
        ),
        sqlite_with_rowid=False,
    )

"""Sources and the entries of their logs."""

import sqlalchemy as sa
from alembic import op

from notary.adapters.store.database import BIG

revision = "0015_sources"
down_revision = "0014_dkim_checks"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "sources",
        sa.Column("matter_id", BIG, nullable=False),
        sa.Column("agency_id", BIG, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agency_id", "matter_id"],
            ["matters.agency_id", "matters.id"],
            name=op.f("fk_sources_agency_id_matter_id"),
        ),
        sa.PrimaryKeyConstraint("matter_id", name=op.f("pk_sources")),
        sa.UniqueConstraint("agency_id", "name", name=op.f("uq_sources_agency_id_name")),
    )
    op.create_table(
        "source_entries",
        sa.Column("matter_id", BIG, nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["matter_id"], ["sources.matter_id"], name=op.f("fk_source_entries_matter_id")
        ),
        sa.PrimaryKeyConstraint("matter_id", "position", name=op.f("pk_source_entries")),
        sqlite_with_rowid=False,
    )

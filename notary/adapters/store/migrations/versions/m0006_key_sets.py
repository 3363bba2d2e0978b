"""Key sets by digest, and the two with which the log was made in place of single keys."""

import sqlalchemy as sa
from alembic import op

from notary.adapters.store.database import BIG
from notary.errors import CallerError

revision = "0006_key_sets"
down_revision = "0005_restorations"


def upgrade() -> None:
    """Make the tables. Raises CallerError STORE_OF_DRAFT for a store that has a log.

    Its headers list keys one by one, in the form of a draft before 1.0 that nothing reads any more.
    """
    if op.get_bind().execute(sa.text("SELECT count(*) FROM log")).scalar_one():
        raise CallerError(
            "STORE_OF_DRAFT",
            "this store was made by a draft of the format, before key sets; it can't be carried over. "
            "Make a new service, or use the version that made this one.",
        )
    op.drop_table("log")
    op.create_table(
        "log",
        sa.Column("id", BIG, nullable=False),
        sa.Column("chain_id", BIG, nullable=False),
        sa.Column("contract", sa.LargeBinary(), nullable=False),
        sa.Column("log_address", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("wrapped_lookup_secret", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped_map_secret", sa.LargeBinary(), nullable=False),
        sa.Column("first_keys", sa.LargeBinary(), nullable=False),
        sa.Column("second_keys", sa.LargeBinary(), nullable=False),
        sa.Column("created_at_ms", BIG, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_log_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log")),
    )
    op.create_table(
        "key_sets",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("first_batch", BIG, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_key_sets")),
        sa.UniqueConstraint("first_batch", name=op.f("uq_key_sets_first_batch")),
    )

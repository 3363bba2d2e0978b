"""Where the numbers of rows that wait are set aside.

What waits already has null there: `notary work` sets its numbers aside when it starts.
"""

import sqlalchemy as sa
from alembic import op

from notary.adapters.store.database import BIG

revision = "0020_asides"
down_revision = "0019_people_acts"


def upgrade() -> None:
    """Add the column."""
    op.add_column("unassigned", sa.Column("aside_at", BIG, nullable=True))

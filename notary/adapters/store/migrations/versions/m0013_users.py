"""Users and their API keys, in place of the tokens of an agency, which stay valid.

Every agency that has a token gets one user with all roles, without a name, and its tokens become that
user's keys: what they opened they still open.
"""

import base64
import secrets

import sqlalchemy as sa
from alembic import op

from notary.adapters.store.database import BIG

revision = "0013_users"
down_revision = "0012_timestamps"

ALL_ROLES = "auditor counsel operator privacy-officer submitter"  # as they were named then


def upgrade() -> None:
    """Create the tables, and move the tokens into them."""
    op.create_table(
        "users",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agency_id", BIG, nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("name_digest", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_name", sa.LargeBinary(), nullable=True),
        sa.Column("roles", sa.String(), nullable=False),
        sa.Column("created_at_ms", BIG, nullable=False),
        sa.Column("disabled_at_ms", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agencies.agency_id"], name=op.f("fk_users_agency_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("agency_id", "id", name=op.f("uq_users_agency_id_id")),
        sa.UniqueConstraint(
            "agency_id", "name_digest", name=op.f("uq_users_agency_id_name_digest")
        ),
        sa.UniqueConstraint("handle", name=op.f("uq_users_handle")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agency_id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("roles", sa.String(), nullable=False),
        sa.Column("created_at_ms", BIG, nullable=False),
        sa.Column("expires_at_ms", BIG, nullable=True),
        sa.Column("revoked_at_ms", BIG, nullable=True),
        sa.Column("used_day", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["agency_id", "user_id"],
            ["users.agency_id", "users.id"],
            name=op.f("fk_api_keys_agency_id_user_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
    )
    op.create_index(op.f("ix_api_keys_agency_id_user_id"), "api_keys", ["agency_id", "user_id"])
    _move_tokens()
    op.drop_table("tokens")


def _move_tokens() -> None:
    connection = op.get_bind()
    agencies = connection.execute(
        sa.text("SELECT agency_id, min(created_at_ms) FROM tokens GROUP BY agency_id")
    ).all()
    for agency_id, created_at_ms in agencies:
        handle = "u" + base64.b32encode(secrets.token_bytes(10)).decode().lower()
        connection.execute(
            sa.text(
                "INSERT INTO users (agency_id, handle, roles, created_at_ms)"
                " VALUES (:agency_id, :handle, :roles, :created_at_ms)"
            ),
            {
                "agency_id": agency_id,
                "handle": handle,
                "roles": ALL_ROLES,
                "created_at_ms": created_at_ms,
            },
        )
        # The beginning of an old token is nowhere: only its digest was kept.
        connection.execute(
            sa.text(
                "INSERT INTO api_keys (agency_id, user_id, digest, prefix, label, roles,"
                " created_at_ms, revoked_at_ms)"
                " SELECT t.agency_id, u.id, t.digest, 'nt_', t.label, :roles,"
                " t.created_at_ms, t.revoked_at_ms"
                " FROM tokens t JOIN users u ON u.agency_id = t.agency_id"
                " WHERE t.agency_id = :agency_id ORDER BY t.id"
            ),
            {"agency_id": agency_id, "roles": ALL_ROLES},
        )

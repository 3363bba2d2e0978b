"""The tables of intake and sealing.

Personal data stands here only sealed (docs/design/0001-storage-encryption.md); what must be looked
up is a keyed digest. `agency_id` is in every table that belongs to an agency, and in its unique
keys. The log, its batches and the pages of its map belong to the log as a whole: one log may serve
several agencies.

Row identifiers are sequences: rows are appended in order, and random keys would scatter the
writes. Times are milliseconds since 1970-01-01T00:00:00Z. Test:
tests/unit/store/test_migrations.py.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field

from notary.adapters.store.database import Row

# Small rows under a key that is always asked for as a whole need no second B-tree.
WITHOUT_ROWID: dict[str, Any] = {"sqlite_with_rowid": False}


class LogRow(Row, table=True):
    """The one log of this store: what it is called, and the key sets that its first header names."""

    __tablename__ = "log"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(primary_key=True)
    chain_id: int
    contract: bytes
    log_address: bytes
    name: str
    wrapped_lookup_secret: bytes
    wrapped_map_secret: bytes
    first_keys: bytes
    second_keys: bytes
    created_at_ms: int


class KeySetRow(Row, table=True):
    """A key set that batch headers name in `keys` (docs/spec/format.md §10), from `first_batch` on."""

    __tablename__ = "key_sets"

    digest: bytes = Field(primary_key=True)
    first_batch: int = Field(unique=True)
    content: bytes


class AgencyRow(Row, table=True):
    """An agency that submits records."""

    __tablename__ = "agencies"

    agency_id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    created_at_ms: int


class UserRow(Row, table=True):
    """A user of an agency: a person, or a machine that hands records in.

    `handle` is the id that others are shown, a pseudonym. The name is sealed under a secret that
    follows from the log's own and the handle, and never changes.
    """

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("agency_id", "id"),
        UniqueConstraint("agency_id", "name_digest"),
    )

    id: int | None = Field(default=None, primary_key=True)
    agency_id: int = Field(foreign_key="agencies.agency_id")
    handle: str = Field(unique=True)
    name_digest: bytes | None
    sealed_name: bytes | None
    roles: str
    created_at_ms: int
    disabled_at_ms: int | None


class ApiKeyRow(Row, table=True):
    """An API key of a user. Only a keyed digest of it is kept, and its first characters.

    `used_day` is the last day on which it was used, in days since 1970-01-01.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        ForeignKeyConstraint(["agency_id", "user_id"], ["users.agency_id", "users.id"]),
        Index(None, "agency_id", "user_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    agency_id: int
    user_id: int
    digest: bytes = Field(unique=True)
    prefix: str
    label: str
    roles: str
    created_at_ms: int
    expires_at_ms: int | None
    revoked_at_ms: int | None
    used_day: int | None


class PeopleActRow(Row, table=True):
    """One change of users or keys: who made it, and of whom. Rows are added, and never changed.

    `actor` is a user's handle, or `local:` and an account of the machine.
    """

    __tablename__ = "people_acts"
    __table_args__ = (Index(None, "agency_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    agency_id: int = Field(foreign_key="agencies.agency_id")
    at_ms: int
    actor: str
    act: str
    handle: str
    key_id: int | None
    roles: str


class MatterRow(Row, table=True):
    """A matter and the right edge of its log."""

    __tablename__ = "matters"
    __table_args__ = (UniqueConstraint("agency_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    agency_id: int = Field(foreign_key="agencies.agency_id")
    key: bytes = Field(unique=True)
    number: str
    wrapped_secret: bytes
    sealed_title: bytes
    created_at_ms: int
    size: int
    frontier: bytes


class SourceRow(Row, table=True):
    """A source: its log's right edge, heads and secret are those of the row of `matters` that it has,
    so that sealing, rotation and proofs need not tell the two apart.

    `profile` is the newest one, `state` what taking the next record needs (core.source_edge).
    """

    __tablename__ = "sources"
    __table_args__ = (
        UniqueConstraint("agency_id", "name"),
        ForeignKeyConstraint(["agency_id", "matter_id"], ["matters.agency_id", "matters.id"]),
    )

    matter_id: int = Field(primary_key=True)
    agency_id: int
    name: str
    profile: str
    state: str


class SourceEntryRow(Row, table=True):
    """An entry of a source's log (docs/spec/format.md §16)."""

    __tablename__ = "source_entries"
    __table_args__ = (WITHOUT_ROWID,)

    matter_id: int = Field(primary_key=True, foreign_key="sources.matter_id")
    position: int = Field(primary_key=True)
    entry: bytes


class PendingHeadRow(Row, table=True):
    """The head of a matter with records that no batch holds, and the size that the newest batch
    holds.

    A table of its own, so that a sealing of a hundred thousand matters reads and empties a few
    megabytes and does not rewrite the matters.
    """

    __tablename__ = "pending_heads"
    __table_args__ = (
        ForeignKeyConstraint(["agency_id", "matter_id"], ["matters.agency_id", "matters.id"]),
        WITHOUT_ROWID,
    )

    agency_id: int = Field(primary_key=True)
    matter_id: int = Field(primary_key=True)
    key: bytes
    sealed_size: int
    size: int
    root: bytes


class AccountRow(Row, table=True):
    """An account that leads to a matter, found by a keyed digest of its spelling."""

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("agency_id", "digest"),
        ForeignKeyConstraint(["agency_id", "matter_id"], ["matters.agency_id", "matters.id"]),
        Index(None, "agency_id", "matter_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    agency_id: int
    matter_id: int
    digest: bytes
    sealed_spelling: bytes


class ReceiptGroupRow(Row, table=True):
    """The receipts of one commit: one signed note over their tree, whose leaf hashes are kept."""

    __tablename__ = "receipt_groups"

    id: int | None = Field(default=None, primary_key=True)
    agency_id: int = Field(foreign_key="agencies.agency_id")
    received_at_ms: int
    deadline_ms: int
    note: str
    leaf_hashes: bytes


class RecordRow(Row, table=True):
    """A record: its leaf, what its receipt is rebuilt from, and its sealed values.

    Erasure takes `wrapped_secret` and `sealed_values`; everything else stays provable.
    """

    __tablename__ = "records"
    __table_args__ = (
        UniqueConstraint("agency_id", "matter_id", "position"),
        UniqueConstraint("agency_id", "idempotency_digest"),
        ForeignKeyConstraint(["agency_id", "matter_id"], ["matters.agency_id", "matters.id"]),
    )

    id: int | None = Field(default=None, primary_key=True)
    agency_id: int
    matter_id: int
    position: int
    group_id: int = Field(foreign_key="receipt_groups.id")
    group_index: int
    idempotency_digest: bytes
    leaf_hash: bytes
    head_root: bytes
    wrapped_secret: bytes | None
    leaf: bytes
    sealed_values: bytes | None


class AttachmentRow(Row, table=True):
    """A kept original: its random name in the object folder and its size before sealing."""

    __tablename__ = "attachments"
    __table_args__ = (UniqueConstraint("agency_id", "record_id", "number"),)

    id: int | None = Field(default=None, primary_key=True)
    agency_id: int = Field(foreign_key="agencies.agency_id")
    record_id: int = Field(foreign_key="records.id")
    number: int
    name: bytes = Field(unique=True)
    size: int


class BatchRow(Row, table=True):
    """A sealed batch. `id` is its index in the batch log; the checkpoint is that of size id + 1, empty
    in the newest one until it is signed (docs/design/0012-restored-stores.md).

    `last_group_id` is the newest receipt group that the sealer saw, 0 for none: the next batch's
    header must cover the deadlines of all later ones.
    """

    __tablename__ = "batches"

    id: int = Field(primary_key=True)
    sealed_at_ms: int
    last_group_id: int
    leaf_hash: bytes
    map_root: bytes
    header: bytes
    checkpoint: str
    frontier: bytes
    not_before_header: bytes | None


class DeltaRow(Row, table=True):
    """The delta file of a batch, apart from the batch because it may be megabytes long."""

    __tablename__ = "delta_files"

    batch: int = Field(primary_key=True, foreign_key="batches.id")
    content: bytes


class HeadRow(Row, table=True):
    """The head that a matter got in a batch. A matter without change has no row for that batch."""

    __tablename__ = "heads"
    __table_args__ = (
        ForeignKeyConstraint(["agency_id", "matter_id"], ["matters.agency_id", "matters.id"]),
        WITHOUT_ROWID,
    )

    agency_id: int = Field(primary_key=True)
    matter_id: int = Field(primary_key=True)
    batch: int = Field(primary_key=True, foreign_key="batches.id")
    size: int
    root: bytes


class MapPageRow(Row, table=True):
    """A page of the matter map as a batch left it; the newest one up to a batch is that batch's."""

    __tablename__ = "map_pages"
    __table_args__ = (UniqueConstraint("prefix", "batch"),)

    id: int | None = Field(default=None, primary_key=True)
    prefix: bytes
    batch: int = Field(foreign_key="batches.id")
    content: bytes

"""The tables of importing: where the bytes of originals went, rows that wait, and marks of events.

Personal data stands here only sealed; what must be looked up is a keyed digest. Test:
tests/unit/store/test_migrations.py.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from notary.adapters.store.database import Row, only_where

WITHOUT_ROWID: dict[str, Any] = {"sqlite_with_rowid": False}


class ImportLayoutRow(Row, table=True):
    """One laying-out of a file. Unfinished until its last byte is accounted for."""

    __tablename__ = "import_layouts"
    __table_args__ = (Index(None, "agency_id", "file_digest"),)

    id: int | None = Field(default=None, primary_key=True)
    agency_id: int = Field(foreign_key="agencies.agency_id")
    file_digest: bytes
    size: int
    finished: bool


class ImportPiecesRow(Row, table=True):
    """Some pieces of a layout in order: packed kind, length and number of each."""

    __tablename__ = "import_pieces"
    __table_args__ = (WITHOUT_ROWID,)

    layout_id: int = Field(primary_key=True, foreign_key="import_layouts.id")
    place: int = Field(primary_key=True)
    packed: bytes


class ImportKeptRow(Row, table=True):
    """A stretch of an original that no record holds. Without secret and content it was erased."""

    __tablename__ = "import_kept"
    __table_args__ = (
        Index(None, "layout_id"),
        Index(
            "ix_import_kept_record",
            "agency_id",
            "idempotency_digest",
            **only_where("idempotency_digest IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    agency_id: int = Field(foreign_key="agencies.agency_id")
    layout_id: int = Field(foreign_key="import_layouts.id")
    idempotency_digest: bytes | None
    wrapped_secret: bytes | None
    sealed_content: bytes | None


class UnassignedRow(Row, table=True):
    """A row whose account leads to no matter. Once it entered, only its record is named.

    `aside_at` is the index of the entry of its source's log that sets its number aside; below 0, there is
    none; null, a version that knew of no such entries let it wait.
    """

    __tablename__ = "unassigned"
    __table_args__ = (
        UniqueConstraint("agency_id", "idempotency_digest"),
        Index(
            "ix_unassigned_waiting",
            "agency_id",
            "id",
            **only_where("record_id IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    agency_id: int = Field(foreign_key="agencies.agency_id")
    idempotency_digest: bytes
    wrapped_secret: bytes | None
    sealed_row: bytes | None
    record_id: int | None = Field(foreign_key="records.id")
    aside_at: int | None


class ImportMarkRow(Row, table=True):
    """Where the record of an identified event stands."""

    __tablename__ = "import_marks"
    __table_args__ = (WITHOUT_ROWID,)

    agency_id: int = Field(primary_key=True, foreign_key="agencies.agency_id")
    identity: bytes = Field(primary_key=True)
    matter_key: bytes
    position: int
    leaf_hash: bytes

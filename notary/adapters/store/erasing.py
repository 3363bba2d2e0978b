"""Rows of an erasure: what of a matter's records tells of erasures and holds, and how content goes.

Spec: docs/spec/erasure.md §1, §3. Tests: tests/unit/store/test_erase.py and
tests/unit/store/test_erasure_check.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, or_, select, update

from notary.adapters.store.bulk import parts
from notary.adapters.store.database import Database, table_of
from notary.adapters.store.exports import ExportJobRow
from notary.adapters.store.import_tables import ImportKeptRow, UnassignedRow
from notary.adapters.store.records import RecordRows
from notary.adapters.store.tables import AttachmentRow, MatterRow, RecordRow
from notary.core.erasures import Target, tombstone_key
from notary.core.keyring import Keyring
from notary.core.preparing import LOOKUP_IDEMPOTENCY
from verifier.format.digests import Digest

RECORDS = table_of(RecordRow)
MATTERS = table_of(MatterRow)
ATTACHMENTS = table_of(AttachmentRow)
KEPT = table_of(ImportKeptRow)
UNASSIGNED = table_of(UnassignedRow)
EXPORTS = table_of(ExportJobRow)

READ_AT_ONCE = 10_000  # rows: some megabytes of leaves
_STONE = b'"kind":"erasure"'
_HAS_CONTENT = or_(RECORDS.c.wrapped_secret.is_not(None), RECORDS.c.sealed_values.is_not(None))


class ContentRow(NamedTuple):
    """A record whose content is or was here."""

    record_id: int
    agency_id: int
    idempotency_digest: bytes
    leaf_hash: Digest
    has_content: bool


def content_rows(connection: Connection, targets: Sequence[Target]) -> dict[Target, ContentRow]:
    """The stored records among these, as they are named: another leaf at the place is another record."""
    of_matter: dict[Digest, dict[int, Target]] = {}
    for one in targets:
        of_matter.setdefault(one.matter, {})[one.position] = one
    found = {}
    for key, wanted in of_matter.items():
        agency_id = agency_of(connection, key)
        if agency_id is None:
            continue
        for position, row in rows_at(connection, agency_id, key, list(wanted)).items():
            if row.content.leaf_hash == wanted[position].leaf:
                found[wanted[position]] = row.content
    return found


def object_names(connection: Connection, rows: Sequence[ContentRow]) -> list[bytes]:
    """The names of the originals of these records."""
    found: list[bytes] = []
    for part in parts([row.record_id for row in rows]):
        found += connection.execute(
            select(ATTACHMENTS.c.name).where(ATTACHMENTS.c.record_id.in_(part))
        ).scalars()
    return found


def destroy(connection: Connection, rows: Sequence[ContentRow]) -> None:
    """Empty the records, and everything beside them that says the same."""
    for row in rows:
        of_key = row.agency_id, row.idempotency_digest
        connection.execute(
            update(RECORDS)
            .where(RECORDS.c.id == row.record_id)
            .values(wrapped_secret=None, sealed_values=None)
        )
        connection.execute(
            update(KEPT)
            .where(KEPT.c.agency_id == of_key[0], KEPT.c.idempotency_digest == of_key[1])
            .values(wrapped_secret=None, sealed_content=None)
        )
        connection.execute(
            update(UNASSIGNED)
            .where(
                UNASSIGNED.c.agency_id == of_key[0], UNASSIGNED.c.idempotency_digest == of_key[1]
            )
            .values(wrapped_secret=None, sealed_row=None, record_id=row.record_id)
        )
        connection.execute(delete(ATTACHMENTS).where(ATTACHMENTS.c.record_id == row.record_id))
        # A package that is kept may show it: with the job's row goes the salt that opens the package.
        of_record = (
            select(MATTERS.c.key)
            .join(RECORDS, RECORDS.c.matter_id == MATTERS.c.id)
            .where(RECORDS.c.id == row.record_id)
        )
        connection.execute(delete(EXPORTS).where(EXPORTS.c.matter_key.in_(of_record)))


class PlaceRow(NamedTuple):
    """A record at its place, with what an erasure of it would take."""

    position: int
    leaf: bytes
    content: ContentRow
    kept: int


def rows_at(
    connection: Connection, agency_id: int, matter_key: bytes, positions: Sequence[int]
) -> dict[int, PlaceRow]:
    """The records at these positions of the agency's matter, by position; unknown ones are left out."""
    found: dict[int, PlaceRow] = {}
    for part in parts(positions):
        kept = (
            select(func.count(KEPT.c.id))
            .where(
                KEPT.c.agency_id == RECORDS.c.agency_id,
                KEPT.c.idempotency_digest == RECORDS.c.idempotency_digest,
                KEPT.c.wrapped_secret.is_not(None),
            )
            .scalar_subquery()
        )
        rows = connection.execute(
            select(
                RECORDS.c.position,
                RECORDS.c.leaf,
                RECORDS.c.id,
                RECORDS.c.idempotency_digest,
                RECORDS.c.leaf_hash,
                _HAS_CONTENT,
                kept,
            )
            .join(MATTERS, MATTERS.c.id == RECORDS.c.matter_id)
            .where(
                MATTERS.c.key == matter_key,
                RECORDS.c.agency_id == agency_id,
                RECORDS.c.position.in_(part),
            )
        )
        for position, leaf, record_id, digest, leaf_hash, has_content, count in rows:
            content = ContentRow(record_id, agency_id, digest, Digest(leaf_hash), bool(has_content))
            found[position] = PlaceRow(position, leaf, content, count)
    return found


def _emptied_or_stones(connection: Connection) -> Iterator[tuple[int, Target, bool]]:
    found = connection.execution_options(yield_per=READ_AT_ONCE).execute(
        select(
            MATTERS.c.agency_id,
            MATTERS.c.key,
            RECORDS.c.position,
            RECORDS.c.leaf_hash,
            RECORDS.c.leaf,
            _HAS_CONTENT,
        )
        .join(MATTERS, MATTERS.c.id == RECORDS.c.matter_id)
        .order_by(RECORDS.c.agency_id, RECORDS.c.matter_id, RECORDS.c.position)
    )
    for agency_id, key, position, leaf_hash, leaf, has_content in found:
        # The kind stands in no other place of a leaf; whatever else has these bytes is passed over later.
        if not has_content or _STONE in leaf:
            yield agency_id, Target(Digest(key), position, Digest(leaf_hash)), bool(has_content)


@dataclass(frozen=True)
class StoredErasures:
    """Implements the port `LoggedErasures` of usecases.erasure_check."""

    database: Database
    keys: Keyring

    def emptied_or_stones(self) -> list[tuple[int, Target, bool]]:
        """As LoggedErasures."""
        with self.database.reading() as connection:
            return list(_emptied_or_stones(connection))

    def without_tombstone(self, targets: Sequence[Target]) -> list[Target]:
        """As LoggedErasures."""
        missing = []
        with self.database.reading() as connection:
            rows = RecordRows(connection)
            by_agency: dict[int, dict[bytes, Target]] = {}
            for target, row in content_rows(connection, targets).items():
                digest = self.keys.lookup(row.agency_id, LOOKUP_IDEMPOTENCY, tombstone_key(target))
                by_agency.setdefault(row.agency_id, {})[digest] = target
            for agency_id, wanted in by_agency.items():
                known = rows.known_digests(agency_id, list(wanted))
                missing += [target for digest, target in wanted.items() if digest not in known]
        return missing


def agency_of(connection: Connection, matter_key: bytes) -> int | None:
    """The agency of a matter; None if there is no such matter."""
    row = connection.execute(select(MATTERS.c.agency_id).where(MATTERS.c.key == matter_key)).first()
    return None if row is None else int(row[0])

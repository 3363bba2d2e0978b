"""Rows of an erasure: what of a matter's records tells of erasures and holds, and how content goes.

Spec: docs/spec/erasure.md §1, §3. Tests: tests/unit/store/test_erase.py and
tests/unit/store/test_erasure_check.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

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
from notary.usecases.erasure_store import StoredContent, StoredPlace
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


class ErasureRows:
    """The rows as one reading transaction sees them: `erasure_store.ErasuresSeen`."""

    def __init__(self, connection: Connection, keys: Keyring) -> None:
        self._connection = connection
        self._keys = keys

    def agency_of(self, matter_key: bytes) -> int | None:
        """As ErasuresSeen."""
        row = self._connection.execute(
            select(MATTERS.c.agency_id).where(MATTERS.c.key == matter_key)
        ).first()
        return None if row is None else int(row[0])

    def places(
        self, agency_id: int, matter_key: bytes, positions: Sequence[int]
    ) -> dict[int, StoredPlace]:
        """As ErasuresSeen."""
        found = self._places(agency_id, matter_key, positions)
        ids = [place.content.record_id for place in found.values()]
        originals = RecordRows(self._connection).attachments(ids)
        return {
            position: place._replace(
                originals=tuple([one.size for one in originals.get(place.content.record_id, ())])
            )
            for position, place in found.items()
        }

    def contents(self, targets: Sequence[Target]) -> dict[Target, StoredContent]:
        """As ErasuresSeen."""
        of_matter: dict[Digest, dict[int, Target]] = {}
        for one in targets:
            of_matter.setdefault(one.matter, {})[one.position] = one
        found = {}
        for key, wanted in of_matter.items():
            agency_id = self.agency_of(key)
            if agency_id is None:
                continue
            for position, place in self._places(agency_id, key, list(wanted)).items():
                if place.content.leaf_hash == wanted[position].leaf:
                    found[wanted[position]] = place.content
        return found

    def object_names(self, contents: Sequence[StoredContent]) -> list[bytes]:
        """As ErasuresSeen."""
        found: list[bytes] = []
        for part in parts([one.record_id for one in contents]):
            found += self._connection.execute(
                select(ATTACHMENTS.c.name).where(ATTACHMENTS.c.record_id.in_(part))
            ).scalars()
        return found

    def tombstones(self, agency_id: int, targets: Sequence[Target]) -> dict[Target, int]:
        """As ErasuresSeen."""
        wanted = {
            self._keys.lookup(agency_id, LOOKUP_IDEMPOTENCY, tombstone_key(one)): one
            for one in targets
        }
        rows = RecordRows(self._connection)
        known = rows.known_digests(agency_id, list(wanted))
        stored = rows.records_by_id(agency_id, list(known.values()))
        return {wanted[digest]: stored[one].position for digest, one in known.items()}

    def _places(
        self, agency_id: int, matter_key: bytes, positions: Sequence[int]
    ) -> dict[int, StoredPlace]:
        # Without the originals, which a plan alone asks for.
        found: dict[int, StoredPlace] = {}
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
            rows = self._connection.execute(
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
                content = StoredContent(
                    record_id, agency_id, digest, Digest(leaf_hash), bool(has_content)
                )
                found[position] = StoredPlace(position, leaf, content, count)
        return found


class StoredErasures:
    """Implements the ports `ErasureStore`, and `LoggedErasures` of usecases.erasure_check."""

    def __init__(self, database: Database, keys: Keyring) -> None:
        self._database = database
        self._keys = keys

    @contextmanager
    def reading(self) -> Iterator[ErasureRows]:
        """As ErasureStore."""
        with self._database.reading() as connection:
            yield ErasureRows(connection, self._keys)

    def empty(self, contents: Sequence[StoredContent]) -> None:
        """As ErasureStore."""
        with self._database.transaction() as connection:
            _destroy(connection, contents)
        self._database.forget_deleted()

    def emptied_or_stones(self) -> list[tuple[int, Target, bool]]:
        """As LoggedErasures."""
        with self._database.reading() as connection:
            return list(_emptied_or_stones(connection))

    def without_tombstone(self, targets: Sequence[Target]) -> list[Target]:
        """As LoggedErasures."""
        with self.reading() as seen:
            of_agency: dict[int, list[Target]] = {}
            for target, content in seen.contents(targets).items():
                of_agency.setdefault(content.agency_id, []).append(target)
            missing = []
            for agency_id, ours in of_agency.items():
                said = seen.tombstones(agency_id, ours)
                missing += [one for one in ours if one not in said]
            return missing


def _destroy(connection: Connection, contents: Sequence[StoredContent]) -> None:
    """Empty the records, and everything beside them that says the same."""
    for row in contents:
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

"""Reads records again: leaf, receipt and status for everyone of the agency, content with the keys.

Test: tests/unit/store/test_read.py.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import BinaryIO, NamedTuple, cast

from notary.core import envelope, opening
from notary.core.keyring import Keyring
from notary.core.log_identity import LogIdentity
from notary.core.moments import moment
from notary.core.opening import OpenRecord
from notary.errors import CallerError
from notary.ports import ObjectStore
from notary.usecases.evidence_store import Original, RecordContent
from notary.usecases.record_store import (
    RecordArchive,
    RecordsRead,
    StoredAttachment,
    StoredLeaf,
    StoredRecord,
)
from notary.usecases.repetition import receipts_of
from verifier.format import records
from verifier.format.jsonc import Json

PAGE_RECORDS = 500  # read at once: few statements, and memory stays flat


@dataclass(frozen=True)
class AttachmentView:
    """A kept original: its place in the record, its stored name and its size in bytes."""

    number: int
    name: str
    size: int


@dataclass(frozen=True)
class RecordView:
    """A record without its content. `batch` is the batch that sealed it, None while it waits."""

    record_id: int
    matter_key: bytes
    position: int
    kind: str
    received_at: datetime
    deadline: datetime
    leaf: bytes
    leaf_hash: bytes
    receipt: bytes
    batch: int | None
    erased: bool
    attachments: tuple[AttachmentView, ...]


@dataclass(frozen=True)
class RecordDetail:
    """A record's content: plain values and disclosures, by claim name."""

    values: Mapping[str, Json]
    disclosures: Mapping[str, str]


class EnteredRecord(NamedTuple):
    """A record in the order of entry; `opened` is None once its content was erased."""

    record_id: int
    matter_key: bytes
    received_at: datetime
    opened: OpenRecord | None


class RecordReader:
    """Records by id or position. Without keys it still gives everything but content."""

    def __init__(
        self,
        archive: RecordArchive,
        objects: ObjectStore,
        keys: Keyring | None,
        identity: LogIdentity,
    ) -> None:
        self._archive = archive
        self._objects = objects
        self._keys = keys
        self._identity = identity

    def by_id(self, agency_id: int, record_id: int) -> RecordView:
        """The agency's record with this id. Raises CallerError RECORD_UNKNOWN."""
        with self._archive.reading() as seen:
            record = self._stored(seen, agency_id, record_id)
            return self._views(seen, agency_id, [record])[0]

    def at(self, agency_id: int, matter_key: bytes, position: int) -> RecordView:
        """The record at a position of the agency's matter. Raises CallerError RECORD_UNKNOWN."""
        with self._archive.reading() as seen:
            record = self._stored_at(seen, agency_id, matter_key, position)
            return self._views(seen, agency_id, [record])[0]

    def of_matter(
        self, agency_id: int, matter_key: bytes, first: int, count: int
    ) -> list[RecordView]:
        """At most `count` records of the agency's matter from position `first` on, in order."""
        with self._archive.reading() as seen:
            found = seen.of_matter(agency_id, matter_key, first, count)
            return self._views(seen, agency_id, found)

    def leaves(self, agency_id: int, matter_key: bytes) -> list[StoredLeaf]:
        """The leaves of the agency's matter, by position."""
        with self._archive.reading() as seen:
            return seen.leaves(agency_id, matter_key)

    def content(self, agency_id: int, record_id: int) -> RecordDetail:
        """The record in the clear.

        Raises CallerError RECORD_UNKNOWN, ERASED, or KEY_MISSING without keys.
        """
        with self._archive.reading() as seen:
            record = self._stored(seen, agency_id, record_id)
        opened = self._open(agency_id, record)
        return RecordDetail(opened.values, _by_name(opened))

    def of_kind(
        self, agency_id: int, matter_key: bytes, kind: str
    ) -> Iterator[tuple[RecordView, Mapping[str, Json]]]:
        """The records of one kind in the agency's matter, in order, with their plain values.

        An erased one has no values. Raises CallerError KEY_MISSING without keys.
        """
        first = 0
        while True:
            with self._archive.reading() as seen:
                page = seen.of_matter(agency_id, matter_key, first, PAGE_RECORDS)
                found = [one for one in page if records.parse_leaf(one.leaf).kind == kind]
                views = self._views(seen, agency_id, found)
            for record, view in zip(found, views, strict=True):
                yield view, {} if view.erased else self._open(agency_id, record).values
            if len(page) < PAGE_RECORDS:
                return
            first = page[-1].position + 1

    def entered(self, agency_id: int) -> Iterator[EnteredRecord]:
        """Every record of the agency in the order of its entry, read as it is asked for.

        Raises CallerError KEY_MISSING without keys.
        """
        last = 0
        while True:
            with self._archive.reading() as seen:
                found = seen.entered_after(agency_id, last, PAGE_RECORDS)
                groups = seen.groups_by_id([one.group_id for one in found])
            for record in found:
                opened = None
                if record.wrapped_secret is not None:
                    opened = self._open(agency_id, record)
                received_at = moment(groups[record.group_id].received_at_ms)
                yield EnteredRecord(record.record_id, record.matter_key, received_at, opened)
            if len(found) < PAGE_RECORDS:
                return
            last = found[-1].record_id

    def open_attachment(self, agency_id: int, record_id: int, number: int) -> BinaryIO:
        """The original `attachment-<number>` in the clear, authenticated while it is read.

        Raises CallerError as `content`, and ATTACHMENT_UNKNOWN; reading raises Contradiction if the
        stored bytes were altered.
        """
        with self._archive.reading() as seen:
            record = self._stored(seen, agency_id, record_id)
            attachments = seen.attachments([record_id]).get(record_id, [])
        for one, name, _ in attachments:
            if one == number:
                return self._stream(self._open(agency_id, record).secret, name)
        raise CallerError(
            "ATTACHMENT_UNKNOWN",
            f"record {record_id} has {len(attachments)} attachments, got number {number}",
        )

    def contents(
        self, agency_id: int, matter_key: bytes, positions: Sequence[int]
    ) -> Iterator[RecordContent]:
        """What an export shows of each of these records, in order; of an erased one, nothing.

        `positions` ascend. Raises CallerError RECORD_UNKNOWN, or KEY_MISSING without keys.
        """
        for first, count in _runs(positions):
            with self._archive.reading() as seen:
                found = seen.of_matter(agency_id, matter_key, first, count)
                attachments = seen.attachments([one.record_id for one in found])
            if [record.position for record in found] != list(range(first, first + count)):
                raise _no_record(matter_key, first)
            for record in found:
                yield self._content(agency_id, record, attachments.get(record.record_id, ()))

    def _content(
        self,
        agency_id: int,
        record: StoredRecord,
        attachments: Sequence[StoredAttachment],
    ) -> RecordContent:
        if record.wrapped_secret is None:
            return RecordContent({}, ())
        opened = self._open(agency_id, record)
        originals = [
            Original(name.hex(), size, partial(self._stream, opened.secret, name))
            for _, name, size in attachments
        ]
        return RecordContent(_by_name(opened), tuple(originals))

    def _stored(self, seen: RecordsRead, agency_id: int, record_id: int) -> StoredRecord:
        record = seen.records_by_id(agency_id, [record_id]).get(record_id)
        if record is None:
            # The number is not said: over HTTP a record has another name.
            raise CallerError("RECORD_UNKNOWN", "the agency has no record of this id.")
        return record

    def _stored_at(
        self, seen: RecordsRead, agency_id: int, matter_key: bytes, position: int
    ) -> StoredRecord:
        found = seen.of_matter(agency_id, matter_key, position, 1)
        if not found or found[0].position != position:
            raise _no_record(matter_key, position)
        return found[0]

    def _views(
        self, seen: RecordsRead, agency_id: int, found: Sequence[StoredRecord]
    ) -> list[RecordView]:
        receipts = receipts_of(seen, self._identity, found)
        groups = seen.groups_by_id([record.group_id for record in found])
        attachments = seen.attachments([record.record_id for record in found])
        views = []
        for record in found:
            group = groups[record.group_id]
            views.append(
                RecordView(
                    record.record_id,
                    record.matter_key,
                    record.position,
                    records.parse_leaf(record.leaf).kind,
                    moment(group.received_at_ms),
                    moment(group.deadline_ms),
                    record.leaf,
                    record.leaf_hash,
                    receipts[record.record_id],
                    seen.sealed_in(agency_id, record.matter_id, record.position),
                    record.wrapped_secret is None,
                    tuple(
                        AttachmentView(number, name.hex(), size)
                        for number, name, size in attachments.get(record.record_id, ())
                    ),
                )
            )
        return views

    def _open(self, agency_id: int, record: StoredRecord) -> OpenRecord:
        if self._keys is None:
            raise CallerError(
                "KEY_MISSING",
                "the key encryption key is not loaded, so content stays closed; start the service with "
                "its key folder",
            )
        return opening.open_record(
            self._keys.kek,
            agency_id,
            record.idempotency_digest,
            record.wrapped_secret,
            record.leaf,
            record.sealed_values,
        )

    def _stream(self, secret: bytes, name: bytes) -> BinaryIO:
        plain = envelope.unseal_chunks(secret, name, self._objects.read(name))
        return cast(BinaryIO, io.BufferedReader(_Stream(plain)))


def _runs(positions: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and count of each stretch of consecutive positions, none longer than a page."""
    first = count = 0
    for position in positions:
        if count and position == first + count and count < PAGE_RECORDS:
            count += 1
            continue
        if count:
            yield first, count
        first, count = position, 1
    if count:
        yield first, count


def _no_record(matter_key: bytes, position: int) -> CallerError:
    return CallerError(
        "RECORD_UNKNOWN",
        f"the agency has no record at position {position} of matter {matter_key.hex()}",
    )


def _by_name(opened: OpenRecord) -> dict[str, str]:
    # Disclosures stand in canonical order of their claim names, as the leaf's members do.
    return dict(zip(opened.leaf.claims, opened.disclosures, strict=True))


class _Stream(io.RawIOBase):
    """A stream over pieces that come one after the other."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

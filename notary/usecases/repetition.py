"""Answers offers whose idempotency key stands for a record: the first answer again, or a conflict.

Spec: docs/spec/format.md §12. Test: tests/unit/store/test_accept.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from notary.core import acceptance, opening, receipts
from notary.core.acceptance import FileFacts
from notary.core.intake import Accepted, Incoming, Outcome, Refused
from notary.core.keyring import Keyring
from notary.core.log_identity import LogIdentity
from notary.core.moments import moment
from notary.core.receipts import ReceiptBodies
from notary.usecases.originals import NAME_LENGTH
from notary.usecases.record_store import RecordsSeen, StoredRecord
from verifier.format import asides, jsonc
from verifier.format.errors import FormatError


def same_as_stored(
    keys: Keyring,
    agency_id: int,
    item: Incoming,
    files: Sequence[FileFacts],
    record: StoredRecord,
    receipt: bytes,
) -> Outcome:
    """The answer to an offer whose key stands for a stored record."""
    if record.wrapped_secret is None:
        return Refused(
            "ERASED",
            "idempotency_key",
            f"{_place(record.matter_key, record.position)} had this key and its content was erased, so an "
            "offer can no longer be compared with it",
        )
    opened = opening.open_record(
        keys.kek,
        agency_id,
        record.idempotency_digest,
        record.wrapped_secret,
        record.leaf,
        record.sealed_values,
    )
    try:
        claims = jsonc.encode(dict(item.claims))
    except FormatError as error:
        return acceptance.find_fault(item, error)
    first = {
        name: value
        for name, value in opened.values.items()
        if not name.startswith("attachment-") and name != asides.CLAIM
    }
    same = (
        record.matter_key == item.matter_key
        and opened.leaf.kind == item.kind
        and jsonc.encode(first) == claims
        and _attachments_of(opened) == [_content_of(facts) for facts in files]
        and opened.leaf.source == item.source
        # A number that the service gives is not offered.
        and item.number in (None, opened.leaf.number)
    )
    if not same:
        return _conflict(_place(record.matter_key, record.position))
    return Accepted(
        record.record_id,
        record.matter_key,
        record.position,
        record.leaf,
        opened.disclosures,
        receipt,
        replayed=True,
    )


def same_as_earlier(
    item: Incoming,
    files: Sequence[FileFacts],
    earlier: Incoming,
    earlier_files: Sequence[FileFacts],
    answer: Accepted,
) -> Outcome:
    """The answer to an offer that repeats the key of an earlier one in the same call."""
    try:
        same = (
            item.matter_key == earlier.matter_key
            and item.kind == earlier.kind
            and (item.source, item.number) == (earlier.source, earlier.number)
            and jsonc.encode(dict(item.claims)) == jsonc.encode(dict(earlier.claims))
            and [_content_of(facts) for facts in files]
            == [_content_of(facts) for facts in earlier_files]
        )
    except FormatError as error:
        return acceptance.find_fault(item, error)
    return (
        replace(answer, replayed=True)
        if same
        else _conflict(_place(answer.matter_key, answer.position))
    )


def receipts_of(
    seen: RecordsSeen, identity: LogIdentity, stored: Sequence[StoredRecord]
) -> dict[int, bytes]:
    """The receipts of stored records, by record id, as they were first handed out."""
    by_group: dict[int, list[StoredRecord]] = {}
    for record in stored:
        by_group.setdefault(record.group_id, []).append(record)
    groups = seen.groups_by_id(list(by_group))
    found = {}
    for group_id, members in by_group.items():
        group = groups[group_id]
        writer = ReceiptBodies(identity, moment(group.received_at_ms), moment(group.deadline_ms))
        bodies = {
            record.group_index: writer.write(
                record.matter_key, record.position, record.leaf_hash, record.head_root
            )
            for record in members
        }
        again = receipts.write_receipts(bodies, group.receipts)
        found.update({record.record_id: again[record.group_index] for record in members})
    return found


def _content_of(facts: FileFacts) -> jsonc.Json:
    """What must be equal in a repetition: everything but the random name."""
    return replace(facts, name=bytes(NAME_LENGTH)).claim()


def _attachments_of(opened: opening.OpenRecord) -> list[jsonc.Json]:
    found: list[jsonc.Json] = []
    while (value := opened.values.get(f"attachment-{len(found)}")) is not None:
        assert isinstance(value, dict)
        found.append({**value, "name": bytes(NAME_LENGTH).hex()})
    return found


def _place(matter_key: bytes, position: int) -> str:
    # Not by its number, which would say over HTTP how many records all agencies have.
    return f"the record at position {position} of matter {matter_key.hex()}"


def _conflict(place: str) -> Refused:
    return Refused(
        "IDEMPOTENCY_CONFLICT",
        "idempotency_key",
        f"{place} has this key and other content; nothing was overwritten",
        conflict=True,
    )

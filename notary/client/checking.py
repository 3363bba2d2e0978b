"""Checks what the service answers: a receipt counts only if it promises the record that was sent.

Spec: docs/spec/format.md §5, §6, §12. Test: tests/unit/client/test_checking.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from notary.client.records import OriginalFile, Record
from notary.errors import Contradiction
from verifier.format import numbers, receipts, records, trees
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json

_ATTACHMENT = re.compile(r"attachment-(0|[1-9][0-9]*)")


@dataclass(frozen=True)
class Acknowledged:
    """A record that is durable. `receipt` is to be kept as a file, byte for byte.

    `leaf` and `disclosures` are there unless it came by a stream. `signed` says that a pinned key signed the
    receipt; without pinned keys it is only consistent.
    """

    record_id: str
    position: int
    receipt: bytes
    replayed: bool
    received_at: datetime
    deadline: datetime
    signed: bool
    leaf: bytes | None = None
    disclosures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """A record that did not enter, by its own fault. `status` 409: its key came with other content."""

    status: int
    code: str
    detail: str
    faults: tuple[Mapping[str, Any], ...] = field(default=())


def acknowledged(
    answer: Mapping[str, Any],
    record: Record,
    files: Sequence[OriginalFile],
    receipt_keys: Sequence[str],
) -> Acknowledged:
    """The answer for the record that was sent. Raises Contradiction RECEIPT_BAD."""
    leaf = answer.get("leaf")
    disclosures = tuple(answer.get("disclosures") or ())
    try:
        done = _promised(answer, record.matter, receipt_keys)
        if leaf is None:
            return done
        leaf_bytes = leaf.encode("utf-8")
        _check_leaf(done.receipt, leaf_bytes, record.kind)
        _check_disclosures(leaf_bytes, disclosures, record, files)
    except FormatError as error:
        raise bad(f"{error.code}: {error.message}") from error
    return _with_content(done, leaf_bytes, disclosures)


def receipt_again(
    answer: Mapping[str, Any], matter: str, receipt_keys: Sequence[str]
) -> Acknowledged:
    """Leaf and receipt of a record that was sent before. Raises Contradiction RECEIPT_BAD."""
    try:
        done = _promised({**answer, "replayed": True}, matter, receipt_keys)
        leaf = str(answer["leaf"]).encode("utf-8")
        _check_leaf(done.receipt, leaf, None)
    except FormatError as error:
        raise bad(f"{error.code}: {error.message}") from error
    return _with_content(done, leaf, ())


def bad(reason: str) -> Contradiction:
    """An answer that the service must not give."""
    return Contradiction(
        "RECEIPT_BAD",
        f"the service's receipt does not promise what was sent: {reason}. Keep the answer and ask the "
        "operator.",
    )


def _promised(answer: Mapping[str, Any], matter: str, receipt_keys: Sequence[str]) -> Acknowledged:
    text = answer.get("receipt")
    position = answer.get("position")
    if not isinstance(text, str) or not isinstance(position, int):
        raise bad("it has no receipt or no position")
    data = text.encode("utf-8")
    receipt = receipts.parse(data)
    body = receipt.body
    number = numbers.parse(matter)
    if body.matter != number.key:
        raise bad("it is of another matter")
    if numbers.log_tag(body.chain_id, body.contract, body.log_address) != number.log_tag:
        raise bad("it is of another log than the matter's number names")
    if body.position != position:
        raise bad(f"it is of position {body.position}, the answer says {position}")
    if receipt_keys:
        receipts.check_receipt(receipt, receipt_keys)
    return Acknowledged(
        str(answer["record_id"]),
        position,
        data,
        bool(answer["replayed"]),
        body.received_at,
        body.deadline,
        bool(receipt_keys),
    )


def _with_content(done: Acknowledged, leaf: bytes, disclosures: tuple[str, ...]) -> Acknowledged:
    return Acknowledged(
        done.record_id,
        done.position,
        done.receipt,
        done.replayed,
        done.received_at,
        done.deadline,
        done.signed,
        leaf,
        disclosures,
    )


def _check_leaf(receipt: bytes, data: bytes, kind: str | None) -> None:
    body = receipts.parse(receipt).body
    if trees.leaf_hash(data) != body.leaf:
        raise bad("the leaf is another one than it names")
    leaf = records.parse_leaf(data)
    if (leaf.matter, leaf.position) != (body.matter, body.position):
        raise bad("the leaf is of another place")
    if kind is not None and leaf.kind != kind:
        raise bad(f"the leaf is of kind {leaf.kind}, {kind} was sent")


def _check_disclosures(
    data: bytes, texts: Sequence[str], record: Record, files: Sequence[OriginalFile]
) -> None:
    """The leaf commits to what was sent, and to nothing else."""
    leaf = records.parse_leaf(data)
    opened = {one.name: one for one in map(records.parse_disclosure, texts)}
    if len(opened) != len(texts) or set(opened) != set(leaf.claims):
        raise bad("leaf and disclosures have other claims than one another")
    attached: dict[int, Json] = {}
    for name, one in opened.items():
        if one.digest != leaf.claims[name]:
            raise bad(f"the leaf does not hold the disclosure of {name}")
        found = _ATTACHMENT.fullmatch(name)
        if found is not None:
            attached[int(found[1])] = one.value
        elif name not in record.claims or one.value != record.claims[name]:
            raise bad(f"{name} is another one than was sent")
    missing = set(record.claims) - set(opened)
    if missing:
        raise bad(f"{min(missing)} is missing")
    if set(attached) != set(range(len(files))):
        raise bad(f"{len(attached)} originals, {len(files)} were sent")
    for number, file in enumerate(files):
        value = attached[number]
        wanted = file.document()
        if not isinstance(value, dict) or any(value.get(name) != wanted[name] for name in wanted):
            raise bad(f"the original {number} is another one than was sent")

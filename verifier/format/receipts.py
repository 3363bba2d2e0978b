"""Owns receipts: bodies, groups and their signature (docs/spec/format.md §12).

Proved by tests/unit/format/test_receipts.py.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from verifier.format import jsonc, notes, trees
from verifier.format.digests import Digest, shown
from verifier.format.errors import FormatError
from verifier.format.heads import Head, check_log_name
from verifier.format.members import Members
from verifier.format.notes import VerifiedNote, VKey
from verifier.format.times import format_time, parse_time

FORMAT = "notary-receipt/1"


class Body(NamedTuple):
    """What the service promises: this leaf at this position, anchored before the deadline.

    `contract` and `log_address` have 20 bytes; `head` is the matter log right after the record.
    """

    chain_id: int
    contract: bytes
    log_address: bytes
    log: str
    matter: Digest
    position: int
    leaf: Digest
    head: Head
    received_at: datetime
    deadline: datetime


class Receipt(NamedTuple):
    """A body with its place in a signed group. `note` is the group's note, unverified."""

    body: Body
    index: int  # type: ignore[assignment]  # not the method of tuples
    path: tuple[Digest, ...]
    note: str


class CheckedReceipt(NamedTuple):
    """A receipt that each of `keys`, at least one, has signed."""

    receipt: Receipt
    keys: tuple[VKey, ...]


def receipts_origin(log: str) -> str:
    """Origin and key name of a log's receipt groups."""
    # format.md §11: <log name>/receipts
    return f"{log}/receipts"


def encode_body(body: Body) -> bytes:
    """Write a body: one item of a group.

    Raises FormatError RECEIPT_HEAD_SIZE, RECEIPT_DEADLINE, RECEIPT_ADDRESS or LOG_NAME.
    """
    return jsonc.encode(_body_document(body))


def _body_document(body: Body) -> dict[str, jsonc.Json]:
    _check_body(body)
    return {
        "chain_id": body.chain_id,
        "contract": "0x" + body.contract.hex(),
        "log_address": "0x" + body.log_address.hex(),
        "log": body.log,
        "matter": body.matter.hex(),
        "position": body.position,
        "leaf": body.leaf.hex(),
        "head": {"size": body.head.size, "root": body.head.root.hex()},
        "received_at": format_time(body.received_at),
        "deadline": format_time(body.deadline),
    }


def _check_body(body: Body) -> None:
    check_log_name(body.log)
    for address in (body.contract, body.log_address):
        if len(address) != 20:
            raise FormatError("RECEIPT_ADDRESS", f"an address has 20 bytes, got {len(address)}")
    if body.head.size != body.position + 1:
        raise FormatError(
            "RECEIPT_HEAD_SIZE", f"want size {body.position + 1}, got {body.head.size}"
        )
    if body.deadline < body.received_at:
        raise FormatError("RECEIPT_DEADLINE", "the deadline is before the receipt")


def group_leaves(bodies: Sequence[bytes]) -> list[Digest]:
    """The leaf hashes of a group's bodies, for roots and paths."""
    return [trees.leaf_hash(body) for body in bodies]


def group_root(bodies: Sequence[bytes]) -> Digest:
    """The root over the encoded bodies of a group, in order."""
    return trees.root(group_leaves(bodies))


def group_text(log: str, bodies: Sequence[bytes]) -> str:
    """The text that is signed for a group of encoded bodies."""
    return notes.checkpoint_text(receipts_origin(log), len(bodies), group_root(bodies))


def parse(data: bytes) -> Receipt:
    """Read a receipt.

    Raises FormatError JSON_…, MEMBER_…, LOG_NAME, TIME_FORM, RECEIPT_HEAD_SIZE or
    RECEIPT_DEADLINE. The note is read by `check_receipt`.
    """
    members = Members(jsonc.decode(data, "receipt"), "receipt")
    members.literal("format", FORMAT)
    one = members.object("body")
    head = one.object("head")
    body = Body(
        one.integer("chain_id"),
        one.zerox("contract", 20),
        one.zerox("log_address", 20),
        one.text("log"),
        one.hex32("matter"),
        one.integer("position"),
        one.hex32("leaf"),
        Head(head.integer("size"), head.hex32("root")),
        parse_time(one.text("received_at")),
        parse_time(one.text("deadline")),
    )
    head.done()
    one.done()
    _check_body(body)
    index = members.integer("index")
    path = members.hashes("path", trees.MAX_PATH)
    note = members.text("note")
    members.done()
    return Receipt(body, index, path, note)


def encode(receipt: Receipt) -> bytes:
    """Write a receipt. Raises FormatError as `encode_body` does."""
    return jsonc.encode(
        {
            "format": FORMAT,
            "body": _body_document(receipt.body),
            "index": receipt.index,
            "path": [one.hex() for one in receipt.path],
            "note": receipt.note,
        }
    )


def check_receipt(receipt: Receipt, vkeys: Iterable[VKey | str]) -> CheckedReceipt:
    """Check that one of the keys signed the group that holds the body.

    Raises FormatError NOTE_…, KEY_…, CHECKPOINT_LINES, RECEIPT_ORIGIN, RECEIPT_KEY_NAME or
    INCLUSION_….
    """
    note = notes.parse_note(receipt.note)
    group = notes.parse_checkpoint_text(note.text)
    origin = receipts_origin(receipt.body.log)
    if group.origin != origin:
        raise FormatError("RECEIPT_ORIGIN", f"want origin {origin}, got {shown(group.origin)}")
    verified: VerifiedNote = notes.verify(note, vkeys)
    for key in verified.keys:
        if key.name != origin:
            raise FormatError("RECEIPT_KEY_NAME", f"want a key of {origin}, got {shown(key.name)}")
    leaf = trees.leaf_hash(encode_body(receipt.body))
    trees.check_inclusion(leaf, receipt.index, group.size, receipt.path, group.root)
    return CheckedReceipt(receipt, verified.keys)

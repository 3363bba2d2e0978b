"""Receipts: what the service promises, and its signature over a group."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.reference.refusal import refused
from verifier.format import jsonc, notes, receipts, trees
from verifier.format.digests import Digest, sha256
from verifier.format.heads import Head
from verifier.format.jsonc import Json
from verifier.format.receipts import Body, Receipt

LOG = "notary.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = KEY.public_key().public_bytes_raw()
VKEY = notes.make_vkey(LOG + "/receipts", PUBLIC)
AT = datetime(2026, 1, 1, tzinfo=UTC)


def body(position: int) -> Body:
    return Body(
        chain_id=31337,
        contract=b"\x11" * 20,
        log_address=b"\x22" * 20,
        log=LOG,
        matter=Digest(b"\x33" * 32),
        position=position,
        leaf=sha256(b"%d" % position),
        head=Head(position + 1, sha256(b"head %d" % position)),
        received_at=AT,
        deadline=AT + timedelta(days=1),
    )


BODIES = [body(i) for i in range(3)]
ENCODED = [receipts.encode_body(one) for one in BODIES]
NOTE = notes.sign(receipts.group_text(LOG, ENCODED), LOG + "/receipts", KEY)
LEAVES = receipts.group_leaves(ENCODED)
PATHS = [tuple(trees.inclusion_path(LEAVES, i)) for i in range(len(LEAVES))]
RECEIPT = Receipt(BODIES[1], 1, PATHS[1], NOTE)
DATA = receipts.encode(RECEIPT)


def test_every_receipt_of_a_group_comes_back_and_holds() -> None:
    for i, one in enumerate(BODIES):
        receipt = Receipt(one, i, PATHS[i], NOTE)
        assert receipts.parse(receipts.encode(receipt)) == receipt
        assert receipts.check_receipt(receipt, [VKEY.text]) == (receipt, (VKEY,))
    assert NOTE.startswith(f"{LOG}/receipts\n3\n")


def test_a_deadline_may_be_the_moment_of_receipt() -> None:
    assert receipts.encode_body(BODIES[0]._replace(deadline=AT))


def test_a_receipt_at_another_index_of_the_group_is_refused() -> None:
    with refused("INCLUSION_ROOT"):
        receipts.check_receipt(RECEIPT._replace(index=0), [VKEY])
    with refused("INCLUSION_INDEX"):
        receipts.check_receipt(RECEIPT._replace(index=3), [VKEY])


def test_any_change_of_the_body_is_refused() -> None:
    one = BODIES[1]
    for changed in (
        one._replace(chain_id=1),
        one._replace(contract=b"\x12" * 20),
        one._replace(log_address=b"\x23" * 20),
        one._replace(matter=one.leaf),
        one._replace(position=2, head=Head(3, one.head.root)),
        one._replace(leaf=one.matter),
        one._replace(head=Head(2, one.leaf)),
        one._replace(received_at=AT + timedelta(milliseconds=1)),
        one._replace(deadline=AT + timedelta(days=2)),
    ):
        with refused("INCLUSION_ROOT"):
            receipts.check_receipt(RECEIPT._replace(body=changed), [VKEY])


def test_a_group_of_another_log_is_refused() -> None:
    with refused("RECEIPT_ORIGIN"):
        receipts.check_receipt(
            RECEIPT._replace(body=BODIES[1]._replace(log="other.example/log")), [VKEY]
        )
    checkpoint = notes.sign(notes.checkpoint_text(LOG, 3, receipts.group_root(ENCODED)), LOG, KEY)
    with refused("RECEIPT_ORIGIN"):
        receipts.check_receipt(RECEIPT._replace(note=checkpoint), [notes.make_vkey(LOG, PUBLIC)])


def test_a_key_of_another_name_signs_no_receipt() -> None:
    note = notes.sign(receipts.group_text(LOG, ENCODED), LOG, KEY)
    with refused("RECEIPT_KEY_NAME"):
        receipts.check_receipt(RECEIPT._replace(note=note), [notes.make_vkey(LOG, PUBLIC)])


def test_a_receipt_of_an_unknown_key_is_refused() -> None:
    with refused("NOTE_KEY_UNKNOWN"):
        receipts.check_receipt(RECEIPT, [notes.make_vkey(LOG, PUBLIC)])


def test_a_group_with_an_extension_line_is_refused() -> None:
    note = notes.sign(receipts.group_text(LOG, ENCODED) + "x\n", LOG + "/receipts", KEY)
    with refused("CHECKPOINT_LINES"):
        receipts.check_receipt(RECEIPT._replace(note=note), [VKEY])


def damaged(where: str, **members: Json) -> bytes:
    document = json.loads(DATA)
    part = {"": document, "body": document["body"], "head": document["body"]["head"]}[where]
    part.update(members)
    return jsonc.encode(document)


@pytest.mark.parametrize(
    ("where", "members", "code"),
    [
        ("", {"format": "notary-receipt/2"}, "MEMBER_FORM"),
        ("", {"index": -1}, "MEMBER_FORM"),
        ("", {"path": ["00" * 32] * 65}, "MEMBER_FORM"),
        ("", {"path": ["00"]}, "MEMBER_FORM"),
        ("", {"note": None}, "MEMBER_TYPE"),
        ("", {"x": 1}, "MEMBER_UNKNOWN"),
        ("body", {"x": 1}, "MEMBER_UNKNOWN"),
        ("head", {"x": 1}, "MEMBER_UNKNOWN"),
        ("body", {"contract": "11" * 20}, "MEMBER_FORM"),
        ("body", {"contract": "0x" + "11" * 21}, "MEMBER_FORM"),
        ("body", {"log_address": "0x" + "11" * 21}, "MEMBER_FORM"),
        ("body", {"log": "x"}, "LOG_NAME"),
        ("body", {"position": 0}, "RECEIPT_HEAD_SIZE"),
        ("head", {"size": 3}, "RECEIPT_HEAD_SIZE"),
        ("body", {"deadline": "2025-12-31T23:59:59.999Z"}, "RECEIPT_DEADLINE"),
        ("body", {"received_at": "now"}, "TIME_FORM"),
    ],
)
def test_a_damaged_receipt_is_refused(where: str, members: dict[str, Json], code: str) -> None:
    with refused(code):
        receipts.parse(damaged(where, **members))


def test_a_body_that_the_reader_would_refuse_is_not_written() -> None:
    for wrong, code in (
        (BODIES[0]._replace(head=Head(2, BODIES[0].leaf)), "RECEIPT_HEAD_SIZE"),
        (BODIES[0]._replace(deadline=AT - timedelta(seconds=1)), "RECEIPT_DEADLINE"),
        (BODIES[0]._replace(contract=bytes(19)), "RECEIPT_ADDRESS"),
        (BODIES[0]._replace(log_address=bytes(21)), "RECEIPT_ADDRESS"),
        (BODIES[0]._replace(log="x"), "LOG_NAME"),
    ):
        with refused(code):
            receipts.encode_body(wrong)

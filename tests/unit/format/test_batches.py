"""Batch headers and delta files."""

import json
from datetime import UTC, datetime

import pytest

from tests.reference.refusal import refused
from verifier.format import batches, jsonc
from verifier.format.batches import BatchHeader, Change, NotBefore
from verifier.format.digests import ZERO, Digest
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json

LOG = "notary.example/log"
HEADER = BatchHeader(
    log=LOG,
    batch=7,
    sealed_at=datetime(2026, 1, 1, tzinfo=UTC),
    map_root=Digest(b"\x01" * 32),
    delta=Digest(b"\x02" * 32),
    max_deadline_s=86400,
    keys=Digest(b"\x04" * 32),
    next_keys=Digest(b"\x05" * 32),
    successor=None,
    not_before=NotBefore(1, 12, Digest(b"\x03" * 32)),
)
DATA = batches.encode_header(HEADER)


def test_a_header_comes_back() -> None:
    assert batches.parse_header(DATA) == HEADER
    retired = HEADER._replace(successor="notary.example/log2", not_before=None)
    assert batches.parse_header(batches.encode_header(retired)) == retired


def damaged(**members: Json) -> bytes:
    document = json.loads(DATA) | members
    return jsonc.encode({name: value for name, value in document.items() if value != "drop"})


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"format": "notary-batch/2"}, "MEMBER_FORM"),
        ({"log": "https://a.b"}, "LOG_NAME"),
        ({"batch": -1}, "MEMBER_FORM"),
        ({"sealed_at": "now"}, "TIME_FORM"),
        ({"map_root": "0x" + "01" * 32}, "MEMBER_FORM"),
        ({"delta": "01" * 31}, "MEMBER_FORM"),
        ({"max_deadline_s": "1"}, "MEMBER_TYPE"),
        ({"keys": "drop"}, "MEMBER_MISSING"),
        ({"keys": []}, "MEMBER_TYPE"),
        ({"keys": "04" * 31}, "MEMBER_FORM"),
        ({"keys": "0A" * 32}, "MEMBER_FORM"),
        ({"next_keys": ""}, "MEMBER_FORM"),
        ({"next_keys": "drop"}, "MEMBER_MISSING"),
        ({"successor": "x"}, "LOG_NAME"),
        ({"successor": "drop"}, "MEMBER_MISSING"),
        ({"not_before": "drop"}, "MEMBER_MISSING"),
        ({"not_before": {"chain_id": 1, "number": 1}}, "MEMBER_MISSING"),
        ({"not_before": {"chain_id": 1, "number": 1, "hash": "03" * 32}}, "MEMBER_FORM"),
        ({"not_before": {"chain_id": 1, "number": 1, "hash": "0x" + "03" * 31}}, "MEMBER_FORM"),
        (
            {"not_before": {"chain_id": 1, "number": 1, "hash": "0x" + "03" * 32, "x": 1}},
            "MEMBER_UNKNOWN",
        ),
        ({"records": 5}, "MEMBER_UNKNOWN"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_damaged_header_is_refused(members: dict[str, Json], code: str) -> None:
    with refused(code):
        batches.parse_header(damaged(**members))


def test_a_header_that_the_reader_would_refuse_is_not_written() -> None:
    for wrong, code in (
        (HEADER._replace(log="x"), "LOG_NAME"),
        (HEADER._replace(successor="x"), "LOG_NAME"),
    ):
        with refused(code):
            batches.encode_header(wrong)


A, B, C = (Digest(bytes([i]) * 32) for i in (0x0A, 0x0B, 0x0C))
CHANGES = (Change(A, None, B), Change(B, A, C), Change(C, A, B))
DELTA = batches.encode_delta(LOG, 7, CHANGES)


def test_a_delta_file_comes_back() -> None:
    assert DELTA.decode() == (
        f"notary-delta/1\n{LOG}\n7\n"
        f"{A.hex()} - {B.hex()}\n{B.hex()} {A.hex()} {C.hex()}\n{C.hex()} {A.hex()} {B.hex()}\n"
    )
    assert batches.parse_delta(DELTA) == batches.Delta(LOG, 7, CHANGES)
    assert b"".join(batches.delta_lines(LOG, 7, iter(CHANGES))) == DELTA
    nothing = batches.encode_delta(LOG, 0, [])
    assert batches.parse_delta(nothing) == batches.Delta(LOG, 0, ())
    last = batches.encode_delta(LOG, 2**53 - 1, [])
    assert batches.parse_delta(last).batch == 2**53 - 1


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"notary-delta/1", b"notary-delta/2", "DELTA_FORM"),
        (b"\n7\n", b"\n07\n", "DECIMAL_FORM"),
        (b"\n7\n", b"\n\n", "DECIMAL_FORM"),
        (LOG.encode(), b"x", "LOG_NAME"),
        (b" - ", b"  ", "HEX_FORM"),
        (b" - ", b" -  ", "DELTA_FORM"),
        (b" - ", b" ", "DELTA_FORM"),
        (b" - " + b"0b" * 32, b" - -", "HEX_FORM"),
        (b"0b" * 32 + b" " + b"0a" * 32 + b" " + b"0c" * 32,
         b"0b" * 32 + b" " + b"0a" * 32 + b" " + b"0a" * 32, "DELTA_UNCHANGED"),
        (b"\n" + b"0b" * 32, b"\n" + b"0a" * 32, "DELTA_ORDER"),
        (b"\n" + b"0b" * 32, b"\n" + b"01" * 32, "DELTA_ORDER"),
        (b"0c" * 32, b"0C" * 32, "HEX_FORM"),
        (b"0c" * 32, b"0c" * 31, "HEX_FORM"),
        (b"0c" * 32, b"0c" * 31 + b"\t\t", "HEX_FORM"),
        (b"0c" * 32, b"0x" + b"0c" * 31, "HEX_FORM"),
        (b"\n", b"\r\n", "DELTA_FORM"),
        (b"-", b"\xe2\x80\x94", "DELTA_FORM"),
    ],
)  # fmt: skip
def test_a_damaged_delta_file_is_refused(old: bytes, new: bytes, code: str) -> None:
    assert old in DELTA
    with refused(code):
        batches.parse_delta(DELTA.replace(old, new))


@pytest.mark.parametrize("data", [b"", DELTA[:-1], DELTA + b"\n", b"notary-delta/1\n", DELTA[:34]])
def test_a_cut_delta_file_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        batches.parse_delta(data)


def test_a_delta_file_that_the_reader_would_refuse_is_not_written() -> None:
    for log, batch, changes, code in (
        ("x", 0, [], "LOG_NAME"),
        (LOG, -1, [], "DELTA_BATCH"),
        (LOG, 2**53, [], "DELTA_BATCH"),
        (LOG, 0, CHANGES[::-1], "DELTA_ORDER"),
        (LOG, 0, [CHANGES[0], CHANGES[0]], "DELTA_ORDER"),
        (LOG, 0, [Change(A, B, B)], "DELTA_UNCHANGED"),
    ):
        with refused(code):
            batches.encode_delta(log, batch, changes)


def test_a_delta_file_takes_no_key_out() -> None:
    """A key that stood in the map stands there for ever: a file that removes it is refused."""
    removed = b"%s %s -\n" % (C.hex().encode(), B.hex().encode())
    with refused("HEX_FORM"):
        batches.parse_delta(batches.encode_delta(LOG, 7, ()) + removed)


def test_a_delta_file_is_read_up_to_its_fault() -> None:
    delta = batches.open_delta(DELTA.replace(b"0c" * 32 + b" ", b"0C" * 32 + b" "))
    assert (delta.log, delta.batch) == (LOG, 7)
    assert [next(delta.changes), next(delta.changes)] == list(CHANGES[:2])
    with refused("HEX_FORM"):
        next(delta.changes)


def test_the_smallest_key_has_its_place() -> None:
    delta = batches.encode_delta(LOG, 0, [Change(ZERO, None, A)])
    assert batches.parse_delta(delta).changes[0].key == ZERO

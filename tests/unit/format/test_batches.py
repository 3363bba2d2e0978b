"""Batch headers and delta files."""

import json
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from tests.reference.refusal import refused
from verifier.format import batches, jsonc, notes
from verifier.format.batches import BatchHeader, Change, HeaderKey, NotBefore
from verifier.format.digests import ZERO, Digest, b64_encode
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json

LOG = "notary.example/log"
VKEY = notes.make_vkey(LOG, bytes.fromhex(
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
)).text  # fmt: skip
UNKNOWN = f"{LOG}+00000000+{b64_encode(bytes([6]) + bytes(1312))}"
KEYS = (HeaderKey("checkpoint", UNKNOWN), HeaderKey("checkpoint", VKEY), HeaderKey("receipt", VKEY))
HEADER = BatchHeader(
    log=LOG,
    batch=7,
    sealed_at=datetime(2026, 1, 1, tzinfo=UTC),
    map_root=Digest(b"\x01" * 32),
    delta=Digest(b"\x02" * 32),
    max_deadline_s=86400,
    keys=KEYS,
    next_keys=batches.keys_commitment(KEYS),
    successor=None,
    not_before=NotBefore(1, 12, Digest(b"\x03" * 32)),
)
DATA = batches.encode_header(HEADER)


def test_a_header_comes_back_with_keys_of_unknown_types() -> None:
    assert batches.parse_header(DATA) == HEADER
    assert HEADER.vkeys("checkpoint") == (UNKNOWN, VKEY)
    assert HEADER.vkeys("receipt") == (VKEY,)
    retired = HEADER._replace(successor="notary.example/log2", not_before=None, keys=())
    assert batches.parse_header(batches.encode_header(retired)) == retired


def test_the_commitment_is_over_sorted_lines() -> None:
    lines = "".join(f"{key.use} {key.vkey}\n" for key in KEYS)
    wanted = sha256(b"notary/next-keys/v1\n" + lines.encode()).digest()
    assert batches.keys_commitment(KEYS[::-1]) == wanted
    assert batches.keys_commitment([]) == sha256(b"notary/next-keys/v1\n").digest()


def damaged(**members: Json) -> bytes:
    document = json.loads(DATA) | members
    return jsonc.encode({name: value for name, value in document.items() if value != "drop"})


def keys(*pairs: tuple[str, str]) -> list[Json]:
    return [{"use": use, "vkey": vkey} for use, vkey in pairs]


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
        ({"keys": {}}, "MEMBER_TYPE"),
        ({"keys": keys(("checkpoint", VKEY), ("checkpoint", VKEY))}, "HEADER_KEY_ORDER"),
        ({"keys": keys(("receipt", VKEY), ("checkpoint", VKEY))}, "HEADER_KEY_ORDER"),
        ({"keys": keys(("checkpoint", VKEY), ("checkpoint", UNKNOWN))}, "HEADER_KEY_ORDER"),
        ({"keys": keys(("witness", VKEY))}, "HEADER_KEY_USE"),
        ({"keys": keys(("receipt", "no vkey"))}, "KEY_FORM"),
        ({"keys": [{"use": "receipt", "vkey": VKEY, "x": 1}]}, "MEMBER_UNKNOWN"),
        ({"keys": keys(("receipt", VKEY)) * 65}, "MEMBER_FORM"),
        ({"next_keys": "drop"}, "MEMBER_MISSING"),
        ({"successor": "x"}, "LOG_NAME"),
        ({"successor": "drop"}, "MEMBER_MISSING"),
        ({"not_before": "drop"}, "MEMBER_MISSING"),
        ({"not_before": {"chain_id": 1, "number": 1}}, "MEMBER_MISSING"),
        ({"not_before": {"chain_id": 1, "number": 1, "hash": "03" * 32}}, "MEMBER_FORM"),
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
        (HEADER._replace(keys=KEYS[::-1]), "HEADER_KEY_ORDER"),
    ):
        with refused(code):
            batches.encode_header(wrong)


A, B, C = (Digest(bytes([i]) * 32) for i in (0x0A, 0x0B, 0x0C))
CHANGES = (Change(A, None, B), Change(B, A, C), Change(C, A, None))
DELTA = batches.encode_delta(LOG, 7, CHANGES)


def test_a_delta_file_comes_back() -> None:
    assert DELTA.decode() == (
        f"notary-delta/1\n{LOG}\n7\n"
        f"{A.hex()} - {B.hex()}\n{B.hex()} {A.hex()} {C.hex()}\n{C.hex()} {A.hex()} -\n"
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
        (b" - " + b"0b" * 32, b" - -", "DELTA_UNCHANGED"),
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
        (LOG, 0, [Change(A, None, None)], "DELTA_UNCHANGED"),
    ):
        with refused(code):
            batches.encode_delta(log, batch, changes)


def test_the_smallest_key_has_its_place() -> None:
    delta = batches.encode_delta(LOG, 0, [Change(ZERO, None, A)])
    assert batches.parse_delta(delta).changes[0].key == ZERO

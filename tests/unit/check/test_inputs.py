"""Proves verifier/check/inputs.py, step 1.2: the inputs file (docs/spec/verification.md §2)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.hostile import persons
from verifier.check.blocks import BlockId, Said, SourceKind
from verifier.check.inputs import MAX_GIVEN_BYTES, AskedSource, Inputs, read_inputs
from verifier.check.rows import CannotJudge
from verifier.format import numbers
from verifier.format.digests import Digest

NUMBER = numbers.make(bytes(16), b"tag!")
SOURCE, OTHER = (numbers.make_source(bytes([i]) * 16, b"tag!") for i in (1, 2))
HASH_BYTES = Digest(b"\xab" * 32)
HASH = "0x" + HASH_BYTES.hex()


def document(**members: Any) -> dict[str, Any]:
    return {"format": "notary-inputs/1", **members}


def block(**members: Any) -> dict[str, Any]:
    return {"chain_id": 31337, "number": 12, "hash": HASH, **members}


def asked(**members: Any) -> dict[str, Any]:
    return {"number": SOURCE.text, **members}


def read(value: dict[str, Any], folder: Path) -> Inputs:
    return read_inputs(persons.write(value, folder / "inputs.toml"))


def refused(value: dict[str, Any], folder: Path) -> CannotJudge:
    with pytest.raises(CannotJudge) as caught:
        read(value, folder)
    return caught.value


def test_all_members_are_read(tmp_path: Path) -> None:
    (tmp_path / "receipt-1.json").write_bytes(b"{}")
    (tmp_path / "theirs.txt").write_bytes(b"log\n")
    inputs = read(
        document(
            matter=numbers.display(NUMBER).upper(),
            earliest_as_of="2026-11-01T00:00:00.000Z",
            receipts=["receipt-1.json"],
            checkpoints=["theirs.txt"],
            block=[block(origin="my own node"), block(number=13)],
            source=[asked(**{"from": "2026-10-01", "to": "2026-10-01"}), {"number": OTHER.text}],
        ),
        tmp_path,
    )
    assert inputs.matter == NUMBER
    assert inputs.earliest_as_of is not None
    assert [(one.name, one.data) for one in inputs.receipts] == [("receipt-1.json", b"{}")]
    assert [(one.name, one.data) for one in inputs.checkpoints] == [("theirs.txt", b"log\n")]
    assert inputs.blocks == {
        BlockId(31337, 12): own("my own node"),
        BlockId(31337, 13): Said(SourceKind.OWN, "you", HASH_BYTES, 1),
    }
    day = date(2026, 10, 1)
    assert inputs.sources == (AskedSource(SOURCE, (day, day)), AskedSource(OTHER, None))


def own(origin: str) -> Said:
    return Said(SourceKind.OWN, f"you ({origin})", HASH_BYTES, 1)


def test_a_person_may_know_nothing(tmp_path: Path) -> None:
    assert read(document(), tmp_path) == Inputs(None, None, (), (), {}, ())


def test_a_block_with_two_hashes_is_an_error(tmp_path: Path) -> None:
    other = block(hash="0x" + "cd" * 32)
    assert refused(document(block=[block(), other]), tmp_path).code == "INPUTS_BLOCK_CONFLICT"
    assert len(read(document(block=[block(), block()]), tmp_path).blocks) == 1
    apart = [block(), other | {"chain_id": 1}]
    assert len(read(document(block=apart), tmp_path).blocks) == 2


@pytest.mark.parametrize("member", ["receipts", "checkpoints"])
def test_a_file_given_twice_is_one_promise(member: str, tmp_path: Path) -> None:
    for name in ("one.json", "copy.json", "other.json"):
        (tmp_path / name).write_bytes(b"{}" if name != "other.json" else b"[]")
    names = ["one.json", "one.json", "./one.json", "copy.json", "other.json"]
    inputs = read(document(**{member: names}), tmp_path)
    assert [one.name for one in getattr(inputs, member)] == ["one.json", "other.json"]


def test_receipts_are_found_beside_the_inputs_file(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "receipt.json").write_bytes(b"{}")
    (tmp_path / "mine").mkdir()
    inputs = read(document(receipts=["../kept/receipt.json"]), tmp_path / "mine")
    assert inputs.receipts[0].data == b"{}"


KINDS = [("receipts", "INPUTS_RECEIPT"), ("checkpoints", "INPUTS_CHECKPOINT")]


@pytest.mark.parametrize(("member", "code"), KINDS)
@pytest.mark.parametrize("name", ["missing.json", ".", "", "a\0b"])
def test_a_file_that_can_not_be_read_is_an_error(
    name: str, member: str, code: str, tmp_path: Path
) -> None:
    assert refused(document(**{member: [name]}), tmp_path).code == f"{code}_UNREADABLE"


@pytest.mark.parametrize(("member", "code"), KINDS)
def test_a_huge_file_is_an_error(member: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "huge.json").write_bytes(b" " * (MAX_GIVEN_BYTES + 1))
    assert refused(document(**{member: ["huge.json"]}), tmp_path).code == f"{code}_SIZE"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"format": "notary-policy/1"}, "INPUTS_VALUE"),
        ({"matter_number": "nm1"}, "INPUTS_MEMBER_UNKNOWN"),
        ({"matter": ""}, "INPUTS_MATTER"),
        ({"matter": True}, "INPUTS_TYPE"),
        ({"earliest_as_of": "2026-11-01"}, "INPUTS_VALUE"),
        ({"earliest_as_of": 1_790_000_000}, "INPUTS_TYPE"),
        ({"receipts": "receipt.json"}, "INPUTS_TYPE"),
        ({"receipts": [1]}, "INPUTS_TYPE"),
        ({"receipts": ["x"] * 10_001}, "INPUTS_VALUE"),
        ({"checkpoints": "theirs.txt"}, "INPUTS_TYPE"),
        ({"checkpoints": ["x"] * 10_001}, "INPUTS_VALUE"),
        ({"block": [block(chain_id=True)]}, "INPUTS_TYPE"),
        ({"block": [block(number=-1)]}, "INPUTS_VALUE"),
        ({"block": [block(number="12")]}, "INPUTS_TYPE"),
        ({"block": [block(hash=HASH.upper())]}, "INPUTS_VALUE"),
        ({"block": [block(hash=HASH[2:])]}, "INPUTS_VALUE"),
        ({"block": [block(hash=HASH + "00")]}, "INPUTS_VALUE"),
        ({"block": [block(level=1)]}, "INPUTS_MEMBER_UNKNOWN"),
        ({"block": [block(origin="a\nb")]}, "INPUTS_VALUE"),
        ({"block": [{"chain_id": 1, "number": 1}]}, "INPUTS_MEMBER_MISSING"),
        ({"block": block()}, "INPUTS_TYPE"),
        ({"source": [{}]}, "INPUTS_MEMBER_MISSING"),
        ({"source": [{"number": NUMBER.text}]}, "INPUTS_SOURCE"),
        ({"source": [asked(), asked()]}, "INPUTS_SOURCE"),
        ({"source": [asked(name="pbx-1")]}, "INPUTS_MEMBER_UNKNOWN"),
        ({"source": [asked(**{"from": "2026-10-01"})]}, "INPUTS_MEMBER_MISSING"),
        ({"source": [asked(to="2026-10-01")]}, "INPUTS_MEMBER_MISSING"),
        ({"source": [asked(**{"from": "2026-10-02", "to": "2026-10-01"})]}, "INPUTS_VALUE"),
        ({"source": [asked(**{"from": "2026-02-30", "to": "2026-10-01"})]}, "INPUTS_VALUE"),
        ({"source": [asked(**{"from": "1 October", "to": "2026-10-01"})]}, "INPUTS_VALUE"),
        ({"source": asked()}, "INPUTS_TYPE"),
        ({"block": [1]}, "INPUTS_TYPE"),
    ],
)
def test_inputs_outside_the_form_are_refused(
    members: dict[str, Any], code: str, tmp_path: Path
) -> None:
    assert refused(document(**members), tmp_path).code == code


def test_a_mistyped_number_names_the_character(tmp_path: Path) -> None:
    text = NUMBER.text
    wrong = "p" if text[10] != "p" else "q"
    error = refused(document(matter=text[:10] + wrong + text[11:]), tmp_path)
    assert error.code == "INPUTS_MATTER"
    assert "character 11" in error.detail


def test_inputs_that_are_no_toml_are_refused(tmp_path: Path) -> None:
    (tmp_path / "inputs.toml").write_bytes(b"format = ")
    with pytest.raises(CannotJudge) as caught:
        read_inputs(tmp_path / "inputs.toml")
    assert caught.value.code == "INPUTS_SYNTAX"

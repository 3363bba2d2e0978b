"""Proves verifier/check/evidence.py: parts that keep their errors, and never judge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.hostile.case import honest
from tests.hostile.package import Package
from verifier.check import evidence
from verifier.check.evidence import Evidence, Part, attempt, parse_attachment
from verifier.check.reading import Bag, read_bag
from verifier.check.rows import Blocked
from verifier.format import bag
from verifier.format.errors import FormatError
from verifier.format.file_digests import digest_bytes
from verifier.format.statement import Kind


def load(package: Package, folder: Path) -> Evidence:
    return Evidence(read_bag(package.write_zip(folder / "package.zip")))


def test_a_part_without_value_blocks_whoever_needs_it() -> None:
    assert Part("x", 1).need() == 1
    parts: list[Part[int]] = [Part("leaf 3"), Part("leaf 3", None, FormatError("A", "b"))]
    for part in parts:
        with pytest.raises(Blocked) as caught:
            part.need()
        assert caught.value.missing == "leaf 3"


def test_a_format_error_is_kept_and_no_other_is() -> None:
    error = FormatError("JSON_SYNTAX", "no")

    def fail() -> int:
        raise error

    def break_down() -> int:
        raise ZeroDivisionError

    assert attempt("x", fail).error is error
    with pytest.raises(ZeroDivisionError):
        attempt("x", break_down)


def test_every_file_of_an_honest_package_has_its_place(tmp_path: Path) -> None:
    parts = load(honest().complete(), tmp_path)
    assert parts.unknown == []
    assert list(parts.leaves) == list(range(6))
    # The erased record has no disclosures left.
    assert sorted({one.position for one in parts.disclosures}) == [0, 1, 3, 4, 5]
    assert parts.batch_numbers == list(parts.batches) == [2, 4, 5]
    assert parts.statement.need().choices.kind is Kind.COMPLETE
    assert [bag.attachment_name(one.need().name) for one in parts.attachments] == (
        parts.attachment_files
    )
    errors = []
    for shown in parts.batches.values():
        errors += [shown.header.error, shown.map_proof.error]
        errors += [shown.tlog_proof.error, shown.checkpoint.error]
    assert set(errors) == {None}


def test_files_stand_in_the_order_of_their_numbers() -> None:
    """From a million on that is not the order of their names any more."""
    numbers = (999_999, 1_000_000)
    places = [bag.TokenPlace(size, 0, 0) for size in numbers]
    package = Bag()
    for name in sorted(
        [bag.batch_names(number).header for number in numbers]
        + [bag.hand_over_names(number).header for number in numbers]
        + [bag.token_name(place) for place in places]
    ):
        package.files[name] = digest_bytes(b"")
    parts = Evidence(package)
    assert parts.batch_numbers == parts.hand_over_numbers == list(numbers)
    assert (parts.token_places, parts.unknown) == (places, [])


@pytest.mark.parametrize(
    "name",
    [
        "data/matter/leaves/000000.json",
        "data/matter/leaves.TXT",
        "data/leaves.txt",
        "data/disclosures/000001.txt",
        "data/batches/0.json",
        "data/map/000001.JSON",
        "data/map/x/000001.json",
        "data/batches/000001.txt",
        "data/report.pdf",
        "data/fetch.txt",
        "fetch.txt",
        "manifest-md5.txt",
    ],
)
def test_a_file_without_a_place_is_unknown(name: str, tmp_path: Path) -> None:
    assert load(honest().complete().put(name, b""), tmp_path).unknown == [name]


def test_a_note_that_is_none_leaves_the_rest_of_the_proof_alone(tmp_path: Path) -> None:
    package = honest().complete()
    name = bag.batch_names(5).tlog_proof
    damaged = package[name].replace("—".encode(), b"-")
    shown = load(package.put(name, damaged), tmp_path).batches[5]
    assert shown.checkpoint.error is not None
    assert shown.header.error is None


OPENED = b'["%s","text",1]' % (b"A" * 22)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (b"\xc3\xa4\n", "DISCLOSURE_POSITION"),
        (b"\n", "DISCLOSURE_POSITION"),
        (OPENED + b"\n", "DISCLOSURE_POSITION"),
        (b"01 " + OPENED + b"\n", "DISCLOSURE_POSITION"),
        (b"-1 " + OPENED + b"\n", "DISCLOSURE_POSITION"),
        (b" 1 " + OPENED + b"\n", "DISCLOSURE_POSITION"),
        (b"1" * 17 + b" " + OPENED + b"\n", "DISCLOSURE_POSITION"),
        (b"1\t" + OPENED + b"\n", "DISCLOSURE_POSITION"),
        (b"1  " + OPENED + b"\n", "JSON_NOT_CANONICAL"),
        (b"1 " + OPENED + b"\r\n", "JSON_NOT_CANONICAL"),
        (b"1 []\n", "DISCLOSURE_FORM"),
        (b"1 \n", "JSON_SYNTAX"),
    ],
)
def test_a_disclosure_line_has_one_form(lines: bytes, code: str, tmp_path: Path) -> None:
    parts = load(honest().complete().put(bag.DISCLOSURES, lines), tmp_path)
    assert [one.code for one in parts.disclosure_lines.need().faults] == [code]
    with pytest.raises(Blocked):
        _ = parts.disclosures


def test_a_disclosure_line_names_a_position(tmp_path: Path) -> None:
    parts = load(honest().complete().put(bag.DISCLOSURES, b"10 " + OPENED + b"\n"), tmp_path)
    [line] = parts.disclosures
    assert (line.position, line.disclosure.name, line.disclosure.value) == (10, "text", 1)


@pytest.mark.parametrize("name", [bag.LEAVES, bag.DISCLOSURES])
@pytest.mark.parametrize(("content", "code"), [(b"", "LINES_EMPTY"), (b"{}", "LINES_END")])
def test_a_file_of_lines_has_one_form(name: str, content: bytes, code: str, tmp_path: Path) -> None:
    parts = load(honest().complete().put(name, content), tmp_path)
    error = (parts.leaf_lines if name == bag.LEAVES else parts.disclosure_lines).error
    assert error is not None
    assert error.code == code


def test_of_very_many_bad_lines_only_the_first_are_read(tmp_path: Path) -> None:
    parts = load(honest().complete().put(bag.LEAVES, b"\n" * 2**20), tmp_path)
    assert len(parts.leaf_lines.need().faults) == evidence.MAX_LINE_FAULTS


def test_leaves_that_do_not_ascend_have_no_positions(tmp_path: Path) -> None:
    package = honest().complete()
    parts = load(package.change_lines(bag.LEAVES, lambda lines: lines[::-1]), tmp_path)
    with pytest.raises(Blocked):
        _ = parts.leaves
    twice = honest().complete().change_lines(bag.LEAVES, lambda lines: [lines[0], *lines])
    with pytest.raises(Blocked):
        _ = load(twice, tmp_path).leaves
    package = honest().complete()
    assert load(package.drop(bag.LEAVES, bag.DISCLOSURES), tmp_path).leaves == {}
    assert load(package.drop(bag.LEAVES, bag.DISCLOSURES), tmp_path).disclosures == ()


def test_a_file_too_large_to_be_a_document_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = honest().complete()
    parts = load(package, tmp_path)
    monkeypatch.setattr(evidence, "MAX_FILE_BYTES", len(package[bag.STATEMENT]))
    assert load(package, tmp_path).statement.error is None
    monkeypatch.setattr(evidence, "MAX_FILE_BYTES", len(package[bag.STATEMENT]) - 1)

    def never(_: str) -> bytes:
        raise AssertionError("it is refused by its size")

    monkeypatch.setattr(parts.bag, "read", never)
    error = parts.statement.error
    assert error is not None
    assert error.code == "FILE_SIZE"


def attachment(**members: Any) -> dict[str, Any]:
    value = {
        "name": "0f" * 16,
        "filename": None,
        "size": 3,
        "media_type": "image/jpeg",
        "sha256": "00" * 32,
        "sha512": "00" * 64,
        "sm3": "00" * 32,
    }
    return value | members


def test_an_attachment_s_disclosure_is_read() -> None:
    assert parse_attachment(attachment(), "x").name == "0f" * 16
    assert parse_attachment(attachment(filename="door.jpg"), "x").size == 3


@pytest.mark.parametrize(
    "members",
    [
        {"name": "../../etc/passwd"},
        {"name": "0F" * 16},
        {"name": "0f" * 15},
        {"name": None},
        {"filename": 1},
        {"size": -1},
        {"size": True},
        {"size": "3"},
        {"media_type": None},
        {"sha256": "00" * 31},
        {"sha512": "00" * 32},
        {"sm3": None},
        {"sha1": "00" * 20},
    ],
)
def test_an_attachment_s_disclosure_has_one_form(members: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        parse_attachment(attachment(**members), "x")
    value = attachment()
    del value["sha512"]
    with pytest.raises(FormatError):
        parse_attachment(value, "x")

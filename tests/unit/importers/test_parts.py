"""Small parts: originals, occurrences, media types, documents, recognition."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary.errors import CallerError, NothingHappened
from notary.importers import original as original_module
from notary.importers.document import document_row, document_source
from notary.importers.map_file import parse_map
from notary.importers.media import of_bytes
from notary.importers.occurrences import Occurrences
from notary.importers.original import Original
from notary.importers.recognise import Recognised, recognise
from notary.importers.rows import ImportedRow, Reject
from tests.simulators.intake import LETTERS, LETTERS_CSV


def test_an_original_gives_any_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(original_module, "BLOCK_BYTES", 4)
    data = bytes(range(19))
    path = tmp_path / "file"
    path.write_bytes(data)
    with Original(path) as original:
        assert b"".join(original.blocks()) == data
        for start in range(20):
            for end in range(start, 20):
                assert original.read(start, end) == data[start:end]
        with pytest.raises(ValueError, match="outside a file of 19 bytes"):
            original.read(0, 20)


@pytest.mark.parametrize("change", ["grows", "shrinks", "differs"])
def test_an_original_that_changes_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(original_module, "BLOCK_BYTES", 4)
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with Original(path) as original:
        path.write_bytes(
            {"grows": b"01234567890", "shrinks": b"012", "differs": b"0123x56789"}[change]
        )
        with pytest.raises(NothingHappened, match="changed while it was read"):
            list(original.blocks())


def test_a_folder_is_no_original(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="a folder, a pipe or a device is no file"):
        Original(tmp_path)
    with pytest.raises(CallerError, match="No such file"):
        Original(tmp_path / "none")


@given(st.lists(st.sampled_from([b"a", b"b", b"c", b"d"])), st.integers(0, 5))
def test_occurrences_are_exact_in_memory_and_on_disk(identities: list[bytes], most: int) -> None:
    seen: Counter[bytes] = Counter()
    with Occurrences(most) as occurrences:
        for identity in identities:
            assert occurrences.next(identity) == seen[identity]
            seen[identity] += 1


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"RIFF\x00\x00\x00\x00RMID", "application/octet-stream"),
        (b"\x00\x00\x00\x20ftypisom", "video/mp4"),
        (b"", "application/octet-stream"),
        (("x" + "ä" * 10_000).encode()[:4096], "text/plain"),
        (b"plain", "text/plain"),
        (b"\xe4", "application/octet-stream"),
        (b"a\0b", "application/octet-stream"),
    ],
)
def test_the_media_type_follows_from_the_bytes(head: bytes, name: str) -> None:
    assert of_bytes(head) == name


def test_a_document_is_told_apart_by_matter_name_and_content(tmp_path: Path) -> None:
    identities = set()
    for name, content, matter in (
        ("a.txt", b"1", b"m"),
        ("b.txt", b"1", b"m"),
        ("a.txt", b"2", b"m"),
        ("a.txt", b"1", b"n"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with Original(path) as original:
            row = document_row(original, document_source(original, bytes(32)), matter)
        assert isinstance(row, ImportedRow)
        assert row.claims["occurred_at"] is None
        identities.add(row.identity)
    assert len(identities) == 4


@pytest.mark.parametrize(
    ("name", "code"), [("a\x1bb.txt", "ROW_CONTROL"), ("a\udce9b.txt", "ROW_ENCODING")]
)
def test_a_document_with_a_name_that_deceives_is_refused(
    tmp_path: Path, name: str, code: str
) -> None:
    path = tmp_path / name
    path.write_bytes(b"x")
    with Original(path) as original:
        row = document_row(original, document_source(original, bytes(32)), b"m")
    assert isinstance(row, Reject)
    assert row.code == code


def recognised(tmp_path: Path, content: str, *maps: bytes, alone: bool = False) -> str | None:
    path = tmp_path / "file.csv"
    path.write_text(content)
    with Original(path) as original:
        found = recognise(
            original, [parse_map(map_, f"map {i}") for i, map_ in enumerate(maps)], alone=alone
        )
    if isinstance(found, Recognised):
        return None if found.map is None else found.map.id
    return found.code


def test_a_file_is_recognised_by_its_content(tmp_path: Path) -> None:
    ndjson = LETTERS.replace(b'"csv"', b'"ndjson"').replace(b'"letters"', b'"lines"')
    line = '{"id": 1, "contract": "C-1", "sent": null}\n'
    assert recognised(tmp_path, LETTERS_CSV, LETTERS, ndjson) == "letters"
    assert recognised(tmp_path, "\ufeff" + LETTERS_CSV, LETTERS) == "letters"
    assert recognised(tmp_path, line, LETTERS, ndjson) == "lines"
    assert recognised(tmp_path, '{"id": 1}\n', ndjson) is None
    assert recognised(tmp_path, ' {"type" : "EPCISDocument"', LETTERS) == "epcis"
    assert recognised(tmp_path, '{"a": {}, "epcisBody": {', LETTERS) == "epcis"
    assert recognised(tmp_path, "id;contract;sent;amount;subject\n", LETTERS) is None
    assert recognised(tmp_path, "id;contract\n", LETTERS, alone=True) == "letters"
    assert recognised(tmp_path, "", LETTERS, ndjson) == "FILE_FOREIGN"
    assert recognised(tmp_path, '"', LETTERS) is None
    named = LETTERS.replace(b"[account]", b'[recognise]\nname = "other*.csv"\n[account]')
    assert recognised(tmp_path, LETTERS_CSV, named) is None
    assert recognised(tmp_path, LETTERS_CSV, named.replace(b"other", b"file")) == "letters"
    assert recognised(tmp_path, LETTERS_CSV, LETTERS, LETTERS) == "MAP_AMBIGUOUS"
    bare = named.replace(b"other", b"file").replace(
        b"[account]",
        b'[csv]\nheader = false\ncolumns = ["id", "contract", "sent", "amount", "subject"]\n[account]',
    )
    assert recognised(tmp_path, "1,2,3\n", bare) == "letters"
    rejects = "_reject_row,_reject_field,_reject_reason,_reject_remedy," + LETTERS_CSV
    assert recognised(tmp_path, rejects, LETTERS) == "letters"

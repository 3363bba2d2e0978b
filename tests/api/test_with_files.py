"""docs/http.md "A record with its originals": what is said is compared, what is refused leaves nothing."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from notary.creation import Created
from tests.api.problem import problem
from verifier.format import records

WITH_FILES = "/v1/records/with-files"
BOUNDARY = "b0undary"
NOTICE = b"%PDF-1.7 notice \r\n--b0undar \x00\xff" * 50


def said(**changed: Any) -> dict[str, Any]:
    return {"media_type": "application/pdf", "filename": "催告函 1.pdf", **changed}


def record(matter: str, key: str, *files: dict[str, Any], **changed: Any) -> dict[str, Any]:
    claims = {"subject": "First notice"}
    return {
        "matter": matter,
        "kind": "letter",
        "claims": claims,
        "idempotency_key": key,
        "files": list(files),
        **changed,
    }


def body(*parts: tuple[str, bytes], end: bool = True) -> bytes:
    written = b""
    for name, content in parts:
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="x"\r\n\r\n'
        )
        written += head.encode() + content + b"\r\n"
    return written + (f"--{BOUNDARY}--\r\n".encode() if end else b"")


def send(agency: TestClient, *parts: tuple[str, bytes], end: bool = True) -> Any:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return agency.post(WITH_FILES, content=body(*parts, end=end), headers=headers)


def give(agency: TestClient, item: dict[str, Any], *files: bytes) -> Any:
    return send(agency, ("record", json.dumps(item).encode()), *[("file", one) for one in files])


def kept(made: Created) -> list[str]:
    return sorted(path.name for path in made.home.objects.rglob("*") if path.is_file())


def test_record_and_files_are_one(agency: TestClient, matter: str, made: Created) -> None:
    before = kept(made)
    digest = hashlib.sha256(NOTICE).hexdigest()
    item = record(matter, "f1", said(sha256=digest, size=len(NOTICE)), said(filename=None))
    answer = give(agency, item, NOTICE, b"")
    assert answer.status_code == 201, answer.text
    disclosed = {
        one.name: one.value for one in map(records.parse_disclosure, answer.json()["disclosures"])
    }
    first = disclosed["attachment-0"]
    assert isinstance(first, dict)
    assert (first["sha256"], first["size"]) == (digest, len(NOTICE))
    assert first["filename"] == "催告函 1.pdf"
    second = disclosed["attachment-1"]
    assert isinstance(second, dict)
    assert (second["size"], second["filename"]) == (0, None)
    assert len(kept(made)) == len(before) + 2
    # Sealed: nothing of it lies in the clear.
    assert all(
        NOTICE[:20] not in path.read_bytes()
        for path in made.home.objects.rglob("*")
        if path.is_file()
    )


def test_sent_again_it_is_the_same_record_and_nothing_is_kept_twice(
    agency: TestClient, matter: str, made: Created
) -> None:
    item = record(matter, "again", said())
    first = give(agency, item, NOTICE)
    before = kept(made)
    second = give(agency, item, NOTICE)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == {**first.json(), "replayed": True}
    problem(give(agency, item, NOTICE + b"x"), 409, "IDEMPOTENCY_CONFLICT")
    assert kept(made) == before


@pytest.mark.parametrize(
    ("changed", "files", "code", "field"),
    [
        ({"sha256": "0" * 64}, [NOTICE], "FILE_DIGEST", "files[0]"),
        ({"size": 3}, [NOTICE], "FILE_SIZE_DIFFERS", "files[0]"),
        ({"sha256": "A" * 64}, [NOTICE], "RECORD_SHAPE", "files[0].sha256"),
        ({"size": False}, [NOTICE], "RECORD_SHAPE", "files[0].size"),
        ({"size": -1}, [NOTICE], "RECORD_SHAPE", "files[0].size"),
        ({"media_type": None}, [NOTICE], "RECORD_SHAPE", "files[0].media_type"),
        ({"media_type": "pdf"}, [NOTICE], "MEDIA_TYPE", "files[0].media_type"),
        ({"filename": 7}, [NOTICE], "RECORD_SHAPE", "files[0].filename"),
        ({"filename": "\ud800"}, [NOTICE], "FILENAME", "files[0].filename"),
        ({"colour": "red"}, [NOTICE], "RECORD_SHAPE", "files[0]"),
        ({}, [], "PARTS", "files[0]"),
        ({}, [NOTICE, NOTICE], "PARTS", "files[0]"),
    ],
)
def test_files_that_differ_from_what_is_said_leave_nothing(
    agency: TestClient,
    matter: str,
    made: Created,
    changed: dict[str, Any],
    files: list[bytes],
    code: str,
    field: str,
) -> None:
    before = kept(made)
    answer = give(agency, record(matter, f"differs {changed}", said(**changed)), *files)
    assert problem(answer, 422, code)["faults"][0]["field"] == field
    assert kept(made) == before


@pytest.mark.parametrize(
    ("parts", "end"),
    [
        ([], True),
        ([("file", NOTICE)], True),
        ([("record", b"{}")], False),
        ([("record", b'{"files": []}'), ("file", b"x")], True),
    ],
)
def test_parts_in_another_order_or_cut_off_are_refused(
    agency: TestClient, parts: list[tuple[str, bytes]], end: bool
) -> None:
    assert send(agency, *parts, end=end).status_code == 422


def test_a_file_that_is_cut_off_leaves_nothing(
    agency: TestClient, matter: str, made: Created
) -> None:
    before = kept(made)
    item = json.dumps(record(matter, "cut", said())).encode()
    answer = send(agency, ("record", item), ("file", NOTICE), end=False)
    problem(answer, 422, "PARTS")
    assert kept(made) == before


def test_a_record_that_does_not_fit_is_refused_before_its_files_are_kept(
    agency: TestClient, matter: str, made: Created
) -> None:
    before = kept(made)
    item = record(matter, "unfit", said(), claims={"colour": "red"})
    problem(give(agency, item, NOTICE), 422, "CLAIM_UNKNOWN")
    other = record("nm1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", "unfit", said())
    assert give(agency, other, NOTICE).status_code == 422
    assert kept(made) == before


def test_a_matter_of_nobody_leaves_no_file(agency: TestClient, made: Created) -> None:
    from verifier.format import numbers

    before = kept(made)
    nobody = numbers.make(b"\x09" * 16, b"\x01\x02\x03\x04").text
    problem(give(agency, record(nobody, "nobody", said()), NOTICE), 404, "MATTER_UNKNOWN")
    assert kept(made) == before


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=" + "b" * 300])
def test_a_boundary_must_be_said(agency: TestClient, boundary: str) -> None:
    headers = {"Content-Type": f"multipart/form-data{boundary}"}
    answer = agency.post(WITH_FILES, content=b"", headers=headers)
    assert answer.status_code in (415, 422)
    assert answer.headers["content-type"] == "application/problem+json"

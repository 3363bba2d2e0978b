"""docs/http.md "Limits and waiting" and "Problems": bodies of the wrong kind, form or size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.problem import problem

ROUTES = {
    "/v1/matters": "application/json",
    "/v1/records": "application/json",
    "/v1/records/bulk": "application/json",
    "/v1/records/stream": "application/x-ndjson",
    "/v1/records/with-files": "multipart/form-data",
}


@pytest.mark.parametrize("path", list(ROUTES))
@pytest.mark.parametrize(
    "kind", [None, "", "text/plain", "application/xml", "application/jsonp", "nonsense"]
)
def test_another_content_type_is_refused(agency: TestClient, path: str, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    answer = agency.post(path, content=b"{}", headers=headers)
    assert f"want `Content-Type: {ROUTES[path]}" in problem(answer, 415, "CONTENT_TYPE")["detail"]


@pytest.mark.parametrize("path", list(ROUTES)[:4])
@pytest.mark.parametrize("charset", ["latin-1", "utf-16", '"gb18030"'])
def test_another_charset_is_refused(agency: TestClient, path: str, charset: str) -> None:
    headers = {"Content-Type": f"{ROUTES[path]}; charset={charset}"}
    problem(agency.post(path, content=b"{}", headers=headers), 415, "CONTENT_CHARSET")


@pytest.mark.parametrize("path", list(ROUTES))
def test_a_compressed_body_is_refused(agency: TestClient, path: str) -> None:
    headers = {"Content-Type": ROUTES[path], "Content-Encoding": "gzip"}
    answer = agency.post(path, content=b"\x1f\x8b", headers=headers)
    problem(answer, 415, "CONTENT_ENCODING")
    assert answer.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"'])
def test_utf_8_may_be_said(agency: TestClient, charset: str) -> None:
    headers = {"Content-Type": f"Application/JSON; charset={charset}"}
    answer = agency.post("/v1/matters", content='{"title": "甲 v. 乙"}'.encode(), headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["title"] == "甲 v. 乙"


@pytest.mark.parametrize("path", ["/v1/matters", "/v1/records", "/v1/records/bulk"])
@pytest.mark.parametrize("said", [True, False])
def test_a_body_above_the_limit_is_refused(agency: TestClient, path: str, said: bool) -> None:
    body = b"[" + b" " * 8 * 2**20 + b"]"

    def pieces() -> Iterator[bytes]:
        yield body

    headers = {"Content-Type": "application/json"}
    content: Any = body if said else pieces()
    problem(agency.post(path, content=content, headers=headers), 413, "BODY_SIZE")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "RECORD_JSON"),
        (b"{", "RECORD_JSON"),
        (b"[]", "RECORD_JSON"),
        (b"\xff\xfe{\x00}\x00", "RECORD_JSON"),
        (b"{}", "RECORD_SHAPE"),
        (
            b'{"matter": "\\ud800", "kind": "k", "claims": {}, "idempotency_key": "k"}',
            "NUMBER_LENGTH",
        ),
        (b'{"\\ud800": 1, "matter": "", "kind": "k", "claims": {}, "idempotency_key": "k"}', None),
    ],
)
def test_what_is_no_record_is_refused(agency: TestClient, body: bytes, code: str | None) -> None:
    answer = agency.post("/v1/records", content=body, headers={"Content-Type": "application/json"})
    problem(answer, 422, code or "RECORD_SHAPE")


def test_a_fault_of_a_record_is_told_by_its_field(agency: TestClient, matter: str) -> None:
    record = {
        "matter": matter,
        "kind": "payment",
        "claims": {"amount": 5, "\ud800": 1},
        "idempotency_key": "fault",
    }
    answer = agency.post(
        "/v1/records",
        content=json.dumps(record).encode(),
        headers={"Content-Type": "application/json"},
    )
    found = problem(answer, 422, "CLAIM_SHAPE")
    assert found["faults"][0]["field"] == "claims.amount"


@pytest.mark.parametrize("name", ["\ud800", "a\x00b", "\x1b[2J", "x" * 5000])
def test_names_with_strange_characters_are_refused_in_a_document_that_holds(
    agency: TestClient, matter: str, name: str
) -> None:
    record = {"matter": matter, "kind": "call", "claims": {name: "x"}, "idempotency_key": "n"}
    answer = agency.post(
        "/v1/records",
        content=json.dumps(record).encode(),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.json()["faults"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/records", "POST"),
        ("GET", "/v1/records", "POST"),
        ("GET", "/v1/records/bulk", "POST"),
        ("DELETE", "/v1/records/stream", "POST"),
        ("HEAD", "/v1/records/with-files", "POST"),
        ("DELETE", "/v1/matters", "GET, POST"),
        ("POST", "/v1/records/7", "GET"),
        ("POST", "/health", "GET"),
    ],
)
def test_another_method_is_refused_and_the_right_ones_are_named(
    agency: TestClient, method: str, path: str, allowed: str
) -> None:
    answer = agency.request(method, path)
    assert answer.headers["allow"] == allowed
    if method == "HEAD":
        assert answer.status_code == 405
    else:
        problem(answer, 405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize("number", ["-1", "1.0", "1_0", "+1", "9223372036854775808", "٣", "abc"])
def test_numbers_in_paths_are_digits(agency: TestClient, number: str) -> None:
    for path in (f"/public/checkpoints/{number}", f"/public/batches/{number}/delta"):
        problem(agency.get(path), 422, "REQUEST_INVALID")

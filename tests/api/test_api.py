"""The HTTP edge over a real service: who gets in, what is answered, and that errors say what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import records as records_module
from notary.creation import Created
from verifier.format import receipts, records, trees

RECORD = {
    "kind": "message",
    "claims": {"channel": "sms", "text": "Please call us back.", "direction": "outbound"},
    "idempotency_key": "m-1",
}


def _matter(agency: TestClient) -> str:
    answer = agency.post("/v1/matters", json={"title": "A v. B"})
    assert answer.status_code == 201, answer.text
    number: str = answer.json()["number"]
    return number


def _problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    return body


@pytest.mark.parametrize(
    "path",
    [
        "/v1/matters",
        "/v1/records/1",
        "/v1/status",
        "/v1/matters/nm1/package",
        "/v1/openapi.json",
    ],
)
@pytest.mark.parametrize("token", [None, "nt_wrong", "", "ü"])
def test_without_the_token_nothing_private_answers(
    client: TestClient, path: str, token: str | None
) -> None:
    headers = {} if token is None else {b"Authorization": f"Bearer {token}".encode()}
    answer = client.get(path, headers=headers)
    _problem(answer, 401, "TOKEN_WANTED")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_health_answers_without_token_and_says_that_no_worker_runs(client: TestClient) -> None:
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["status"] == "no worker was ever seen"


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/", "/v1"])
def test_nothing_else_answers_at_all(client: TestClient, path: str) -> None:
    _problem(client.get(path), 404, "NOT_FOUND")


def test_the_description_names_the_bodies(agency: TestClient) -> None:
    told = agency.get("/v1/openapi.json").json()
    body = told["paths"]["/v1/records"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"] == {"$ref": "#/components/schemas/NewRecord"}
    assert set(told["components"]["schemas"]["NewRecord"]["required"]) == {
        "matter",
        "kind",
        "claims",
        "idempotency_key",
    }


def test_every_private_route_is_described_with_its_token(agency: TestClient) -> None:
    paths = agency.get("/v1/openapi.json").json()["paths"]
    private = [
        verb for path, verbs in paths.items() if path[:4] == "/v1/" for verb in verbs.items()
    ]
    assert len(private) > 5
    assert all(route.get("security") == [{"HTTPBearer": []}] for _, route in private), private


def test_a_record_without_the_token_or_by_another_method_is_refused(client: TestClient) -> None:
    _problem(client.post("/v1/records", json=RECORD), 401, "TOKEN_WANTED")
    answer = client.put("/v1/records", json=RECORD)
    _problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("changed", "status"),
    [({}, 201), ({"claims": {"text": 1.5}}, 422), ({"more": 1}, 422), ({"matter": "nm1"}, 422)],
)
def test_the_route_in_front_answers_as_the_frameworks_own(
    agency: TestClient, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], status: int
) -> None:
    item = {**RECORD, "matter": _matter(agency), "idempotency_key": f"front {changed}", **changed}
    front = agency.post("/v1/records", json=item)
    monkeypatch.setattr(records_module, "RECORDS", "/nowhere")
    own = agency.post("/v1/records", json=item)
    assert front.status_code == status, front.text
    if status == 201:
        assert (own.status_code, own.json()) == (200, {**front.json(), "replayed": True})
    else:
        assert (own.status_code, own.content) == (front.status_code, front.content)
    assert own.headers.keys() == front.headers.keys()


def test_public_proofs_answer_without_token(client: TestClient) -> None:
    assert client.get("/public/links").json() == []
    _problem(client.get("/public/checkpoint"), 404, "CHECKPOINT_UNKNOWN")
    _problem(client.get("/public/batches/0"), 404, "BATCH_UNKNOWN")


def test_a_record_is_answered_with_a_receipt_that_holds(agency: TestClient, made: Created) -> None:
    number = _matter(agency)
    answer = agency.post("/v1/records", json={**RECORD, "matter": number})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    receipt = receipts.parse(body["receipt"].encode())
    receipts.check_receipt(receipt, [made.receipt_vkey])
    leaf = records.parse_leaf(body["leaf"].encode())
    assert receipt.body.leaf == trees.leaf_hash(body["leaf"].encode())
    disclosed = {one.name: one for one in map(records.parse_disclosure, body["disclosures"])}
    assert {name: one.digest for name, one in disclosed.items()} == dict(leaf.claims)
    assert disclosed["text"].value == "Please call us back."


def test_the_same_record_again_gets_the_first_answer(agency: TestClient) -> None:
    item = {**RECORD, "matter": _matter(agency), "idempotency_key": "again"}
    first = agency.post("/v1/records", json=item)
    second = agency.post("/v1/records", json=item)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == {**first.json(), "replayed": True}
    again = agency.get(f"/v1/records/{first.json()['record_id']}")
    assert again.json() == second.json()


def test_other_content_under_a_known_key_is_a_conflict(agency: TestClient) -> None:
    item: dict[str, Any] = {**RECORD, "matter": _matter(agency), "idempotency_key": "conflict"}
    assert agency.post("/v1/records", json=item).status_code == 201
    item["claims"] = {**item["claims"], "text": "Something else."}
    _problem(agency.post("/v1/records", json=item), 409, "IDEMPOTENCY_CONFLICT")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"claims": {"colour": "red"}}, "colour"),
        ({"claims": {}}, "claims"),
        ({"kind": "gossip"}, "gossip"),
        ({"claims": {"text": 1.5}}, "1.5"),
        ({"claims": {"text": 2**60}}, str(2**60)),
        ({"claims": {"text": "\ud800"}}, "text"),
        ({"claims": {"text": {"_sd": []}}}, "text"),
    ],
)
def test_a_record_that_does_not_fit_names_the_field(
    agency: TestClient, change: dict[str, Any], named: str
) -> None:
    item = {**RECORD, "matter": _matter(agency), "idempotency_key": json.dumps(change), **change}
    answer = agency.post(
        "/v1/records", content=json.dumps(item), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert named in answer.text


def test_deep_nesting_is_refused_and_the_service_lives(agency: TestClient) -> None:
    number = _matter(agency)
    deep = "[" * 100_000 + "]" * 100_000
    body = (
        f'{{"matter":"{number}","kind":"message","idempotency_key":"d","claims":{{"text":{deep}}}}}'
    )
    answer = agency.post("/v1/records", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert agency.get("/v1/matters").status_code == 200


def test_a_wrong_character_of_the_number_is_named(agency: TestClient) -> None:
    number = _matter(agency)
    wrong = number[:10] + ("q" if number[10] != "q" else "p") + number[11:]
    body = _problem(agency.get(f"/v1/matters/{wrong}"), 422, "NUMBER_CHARACTER")
    assert "character 11" in body["detail"]


def test_a_number_of_nobody_is_not_found(agency: TestClient) -> None:
    from verifier.format import numbers

    other = numbers.make(b"\x09" * 16, b"\x01\x02\x03\x04").text
    _problem(agency.get(f"/v1/matters/{other}"), 404, "MATTER_UNKNOWN")
    item = {**RECORD, "matter": other, "idempotency_key": "nobody"}
    _problem(agency.post("/v1/records", json=item), 404, "MATTER_UNKNOWN")


def test_unknown_members_are_refused_and_named(agency: TestClient) -> None:
    body = _problem(
        agency.post("/v1/matters", json={"title": "x", "colour": "red"}), 422, "REQUEST_INVALID"
    )
    assert body["faults"] == [{"field": "body.colour", "reason": "Extra inputs are not permitted"}]


def test_an_export_before_any_anchor_says_what_is_missing(agency: TestClient) -> None:
    answer = agency.get(f"/v1/matters/{_matter(agency)}/package")
    _problem(answer, 503, "ASOF_MISSING")
    assert answer.headers["retry-after"] == "2"


def test_nothing_in_the_clear_is_left_by_an_export_that_failed(
    agency: TestClient, made: Created
) -> None:
    agency.get(f"/v1/matters/{_matter(agency)}/package")
    names = {path.name for path in Path(made.home.data).rglob("*") if path.is_file()}
    assert all(name.startswith("notary.db") for name in names), names


def test_anchoring_at_once_is_asked_for_with_the_token_and_as_often_as_one_likes(
    client: TestClient, made: Created
) -> None:
    _problem(client.post("/v1/anchor-now"), 401, "TOKEN_WANTED")
    headers = {"Authorization": f"Bearer {made.token}"}
    matter = client.post("/v1/matters", json={"title": "Urgent"}, headers=headers).json()["number"]
    record = {**RECORD, "matter": matter, "idempotency_key": "urgent"}
    taken = client.post("/v1/records", json=record, headers=headers)
    assert taken.status_code == 201, taken.text
    first = client.post("/v1/anchor-now", headers=headers)
    assert first.status_code == 202, first.text
    assert first.json()["state"] == "sealed next"
    assert client.post("/v1/anchor-now", headers=headers).json() == first.json()

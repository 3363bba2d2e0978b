"""docs/http.md "Many records: an array": one outcome for each item, in order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import records
from tests.api.problem import problem

BULK = "/v1/records/bulk"


def letter(matter: str, key: str, **changed: Any) -> dict[str, Any]:
    return {
        "matter": matter,
        "kind": "letter",
        "claims": {"subject": f"Letter {key}"},
        "idempotency_key": key,
        **changed,
    }


def test_each_item_gets_what_it_would_get_alone(agency: TestClient, matter: str) -> None:
    items = [
        letter(matter, "a1"),
        letter(matter, "a2", claims={"colour": "red"}),
        letter(matter, "a1"),
        letter(matter, "a1", claims={"subject": "Another"}),
        letter("nm1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", "a3"),
        letter(matter, "a4", more=1),
        7,
        letter(matter, "a5"),
    ]
    answer = agency.post(BULK, json=items)
    assert answer.status_code == 200, answer.text
    outcomes = answer.json()
    assert [one["status"] for one in outcomes] == [201, 422, 200, 409, 422, 422, 422, 201]
    alone = agency.get(f"/v1/records/{outcomes[0]['record_id']}").json()
    assert outcomes[0] == {"status": 201, **alone, "replayed": False}
    assert outcomes[2] == {"status": 200, **alone, "replayed": True}
    assert (outcomes[0]["position"], outcomes[7]["position"]) == (0, 1)
    assert [one.get("code") for one in outcomes[1:7]] == [
        "CLAIM_UNKNOWN",
        None,
        "IDEMPOTENCY_CONFLICT",
        outcomes[4]["code"],
        "RECORD_SHAPE",
        "RECORD_JSON",
    ]
    for item, outcome in zip(items, outcomes, strict=True):
        if outcome["status"] != 201:
            single = agency.post("/v1/records", json=item)
            same = {**outcome, "replayed": True} if "replayed" in outcome else outcome
            expected = (
                single.json() if single.status_code > 201 else {"status": 200, **single.json()}
            )
            assert same == expected


def test_as_many_as_may_be_are_one_answer(agency: TestClient, matter: str) -> None:
    most = records.MAX_ARRAY_RECORDS
    items = [letter(matter, f"most-{i}") for i in range(most)]
    outcomes = agency.post(BULK, json=items).json()
    assert [one["position"] for one in outcomes] == list(range(most))
    problem(agency.post(BULK, json=[*items, items[0]]), 422, "ARRAY_SIZE")
    problem(agency.post(BULK, json=[]), 422, "ARRAY_SIZE")


@pytest.mark.parametrize("body", [b"", b"{}", b"[", b"[1", b"7", b"[]]", b"null"])
def test_what_is_no_array_is_refused_as_a_whole(agency: TestClient, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert agency.post(BULK, content=body, headers=headers).status_code == 422


def test_a_long_item_is_refused_alone(agency: TestClient, matter: str) -> None:
    long = letter(matter, "long", claims={"text": "x" * 2**20})
    outcomes = agency.post(BULK, json=[long, letter(matter, "short")]).json()
    assert [one["status"] for one in outcomes] == [413, 201]
    assert outcomes[0]["code"] == "RECORD_SIZE"


def test_without_the_token_nothing_is_read(client: TestClient) -> None:
    body = json.dumps([letter("nm1", "k")]).encode()
    answer = client.post(BULK, content=body, headers={"Content-Type": "application/json"})
    problem(answer, 401, "TOKEN_WANTED")

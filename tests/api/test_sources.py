"""Sources over HTTP, and records that name them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from api import metrics
from tests.api import people
from tests.api.people import People
from verifier.format import numbers, records

NOBODYS = numbers.make_source(bytes(16), bytes(4)).text
SOURCE = {"name": "pbx-1", "numbering": "source", "zone": "Europe/Berlin", "first": 1}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    with people.opened(tmp_path_factory.mktemp("sources")) as found:
        found.client.headers.update(found.headers(found.made.token))
        made = found.client.post("/v1/sources", json=SOURCE)
        assert made.status_code == 201, made.text
        yield found


@pytest.fixture(scope="module")
def matter(asked: People) -> str:
    number: str = asked.client.post("/v1/matters", json={"title": "A"}).json()["number"]
    return number


def send(asked: People, matter: str, key: str, **more: Any) -> Any:
    name = more.get("source")
    if name is not None and not name.startswith("ns1"):
        more["source"] = asked.client.get(f"/v1/sources/{name}").json()["source"]
    record = {"matter": matter, "kind": "call", "claims": {"text": key}, "idempotency_key": key}
    return asked.client.post("/v1/records", json={**record, **more})


def test_a_record_gets_its_source_and_number(asked: People, matter: str) -> None:
    source = asked.client.get("/v1/sources/pbx-1").json()
    leaf = records.parse_leaf(
        send(asked, matter, "a", source="pbx-1", number=1).json()["leaf"].encode()
    )
    assert (leaf.source, leaf.number) == (bytes.fromhex(source["key"]), 1)


def test_an_array_has_sources_and_numbers_as_a_single_record(asked: People, matter: str) -> None:
    number = asked.client.get("/v1/sources/pbx-1").json()["source"]
    record = {"matter": matter, "kind": "call", "claims": {"text": "x"}, "source": number}
    array = [
        {**record, "idempotency_key": f"bulk-{i}", "number": n} for i, n in enumerate((20, 21, 20))
    ]
    answers = asked.client.post("/v1/records/bulk", json=array).json()
    assert [one["status"] for one in answers] == [201, 201, 409]
    assert answers[2]["code"] == "SOURCE_NUMBER_TAKEN"


def test_a_number_that_is_taken_is_a_conflict(asked: People, matter: str) -> None:
    assert send(asked, matter, "c", source="pbx-1", number=10).status_code == 201
    assert send(asked, matter, "c", source="pbx-1", number=10).status_code == 200
    taken = send(asked, matter, "d", source="pbx-1", number=10)
    assert (taken.status_code, taken.json()["code"]) == (409, "SOURCE_NUMBER_TAKEN")


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"source": NOBODYS, "number": 1}, 404, "SOURCE_UNKNOWN"),
        ({"source": "pbx-1"}, 422, "SOURCE_NUMBER_WANTED"),
        ({"source": "pbx-1", "number": -1}, 422, "SOURCE_NUMBER_FORM"),
        ({"number": 5}, 422, "RECORD_SHAPE"),
        ({"source": "pbx-1", "number": "5"}, 422, "RECORD_SHAPE"),
        ({"source": "pbx-1", "number": True}, 422, "RECORD_SHAPE"),
        ({"source": NOBODYS[:-1] + "?", "number": 5}, 422, "BECH32_FORM"),
    ],
)
def test_what_does_not_fit_is_refused(
    asked: People, matter: str, more: dict[str, Any], status: int, code: str
) -> None:
    answer = send(asked, matter, "e", **more)
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] == code


def test_a_gap_is_seen_explained_and_no_finding_any_more(asked: People, matter: str) -> None:
    made = asked.client.post("/v1/sources", json={**SOURCE, "name": "dialler"})
    assert made.json()["missing"] == []
    assert send(asked, matter, "f", source="dialler", number=4).status_code == 201
    seen = asked.client.get("/v1/sources/dialler").json()
    assert (seen["missing"], seen["unexplained"]) == ([[1, 3]], [[1, 3]])
    assert [one["code"] for one in seen["findings"]] == ["SOURCE_GAP"]
    gap = {"first": 1, "last": 3, "reason": "test calls of the installation"}
    told = asked.client.post("/v1/sources/dialler/gaps", json=gap)
    assert told.status_code == 201, told.text
    assert (told.json()["missing"], told.json()["unexplained"]) == ([[1, 3]], [])
    assert told.json()["findings"] == []
    again = asked.client.post("/v1/sources/dialler/gaps", json={**gap, "last": 9})
    assert (again.status_code, again.json()["code"]) == (422, "SOURCE_NOT_MISSING")


def test_a_profile_is_stated_anew_and_the_status_names_the_source(asked: People) -> None:
    changed = asked.client.put(
        "/v1/sources/pbx-1/profile",
        json={"software": "Asterisk", "version": "20", "hides": ["unanswered=no"]},
    )
    assert changed.status_code == 200, changed.text
    assert changed.json()["hides"] == ["unanswered=no"]
    listed = {one["name"]: one for one in asked.client.get("/v1/sources").json()}
    assert listed["pbx-1"]["version"] == "20"
    status = asked.client.get("/v1/status").json()
    assert "pbx-1" in {one["name"] for one in status["sources"]}
    page = metrics._page(asked.service.figures()).decode()
    number = listed["pbx-1"]["source"]
    series = f'notary_source_today{{number="{number}",source="pbx-1",what="records"}}'
    assert series in page
    assert f'notary_source_rows_waiting{{number="{number}",source="pbx-1"}} 0.0' in page
    # Another agency may call its source the same.
    headers = asked.headers(asked.other)
    asked.client.post("/v1/sources", json=SOURCE, headers=headers)
    page = metrics._page(asked.service.figures()).decode()
    missing = [one for one in page.splitlines() if one.startswith("notary_source_numbers_missing{")]
    assert len([one for one in missing if 'source="pbx-1"' in one]) == 2


def test_a_gap_is_an_alarm_and_no_illness_of_the_service(asked: People, matter: str) -> None:
    asked.client.post("/v1/sources", json={**SOURCE, "name": "gateway"})
    assert send(asked, matter, "g", source="gateway", number=3).status_code == 201
    said = "gateway: 2 numbers are missing: 1 to 2"
    assert [one for one in asked.service.status()["alarms"] if said in one]
    health = asked.client.get("/health").json()
    assert not [one for one in health["reasons"] if one.startswith("SOURCE_")]
    # It is told to nobody but its agency, and to whoever is at the machine.
    others = asked.client.get("/v1/status", headers=asked.headers(asked.other))
    for answer in (asked.client.get("/health"), others):
        assert "gateway" not in answer.text
    assert "gateway" in asked.client.get("/v1/status").text


def test_a_source_that_exists_or_has_a_wrong_member_is_refused(asked: People) -> None:
    twice = asked.client.post("/v1/sources", json=SOURCE)
    assert twice.json()["code"] == "SOURCE_EXISTS"
    wrong = asked.client.post("/v1/sources", json={**SOURCE, "name": "x", "zone": "Nowhere"})
    assert wrong.json()["code"] == "SOURCE_PROFILE"

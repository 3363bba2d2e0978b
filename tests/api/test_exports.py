"""Exports are ordered, looked at and cancelled by whoever may, and what is at fault is said at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from api.exports import _view
from notary.core.roles import Role
from notary.usecases.export_jobs import Failure, Job, Ordered, State
from notary.usecases.export_order import ExportOrder
from tests.api import people
from tests.api.people import People
from verifier.format import numbers

EXPORTS = "/v1/exports"


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """The application, and who may ask it. Nothing is anchored: no package can be made."""
    with people.opened(tmp_path_factory.mktemp("exports")) as found:
        yield found


@pytest.fixture
def number(asked: People) -> str:
    """A matter of its own for the test."""
    headers = asked.headers(asked.made.token)
    told = asked.client.post("/v1/matters", json={"title": "A"}, headers=headers).json()
    return str(told["number"])


def ask(asked: People, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    headers = asked.headers(asked.keys[Role.COUNSEL])
    return asked.client.request(method, path, json=body, headers=headers)


def test_an_order_is_answered_with_its_address_and_is_there_until_it_is_deleted(
    asked: People, number: str
) -> None:
    order = {"matter": number, "idempotency_key": f"e-{number}", "purpose": "zur Klage"}
    told = ask(asked, "POST", EXPORTS, order)
    assert told.status_code == 202, told.text
    address = told.headers["location"]
    assert address == f"{EXPORTS}/{told.json()['export']}"
    assert (told.json()["matter"], told.json()["kind"]) == (number, "complete")
    # No anchor yet: that can pass, so the job waits and has neither package nor error.
    found = ask(asked, "GET", address).json()
    assert found["state"] in ("waiting", "running")
    assert (found["package"], found["error"]) == (None, None)
    unfinished = ask(asked, "GET", f"{address}/package")
    assert (unfinished.status_code, unfinished.json()["code"]) == (409, "EXPORT_UNFINISHED")
    again = ask(asked, "POST", EXPORTS, order)
    assert (again.status_code, again.headers["location"]) == (202, address)
    other = ask(asked, "POST", EXPORTS, {**order, "purpose": "another"})
    assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_CONFLICT")
    listed = ask(asked, "GET", EXPORTS).json()
    assert [one["export"] for one in listed].count(found["export"]) == 1
    gone = ask(asked, "DELETE", address)
    assert (gone.status_code, gone.content) == (204, b"")
    for method, path in (("GET", address), ("DELETE", address), ("GET", f"{address}/package")):
        answer = ask(asked, method, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "EXPORT_UNKNOWN")


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"kind": "extract"}, 422, "POSITIONS_WANTED"),
        ({"positions": [1]}, 422, "POSITIONS_WANTED"),
        (
            {"kind": "absent", "withhold": [{"position": 1, "reason": "privilege"}]},
            422,
            "NOTHING_TO_WITHHOLD",
        ),
        ({"withhold": [{"position": 1, "reason": "whim"}]}, 422, "REQUEST_INVALID"),
        ({"kind": "whole"}, 422, "REQUEST_INVALID"),
        ({"positions": [-1]}, 422, "REQUEST_INVALID"),
        ({"purpose": "a\nb"}, 422, "PURPOSE_FORM"),
        ({"idempotency_key": ""}, 422, "REQUEST_INVALID"),
        ({"matter": "nm1"}, 422, "NUMBER_LENGTH"),
        ({"named_sources": [{"source": "pbx-1"}]}, 404, "SOURCE_UNKNOWN"),
        (
            {"named_sources": [{"source": "pbx-1", "since": "2026-13-01"}]},
            422,
            "SOURCE_ENTRY_FORM",
        ),
        ({"named_sources": ["pbx-1"]}, 422, "REQUEST_INVALID"),
    ],
)
def test_what_can_not_be_ordered_is_refused_at_once(
    asked: People, number: str, changed: dict[str, Any], status: int, code: str
) -> None:
    order = {"matter": number, "idempotency_key": "refused", **changed}
    answer = ask(asked, "POST", EXPORTS, order)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert all(one["matter"] != number for one in ask(asked, "GET", EXPORTS).json())


def test_sources_are_named_for_what_shows_any_and_of_the_own_agency(
    asked: People, number: str
) -> None:
    operators = asked.headers(asked.keys[Role.OPERATOR])
    new = {"name": "pbx-named", "numbering": "source", "zone": "Europe/Berlin"}
    made = asked.client.post("/v1/sources", json=new, headers=operators)
    assert made.status_code == 201, made.text
    order = {
        "matter": number,
        "idempotency_key": f"named-{number}",
        "named_sources": [{"source": made.json()["source"], "since": "2026-10-01"}],
    }
    told = ask(asked, "POST", EXPORTS, order)
    assert told.status_code == 202, told.text
    # By its name it is the same source, so the same order.
    order["named_sources"] = [{"source": "pbx-named", "since": "2026-10-01"}]
    assert ask(asked, "POST", EXPORTS, order).headers["location"] == told.headers["location"]
    absent = ask(asked, "POST", EXPORTS, {**order, "idempotency_key": "none", "kind": "absent"})
    assert (absent.status_code, absent.json()["code"]) == (422, "NO_SOURCES_SHOWN")
    others = asked.headers(asked.other)
    theirs = asked.client.post("/v1/matters", json={"title": "B"}, headers=others).json()["number"]
    answer = asked.client.post(EXPORTS, json={**order, "matter": theirs}, headers=others)
    assert (answer.status_code, answer.json()["code"]) == (404, "SOURCE_UNKNOWN")


def test_a_matter_of_another_agency_can_not_be_ordered(asked: People) -> None:
    headers = asked.headers(asked.other)
    told = asked.client.post("/v1/matters", json={"title": "B"}, headers=headers).json()
    order = {"matter": told["number"], "idempotency_key": "theirs"}
    answer = ask(asked, "POST", EXPORTS, order)
    assert (answer.status_code, answer.json()["code"]) == (404, "MATTER_UNKNOWN")


@pytest.mark.parametrize(
    ("kind", "status"), [("CallerError", 422), ("NothingHappened", 503), ("Contradiction", 500)]
)
def test_a_job_that_failed_tells_the_problem_that_a_request_would_have_met(
    number: str, kind: str, status: int
) -> None:
    order = Ordered(ExportOrder(numbers.parse(number)), None)
    now = datetime(2026, 11, 26, tzinfo=UTC)
    failure = Failure(kind, "WHY", "because")
    job = Job("0a", 1, order, State.FAILED, now, 1, 0, 0, failure, None, now)
    error = _view(job).error
    assert error is not None
    assert (error.status, error.code, error.detail) == (status, "WHY", "because")

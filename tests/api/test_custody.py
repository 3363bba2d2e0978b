"""Whoever is given content over HTTP stands in the matter's log before the first byte is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from notary.core.roles import Role
from notary.errors import NothingHappened
from tests.api import people
from tests.api.people import People

RECORD = {"kind": "message", "claims": {"text": "Please call us back."}}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """The application, and who may ask it."""
    with people.opened(tmp_path_factory.mktemp("custody")) as found:
        yield found


@pytest.fixture
def taken(asked: People) -> dict[str, str]:
    """A matter of its own for the test, with one record."""
    headers = asked.headers(asked.made.token)
    number = asked.client.post("/v1/matters", json={"title": "A"}, headers=headers).json()["number"]
    item = {**RECORD, "matter": number, "idempotency_key": f"m-{number}"}
    record = asked.client.post("/v1/records", json=item, headers=headers).json()["record_id"]
    return {"number": number, "record_id": record}


def _listed(asked: People, taken: dict[str, str], role: Role = Role.AUDITOR) -> Any:
    answer = asked.client.get(
        f"/v1/matters/{taken['number']}/custody", headers=asked.headers(asked.keys[role])
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def _read(asked: People, taken: dict[str, str], query: str = "", role: Role = Role.COUNSEL) -> Any:
    return asked.client.get(
        f"/v1/records/{taken['record_id']}{query}", headers=asked.headers(asked.keys[role])
    )


def test_each_reading_leaves_one_record(asked: People, taken: dict[str, str]) -> None:
    first = _read(asked, taken, "?purpose=zur%20Klage")
    second = _read(asked, taken, role=Role.PRIVACY_OFFICER)
    rows = _listed(asked, taken)
    assert [row["position"] for row in rows] == [1, 2]
    assert [row["purpose"] for row in rows] == ["zur Klage", None]
    assert [row["request"] for row in rows] == [
        first.headers["request-id"],
        second.headers["request-id"],
    ]
    register = asked.service.agencies
    assert [row["actor"] for row in rows] == [
        register.user(1, "the counsel").handle,
        register.user(1, "the privacy-officer").handle,
    ]
    assert all((row["action"], row["shown"]) == ("read", [[0, 1]]) for row in rows)


def test_what_gives_out_no_content_leaves_none(asked: People, taken: dict[str, str]) -> None:
    for role in Role:
        headers = asked.headers(asked.keys[role])
        asked.client.get(f"/v1/matters/{taken['number']}", headers=headers)
        asked.client.get(f"/v1/records/{taken['record_id']}/receipt", headers=headers)
    # Forbidden, of another agency, with a purpose that can't be recorded, and before any anchor.
    assert _read(asked, taken, role=Role.AUDITOR).status_code == 403
    other = asked.headers(asked.other)
    assert asked.client.get(f"/v1/records/{taken['record_id']}", headers=other).status_code == 404
    assert _read(asked, taken, "?purpose=").status_code == 422
    assert _read(asked, taken, "?purpose=" + "x" * 501).status_code == 422
    assert _read(asked, taken, "?purpose=a%0Ab").status_code == 422
    package = f"/v1/matters/{taken['number']}/package"
    answer = asked.client.get(package, headers=asked.headers(asked.keys[Role.COUNSEL]))
    assert answer.status_code == 503
    assert _listed(asked, taken) == []


def test_the_list_and_its_records_leave_none(asked: People, taken: dict[str, str]) -> None:
    _read(asked, taken)
    matter = asked.service.matter(1, taken["number"])
    view = asked.service.reader.at(1, matter.key, 1)
    name = asked.service.record_names.name(1, view.record_id)
    answer = _read(asked, {"record_id": name})
    assert answer.status_code == 200
    assert len(_listed(asked, taken)) == len(_listed(asked, taken)) == 1


def test_nobody_else_makes_a_record_of_custody(asked: People, taken: dict[str, str]) -> None:
    item = {
        "matter": taken["number"],
        "kind": "custody",
        "claims": {"action": "read", "actor": "somebody else"},
        "idempotency_key": "forged",
    }
    answer = asked.client.post("/v1/records", json=item, headers=asked.headers(asked.made.token))
    assert (answer.status_code, answer.json()["code"]) == (422, "KIND_RESERVED")
    assert _listed(asked, taken) == []


def test_what_can_not_be_filed_is_not_given_out(
    asked: People, taken: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise NothingHappened("BUSY", "too much waits")

    with monkeypatch.context() as patch:
        patch.setattr(asked.app._app.state.intake, "take", full)
        answer = _read(asked, taken)
    assert (answer.status_code, answer.json()["code"]) == (503, "BUSY")
    assert "call us back" not in answer.text
    assert _listed(asked, taken) == []


def test_readings_at_the_same_time_share_commits(asked: People, taken: dict[str, str]) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: _read(asked, taken), range(48)))
    assert {answer.status_code for answer in answers} == {200}
    rows = _listed(asked, taken)
    assert sorted(row["request"] for row in rows) == sorted(
        answer.headers["request-id"] for answer in answers
    )
    matter = asked.service.matter(1, taken["number"])
    notes = set()
    for row in rows:
        receipt = asked.service.reader.at(1, matter.key, row["position"]).receipt.decode()
        notes.add(re.search(r'"note":"([^"]*)"', receipt)[1])  # type: ignore[index]
    assert len(notes) < 48, "each reading was committed by itself"

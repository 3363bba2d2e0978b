"""A privacy officer erases and holds over HTTP; nobody else can, and nobody can pretend that it was done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from notary.core.roles import Role
from tests.api import people
from tests.api.people import People

WHY = {"reason": "subject_request", "authority": "privacy office, 2026-17"}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """The application, and who may ask it."""
    with people.opened(tmp_path_factory.mktemp("erasing")) as found:
        yield found


@pytest.fixture
def number(asked: People) -> str:
    """A matter with two records."""
    headers = asked.headers(asked.made.token)
    told = asked.client.post("/v1/matters", json={"title": "A"}, headers=headers).json()
    for place in range(2):
        item = {
            "matter": told["number"],
            "kind": "message",
            "claims": {"text": "Please call us back.", "sender": "+49 40 1234567"},
            "idempotency_key": f"{told['number']}-{place}",
        }
        assert asked.client.post("/v1/records", json=item, headers=headers).status_code == 201
    return str(told["number"])


def ask(asked: People, path: str, body: dict[str, Any] | None = None) -> Any:
    headers = asked.headers(asked.keys[Role.PRIVACY_OFFICER])
    if body is None:
        return asked.client.get(path, headers=headers)
    return asked.client.post(path, json=body, headers=headers)


def test_a_plan_changes_nothing_and_an_erasure_is_answered_by_what_went(
    asked: People, number: str
) -> None:
    path = f"/v1/matters/{number}/erasures"
    plan = ask(asked, path, {"positions": [1], **WHY, "dry_run": True})
    assert plan.status_code == 200, plan.text
    assert (plan.json()["dry_run"], plan.json()["records"][0]["had_content"]) == (True, True)
    done = ask(asked, path, {"positions": [1], **WHY})
    assert done.status_code == 200, done.text
    again = ask(asked, path, {"positions": [1], **WHY}).json()["records"][0]
    assert (again["had_content"], again["tombstone"]) == (False, 2)
    assert ask(asked, f"/v1/matters/{number}").json()["records"] == 3


def test_a_hold_refuses_and_its_release_allows(asked: People, number: str) -> None:
    path = f"/v1/matters/{number}"
    words = {"reason": "pending suit", "authority": "legal department"}
    held = ask(asked, f"{path}/holds", {**words, "position": 0})
    assert held.status_code == 201, held.text
    assert held.json()["hold"] == 2
    refused = ask(asked, f"{path}/erasures", {"positions": [0, 1], **WHY})
    assert (refused.status_code, refused.json()["code"]) == (422, "ERASURE_HELD")
    [one] = ask(asked, f"{path}/holds").json()
    assert (one["hold"], one["held"], one["reason"]) == (2, 0, "pending suit")
    assert ask(asked, f"{path}/holds/2/release", words).status_code == 201
    assert ask(asked, f"{path}/holds").json() == []
    assert ask(asked, f"{path}/holds/2/release", words).json()["code"] == "HOLD_UNKNOWN"
    assert ask(asked, f"{path}/erasures", {"positions": [0], **WHY}).status_code == 200


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"positions": [], **WHY}, "positions"),
        ({"positions": list(range(1001)), **WHY}, "positions"),
        ({"positions": [0], **WHY, "reason": "whim"}, "reason"),
        ({"positions": [0], **WHY, "authority": "a@b.example"}, "STATED_PERSONAL"),
        ({"positions": [0], **WHY, "authority": "line\nbreak"}, "STATED_TEXT"),
        ({"positions": [77], **WHY}, "RECORD_UNKNOWN"),
        ({"positions": [True], **WHY}, "positions"),
    ],
)
def test_an_order_that_does_not_fit_is_refused_and_nothing_goes(
    asked: People, number: str, body: dict[str, Any], said: str
) -> None:
    answer = ask(asked, f"/v1/matters/{number}/erasures", body)
    assert answer.status_code in (404, 422), answer.text
    assert said in answer.text
    assert ask(asked, f"/v1/matters/{number}").json()["records"] == 2


@pytest.mark.parametrize("kind", ["erasure", "hold"])
def test_nobody_submits_what_the_service_alone_may_say(
    asked: People, number: str, kind: str
) -> None:
    item = {"matter": number, "kind": kind, "claims": {"reason": "x"}, "idempotency_key": "forged"}
    answer = asked.client.post("/v1/records", json=item, headers=asked.headers(asked.made.token))
    assert (answer.status_code, answer.json()["code"]) == (422, "KIND_RESERVED")

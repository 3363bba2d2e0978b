"""Every route, in every role, for one's own agency and for another: as the table of docs/http.md says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from notary.core.roles import MAY, Act, Role
from tests.api import people
from tests.api.people import People, statements
from verifier.format import numbers

PAGE = Path(__file__).parents[2] / "docs/http.md"
RECORD = {"kind": "message", "claims": {"text": "Please call us back."}}
WHY = {"reason": "order", "authority": "court, 12 C 3"}
# Of requests about a matter, the bodies that fit: what does not fit is refused before anything is asked.
BODIES: dict[str, dict[str, Any]] = {
    "POST /v1/matters/{number}/erasures": {"positions": [0], **WHY},
    "POST /v1/matters/{number}/holds": WHY,
    "POST /v1/matters/{number}/holds/{position}/release": WHY,
    "POST /v1/users/{user}/keys": {"label": "x"},
    "POST /v1/keys/{key}/rotate": {"overlap_days": 1},
}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """The application, and who may ask it."""
    with people.opened(tmp_path_factory.mktemp("roles")) as found:
        yield found


@pytest.fixture(scope="module")
def places(asked: People) -> dict[str, dict[str, str]]:
    """What stands in paths: a matter and a record of one's own, of the other agency, and of nobody."""
    found = {}
    for whose, key in (("own", asked.made.token), ("other", asked.other)):
        headers = asked.headers(key)
        number = asked.client.post("/v1/matters", json={"title": "A"}, headers=headers).json()[
            "number"
        ]
        item = {**RECORD, "matter": number, "idempotency_key": "m-1"}
        taken = asked.client.post("/v1/records", json=item, headers=headers)
        assert taken.status_code == 201, taken.text
        source = {"name": f"pbx-{whose}", "numbering": "service", "zone": "Europe/Berlin"}
        made = asked.client.post("/v1/sources", json=source, headers=headers)
        assert made.status_code == 201, made.text
        found[whose] = {
            "number": number,
            "record_id": taken.json()["record_id"],
            "name": made.json()["source"],
            "export": _ordered(asked, headers, number),
            **_spare(asked, 1 if whose == "own" else asked.other_agency),
        }
    tag = numbers.parse(found["own"]["number"]).log_tag
    found["nobody"] = {
        "number": numbers.make(b"\x09" * numbers.RANDOM_LENGTH, tag).text,
        "record_id": asked.service.record_names.name(9, 10**6),
        "name": numbers.make_source(b"\x09" * numbers.RANDOM_LENGTH, tag).text,
        "export": "09" * 16,
        "user": "u" + "a" * 16,
        "key": asked.service.key_names.name(9, 10**6),
    }
    for place in found.values():
        place["position"] = "0"
    return found


def _spare(asked: People, agency_id: int) -> dict[str, str]:
    """A user and a key that may be ended."""
    register = asked.service.agencies
    user = register.add_user(agency_id, "spare", [Role.SUBMITTER])
    key = register.issued(agency_id, register.issue_key(agency_id, user.user_id, "spare"))
    return {
        "user": user.handle,
        "key": asked.service.key_names.name(agency_id, key.key_id),
    }


def _ordered(asked: People, headers: dict[str, str], number: str) -> str:
    order = {"matter": number, "idempotency_key": "e-1"}
    told = asked.client.post("/v1/exports", json=order, headers=headers)
    assert told.status_code == 202, told.text
    return str(told.json()["export"])


def documented() -> dict[str, set[Role]]:
    """The table of the page: request → the roles that may."""
    section = PAGE.read_text("utf-8").split("\n## Keys and roles\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split("|") for line in section.splitlines() if line.startswith("|")]
    head = [cell.strip() for cell in rows[0]]
    table = {}
    for row in rows[2:]:
        cells = [cell.strip() for cell in row]
        assert set(cells[1:]) <= {"yes", ""}, row
        table[cells[0].strip("`")] = {
            Role(role) for role, cell in zip(head[1:], cells[1:], strict=False) if cell == "yes"
        }
    return table


def act_of(route: APIRoute) -> Act | None:
    """The act that the route's dependencies ask for."""
    waiting: list[Dependant] = [*route.dependant.dependencies]
    acts = set()
    while waiting:
        one = waiting.pop()
        acts.add(getattr(one.call, "act", None))
        waiting += one.dependencies
    acts.discard(None)
    assert len(acts) <= 1, route.path
    return acts.pop() if acts else None


def routes(asked: People) -> dict[str, APIRoute]:
    """Every route of /v1, by its request."""
    return {
        f"{method} {route.path}": route
        for route in asked.app._app.routes
        if isinstance(route, APIRoute) and route.path.startswith("/v1")
        for method in route.methods or ()
    }


def test_every_private_route_asks_for_an_act_and_no_other_route_does(asked: People) -> None:
    assert all(act_of(route) is not None for route in routes(asked).values())
    for route in asked.app._app.routes:
        if isinstance(route, APIRoute) and not route.path.startswith("/v1"):
            assert act_of(route) is None, route.path


def test_the_page_has_every_route_with_the_roles_of_the_table(asked: People) -> None:
    held = {name: set(MAY[act]) for name, route in routes(asked).items() if (act := act_of(route))}
    assert documented() == held


def test_each_route_answers_each_role_as_the_page_says(
    asked: People, places: dict[str, dict[str, str]]
) -> None:
    table = documented()
    for request, who in table.items():
        method, path = request.split(" ")
        for role in Role:
            for whose, place in places.items():
                answer = asked.client.request(
                    method,
                    path.format(**place),
                    headers=asked.headers(asked.keys[role]),
                    json={} if method == "POST" else None,
                )
                told = (request, role, whose, answer.status_code, answer.text)
                assert (answer.status_code == 403) == (role not in who), told
                assert answer.status_code != 401, told
                if answer.status_code == 403 and method != "HEAD":
                    assert answer.json()["code"] == "ROLE_WANTED", told


def _same_but_for_the_name(one: Any, other: Any, names: tuple[str, str]) -> None:
    assert one.status_code == other.status_code
    assert _unnamed(one.text, names[0]) == _unnamed(other.text, names[1])
    assert one.headers.keys() == other.headers.keys()


def _unnamed(text: str, name: str) -> str:
    # Answers name a matter by its number or by its key, which follows from that.
    if name.startswith("nm1"):
        text = text.replace(numbers.parse(name).key.hex(), "#")
    return text.replace(name, "#")


def test_what_is_of_another_agency_is_answered_as_what_is_nobodys(
    asked: People, places: dict[str, dict[str, str]]
) -> None:
    """The same status and words, and the same questions to the store: no clock can tell them apart."""
    headers = asked.headers(asked.made.token)
    for request in documented():
        method, path = request.split(" ")
        name = re.search(r"\{(\w+)\}", path)
        if name is None:
            continue
        # The first request of a kind prepares what the others find ready.
        body = BODIES.get(request)
        asked.client.request(method, path.format(**places["nobody"]), headers=headers, json=body)
        answers, traces = [], []
        for whose in ("other", "nobody"):
            with statements(asked) as trace:
                answers.append(
                    asked.client.request(
                        method, path.format(**places[whose]), headers=headers, json=body
                    )
                )
            traces.append(trace)
        shown = (places["other"][name[1]], places["nobody"][name[1]])
        assert answers[0].status_code in (404, 422, 503), (request, answers[0].text)
        _same_but_for_the_name(answers[0], answers[1], shown)
        assert traces[0] == traces[1], request
        assert traces[0], request


def test_a_record_for_another_agencys_matter_is_answered_as_for_nobodys(
    asked: People, places: dict[str, dict[str, str]]
) -> None:
    headers = asked.headers(asked.made.token)
    answers, traces = [], []
    for whose in ("other", "nobody"):
        item = {**RECORD, "matter": places[whose]["number"], "idempotency_key": "theirs"}
        with statements(asked) as trace:
            answers.append(asked.client.post("/v1/records", json=item, headers=headers))
        traces.append(trace)
    assert answers[0].status_code == 404
    _same_but_for_the_name(
        answers[0], answers[1], (places["other"]["number"], places["nobody"]["number"])
    )
    assert traces[0] == traces[1]


def test_idempotency_keys_and_accounts_of_another_agency_are_free(
    asked: People, places: dict[str, dict[str, str]]
) -> None:
    answers = []
    for key in (asked.made.token, asked.other):
        headers = asked.headers(key)
        matter = asked.client.post(
            "/v1/matters", json={"title": "B", "accounts": ["ACC-1"]}, headers=headers
        )
        assert matter.status_code == 201, matter.text
        item = {**RECORD, "matter": matter.json()["number"], "idempotency_key": "same"}
        answers.append(asked.client.post("/v1/records", json=item, headers=headers))
    assert [answer.status_code for answer in answers] == [201, 201]
    # Neither by position nor by the tree of receipts does one agency see what another one sends.
    assert [answer.json()["position"] for answer in answers] == [0, 0]


def test_an_agency_lists_and_counts_its_own_alone(
    asked: People, places: dict[str, dict[str, str]]
) -> None:
    seen = [
        {one["number"] for one in asked.client.get("/v1/matters", headers=headers).json()}
        for headers in (asked.headers(asked.made.token), asked.headers(asked.other))
    ]
    assert seen[0].isdisjoint(seen[1])
    told = [
        asked.client.get("/v1/status", headers=headers).json()
        for headers in (asked.headers(asked.made.token), asked.headers(asked.other))
    ]
    for status, mine in zip(told, seen, strict=True):
        assert status["matters"] == len(mine)
        # Nothing is sealed yet, so all that waits is what was taken in, of this agency alone.
        assert status["unsealed"] == status["records"] > 0
    # Whoever is at the machine sees all of them.
    whole = asked.service.status()
    for name in ("matters", "records", "unsealed"):
        assert whole[name] == told[0][name] + told[1][name]


def test_an_auditor_sees_neither_title_nor_accounts(
    asked: People, places: dict[str, dict[str, str]]
) -> None:
    number = places["own"]["number"]
    for role in Role:
        headers = asked.headers(asked.keys[role])
        one = asked.client.get(f"/v1/matters/{number}", headers=headers).json()
        assert (one["title"] is None) == (role is Role.AUDITOR)
        assert (one["accounts"] is None) == (role is Role.AUDITOR)
        assert one in asked.client.get("/v1/matters", headers=headers).json()


def test_a_receipt_is_given_without_what_the_record_says(
    asked: People, places: dict[str, dict[str, str]]
) -> None:
    record = places["own"]["record_id"]
    whole = asked.client.get(
        f"/v1/records/{record}", headers=asked.headers(asked.keys[Role.COUNSEL])
    ).json()
    for role in Role:
        headers = asked.headers(asked.keys[role])
        answer = asked.client.get(f"/v1/records/{record}/receipt", headers=headers)
        assert answer.json() == {
            name: whole[name] for name in ("record_id", "position", "leaf", "receipt")
        }

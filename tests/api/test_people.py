"""An operator makes users and keys over HTTP, gives no more than they may, and the log says who did it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from notary.core.roles import Role
from tests.api import people
from tests.api.people import People
from verifier.format.times import parse_time

YEAR = timedelta(days=365)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """The application, and who may ask it."""
    with people.opened(tmp_path_factory.mktemp("people")) as found:
        yield found


def ask(asked: People, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
    headers = asked.headers(key or asked.keys[Role.OPERATOR])
    return asked.client.request(method, path, json=body, headers=headers)


def log(asked: People) -> list[dict[str, Any]]:
    """Oldest first."""
    told = ask(asked, "GET", "/v1/people-log", key=asked.keys[Role.AUDITOR])
    assert told.status_code == 200, told.text
    return list(reversed(told.json()))


def standing(asked: People) -> tuple[Any, ...]:
    """Users, keys and log; but not when a key was last used, which is noted at leisure."""
    keys = [{**one, "last_used": None} for one in ask(asked, "GET", "/v1/keys").json()]
    return log(asked), keys, ask(asked, "GET", "/v1/users").json()


def user_of(asked: People, role: Role) -> str:
    """The user who has this role alone."""
    told = ask(asked, "GET", "/v1/users").json()
    return str(next(one["user"] for one in told if one["name"] == f"the {role}"))


def key_of(asked: People, role: Role) -> str:
    user = user_of(asked, role)
    told = ask(asked, "GET", "/v1/keys").json()
    return str(next(one["key"] for one in told if one["user"] == user))


def made(asked: People, name: str, **more: Any) -> tuple[str, dict[str, Any]]:
    """A submitter of that name and a key of theirs."""
    user = ask(asked, "POST", "/v1/users", {"name": name, "roles": ["submitter"]}).json()["user"]
    told = ask(asked, "POST", f"/v1/users/{user}/keys", more)
    assert told.status_code == 201, told.text
    assert told.headers["cache-control"] == "no-store"
    return user, told.json()


def test_a_machine_gets_a_key_that_is_shown_once_rotated_and_revoked(asked: People) -> None:
    before = len(log(asked))
    user, first = made(asked, "Hall 2", label="hall-2", days=90)
    me = ask(asked, "GET", "/v1/me", key=first["secret"]).json()
    assert (me["user"], me["roles"]) == (user, ["submitter"])
    ends = parse_time(first["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=89) < ends <= timedelta(days=90)
    second = ask(asked, "POST", f"/v1/keys/{first['key']}/rotate", {"overlap_days": 1}).json()
    assert (second["label"], second["roles"]) == ("hall-2", ["submitter"])
    listed = {one["key"]: one for one in ask(asked, "GET", "/v1/keys").json()}
    for one in (first, second):
        assert "secret" not in listed[one["key"]]
        assert listed[one["key"]]["begins"] == one["secret"][:8]
    ends = parse_time(listed[first["key"]]["expires_at"]) - datetime.now(UTC)
    assert ends <= timedelta(days=1)
    for _ in range(2):
        assert ask(asked, "DELETE", f"/v1/keys/{first['key']}").status_code == 204
    assert ask(asked, "GET", "/v1/me", key=first["secret"]).status_code == 401
    assert ask(asked, "GET", "/v1/me", key=second["secret"]).status_code == 200
    left = log(asked)[before:]
    actor = user_of(asked, Role.OPERATOR)
    assert [(one["actor"], one["act"], one["user"], one["key"]) for one in left] == [
        (actor, "user.new", user, None),
        (actor, "key.new", user, first["key"]),
        (actor, "key.rotate", user, first["key"]),
        (actor, "key.new", user, second["key"]),
        (actor, "key.revoke", user, first["key"]),
    ]


def test_what_an_operator_may_not_give_is_refused_and_changes_nothing(asked: People) -> None:
    counsel, operator = user_of(asked, Role.COUNSEL), user_of(asked, Role.OPERATOR)
    before = standing(asked)
    for path, body in (
        *(("/v1/users", {"name": "X", "roles": [role]}) for role in Role if role != "submitter"),
        ("/v1/users", {"name": "X", "roles": ["submitter", "counsel"]}),
        (f"/v1/users/{counsel}/keys", {}),
        (f"/v1/users/{counsel}/keys", {"roles": ["counsel"]}),
        (f"/v1/users/{operator}/keys", {}),
        (f"/v1/keys/{key_of(asked, Role.COUNSEL)}/rotate", {}),
        (f"/v1/keys/{key_of(asked, Role.OPERATOR)}/rotate", {}),
        (f"/v1/users/{counsel}/enable", None),
    ):
        told = ask(asked, "POST", path, body)
        assert (told.status_code, told.json()["code"]) == (403, "ROLES_BEYOND_GIVER"), path
    assert standing(asked) == before


def test_a_key_gives_its_own_roles_but_never_operator(asked: People) -> None:
    register = asked.service.agencies
    user = register.add_user(1, "both", [Role.OPERATOR, Role.COUNSEL])
    key = register.issue_key(1, user.user_id, "x")
    told = ask(asked, "POST", "/v1/users", {"name": "A. Counsel", "roles": ["counsel"]}, key)
    assert told.status_code == 201, told.text
    for role in ("operator", "auditor", "privacy-officer"):
        told = ask(asked, "POST", "/v1/users", {"name": role, "roles": [role]}, key)
        assert (told.status_code, told.json()["code"]) == (403, "ROLES_BEYOND_GIVER")
    # A key with fewer roles than its user gives no more than it has itself.
    narrow = register.issue_key(1, user.user_id, "narrow", roles=[Role.OPERATOR])
    told = ask(asked, "POST", "/v1/users", {"name": "B. Counsel", "roles": ["counsel"]}, narrow)
    assert told.status_code == 403


def test_a_key_made_over_http_does_not_grow_with_its_user(asked: People) -> None:
    user, first = made(asked, "grows")
    register = asked.service.agencies
    row = register.user(1, user).user_id
    # By command a key can follow its user; rotated over HTTP it follows no more.
    follows = register.issue_key(1, row, "follows")
    name = asked.service.key_names.name(1, register.issued(1, follows).key_id)
    rotated = ask(asked, "POST", f"/v1/keys/{name}/rotate", {}).json()
    register.set_roles(1, row, [Role.SUBMITTER, Role.COUNSEL])
    for key, roles in (
        (first["secret"], ["submitter"]),
        (rotated["secret"], ["submitter"]),
        (follows, ["counsel", "submitter"]),
    ):
        assert ask(asked, "GET", "/v1/me", key=key).json()["roles"] == roles
    # Now it speaks for a counsel as well, and is not an operator's to rotate.
    assert ask(asked, "POST", f"/v1/keys/{name}/rotate", {}).status_code == 403


def test_every_key_made_over_http_ends(asked: People) -> None:
    user, _ = made(asked, "ends")
    for days in (0, 366, -1, "9", True):
        told = ask(asked, "POST", f"/v1/users/{user}/keys", {"days": days})
        assert (told.status_code, told.json()["code"]) == (422, "REQUEST_INVALID")
    register = asked.service.agencies
    endless = register.issue_key(1, register.user(1, user).user_id, "never ends")
    name = asked.service.key_names.name(1, register.issued(1, endless).key_id)
    told = ask(asked, "POST", f"/v1/keys/{name}/rotate", {}).json()
    assert parse_time(told["expires_at"]) <= datetime.now(UTC) + YEAR


def test_taking_away_needs_no_right_to_give(asked: People) -> None:
    register = asked.service.agencies
    user = register.add_user(1, "leaves", [Role.PRIVACY_OFFICER])
    keys = [register.issue_key(1, user.user_id, "x") for _ in range(2)]
    name = asked.service.key_names.name(1, register.issued(1, keys[0]).key_id)
    assert ask(asked, "DELETE", f"/v1/keys/{name}").status_code == 204
    assert [ask(asked, "GET", "/v1/me", key=key).status_code for key in keys] == [401, 200]
    for _ in range(2):
        told = ask(asked, "POST", f"/v1/users/{user.handle}/disable")
        assert told.status_code == 200
        assert told.json()["disabled_at"] is not None
    assert ask(asked, "GET", "/v1/me", key=keys[1]).status_code == 401
    assert [one["act"] for one in log(asked)[-2:]] == ["key.revoke", "user.disable"]


def test_a_disabled_machine_comes_back(asked: People) -> None:
    user, key = made(asked, "pauses")
    ask(asked, "POST", f"/v1/users/{user}/disable")
    over = ask(asked, "POST", f"/v1/users/{user}/keys", {})
    assert (over.status_code, over.json()["code"]) == (422, "USER_DISABLED")
    over = ask(asked, "POST", f"/v1/keys/{key['key']}/rotate", {})
    assert (over.status_code, over.json()["code"]) == (422, "KEY_OVER")
    assert ask(asked, "POST", f"/v1/users/{user}/enable").json()["disabled_at"] is None
    assert ask(asked, "GET", "/v1/me", key=key["secret"]).status_code == 200


def test_a_name_is_one_users_and_stands_in_no_address(asked: People) -> None:
    made(asked, "twice")
    told = ask(asked, "POST", "/v1/users", {"name": "twice", "roles": ["submitter"]})
    assert (told.status_code, told.json()["code"]) == (409, "USER_EXISTS")
    assert ask(asked, "POST", "/v1/users/twice/disable").status_code == 422
    assert ask(asked, "DELETE", "/v1/keys/1").status_code == 422


def test_an_agency_sees_its_own_people_alone(asked: People) -> None:
    for path, name in (("/v1/users", "user"), ("/v1/keys", "key"), ("/v1/people-log", "user")):
        ours = {one[name] for one in ask(asked, "GET", path).json()}
        theirs = {one[name] for one in ask(asked, "GET", path, key=asked.other).json()}
        assert ours, path
        assert theirs, path
        assert ours.isdisjoint(theirs)

"""Whatever is no valid key, sent once in its header, opens nothing; and all such get one answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from notary.core.roles import Role
from tests.api import people
from tests.api.people import People

ME = "/v1/me"


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """The application, and who may ask it."""
    with people.opened(tmp_path_factory.mktemp("callers")) as found:
        yield found


def _key(asked: People, valid: timedelta | None = None) -> tuple[str, int]:
    register = asked.service.agencies
    key = register.issue_key(1, register.users(1)[0].user_id, "x", valid=valid)
    return key, register.keys(1)[-1].key_id


def _refused(asked: People, headers: list[tuple[str, str]]) -> None:
    answer = asked.client.get(ME, headers=headers)
    nobody = asked.client.get(ME)
    assert nobody.status_code == 401
    assert (answer.status_code, answer.content) == (401, nobody.content)
    assert answer.headers.items() == nobody.headers.items()


def test_a_key_says_whose_it_is(asked: People) -> None:
    answer = asked.client.get(ME, headers=asked.headers(asked.keys[Role.COUNSEL]))
    assert answer.json() == {
        "agency": "First agency",
        "user": asked.service.agencies.user(1, "the counsel").handle,
        "roles": ["counsel"],
    }
    other = asked.client.get(ME, headers=asked.headers(asked.other)).json()
    assert (other["agency"], len(other["roles"])) == ("Second agency", len(Role))


def test_the_scheme_is_read_in_either_case(asked: People) -> None:
    key = asked.keys[Role.AUDITOR]
    for scheme in ("bearer", "BEARER", "Bearer"):
        assert asked.client.get(ME, headers={"Authorization": f"{scheme} {key}"}).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        "",
        "nt_",
        "{key}A",
        "{key} ",
        " {key}",
        "{cut}",
        "{lower}",
        "{key},{key}",
        "{key}\t",
        "{tail}",
    ],
)
def test_a_key_that_is_not_exactly_one_opens_nothing(asked: People, change: str) -> None:
    key = asked.keys[Role.AUDITOR]
    sent = change.format(key=key, cut=key[:-1], lower=key.lower(), tail=key[3:])
    _refused(asked, [("Authorization", f"Bearer {sent}")])


@pytest.mark.parametrize("scheme", ["Basic", "Token", "", "Bearer:", "Bearer Bearer"])
def test_another_scheme_opens_nothing(asked: People, scheme: str) -> None:
    _refused(asked, [("Authorization", f"{scheme} {asked.keys[Role.AUDITOR]}")])


@pytest.mark.parametrize("order", [1, -1])
def test_two_headers_open_nothing_though_both_are_good(asked: People, order: int) -> None:
    headers = [
        ("Authorization", f"Bearer {asked.keys[Role.AUDITOR]}"),
        ("Authorization", f"Bearer {asked.other}"),
    ]
    _refused(asked, headers[::order])
    _refused(asked, [headers[0], headers[0]])
    _refused(asked, [headers[0], ("authorization", "Bearer nt_wrong")][::order])


@pytest.mark.parametrize(
    "url",
    ["/v1/me?key={key}", "/v1/me?access_token={key}", "/v1/matters/{key}", "/v1/me?a={key}&b=1"],
)
@pytest.mark.parametrize("with_header", [False, True])
def test_a_key_in_the_url_is_refused_though_it_is_good(
    asked: People, url: str, with_header: bool
) -> None:
    key = asked.keys[Role.AUDITOR]
    headers = asked.headers(key) if with_header else {}
    answer = asked.client.get(url.format(key=key), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "KEY_IN_URL")
    assert key not in answer.text


@pytest.mark.parametrize("name", ["X-Api-Key", "Proxy-Authorization", "X-Authorization"])
def test_a_key_in_another_header_opens_nothing(asked: People, name: str) -> None:
    _refused(asked, [(name, f"Bearer {asked.keys[Role.AUDITOR]}")])


def test_a_cookie_opens_nothing(asked: People) -> None:
    _refused(asked, [("Cookie", f"Authorization=Bearer {asked.keys[Role.AUDITOR]}")])


def test_a_revoked_key_opens_nothing_from_the_next_request_on(asked: People) -> None:
    key, key_id = _key(asked)
    assert asked.client.get(ME, headers=asked.headers(key)).status_code == 200
    # The register of another service object: as another process would do it.
    asked.service.agencies.revoke_key(1, key_id)
    _refused(asked, [("Authorization", f"Bearer {key}")])


def test_a_key_whose_time_is_over_opens_nothing(asked: People) -> None:
    key, _ = _key(asked, valid=timedelta())
    _refused(asked, [("Authorization", f"Bearer {key}")])


def test_a_key_of_a_disabled_user_opens_nothing(asked: People) -> None:
    register = asked.service.agencies
    user = register.add_user(1, "leaver", [Role.AUDITOR])
    key = register.issue_key(1, user.user_id, "x")
    assert asked.client.get(ME, headers=asked.headers(key)).status_code == 200
    register.disable_user(1, user.user_id)
    _refused(asked, [("Authorization", f"Bearer {key}")])


def test_a_record_in_front_of_the_framework_asks_the_same(asked: People) -> None:
    key = asked.keys[Role.AUDITOR]
    twice = [("Authorization", f"Bearer {key}")] * 2
    assert asked.client.post("/v1/records", headers=twice).status_code == 401
    assert asked.client.post("/v1/records", headers=asked.headers(key)).status_code == 403
    answer = asked.client.post(f"/v1/records?key={key}", headers=asked.headers(key))
    assert (answer.status_code, answer.json()["code"]) == (400, "KEY_IN_URL")


def test_use_is_noted(asked: People) -> None:
    key, key_id = _key(asked)
    asked.client.get(ME, headers=asked.headers(key))
    for _ in range(1000):
        [found] = [one for one in asked.service.agencies.keys(1) if one.key_id == key_id]
        if found.used_on is not None:
            return
        asked.client.get(ME, headers=asked.headers(key))
    raise AssertionError("the use of a key was never noted")

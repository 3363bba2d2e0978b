"""Agencies, users and keys by the command line, as an operator makes, rotates and takes them away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from notary import compose, creation
from notary.cli.people import DEFAULT_DAYS
from notary.config import AGENCY_VARIABLE
from notary.core.roles import Principal, Role
from notary.creation import Created
from tests.simulators.commands import run_command

SECONDS = 60


@pytest.fixture
def made(tmp_path: Path) -> Created:
    """A service whose chain is out of reach."""
    return creation.create(
        tmp_path / "home",
        log="people.notary.example/log",
        agency="First",
        rpc="http://127.0.0.1:9",
        chain_id=31337,
        keys="keys",
    )


def _run(made: Created, *words: str, code: int = 0, agency: str | None = None) -> str:
    before = () if agency is None else ("--agency", agency)
    done = run_command(*before, *words, "--home", str(made.home.folder), timeout_s=SECONDS)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def _speaks_for(made: Created, key: str) -> Principal | None:
    with compose.opened(made.home) as service:
        found = service.agencies.look_up(key)
        return None if found is None else found.principal


def _new_key(made: Created, *words: str, agency: str | None = None) -> str:
    key: str = json.loads(_run(made, "apikey", *words, "--json", agency=agency))["key"]
    return key


def test_the_first_key_may_do_all(made: Created) -> None:
    found = _speaks_for(made, made.token)
    assert found is not None
    assert found.roles == frozenset(Role)
    [user] = json.loads(_run(made, "user", "list", "--json"))
    assert (user["name"], user["user"]) == (creation.FIRST_USER, found.user)


def test_a_user_gets_a_key_which_is_rotated_and_revoked(made: Created) -> None:
    _run(made, "user", "new", "Hall 2", "--role", "submitter", "--role", "auditor")
    key = _new_key(made, "new", "Hall 2", "--label", "dialler", "--role", "submitter")
    found = _speaks_for(made, key)
    assert found is not None
    assert found.roles == {Role.SUBMITTER}
    shown = json.loads(_run(made, "apikey", "list", "--json"))[-1]
    assert (shown["begins"], shown["label"], shown["last_used"]) == (key[:8], "dialler", None)
    assert int(shown["expires_at"][:4]) == int(shown["created_at"][:4]) + DEFAULT_DAYS // 365
    assert key not in _run(made, "apikey", "list")

    new = _new_key(made, "rotate", str(shown["key"]), "--overlap-days", "0")
    assert _speaks_for(made, key) is None
    assert _speaks_for(made, new) is not None
    last = json.loads(_run(made, "apikey", "list", "--json"))[-1]["key"]
    _run(made, "apikey", "revoke", str(last))
    assert _speaks_for(made, new) is None
    assert "error KEY_OVER" in _run(made, "apikey", "rotate", str(last), code=2)
    acts = json.loads(_run(made, "user", "log", "--last", "5", "--json"))
    assert all(one["actor"].startswith("local:") for one in acts)
    assert [(one["act"], one["key"]) for one in reversed(acts)] == [
        ("user.new", None),
        ("key.new", shown["key"]),
        ("key.rotate", shown["key"]),
        ("key.new", last),
        ("key.revoke", last),
    ]


def test_a_key_that_ends_soon_stands_on_the_status(made: Created) -> None:
    _run(made, "apikey", "new", creation.FIRST_USER, "--label", "hall-2", "--days", "3")
    assert "hall-2) ends " in _run_status(made)
    with compose.opened(made.home) as service:
        [told] = service.status(1)["keys_ending"]
        assert (told["label"], service.status()["keys_ending"]) == ("hall-2", [told])
    _run(made, "apikey", "revoke", str(told["key"]))
    assert "hall-2" not in _run_status(made)


def _run_status(made: Created) -> str:
    # No worker runs, so it exits 1.
    return run_command("status", "--home", str(made.home.folder), timeout_s=SECONDS).stdout


def test_a_disabled_user_opens_nothing_until_enabled(made: Created) -> None:
    _run(made, "user", "new", "Ada", "--role", "counsel")
    key = _new_key(made, "new", "Ada", "--days", "0")
    _run(made, "user", "disable", "Ada")
    assert _speaks_for(made, key) is None
    _run(made, "user", "enable", "Ada")
    _run(made, "user", "roles", "Ada", "--role", "auditor")
    found = _speaks_for(made, key)
    assert found is not None
    assert found.roles == {Role.AUDITOR}
    assert json.loads(_run(made, "apikey", "list", "--json"))[-1]["expires_at"] is None


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("user", "new", "Ada"), 2, "Missing option '--role'"),
        (("user", "new", "Ada", "--role", "chief"), 2, "Invalid value for '--role'"),
        (("apikey", "new", "Nobody"), 2, "error USER_UNKNOWN"),
        (("apikey", "new", "first user", "--days", "-1"), 2, "Invalid value for '--days'"),
        (("apikey", "revoke", "99"), 2, "error KEY_UNKNOWN"),
        (("agency", "new", "First"), 2, "error AGENCY_EXISTS"),
    ],
)
def test_a_wrong_word_is_refused_by_name(
    made: Created, words: tuple[str, ...], code: int, said: str
) -> None:
    assert said in _run(made, *words, code=code)


def test_from_the_second_agency_on_a_command_wants_to_know_which(made: Created) -> None:
    _run(made, "matter", "new", "A v. B")
    _run(made, "agency", "new", "Second")
    assert "error AGENCY_WANTED" in _run(made, "matter", "list", code=2)
    assert "error AGENCY_UNKNOWN" in _run(made, "matter", "list", agency="Third", code=2)
    assert json.loads(_run(made, "matter", "list", "--json", agency="Second")) == []
    [matter] = json.loads(_run(made, "matter", "list", "--json", agency="First"))
    told = _run(made, "matter", "show", matter["number"], agency="Second", code=2)
    assert "error MATTER_UNKNOWN" in told
    _run(made, "user", "new", "first user", "--role", "counsel", agency="Second")
    found = _speaks_for(made, _new_key(made, "new", "first user", agency="Second"))
    assert found is not None
    assert (found.agency_id, found.roles) == (2, frozenset({Role.COUNSEL}))
    assert [one["name"] for one in json.loads(_run(made, "agency", "list", "--json"))] == [
        "First",
        "Second",
    ]


def test_the_agency_can_stand_in_the_environment(
    made: Created, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(made, "agency", "new", "Second")
    monkeypatch.setenv(AGENCY_VARIABLE, "Second")
    assert json.loads(_run(made, "matter", "list", "--json")) == []


def test_a_record_is_shown_by_its_id_over_http_as_well(made: Created, tmp_path: Path) -> None:
    with compose.opened(made.home) as service:
        from notary.core.intake import Incoming

        matter = service.new_matter(1, "A v. B", ())
        item = Incoming(matter.key, "message", {"text": "Hello"}, "k-1")
        service.acceptor.accept(1, [item])
        name = service.record_names.name(1, 1)
    shown = json.loads(_run(made, "record", "show", name, "--json"))
    assert shown["fields"] == {"text": "Hello"}
    assert "error RECORD_UNKNOWN" in _run(made, "record", "show", "r" * 27, code=2)

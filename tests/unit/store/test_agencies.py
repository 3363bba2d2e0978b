"""A key speaks for its user until it ends, is revoked, or its user is disabled."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from notary.adapters.store.agencies import AgencyRegister, ApiKey
from notary.adapters.store.database import Database
from notary.adapters.store.migrations import upgrade
from notary.adapters.store.people_log import PeopleAct, PeopleLog
from notary.core.roles import ALL_ROLES, Giver, Role
from notary.errors import CallerError
from tests.simulators.store import AGENCY, START, StoreWorld
from verifier.format.times import format_time

DAY = timedelta(days=1)


@pytest.fixture
def agencies(world: StoreWorld) -> AgencyRegister:
    """The register of the world's store."""
    return world.agencies


def _user(world: StoreWorld, *roles: Role, name: str = "Ada") -> int:
    return world.agencies.add_user(world.agency_id, name, roles or ALL_ROLES).user_id


def _only(world: StoreWorld) -> ApiKey:
    [one] = world.agencies.keys(world.agency_id)
    return one


def test_an_agency_is_found_by_its_name(world: StoreWorld) -> None:
    other = world.agencies.add("Other")
    assert other != world.agency_id
    assert world.agencies.by_name(AGENCY) == world.agency_id
    assert world.agencies.by_name("Other") == other
    assert world.agencies.by_name("other") is None
    assert [one.name for one in world.agencies.all()] == [AGENCY, "Other"]
    assert world.agencies.name_of(other) == "Other"


@pytest.mark.parametrize(
    ("name", "code"), [(AGENCY, "AGENCY_EXISTS"), ("", "TEXT_FORM"), ("a\nb", "TEXT_FORM")]
)
def test_a_name_is_unique_and_printable(world: StoreWorld, name: str, code: str) -> None:
    with pytest.raises(CallerError) as caught:
        world.agencies.add(name)
    assert caught.value.code == code


def test_a_user_is_found_by_id_and_by_name_in_their_agency_alone(world: StoreWorld) -> None:
    agencies, other = world.agencies, world.agencies.add("Other")
    ada = agencies.add_user(world.agency_id, "Ada", [Role.COUNSEL])
    theirs = agencies.add_user(other, "Ada", [Role.AUDITOR])
    assert ada.handle != theirs.handle
    assert agencies.user(world.agency_id, "Ada") == agencies.user(world.agency_id, ada.handle)
    assert agencies.user(other, "Ada") == theirs
    with pytest.raises(CallerError, match="no user of this id or name"):
        agencies.user(other, ada.handle)
    assert [one.name for one in agencies.users(other)] == ["Ada"]


@pytest.mark.parametrize(
    ("name", "roles", "code"),
    [
        ("Ada", ["counsel"], "USER_EXISTS"),
        ("", ["counsel"], "TEXT_FORM"),
        ("Bob", [], "ROLES_NONE"),
        ("Bob", ["chief"], "ROLE_UNKNOWN"),
    ],
)
def test_a_user_that_can_not_be_is_refused(
    world: StoreWorld, name: str, roles: list[Role], code: str
) -> None:
    _user(world)
    with pytest.raises(CallerError) as caught:
        world.agencies.add_user(world.agency_id, name, roles)
    assert caught.value.code == code


def test_a_key_speaks_for_its_user(world: StoreWorld, agencies: AgencyRegister) -> None:
    other = agencies.add("Other")
    ours = agencies.issue_key(world.agency_id, _user(world), "importer")
    theirs = agencies.issue_key(other, agencies.add_user(other, "X", ALL_ROLES).user_id, "importer")
    assert ours.startswith("nt_")
    assert len(ours) == 3 + 43
    found = agencies.look_up(ours)
    assert found is not None
    assert found.principal.agency_id == world.agency_id
    assert found.principal.user == agencies.users(world.agency_id)[0].handle
    assert found.principal.roles == ALL_ROLES
    also = agencies.look_up(theirs)
    assert also is not None
    assert also.principal.agency_id == other
    for wrong in ("", "nt_", ours[:-1], ours + "A", ours + " ", ours.upper(), "\ud800", "é"):
        assert agencies.look_up(wrong) is None


def test_a_key_has_the_roles_that_it_and_its_user_have_both(
    world: StoreWorld, agencies: AgencyRegister
) -> None:
    user = _user(world, Role.COUNSEL, Role.AUDITOR)
    narrow = agencies.issue_key(world.agency_id, user, "narrow", roles=[Role.AUDITOR])
    whole = agencies.issue_key(world.agency_id, user, "whole")

    def roles(key: str) -> set[Role]:
        found = agencies.look_up(key)
        assert found is not None
        return set(found.principal.roles)

    assert roles(narrow) == {Role.AUDITOR}
    assert roles(whole) == {Role.AUDITOR, Role.COUNSEL}
    agencies.set_roles(world.agency_id, user, [Role.COUNSEL])
    assert roles(narrow) == set()
    assert roles(whole) == {Role.COUNSEL}
    with pytest.raises(CallerError) as caught:
        agencies.issue_key(world.agency_id, user, "more", roles=[Role.OPERATOR])
    assert caught.value.code == "ROLES_BEYOND_USER"


def test_a_key_ends_at_its_time_to_the_millisecond(
    world: StoreWorld, agencies: AgencyRegister
) -> None:
    key = agencies.issue_key(world.agency_id, _user(world), "short", valid=DAY)
    world.clock.advance(24 * 3600 - 0.001)
    assert agencies.look_up(key) is not None
    world.clock.advance(0.001)
    assert agencies.look_up(key) is None


def test_a_revoked_key_speaks_for_nobody(world: StoreWorld, agencies: AgencyRegister) -> None:
    user = _user(world)
    first = agencies.issue_key(world.agency_id, user, "first")
    second = agencies.issue_key(world.agency_id, user, "second")
    [one, two] = agencies.keys(world.agency_id)
    assert (one.prefix, two.prefix) == (first[:8], second[:8])
    agencies.revoke_key(world.agency_id, one.key_id)
    agencies.revoke_key(world.agency_id, one.key_id)
    assert agencies.look_up(first) is None
    assert agencies.look_up(second) is not None
    [one, two] = agencies.keys(world.agency_id)
    assert (one.label, two.label) == ("first", "second")
    assert one.revoked_at is not None
    assert format_time(one.revoked_at) == format_time(START)
    assert two.revoked_at is None


def test_another_process_refuses_a_revoked_key_at_once(
    world: StoreWorld, agencies: AgencyRegister
) -> None:
    key = agencies.issue_key(world.agency_id, _user(world), "x")
    elsewhere = AgencyRegister(
        Database(world.database.place), world.keys, world.clock, world.entropy
    )
    assert elsewhere.look_up(key) is not None
    agencies.revoke_key(world.agency_id, _only(world).key_id)
    assert elsewhere.look_up(key) is None
    elsewhere._database.close()


def test_a_disabled_user_has_no_key(world: StoreWorld, agencies: AgencyRegister) -> None:
    user = _user(world)
    key = agencies.issue_key(world.agency_id, user, "x")
    agencies.disable_user(world.agency_id, user)
    assert agencies.look_up(key) is None
    with pytest.raises(CallerError) as caught:
        agencies.issue_key(world.agency_id, user, "y")
    assert caught.value.code == "USER_DISABLED"
    agencies.enable_user(world.agency_id, user)
    assert agencies.look_up(key) is not None


def test_a_rotated_key_opens_beside_the_new_one_until_its_overlap_ends(
    world: StoreWorld, agencies: AgencyRegister
) -> None:
    user = _user(world, Role.SUBMITTER, Role.AUDITOR)
    old = agencies.issue_key(
        world.agency_id, user, "dialler", roles=[Role.SUBMITTER], valid=30 * DAY
    )
    world.clock.advance(20 * 86400)
    new = agencies.rotate_key(world.agency_id, _only(world).key_id, DAY)
    assert None not in (agencies.look_up(old), agencies.look_up(new))
    [before, after] = agencies.keys(world.agency_id)
    assert (after.label, after.roles, after.user) == (before.label, before.roles, before.user)
    assert after.expires_at is not None
    assert after.expires_at - after.created_at == 30 * DAY
    world.clock.advance(86400)
    assert agencies.look_up(old) is None
    assert agencies.look_up(new) is not None
    with pytest.raises(CallerError) as caught:
        agencies.rotate_key(world.agency_id, before.key_id, DAY)
    assert caught.value.code == "KEY_OVER"


def test_a_rotation_gives_no_old_key_a_longer_life(
    world: StoreWorld, agencies: AgencyRegister
) -> None:
    agencies.issue_key(world.agency_id, _user(world), "x", valid=DAY)
    before = _only(world)
    agencies.rotate_key(world.agency_id, before.key_id, 30 * DAY)
    assert agencies.keys(world.agency_id)[0].expires_at == before.expires_at


def test_each_change_stands_in_the_log_of_people_with_who_made_it(
    world: StoreWorld, agencies: AgencyRegister
) -> None:
    ada = Giver("local:ada")
    user = agencies.add_user(world.agency_id, "Hall 2", [Role.SUBMITTER], ada)
    agencies.issue_key(world.agency_id, user.user_id, "x", by=ada)
    key = _only(world).key_id
    agencies.rotate_key(world.agency_id, key, DAY, ada)
    agencies.set_roles(world.agency_id, user.user_id, [Role.AUDITOR], ada)
    for _ in range(2):
        agencies.revoke_key(world.agency_id, key, ada)
        agencies.disable_user(world.agency_id, user.user_id, ada)
    agencies.enable_user(world.agency_id, user.user_id, ada)
    log = PeopleLog(world.database)
    acts = log.last(world.agency_id, 99)
    assert {(one.actor, one.user) for one in acts} == {("local:ada", user.handle)}
    assert [(one.act, one.key_id) for one in reversed(acts)] == [
        (PeopleAct.NEW_USER, None),
        (PeopleAct.NEW_KEY, key),
        (PeopleAct.ROTATE, key),
        (PeopleAct.NEW_KEY, key + 1),
        (PeopleAct.SET_ROLES, None),
        (PeopleAct.REVOKE, key),
        (PeopleAct.DISABLE, None),
        (PeopleAct.ENABLE, None),
    ]
    assert acts[0].roles == {Role.AUDITOR}
    assert log.last(world.agency_id, 2) == acts[:2]
    assert log.last(agencies.add("Other"), 9) == []


def test_no_change_is_made_that_can_not_be_logged(
    world: StoreWorld, agencies: AgencyRegister, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = _user(world, Role.SUBMITTER)

    def full(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("notary.adapters.store.agencies.note", full)
    for change in (
        lambda: agencies.add_user(world.agency_id, "Grace", [Role.SUBMITTER]),
        lambda: agencies.issue_key(world.agency_id, user, "x"),
        lambda: agencies.disable_user(world.agency_id, user),
    ):
        with pytest.raises(OSError, match="the disk is full"):
            change()
    assert [one.disabled_at for one in agencies.users(world.agency_id)] == [None]
    assert agencies.keys(world.agency_id) == []


def test_keys_that_end_soon_are_told_apart(world: StoreWorld, agencies: AgencyRegister) -> None:
    user = _user(world)
    for label, valid in (("week", 7 * DAY), ("month", 30 * DAY), ("never", None), ("gone", DAY)):
        agencies.issue_key(world.agency_id, user, label, valid=valid)
    agencies.revoke_key(world.agency_id, agencies.keys(world.agency_id)[-1].key_id)

    def ending() -> list[str]:
        return [one.label for one in agencies.keys_ending(world.agency_id, 14 * DAY)]

    assert ending() == ["week"]
    world.clock.advance(20 * 86400)
    assert ending() == ["month"]
    agencies.disable_user(world.agency_id, user)
    assert ending() == []
    assert agencies.keys_ending(agencies.add("Other"), 14 * DAY) == []


def test_only_the_agency_changes_its_keys_and_users(
    world: StoreWorld, agencies: AgencyRegister
) -> None:
    other = agencies.add("Other")
    user = _user(world)
    key = agencies.issue_key(world.agency_id, user, "ours")
    key_id = _only(world).key_id
    for change, code in (
        (lambda: agencies.revoke_key(other, key_id), "KEY_UNKNOWN"),
        (lambda: agencies.rotate_key(other, key_id, DAY), "KEY_UNKNOWN"),
        (lambda: agencies.disable_user(other, user), "USER_UNKNOWN"),
        (lambda: agencies.set_roles(other, user, [Role.AUDITOR]), "USER_UNKNOWN"),
        (lambda: agencies.issue_key(other, user, "theirs"), "USER_UNKNOWN"),
        (lambda: agencies.add_user(99, "X", ALL_ROLES), "AGENCY_UNKNOWN"),
    ):
        with pytest.raises(CallerError) as caught:
            change()
        assert caught.value.code == code
    found = agencies.look_up(key)
    assert found is not None
    assert found.principal.roles == ALL_ROLES


def test_use_is_known_to_the_day(world: StoreWorld, agencies: AgencyRegister) -> None:
    key = agencies.issue_key(world.agency_id, _user(world), "x")
    first = agencies.look_up(key)
    assert first is not None
    assert not first.noted
    agencies.note_use(first.principal.key_id)
    again = agencies.look_up(key)
    assert again is not None
    assert again.noted
    used = _only(world).used_on
    assert used is not None
    assert format_time(used) == "2026-03-01T00:00:00.000Z"
    world.clock.advance(86400)
    later = agencies.look_up(key)
    assert later is not None
    assert not later.noted


def test_neither_key_nor_name_is_in_the_store(world: StoreWorld, agencies: AgencyRegister) -> None:
    user = agencies.add_user(world.agency_id, "Kanarienvogel", ALL_ROLES)
    key = agencies.issue_key(world.agency_id, user.user_id, "x")
    stored = b"".join(path.read_bytes() for path in world.data.rglob("*") if path.is_file())
    assert key.encode() not in stored
    assert key[8:].encode() not in stored
    assert b"Kanarienvogel" not in stored
    assert agencies.user(world.agency_id, user.handle).name == "Kanarienvogel"


def test_tokens_of_an_older_store_open_what_they_opened(tmp_path: Path, world: StoreWorld) -> None:
    old = "nt_" + "A" * 43
    digest = world.keys.lookup(0, "token", old)
    database = Database(tmp_path / "older.db")
    upgrade(database, "0012_timestamps")
    with database.transaction() as connection:
        for statement, values in (
            ("INSERT INTO agencies VALUES (1, 'Old', 1000)", ()),
            ("INSERT INTO agencies VALUES (2, 'Without', 1000)", ()),
            ("INSERT INTO tokens VALUES (5, 1, ?, 'made by notary init', 1000, NULL)", (digest,)),
            ("INSERT INTO tokens VALUES (6, 1, ?, 'lost', 2000, 3000)", (b"x" * 16,)),
        ):
            connection.exec_driver_sql(statement, values)
    upgrade(database)
    register = AgencyRegister(database, world.keys, world.clock, world.entropy)
    found = register.look_up(old)
    assert found is not None
    assert (found.principal.agency_id, found.principal.roles) == (1, ALL_ROLES)
    [user] = register.users(1)
    assert user.name is None
    assert register.users(2) == []
    assert [(one.label, one.revoked_at is None) for one in register.keys(1)] == [
        ("made by notary init", True),
        ("lost", False),
    ]
    database.close()

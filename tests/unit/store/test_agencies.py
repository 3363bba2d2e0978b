"""A token speaks for its agency until it is revoked."""

from __future__ import annotations

import pytest

from notary.errors import CallerError
from tests.simulators.store import AGENCY, START, StoreWorld
from verifier.format.times import format_time


def test_an_agency_is_found_by_its_name(world: StoreWorld) -> None:
    other = world.agencies.add("Other")
    assert other != world.agency_id
    assert world.agencies.by_name(AGENCY) == world.agency_id
    assert world.agencies.by_name("Other") == other
    assert world.agencies.by_name("other") is None


@pytest.mark.parametrize(
    ("name", "code"), [(AGENCY, "AGENCY_EXISTS"), ("", "TEXT_FORM"), ("a\nb", "TEXT_FORM")]
)
def test_a_name_is_unique_and_printable(world: StoreWorld, name: str, code: str) -> None:
    with pytest.raises(CallerError) as caught:
        world.agencies.add(name)
    assert caught.value.code == code


def test_a_token_speaks_for_its_agency(world: StoreWorld) -> None:
    other = world.agencies.add("Other")
    ours = world.agencies.issue_token(world.agency_id, "importer")
    theirs = world.agencies.issue_token(other, "importer")
    assert ours.startswith("nt_")
    assert len(ours) == 3 + 43
    assert world.agencies.agency_of(ours) == world.agency_id
    assert world.agencies.agency_of(theirs) == other
    for wrong in ("", "nt_", ours[:-1], ours + "A", ours.upper(), "\ud800", "é"):
        assert world.agencies.agency_of(wrong) is None


def test_a_revoked_token_speaks_for_nobody(world: StoreWorld) -> None:
    agencies, agency_id = world.agencies, world.agency_id
    first = agencies.issue_token(agency_id, "first")
    second = agencies.issue_token(agency_id, "second")
    [one, two] = agencies.tokens(agency_id)
    agencies.revoke_token(agency_id, one.token_id)
    agencies.revoke_token(agency_id, one.token_id)
    assert agencies.agency_of(first) is None
    assert agencies.agency_of(second) == agency_id
    [one, two] = agencies.tokens(agency_id)
    assert (one.label, two.label) == ("first", "second")
    assert one.revoked_at is not None
    assert format_time(one.revoked_at) == format_time(START)
    assert two.revoked_at is None


def test_only_the_agency_revokes(world: StoreWorld) -> None:
    other = world.agencies.add("Other")
    token = world.agencies.issue_token(world.agency_id, "ours")
    [one] = world.agencies.tokens(world.agency_id)
    with pytest.raises(CallerError, match="no token"):
        world.agencies.revoke_token(other, one.token_id)
    assert world.agencies.agency_of(token) == world.agency_id


def test_no_token_for_an_unknown_agency(world: StoreWorld) -> None:
    with pytest.raises(CallerError, match="no agency 99"):
        world.agencies.issue_token(99, "x")


def test_a_token_is_nowhere_in_the_store(world: StoreWorld) -> None:
    token = world.agencies.issue_token(world.agency_id, "x")
    stored = b"".join(path.read_bytes() for path in world.data.rglob("*") if path.is_file())
    assert token.encode() not in stored
    assert token[3:].encode() not in stored

"""The contract of the port `MatterRegister`, on the real store."""

from __future__ import annotations

import pytest

from notary.errors import CallerError
from tests.simulators.store import StoreWorld
from verifier.format import numbers


def number(world: StoreWorld, n: int, tag: bytes | None = None) -> str:
    return numbers.make(bytes([n]) * 16, tag or world.identity.tag).text


def code_of(caught: pytest.ExceptionInfo[CallerError]) -> str:
    return caught.value.code


def test_a_matter_comes_back_as_registered(world: StoreWorld) -> None:
    text = number(world, 1)
    matter = world.register.add(world.agency_id, text, "Müller ./. Li", ["ACC-1", "acc-1"])
    assert matter.number == text
    assert matter.key == numbers.parse(text).key
    assert (matter.title, matter.accounts, matter.size) == ("Müller ./. Li", ("ACC-1", "acc-1"), 0)
    assert world.register.by_key(world.agency_id, matter.key) == matter
    assert world.register.all(world.agency_id) == [matter]


def test_a_number_is_taken_in_any_spelling_and_kept_in_one(world: StoreWorld) -> None:
    parsed = numbers.parse(number(world, 1))
    shown = numbers.display(parsed).upper()
    assert world.register.add(world.agency_id, shown, "t", []).number == parsed.text


def test_an_account_leads_exactly(world: StoreWorld) -> None:
    one = world.open_matter("one", "ACC-1", "ACC-2")
    two = world.open_matter("two", "ACC-3")
    register, agency_id = world.register, world.agency_id
    assert register.by_account(agency_id, "ACC-2") == one
    assert register.by_account(agency_id, "ACC-3") == two
    for near in ("acc-1", "ACC-1 ", "ACC", "", "\ud800"):
        assert register.by_account(agency_id, near) is None


def test_more_accounts_lead_later(world: StoreWorld) -> None:
    matter = world.open_matter("one", "ACC-1")
    grown = world.register.add_accounts(world.agency_id, matter.key, ["ACC-2", "ACC-1", "ACC-2"])
    assert grown.accounts == ("ACC-1", "ACC-2")
    assert world.register.by_account(world.agency_id, "ACC-2") == grown


def test_an_account_leads_to_one_matter(world: StoreWorld) -> None:
    one = world.open_matter("one", "ACC-1")
    two = world.open_matter("two")
    register, agency_id = world.register, world.agency_id
    with pytest.raises(CallerError, match=one.number) as caught:
        register.add(agency_id, number(world, 9), "three", ["ACC-9", "ACC-1"])
    assert code_of(caught) == "ACCOUNT_TAKEN"
    assert "ACC-1" not in str(caught.value)
    with pytest.raises(CallerError, match=r"accounts\[1\]"):
        register.add_accounts(agency_id, two.key, ["ACC-8", "ACC-1"])
    # Neither attempt left anything.
    assert register.by_account(agency_id, "ACC-8") is None
    assert register.by_account(agency_id, "ACC-9") is None
    assert register.all(agency_id) == [one, two]


def test_agencies_do_not_see_each_other(world: StoreWorld) -> None:
    other = world.agencies.add("Another Agency")
    matter = world.open_matter("one", "ACC-1")
    register = world.register
    assert register.by_key(other, matter.key) is None
    assert register.by_account(other, "ACC-1") is None
    assert register.all(other) == []
    with pytest.raises(CallerError, match="no matter"):
        register.add_accounts(other, matter.key, ["x"])
    # The same account may lead elsewhere at another agency.
    theirs = register.add(other, number(world, 7), "theirs", ["ACC-1"])
    assert register.by_account(other, "ACC-1") == theirs
    assert register.by_account(world.agency_id, "ACC-1") == matter


def test_a_number_is_registered_once(world: StoreWorld) -> None:
    matter = world.open_matter("one")
    with pytest.raises(CallerError) as caught:
        world.register.add(world.agency_id, matter.number, "again", [])
    assert code_of(caught) == "MATTER_EXISTS"


@pytest.mark.parametrize(
    ("text", "code"),
    [("nm1", "NUMBER_FORM"), ("", "NUMBER_FORM"), ("of another log", "MATTER_OF_OTHER_LOG")],
)
def test_a_wrong_number_is_refused(world: StoreWorld, text: str, code: str) -> None:
    if code == "MATTER_OF_OTHER_LOG":
        text = number(world, 1, b"\x00" * 4)
    with pytest.raises(CallerError) as caught:
        world.register.add(world.agency_id, text, "t", [])
    assert code_of(caught) == code


@pytest.mark.parametrize(
    ("title", "account"),
    [("", "a"), ("x" * 501, "a"), ("\ud800", "a"), ("t", ""), ("t", "x" * 201)],
)
def test_a_malformed_text_is_refused(world: StoreWorld, title: str, account: str) -> None:
    with pytest.raises(CallerError) as caught:
        world.register.add(world.agency_id, number(world, 1), title, [account])
    assert code_of(caught) == "TEXT_FORM"
    assert world.register.all(world.agency_id) == []


def test_an_unknown_agency_is_refused(world: StoreWorld) -> None:
    with pytest.raises(CallerError) as caught:
        world.register.add(99, number(world, 1), "t", [])
    assert code_of(caught) == "AGENCY_UNKNOWN"


def test_the_size_is_the_number_of_records(world: StoreWorld) -> None:
    matter = world.open_matter()
    for i in range(3):
        world.take(matter, f"{i}")
    found = world.register.by_key(world.agency_id, matter.key)
    assert found is not None
    assert found.size == 3


def test_matters_and_records_are_counted_for_the_agency_alone(world: StoreWorld) -> None:
    assert world.register.counts(world.agency_id) == (0, 0)
    matter = world.open_matter("Case")
    world.open_matter("Other")
    for key in ("a", "b", "c"):
        world.take(matter, key)
    assert world.register.counts(world.agency_id) == (2, 3)
    assert world.register.counts(world.agency_id + 1) == (0, 0)

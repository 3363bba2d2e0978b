"""What is not in the table is refused, and the refusal says which role it takes."""

from __future__ import annotations

import pytest

from notary.core import roles
from notary.core.roles import MAY, Act, Principal, Role
from notary.errors import CallerError, ForbiddenError


def _with(*found: Role) -> Principal:
    return Principal(1, "u", 1, frozenset(found))


def test_every_act_is_in_the_table_and_takes_somebody() -> None:
    assert set(MAY) == set(Act)
    assert all(MAY.values())


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("role", Role)
def test_a_role_may_what_the_table_says(act: Act, role: Role) -> None:
    assert _with(role).may(act) == (role in MAY[act])


def test_several_roles_may_what_one_of_them_may() -> None:
    both = _with(Role.COUNSEL, Role.SUBMITTER)
    assert both.may(Act.EXPORT)
    assert both.may(Act.SUBMIT)
    assert not both.may(Act.ERASE)


def test_whoever_has_no_role_may_nothing() -> None:
    assert not any(_with().may(act) for act in Act)


def test_an_act_that_the_table_lacks_is_refused_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        roles, "MAY", {act: who for act, who in MAY.items() if act is not Act.EXPORT}
    )
    with pytest.raises(ForbiddenError):
        _with(*Role).require(Act.EXPORT)


def test_a_refusal_names_the_roles_that_it_takes_and_those_that_are_there() -> None:
    with pytest.raises(ForbiddenError) as caught:
        _with(Role.AUDITOR).require(Act.READ)
    assert caught.value.code == "ROLE_WANTED"
    assert "counsel, privacy-officer; this key has auditor" in str(caught.value)


@pytest.mark.parametrize(
    ("words", "code"), [(["chief"], "ROLE_UNKNOWN"), ([], "ROLES_NONE"), ([""], "ROLE_UNKNOWN")]
)
def test_words_that_are_no_roles_are_refused(words: list[str], code: str) -> None:
    with pytest.raises(CallerError) as caught:
        roles.read_roles(words)
    assert caught.value.code == code


def test_roles_are_written_in_one_order() -> None:
    assert roles.write_roles(reversed(Role)) == roles.write_roles(Role)
    assert roles.read_roles(roles.write_roles(Role).split()) == frozenset(Role)

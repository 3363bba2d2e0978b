"""Who asks, and what each role may do: the one table, and the one place that applies it.

What is not in the table is refused. The page for users is docs/http.md, "Roles"; a test compares the two, and
asks every route in every role. Tests: tests/unit/core/test_roles.py, tests/api/test_roles.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from notary.errors import CallerError, ForbiddenError


class Role(StrEnum):
    """What a user is there for. One user can have several."""

    SUBMITTER = "submitter"
    OPERATOR = "operator"
    COUNSEL = "counsel"
    AUDITOR = "auditor"
    PRIVACY_OFFICER = "privacy-officer"


ALL_ROLES = frozenset(Role)


class Act(StrEnum):
    """What can be done over HTTP; every route of `/v1` is one of these."""

    DESCRIBE = "describe"  # the interface, and who one is
    OPEN_MATTER = "open-matter"
    SEE_MATTERS = "see-matters"  # numbers and how many records
    SEE_NAMES = "see-names"  # titles and accounts of matters as well
    SUBMIT = "submit"  # records and originals
    SEE_RECEIPT = "see-receipt"  # leaf and receipt, nothing in the clear
    READ = "read"  # what a record says
    EXPORT = "export"
    SEE_CUSTODY = "see-custody"
    SEE_STATUS = "see-status"
    ANCHOR_NOW = "anchor-now"
    RUN_SOURCES = "run-sources"
    RUN_PEOPLE = "run-people"  # users and keys; what may be given, `Giver` says
    SEE_PEOPLE_LOG = "see-people-log"  # who made, changed or ended users and keys
    ERASE = "erase"  # also holds and retention


_S, _O, _C, _A, _P = Role

MAY: Mapping[Act, frozenset[Role]] = MappingProxyType(
    {
        Act.DESCRIBE: ALL_ROLES,
        Act.OPEN_MATTER: frozenset({_S, _O}),
        Act.SEE_MATTERS: ALL_ROLES,
        Act.SEE_NAMES: frozenset({_S, _O, _C, _P}),
        Act.SUBMIT: frozenset({_S}),
        Act.SEE_RECEIPT: ALL_ROLES,
        Act.READ: frozenset({_C, _P}),
        Act.EXPORT: frozenset({_C}),
        Act.SEE_CUSTODY: frozenset({_A, _P}),
        Act.SEE_STATUS: frozenset({_O, _A}),
        Act.ANCHOR_NOW: frozenset({_O}),
        Act.RUN_SOURCES: frozenset({_O}),
        Act.RUN_PEOPLE: frozenset({_O}),
        Act.SEE_PEOPLE_LOG: frozenset({_O, _A}),
        Act.ERASE: frozenset({_P}),
    }
)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: a user of an agency, by one of its keys.

    `user` is the user's id, a pseudonym. `roles` are those that user and key have both.
    """

    agency_id: int
    user: str
    key_id: int
    roles: frozenset[Role]

    def may(self, act: Act) -> bool:
        """Whether one of the roles is there for it."""
        return not self.roles.isdisjoint(MAY.get(act, ()))

    def require(self, act: Act) -> None:
        """Raise ForbiddenError ROLE_WANTED unless one of the roles is there for it.

        Asked before anything is looked up, so that the answer says nothing of what is there.
        """
        if not self.may(act):
            wanted = ", ".join(sorted(MAY.get(act, ()))) or "none"
            raise ForbiddenError(
                "ROLE_WANTED",
                f"this takes one of the roles {wanted}; this key has "
                f"{', '.join(sorted(self.roles)) or 'none'}. Ask whoever made the key for another one.",
            )


@dataclass(frozen=True, slots=True)
class Giver:
    """Who changes users and keys: `actor` as the log names them, and the roles that they may give.

    `longest` is how long a key that they make may live; None: for ever.
    """

    actor: str
    gives: frozenset[Role] = ALL_ROLES
    longest: timedelta | None = None

    def require(self, roles: frozenset[Role]) -> None:
        """Raise ForbiddenError ROLES_BEYOND_GIVER for roles that they may not give."""
        beyond = roles - self.gives
        if beyond:
            raise ForbiddenError(
                "ROLES_BEYOND_GIVER",
                f"this key may give {', '.join(sorted(self.gives))}, and not {', '.join(sorted(beyond))}. "
                "Do it on the service's machine: `notary user`, `notary apikey`.",
            )


def giver(principal: Principal, longest: timedelta) -> Giver:
    """What a user may give over HTTP: submitter, and of their own roles all but operator.

    So a stolen key of an operator reads nothing, and makes no other operator (docs/design/0036).
    """
    gives = (principal.roles | {Role.SUBMITTER}) - {Role.OPERATOR}
    return Giver(principal.user, gives, longest)


@dataclass(frozen=True, slots=True)
class Known:
    """What a key was found to be. `noted` says that its use today is written down already."""

    principal: Principal
    noted: bool


def read_roles(words: Iterable[str]) -> frozenset[Role]:
    """The roles of these names. Raises CallerError ROLE_UNKNOWN, or ROLES_NONE for none."""
    found = set()
    for word in words:
        try:
            found.add(Role(word))
        except ValueError:
            raise CallerError(
                "ROLE_UNKNOWN", f"{word[:40]!a} is no role; want one of {', '.join(Role)}."
            ) from None
    if not found:
        raise CallerError("ROLES_NONE", f"name at least one role of {', '.join(Role)}.")
    return frozenset(found)


def write_roles(roles: Iterable[Role]) -> str:
    """Roles as the store keeps them, in order, parted by spaces."""
    return " ".join(sorted(roles))

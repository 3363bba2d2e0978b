"""Who made, changed or ended users and keys: a row with each change, in its own transaction.

Spec: docs/http.md, "Users and keys over HTTP". Test: tests/unit/store/test_agencies.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, insert, select

from notary.adapters.store.database import Database, table_of
from notary.adapters.store.tables import PeopleActRow
from notary.core.moments import milliseconds, moment
from notary.core.roles import Role, read_roles, write_roles

ACTS = table_of(PeopleActRow)


class PeopleAct(StrEnum):
    """What was done to a user or a key."""

    NEW_USER = "user.new"
    SET_ROLES = "user.roles"
    DISABLE = "user.disable"
    ENABLE = "user.enable"
    NEW_KEY = "key.new"
    ROTATE = "key.rotate"  # `key_id` is the old one's; the new one follows as NEW_KEY
    REVOKE = "key.revoke"


@dataclass(frozen=True)
class Acted:
    """One change, as the log of people has it. `roles` are those of user or key after it."""

    at: datetime
    actor: str
    act: PeopleAct
    user: str
    key_id: int | None
    roles: frozenset[Role]


def note(connection: Connection, agency_id: int, acted: Acted) -> None:
    """Write a change down, in the transaction of the change itself: neither is there without the other."""
    connection.execute(
        insert(ACTS),
        {
            "agency_id": agency_id,
            "at_ms": milliseconds(acted.at),
            "actor": acted.actor,
            "act": acted.act.value,
            "handle": acted.user,
            "key_id": acted.key_id,
            "roles": write_roles(acted.roles),
        },
    )


class PeopleLog:
    """The changes of users and keys, as they stand in the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self, agency_id: int, most: int) -> list[Acted]:
        """The agency's last changes, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(ACTS)
                .where(ACTS.c.agency_id == agency_id)
                .order_by(ACTS.c.id.desc())
                .limit(most)
            ).all()
        return [
            Acted(
                moment(row.at_ms),
                row.actor,
                PeopleAct(row.act),
                row.handle,
                row.key_id,
                read_roles(row.roles.split()),
            )
            for row in rows
        ]

"""Agencies, their users, and the API keys that speak for these. A key is shown once.

A key is 256 random bits, so the digest by which it is found needs no salt and no slow hash: nobody can try
that many. It is keyed all the same, so that whoever holds the store alone can't tell whether a key that was
found somewhere is one of these. Time tells nothing: what an index compares is the digest, which nobody can
steer without the log's secret.
Spec: docs/http.md. Test: tests/unit/store/test_agencies.py.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, insert, select, update

from notary.adapters.store.database import Database, table_of
from notary.adapters.store.people_log import Acted, PeopleAct, note
from notary.adapters.store.tables import AgencyRow, ApiKeyRow, UserRow
from notary.core import envelope
from notary.core.custody import LOCAL
from notary.core.keyring import Keyring
from notary.core.moments import milliseconds, moment
from notary.core.roles import (
    ALL_ROLES,
    Giver,
    Known,
    Principal,
    Role,
    read_roles,
    write_roles,
)
from notary.errors import CallerError
from notary.ports import Clock, Entropy
from verifier.format.digests import b64url_encode
from verifier.format.times import format_time

AGENCIES = table_of(AgencyRow)
USERS = table_of(UserRow)
KEYS = table_of(ApiKeyRow)

LOOKUP_KEY = "token"  # the purpose of a digest; keys that were called tokens still open
LOOKUP_USER = "user"
KEY_PREFIX = "nt_"  # lets scanners of leaked secrets recognise one
KEY_LENGTH = 32  # random bytes: 256 bits
SHOWN_LENGTH = 8  # characters of a key by which people recognise it: 30 bits of its 256 are told
HANDLE_LENGTH = 10  # random bytes of a user's id: 16 characters that say nothing and never meet
MAX_NAME = 200  # characters of a name or a label
DAY_MS = 86_400_000
HERE = Giver(f"{LOCAL}setup")  # what makes the first user, before anybody asks
_ANY_AGENCY = 0  # a key is looked up before it is known whose it is

# The roles of a key that were taken from its user since are not its any more.
_SPEAKS_FOR = (
    "SELECT k.agency_id, u.handle, k.id, k.roles, u.roles, k.expires_at_ms, k.used_day"
    " FROM api_keys k JOIN users u ON u.id = k.user_id"
    " WHERE k.digest = ? AND k.revoked_at_ms IS NULL AND u.disabled_at_ms IS NULL"
)


@dataclass(frozen=True)
class Agency:
    """An agency of the service."""

    agency_id: int
    name: str
    created_at: datetime


@dataclass(frozen=True)
class User:
    """A user as the register knows them; `name` is None for who had keys before there were users."""

    user_id: int
    handle: str
    name: str | None
    roles: frozenset[Role]
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True)
class ApiKey:
    """What is known of a key after it was issued. `used_on` is a day, at midnight UTC."""

    key_id: int
    user: str
    prefix: str
    label: str
    roles: frozenset[Role]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_on: datetime | None

    @property
    def ending(self) -> dict[str, Any]:
        """Which key ends when, as `notary status --json` says it."""
        ends = None if self.expires_at is None else format_time(self.expires_at)
        return {
            "key": self.key_id,
            "begins": self.prefix,
            "label": self.label,
            "expires_at": ends,
        }


class AgencyRegister:
    """The agencies of the store and who speaks for them."""

    def __init__(self, database: Database, keys: Keyring, clock: Clock, entropy: Entropy) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._entropy = entropy

    # Agencies.

    def add(self, name: str) -> int:
        """Register an agency; its id. Raises CallerError TEXT_FORM or AGENCY_EXISTS."""
        _check_name("name", name)
        with self._database.transaction() as connection:
            if connection.execute(
                select(AGENCIES.c.agency_id).where(AGENCIES.c.name == name)
            ).first():
                raise CallerError("AGENCY_EXISTS", f"there is already an agency {name!r}")
            (agency_id,) = connection.execute(
                insert(AGENCIES).returning(AGENCIES.c.agency_id),
                {"name": name, "created_at_ms": self._now_ms()},
            ).one()
            return int(agency_id)

    def all(self) -> list[Agency]:
        """Every agency, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(AGENCIES).order_by(AGENCIES.c.agency_id)).all()
        return [Agency(row.agency_id, row.name, moment(row.created_at_ms)) for row in rows]

    def by_name(self, name: str) -> int | None:
        """The id of the agency with exactly this name."""
        with self._database.reading() as connection:
            row = connection.execute(
                select(AGENCIES.c.agency_id).where(AGENCIES.c.name == name)
            ).first()
        return None if row is None else int(row[0])

    def name_of(self, agency_id: int) -> str:
        """The name of the agency. Raises CallerError AGENCY_UNKNOWN."""
        with self._database.reading() as connection:
            row = connection.execute(
                select(AGENCIES.c.name).where(AGENCIES.c.agency_id == agency_id)
            ).first()
        if row is None:
            raise CallerError("AGENCY_UNKNOWN", f"there is no agency {agency_id}")
        return str(row[0])

    # Users.

    def add_user(self, agency_id: int, name: str, roles: Iterable[Role], by: Giver = HERE) -> User:
        """Register a user of the agency.

        Raises CallerError AGENCY_UNKNOWN, TEXT_FORM, ROLES_NONE, or USER_EXISTS; ForbiddenError for roles
        that `by` may not give.
        """
        _check_name("name", name)
        wanted = read_roles(roles)
        by.require(wanted)
        handle = "u" + base64.b32encode(self._entropy.token(HANDLE_LENGTH)).decode().lower()
        digest = self._keys.lookup(agency_id, LOOKUP_USER, name)
        with self._database.transaction() as connection:
            if not connection.execute(
                select(AGENCIES.c.agency_id).where(AGENCIES.c.agency_id == agency_id)
            ).first():
                raise CallerError("AGENCY_UNKNOWN", f"there is no agency {agency_id}")
            if connection.execute(
                select(USERS.c.id).where(
                    USERS.c.agency_id == agency_id, USERS.c.name_digest == digest
                )
            ).first():
                raise CallerError("USER_EXISTS", "the agency has a user of this name already")
            (user_id,) = connection.execute(
                insert(USERS).returning(USERS.c.id),
                {
                    "agency_id": agency_id,
                    "handle": handle,
                    "name_digest": digest,
                    "sealed_name": envelope.seal(
                        self._name_secret(handle), envelope.VALUES, name.encode()
                    ),
                    "roles": write_roles(wanted),
                    "created_at_ms": self._now_ms(),
                    "disabled_at_ms": None,
                },
            ).one()
            self._note(connection, agency_id, by, PeopleAct.NEW_USER, handle, None, wanted)
            return self._user(connection, agency_id, int(user_id))

    def users(self, agency_id: int) -> list[User]:
        """The agency's users, oldest first, disabled ones included."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(USERS).where(USERS.c.agency_id == agency_id).order_by(USERS.c.id)
            ).all()
        return [self._open_user(row) for row in rows]

    def user(self, agency_id: int, word: str) -> User:
        """The agency's user of this id or name. Raises CallerError USER_UNKNOWN."""
        digest = self._keys.lookup(agency_id, LOOKUP_USER, word)
        with self._database.reading() as connection:
            row = connection.execute(
                select(USERS).where(
                    USERS.c.agency_id == agency_id,
                    (USERS.c.handle == word) | (USERS.c.name_digest == digest),
                )
            ).first()
        if row is None:
            raise CallerError(
                "USER_UNKNOWN",
                "the agency has no user of this id or name. See `notary user list`, or GET /v1/users.",
            )
        return self._open_user(row)

    def set_roles(
        self, agency_id: int, user_id: int, roles: Iterable[Role], by: Giver = HERE
    ) -> User:
        """Give the user these roles in place of the old ones; their keys lose what is not among them."""
        wanted = read_roles(roles)
        with self._database.transaction() as connection:
            by.require(self._user(connection, agency_id, user_id).roles | wanted)
            values = {"roles": write_roles(wanted)}
            return self._changed(connection, agency_id, by, PeopleAct.SET_ROLES, user_id, values)

    def disable_user(self, agency_id: int, user_id: int, by: Giver = HERE) -> User:
        """Let no key of the user open anything, from now on. Twice is no fault."""
        with self._database.transaction() as connection:
            user = self._user(connection, agency_id, user_id)
            if user.disabled_at is not None:
                return user
            values = {"disabled_at_ms": self._now_ms()}
            return self._changed(connection, agency_id, by, PeopleAct.DISABLE, user_id, values)

    def enable_user(self, agency_id: int, user_id: int, by: Giver = HERE) -> User:
        """Let the user's keys open again what they opened. Raises ForbiddenError as `add_user`."""
        with self._database.transaction() as connection:
            user = self._user(connection, agency_id, user_id)
            by.require(user.roles)
            if user.disabled_at is None:
                return user
            values = {"disabled_at_ms": None}
            return self._changed(connection, agency_id, by, PeopleAct.ENABLE, user_id, values)

    # Keys.

    def issue_key(
        self,
        agency_id: int,
        user_id: int,
        label: str,
        *,
        roles: Iterable[Role] | None = None,
        valid: timedelta | None = None,
        by: Giver = HERE,
    ) -> str:
        """A new key of the user, durable; its text can't be had again.

        Without `roles` it has whatever its user has. Raises CallerError USER_UNKNOWN, USER_DISABLED,
        ROLES_BEYOND_USER or TEXT_FORM; ForbiddenError for roles that `by` may not give.
        """
        _check_name("label", label)
        key = KEY_PREFIX + b64url_encode(self._entropy.token(KEY_LENGTH))
        now = self._clock.now()
        with self._database.transaction() as connection:
            user = self._user(connection, agency_id, user_id)
            if user.disabled_at is not None:
                raise CallerError(
                    "USER_DISABLED",
                    f"user {user.handle} is disabled. Enable them first: `notary user enable`.",
                )
            wanted = ALL_ROLES if roles is None else read_roles(roles)
            if roles is not None and not wanted <= user.roles:
                raise CallerError(
                    "ROLES_BEYOND_USER",
                    f"the user has {', '.join(sorted(user.roles))}, and not "
                    f"{', '.join(sorted(wanted - user.roles))}: a key has no role that its user has not.",
                )
            if by.gives != ALL_ROLES:
                # Not what the user may get one day from somebody who may give more.
                wanted &= user.roles
            by.require(wanted & user.roles)
            life = _least(valid, by.longest)
            expires = None if life is None else milliseconds(now + life)
            self._insert(connection, agency_id, user, key, label, wanted, expires, by)
        return key

    def rotate_key(self, agency_id: int, key_id: int, overlap: timedelta, by: Giver = HERE) -> str:
        """A new key with the roles, label and span of life of an old one, which ends after `overlap`.

        Raises CallerError KEY_UNKNOWN, or KEY_OVER for one that opens nothing any more; ForbiddenError for
        one whose roles `by` may not give.
        """
        new = KEY_PREFIX + b64url_encode(self._entropy.token(KEY_LENGTH))
        now = self._now_ms()
        with self._database.transaction() as connection:
            row = self._key_row(connection, agency_id, key_id)
            user = self._user(connection, agency_id, row.user_id)
            expired = row.expires_at_ms is not None and row.expires_at_ms <= now
            if row.revoked_at_ms is not None or expired or user.disabled_at is not None:
                raise CallerError(
                    "KEY_OVER",
                    f"key {key_id} opens nothing any more. Make a new one: `notary apikey new`.",
                )
            roles = read_roles(row.roles.split())
            if by.gives != ALL_ROLES:
                roles &= user.roles
            by.require(roles & user.roles)
            lived = None
            if row.expires_at_ms is not None:
                lived = timedelta(milliseconds=row.expires_at_ms - row.created_at_ms)
            life = _least(lived, by.longest)
            ends = now + overlap // timedelta(milliseconds=1)
            if row.expires_at_ms is None or row.expires_at_ms > ends:
                connection.execute(
                    update(KEYS).where(KEYS.c.id == key_id).values(expires_at_ms=ends)
                )
            expires = None if life is None else now + life // timedelta(milliseconds=1)
            self._note(connection, agency_id, by, PeopleAct.ROTATE, user.handle, key_id, roles)
            self._insert(connection, agency_id, user, new, row.label, roles, expires, by)
        return new

    def revoke_key(self, agency_id: int, key_id: int, by: Giver = HERE) -> None:
        """Let a key open nothing from now on. Raises CallerError KEY_UNKNOWN; twice is no fault."""
        with self._database.transaction() as connection:
            row = self._key_row(connection, agency_id, key_id)
            if row.revoked_at_ms is None:
                connection.execute(
                    update(KEYS).where(KEYS.c.id == key_id).values(revoked_at_ms=self._now_ms())
                )
                handle = self._user(connection, agency_id, row.user_id).handle
                roles = read_roles(row.roles.split())
                self._note(connection, agency_id, by, PeopleAct.REVOKE, handle, key_id, roles)

    def keys(self, agency_id: int) -> list[ApiKey]:
        """The agency's keys, oldest first, those included that open nothing any more."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(KEYS, USERS.c.handle)
                .join(USERS, USERS.c.id == KEYS.c.user_id)
                .where(KEYS.c.agency_id == agency_id)
                .order_by(KEYS.c.id)
            ).all()
        return [
            ApiKey(
                row.id,
                row.handle,
                row.prefix,
                row.label,
                read_roles(row.roles.split()),
                moment(row.created_at_ms),
                _moment(row.expires_at_ms),
                _moment(row.revoked_at_ms),
                _moment(None if row.used_day is None else row.used_day * DAY_MS),
            )
            for row in rows
        ]

    def issued(self, agency_id: int, key: str) -> ApiKey:
        """What is known of a key that was just issued."""
        digest = self._keys.lookup(_ANY_AGENCY, LOOKUP_KEY, key)
        with self._database.reading() as connection:
            key_id = connection.execute(
                select(KEYS.c.id).where(KEYS.c.agency_id == agency_id, KEYS.c.digest == digest)
            ).scalar_one()
        return next(one for one in self.keys(agency_id) if one.key_id == key_id)

    def keys_ending(self, agency_id: int, within: timedelta) -> list[ApiKey]:
        """The agency's keys that still open something and end within that time."""
        now = self._clock.now()
        enabled = {one.handle for one in self.users(agency_id) if one.disabled_at is None}
        return [
            one
            for one in self.keys(agency_id)
            if one.revoked_at is None
            and one.expires_at is not None
            and now < one.expires_at <= now + within
            and one.user in enabled
        ]

    def look_up(self, key: str) -> Known | None:
        """Whom the key speaks for; None for one that is unknown, expired, revoked, or of a disabled user."""
        # Whatever a stranger sends is looked up, so it must not fail on odd characters.
        if not key.isascii():
            return None
        digest = self._keys.lookup(_ANY_AGENCY, LOOKUP_KEY, key)
        row = self._database.row(_SPEAKS_FOR, (digest,))
        if row is None:
            return None
        agency_id, handle, key_id, of_key, of_user, expires_at_ms, used_day = row
        now = self._now_ms()
        if expires_at_ms is not None and expires_at_ms <= now:
            return None
        roles = _in_both(of_key, of_user)
        return Known(Principal(agency_id, handle, key_id, roles), used_day == now // DAY_MS)

    def note_use(self, key_id: int) -> None:
        """Write down that the key was used today."""
        with self._database.transaction() as connection:
            connection.execute(
                update(KEYS).where(KEYS.c.id == key_id).values(used_day=self._now_ms() // DAY_MS)
            )

    def _insert(
        self,
        connection: Connection,
        agency_id: int,
        user: User,
        key: str,
        label: str,
        roles: frozenset[Role],
        expires_at_ms: int | None,
        by: Giver,
    ) -> None:
        (key_id,) = connection.execute(
            insert(KEYS).returning(KEYS.c.id),
            {
                "agency_id": agency_id,
                "user_id": user.user_id,
                "digest": self._keys.lookup(_ANY_AGENCY, LOOKUP_KEY, key),
                "prefix": key[:SHOWN_LENGTH],
                "label": label,
                "roles": write_roles(roles),
                "created_at_ms": self._now_ms(),
                "expires_at_ms": expires_at_ms,
                "revoked_at_ms": None,
                "used_day": None,
            },
        ).one()
        self._note(connection, agency_id, by, PeopleAct.NEW_KEY, user.handle, key_id, roles)

    def _note(
        self,
        connection: Connection,
        agency_id: int,
        by: Giver,
        act: PeopleAct,
        handle: str,
        key_id: int | None,
        roles: frozenset[Role],
    ) -> None:
        acted = Acted(self._clock.now(), by.actor, act, handle, key_id, roles)
        note(connection, agency_id, acted)

    # A row has the columns of its table as attributes, which no type says.
    def _key_row(self, connection: Connection, agency_id: int, key_id: int) -> Any:
        row = connection.execute(
            select(KEYS).where(KEYS.c.id == key_id, KEYS.c.agency_id == agency_id)
        ).first()
        if row is None:
            raise CallerError(
                "KEY_UNKNOWN",
                "the agency has no such key. See `notary apikey list`, or GET /v1/keys.",
            )
        return row

    def _changed(
        self,
        connection: Connection,
        agency_id: int,
        by: Giver,
        act: PeopleAct,
        user_id: int,
        values: Mapping[str, Any],
    ) -> User:
        connection.execute(update(USERS).where(USERS.c.id == user_id).values(**values))
        user = self._user(connection, agency_id, user_id)
        self._note(connection, agency_id, by, act, user.handle, None, user.roles)
        return user

    def _user(self, connection: Connection, agency_id: int, user_id: int) -> User:
        row = connection.execute(
            select(USERS).where(USERS.c.id == user_id, USERS.c.agency_id == agency_id)
        ).first()
        if row is None:
            raise CallerError("USER_UNKNOWN", f"the agency has no user {user_id}")
        return self._open_user(row)

    def _open_user(self, row: Any) -> User:
        name = None
        if row.sealed_name is not None:
            secret = self._name_secret(row.handle)
            name = envelope.unseal(secret, envelope.VALUES, row.sealed_name).decode()
        return User(
            row.id,
            row.handle,
            name,
            read_roles(row.roles.split()),
            moment(row.created_at_ms),
            _moment(row.disabled_at_ms),
        )

    def _name_secret(self, handle: str) -> bytes:
        secret = b"notary/user-name/v1" + handle.encode()
        return hmac.digest(self._keys.lookup_secret, secret, "sha256")

    def _now_ms(self) -> int:
        return milliseconds(self._clock.now())


@lru_cache(maxsize=256)
def _in_both(of_key: str, of_user: str) -> frozenset[Role]:
    """The roles that a key and its user have both; kept, because every request asks."""
    return frozenset([Role(word) for word in of_key.split() if word in of_user.split()])


def _moment(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else moment(at_ms)


def _check_name(what: str, text: str) -> None:
    if not 1 <= len(text) <= MAX_NAME or not text.isprintable():
        raise CallerError(
            "TEXT_FORM", f"{what}: want 1 to {MAX_NAME} printable characters, got {len(text)}"
        )


def _least(one: timedelta | None, other: timedelta | None) -> timedelta | None:
    """The shorter one; None is for ever."""
    known = [each for each in (one, other) if each is not None]
    return min(known, default=None)

"""Agencies and their bearer tokens. A token is shown once and kept as a keyed digest.

Test: tests/unit/store/test_agencies.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from notary.adapters.store.database import Database, driver_row, table_of
from notary.adapters.store.tables import AgencyRow, TokenRow
from notary.core.keyring import Keyring
from notary.core.moments import milliseconds, moment
from notary.errors import CallerError
from notary.ports import Clock, Entropy
from verifier.format.digests import b64url_encode

AGENCIES = table_of(AgencyRow)
TOKENS = table_of(TokenRow)

LOOKUP_TOKEN = "token"  # noqa: S105  # the purpose of a digest, and no secret
TOKEN_PREFIX = "nt_"  # noqa: S105  # lets scanners of leaked secrets recognise one
TOKEN_LENGTH = 32  # random bytes
MAX_NAME = 200  # characters of an agency's name or a token's label
_ANY_AGENCY = 0  # a token is looked up before it is known whose it is


@dataclass(frozen=True)
class Token:
    """What is known of a token after it was issued."""

    token_id: int
    agency_id: int
    label: str
    created_at: datetime
    revoked_at: datetime | None


class AgencyRegister:
    """The agencies of the store and who speaks for them."""

    def __init__(self, database: Database, keys: Keyring, clock: Clock, entropy: Entropy) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._entropy = entropy

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
                {"name": name, "created_at_ms": milliseconds(self._clock.now())},
            ).one()
            return int(agency_id)

    def by_name(self, name: str) -> int | None:
        """The id of the agency with exactly this name."""
        with self._database.reading() as connection:
            row = connection.execute(
                select(AGENCIES.c.agency_id).where(AGENCIES.c.name == name)
            ).first()
        return None if row is None else int(row[0])

    def issue_token(self, agency_id: int, label: str) -> str:
        """A new bearer token of the agency, durable; its text can't be had again.

        Raises CallerError AGENCY_UNKNOWN or TEXT_FORM.
        """
        _check_name("label", label)
        token = TOKEN_PREFIX + b64url_encode(self._entropy.token(TOKEN_LENGTH))
        with self._database.transaction() as connection:
            if not connection.execute(
                select(AGENCIES.c.agency_id).where(AGENCIES.c.agency_id == agency_id)
            ).first():
                raise CallerError("AGENCY_UNKNOWN", f"there is no agency {agency_id}")
            connection.execute(
                insert(TOKENS),
                {
                    "agency_id": agency_id,
                    "digest": self._digest(token),
                    "label": label,
                    "created_at_ms": milliseconds(self._clock.now()),
                    "revoked_at_ms": None,
                },
            )
        return token

    def agency_of(self, token: str) -> int | None:
        """The agency for which the token speaks; None for an unknown or a revoked one."""
        # Whatever a stranger sends is looked up, so it must not fail on odd characters.
        if not token.isascii():
            return None
        with self._database.reading() as connection:
            row = driver_row(
                connection,
                "SELECT agency_id FROM tokens WHERE digest = ? AND revoked_at_ms IS NULL",
                (self._digest(token),),
            )
        return None if row is None else int(row[0])

    def tokens(self, agency_id: int) -> list[Token]:
        """The agency's tokens, oldest first, revoked ones included."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(TOKENS).where(TOKENS.c.agency_id == agency_id).order_by(TOKENS.c.id)
            ).all()
        return [
            Token(
                row.id,
                row.agency_id,
                row.label,
                moment(row.created_at_ms),
                None if row.revoked_at_ms is None else moment(row.revoked_at_ms),
            )
            for row in rows
        ]

    def revoke_token(self, agency_id: int, token_id: int) -> None:
        """Let a token speak no more. Raises CallerError TOKEN_UNKNOWN; twice is no fault."""
        with self._database.transaction() as connection:
            row = connection.execute(
                select(TOKENS.c.revoked_at_ms).where(
                    TOKENS.c.id == token_id, TOKENS.c.agency_id == agency_id
                )
            ).first()
            if row is None:
                raise CallerError("TOKEN_UNKNOWN", f"the agency has no token {token_id}")
            if row[0] is None:
                connection.execute(
                    update(TOKENS)
                    .where(TOKENS.c.id == token_id)
                    .values(revoked_at_ms=milliseconds(self._clock.now()))
                )

    def _digest(self, token: str) -> bytes:
        return self._keys.lookup(_ANY_AGENCY, LOOKUP_TOKEN, token)


def _check_name(what: str, text: str) -> None:
    if not 1 <= len(text) <= MAX_NAME or not text.isprintable():
        raise CallerError(
            "TEXT_FORM", f"{what}: want 1 to {MAX_NAME} printable characters, got {len(text)}"
        )

"""The register of matters, and which account leads to which.

Titles and accounts are sealed under the matter's own secret; an account is found by a keyed digest
of its exact spelling. Test: tests/unit/store/test_matters.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select

from notary.adapters.store.database import Database, table_of
from notary.adapters.store.log import settle_kek
from notary.adapters.store.tables import AccountRow, AgencyRow, MatterRow, SourceRow
from notary.core import envelope
from notary.core.acceptance import has_surrogate
from notary.core.keyring import Keyring
from notary.core.log_identity import LogIdentity
from notary.core.moments import milliseconds, moment
from notary.errors import CallerError, Contradiction
from notary.ports import Clock, Entropy, Matter
from verifier.format import numbers
from verifier.format.errors import FormatError
from verifier.format.frontier import Frontier

AGENCIES = table_of(AgencyRow)
MATTERS = table_of(MatterRow)
ACCOUNTS = table_of(AccountRow)

# A source has a row of the same table, and is no matter.
IS_MATTER = MATTERS.c.id.not_in(select(table_of(SourceRow).c.matter_id))

LOOKUP_ACCOUNT = "account"
MAX_TITLE = 500  # characters
MAX_ACCOUNT = 200  # characters

_COLUMNS = (
    MATTERS.c.id,
    MATTERS.c.agency_id,
    MATTERS.c.key,
    MATTERS.c.number,
    MATTERS.c.wrapped_secret,
    MATTERS.c.sealed_title,
    MATTERS.c.size,
    MATTERS.c.created_at_ms,
)


class StoredMatterRegister:
    """Implements the port `MatterRegister`."""

    def __init__(
        self,
        database: Database,
        keys: Keyring,
        clock: Clock,
        entropy: Entropy,
        identity: LogIdentity,
    ) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._entropy = entropy
        self._identity = identity

    def add(self, agency_id: int, number: str, title: str, accounts: Sequence[str]) -> Matter:
        """Register a matter durably.

        Raises CallerError NUMBER_FORM, MATTER_OF_OTHER_LOG, MATTER_EXISTS, AGENCY_UNKNOWN,
        TEXT_FORM, or ACCOUNT_TAKEN if an account already leads to another matter.
        """
        parsed = self._parse(number)
        _check_text("title", title, MAX_TITLE)
        secret = self._entropy.token(envelope.SECRET_LENGTH)
        nonce = self._entropy.token(envelope.NONCE_LENGTH)
        row = {
            "agency_id": agency_id,
            "key": parsed.key,
            "number": parsed.text,
            "sealed_title": envelope.seal(secret, envelope.TITLE, title.encode()),
            "created_at_ms": milliseconds(self._clock.now()),
            "size": 0,
            "frontier": Frontier().to_bytes(),
        }
        with self._database.transaction() as connection:
            self._require_agency(connection, agency_id)
            if connection.execute(select(MATTERS.c.id).where(MATTERS.c.key == parsed.key)).first():
                raise CallerError("MATTER_EXISTS", f"{parsed.text} is already registered")
            settle_kek(connection, self._keys.kek)
            row["wrapped_secret"] = envelope.wrap(
                self._keys.kek, secret, nonce, _context(agency_id, parsed.key)
            )
            (matter_id,) = connection.execute(insert(MATTERS).returning(MATTERS.c.id), row).one()
            self._lead(connection, agency_id, matter_id, secret, accounts)
            return self._read_one(connection, agency_id, parsed.key)

    def add_accounts(self, agency_id: int, key: bytes, accounts: Sequence[str]) -> Matter:
        """Let more accounts lead to the matter. Raises CallerError as `add`, or MATTER_UNKNOWN."""
        with self._database.transaction() as connection:
            row = self._row(connection, agency_id, key)
            if row is None:
                raise CallerError(
                    "MATTER_UNKNOWN", f"the agency has no matter with key {key.hex()}"
                )
            secret = self._secret(agency_id, key, row.wrapped_secret)
            self._lead(connection, agency_id, row.id, secret, accounts)
            return self._read_one(connection, agency_id, key)

    def by_key(self, agency_id: int, key: bytes) -> Matter | None:
        """The matter with that 32-byte key, if the agency has it."""
        with self._database.reading() as connection:
            row = self._row(connection, agency_id, key)
            return None if row is None else self._matter(connection, row)

    def by_account(self, agency_id: int, account: str) -> Matter | None:
        """The matter that the account leads to, exactly as spelled; never a guess."""
        if has_surrogate(account):
            return None
        digest = self._keys.lookup(agency_id, LOOKUP_ACCOUNT, account)
        with self._database.reading() as connection:
            row = connection.execute(
                select(*_COLUMNS)
                .join(ACCOUNTS, ACCOUNTS.c.matter_id == MATTERS.c.id)
                .where(ACCOUNTS.c.agency_id == agency_id, ACCOUNTS.c.digest == digest)
            ).first()
            return None if row is None else self._matter(connection, row)

    def counts(self, agency_id: int) -> tuple[int, int]:
        """How many matters the agency has, and how many records in all of them."""
        with self._database.reading() as connection:
            count, size = connection.execute(
                select(func.count(MATTERS.c.id), func.coalesce(func.sum(MATTERS.c.size), 0)).where(
                    MATTERS.c.agency_id == agency_id, IS_MATTER
                )
            ).one()
        return int(count), int(size)

    def all(self, agency_id: int) -> list[Matter]:
        """Every matter of the agency, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(*_COLUMNS)
                .where(MATTERS.c.agency_id == agency_id, IS_MATTER)
                .order_by(MATTERS.c.id)
            ).all()
            accounts: dict[int, list[tuple[bytes, bytes]]] = {}
            for matter_id, digest, sealed in connection.execute(
                select(ACCOUNTS.c.matter_id, ACCOUNTS.c.digest, ACCOUNTS.c.sealed_spelling)
                .where(ACCOUNTS.c.agency_id == agency_id)
                .order_by(ACCOUNTS.c.id)
            ):
                accounts.setdefault(matter_id, []).append((digest, sealed))
            return [self._open(row, accounts.get(row.id, [])) for row in rows]

    def _parse(self, number: str) -> numbers.MatterNumber:
        try:
            parsed = numbers.parse(number)
        except FormatError as error:
            raise CallerError("NUMBER_FORM", f"{error.message} ({error.code})") from error
        if parsed.log_tag != self._identity.tag:
            raise CallerError(
                "MATTER_OF_OTHER_LOG",
                f"{parsed.text} was made for another log than {self._identity}",
            )
        return parsed

    def _require_agency(self, connection: Connection, agency_id: int) -> None:
        known = connection.execute(
            select(AGENCIES.c.agency_id).where(AGENCIES.c.agency_id == agency_id)
        ).first()
        if known is None:
            raise CallerError("AGENCY_UNKNOWN", f"there is no agency {agency_id}")

    def _lead(
        self,
        connection: Connection,
        agency_id: int,
        matter_id: int,
        secret: bytes,
        accounts: Sequence[str],
    ) -> None:
        for place, account in enumerate(accounts):
            _check_text(f"accounts[{place}]", account, MAX_ACCOUNT)
            digest = self._keys.lookup(agency_id, LOOKUP_ACCOUNT, account)
            taken = connection.execute(
                select(ACCOUNTS.c.matter_id, MATTERS.c.number)
                .join(MATTERS, MATTERS.c.id == ACCOUNTS.c.matter_id)
                .where(ACCOUNTS.c.agency_id == agency_id, ACCOUNTS.c.digest == digest)
            ).first()
            if taken is None:
                connection.execute(
                    insert(ACCOUNTS),
                    {
                        "agency_id": agency_id,
                        "matter_id": matter_id,
                        "digest": digest,
                        "sealed_spelling": envelope.seal(
                            envelope.account_secret(secret, digest),
                            envelope.VALUES,
                            account.encode(),
                        ),
                    },
                )
            elif taken.matter_id != matter_id:
                raise CallerError(
                    "ACCOUNT_TAKEN",
                    # Messages reach logs, and an account's spelling is personal.
                    f"accounts[{place}] already leads to {taken.number}; an account leads to one "
                    "matter only",
                )

    # A row has the columns of `_COLUMNS` as attributes, which no type says.
    def _row(self, connection: Connection, agency_id: int, key: bytes) -> Any:
        return connection.execute(
            select(*_COLUMNS).where(
                MATTERS.c.key == key, MATTERS.c.agency_id == agency_id, IS_MATTER
            )
        ).first()

    def _read_one(self, connection: Connection, agency_id: int, key: bytes) -> Matter:
        row = self._row(connection, agency_id, key)
        assert row is not None
        return self._matter(connection, row)

    def _matter(self, connection: Connection, row: Any) -> Matter:
        accounts = connection.execute(
            select(ACCOUNTS.c.digest, ACCOUNTS.c.sealed_spelling)
            .where(ACCOUNTS.c.agency_id == row.agency_id, ACCOUNTS.c.matter_id == row.id)
            .order_by(ACCOUNTS.c.id)
        )
        return self._open(row, [(one[0], one[1]) for one in accounts])

    def _open(self, row: Any, accounts: Sequence[tuple[bytes, bytes]]) -> Matter:
        secret = self._secret(row.agency_id, row.key, row.wrapped_secret)
        return Matter(
            row.id,
            row.agency_id,
            row.number,
            row.key,
            _text(envelope.unseal(secret, envelope.TITLE, row.sealed_title)),
            tuple(
                _text(
                    envelope.unseal(
                        envelope.account_secret(secret, digest), envelope.VALUES, sealed
                    )
                )
                for digest, sealed in accounts
            ),
            row.size,
            moment(row.created_at_ms),
        )

    def _secret(self, agency_id: int, key: bytes, wrapped: bytes) -> bytes:
        return envelope.unwrap(self._keys.kek, wrapped, _context(agency_id, key))


def _context(agency_id: int, key: bytes) -> bytes:
    return envelope.wrap_context(envelope.MATTER, agency_id, key)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Contradiction("SEALED_CONTENT", "a sealed text is not UTF-8") from error


def _check_text(what: str, text: str, most: int) -> None:
    if not 1 <= len(text) <= most or has_surrogate(text):
        raise CallerError(
            "TEXT_FORM", f"{what}: want 1 to {most} characters of valid Unicode, got {len(text)}"
        )

"""Records of custody that could not enter the log yet, sealed.

Test: tests/unit/store/test_stored_custody.py.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from sqlalchemy import Index, delete, insert, select
from sqlmodel import Field

from notary.adapters.store.database import Database, Row, table_of
from notary.core import envelope
from notary.core.custody import KIND
from notary.core.intake import Incoming
from notary.core.keyring import Keyring


class HeldCustodyRow(Row, table=True):
    """A record of custody that waits for a log that takes records in again."""

    __tablename__ = "held_custody"
    __table_args__ = (Index(None, "agency_id", "matter_key"),)

    id: int | None = Field(default=None, primary_key=True)
    agency_id: int = Field(foreign_key="agencies.agency_id")
    matter_key: bytes
    idempotency_key: str = Field(unique=True)
    sealed_claims: bytes


HELD = table_of(HeldCustodyRow)


class HeldCustody:
    """Implements the port `HeldRecords` (usecases.custody)."""

    def __init__(self, database: Database, keys: Keyring) -> None:
        self._database = database
        self._keys = keys

    def hold(self, agency_id: int, item: Incoming) -> None:
        """As HeldRecords."""
        sealed = envelope.seal(
            self._secret(item.idempotency_key), envelope.VALUES, orjson.dumps(dict(item.claims))
        )
        with self._database.transaction() as connection:
            connection.execute(
                insert(HELD),
                {
                    "agency_id": agency_id,
                    "matter_key": item.matter_key,
                    "idempotency_key": item.idempotency_key,
                    "sealed_claims": sealed,
                },
            )

    def of_matter(self, agency_id: int, matter_key: bytes) -> list[Incoming]:
        """As HeldRecords."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(HELD)
                .where(HELD.c.agency_id == agency_id, HELD.c.matter_key == matter_key)
                .order_by(HELD.c.id)
            ).all()
        return [self._item(row) for row in rows]

    def all(self, most: int) -> Iterator[tuple[int, list[Incoming]]]:
        """As HeldRecords."""
        last = 0
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(
                    select(HELD).where(HELD.c.id > last).order_by(HELD.c.id).limit(most)
                ).all()
            if not rows:
                return
            agency_id = rows[0].agency_id
            items = []
            for row in rows:
                if row.agency_id != agency_id:
                    break
                items.append(self._item(row))
                last = row.id
            yield agency_id, items

    def drop(self, idempotency_keys: Sequence[str]) -> None:
        """As HeldRecords."""
        with self._database.transaction() as connection:
            connection.execute(delete(HELD).where(HELD.c.idempotency_key.in_(idempotency_keys)))

    # A row has the columns of its table as attributes, which no type says.
    def _item(self, row: Any) -> Incoming:
        secret = self._secret(row.idempotency_key)
        claims = orjson.loads(envelope.unseal(secret, envelope.VALUES, row.sealed_claims))
        return Incoming(row.matter_key, KIND, claims, row.idempotency_key, by_service=True)

    def _secret(self, idempotency_key: str) -> bytes:
        # The key holds 128 random bits: no secret serves twice.
        what = b"notary/held-custody/v1" + idempotency_key.encode()
        return hmac.digest(self._keys.lookup_secret, what, "sha256")

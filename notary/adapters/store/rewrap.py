"""Wraps every secret of the store anew, some at a time, while others read and write.

A row is replaced only if it still has the wrapped secret that was read, so an erasure in between
stays one. Which tables: every one with a column `wrapped_secret`; a test compares. Test:
tests/unit/store/test_rotate_kek.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import select

from notary.adapters.store.database import Database, driver_cursor
from notary.adapters.store.imports import KEPT_STRETCH
from notary.adapters.store.log import LOG, NO_AGENCY
from notary.core import envelope
from notary.core.envelope import Kek
from notary.core.waiting import WAITING_ROW
from notary.errors import Contradiction
from notary.ports import Entropy, Progress

ROWS_AT_A_TIME = 2_000  # some tens of milliseconds under the write lock: nobody waits noticeably


class WrappedTable(NamedTuple):
    """A table with wrapped secrets: what they are for, and the column that they are bound to."""

    name: str
    use: bytes
    identity: str


TABLES = (
    WrappedTable("matters", envelope.MATTER, "key"),
    WrappedTable("records", envelope.RECORD, "idempotency_digest"),
    WrappedTable("import_kept", KEPT_STRETCH, "idempotency_digest"),
    WrappedTable("unassigned", WAITING_ROW, "idempotency_digest"),
)

_Row = tuple[int, bytes, bytes]  # id, wrapped secret, context


class StoredSecrets:
    """Implements the port `WrappedSecrets` (usecases.rotate_kek)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def log_secret(self) -> bytes:
        """As WrappedSecrets."""
        with self._database.reading() as connection:
            return bytes(connection.execute(select(LOG.c.wrapped_lookup_secret)).scalar_one())

    def switch_log(self, old: Kek, new: Kek, entropy: Entropy) -> None:
        """As WrappedSecrets."""
        with self._database.transaction() as connection:
            row = connection.execute(
                select(LOG.c.wrapped_lookup_secret, LOG.c.wrapped_map_secret)
            ).one()
            fresh = []
            for use, wrapped in zip((envelope.LOG_LOOKUP, envelope.LOG_MAP), row, strict=True):
                context = envelope.wrap_context(use, NO_AGENCY, b"")
                secret = envelope.unwrap(old, wrapped, context)
                nonce = entropy.token(envelope.NONCE_LENGTH)
                fresh.append(envelope.wrap(new, secret, nonce, context))
            driver_cursor(connection).execute(
                "UPDATE log SET wrapped_lookup_secret = ?, wrapped_map_secret = ?", tuple(fresh)
            )

    def count(self) -> int:
        """As WrappedSecrets."""
        with self._database.reading() as connection:
            return sum(
                driver_cursor(connection)
                .execute(f"SELECT count(wrapped_secret) FROM {table.name}")  # noqa: S608 - our own names
                .fetchone()[0]
                for table in TABLES
            )

    def rewrap(self, old: Kek, new: Kek, entropy: Entropy, progress: Progress) -> int:
        """As WrappedSecrets."""
        moved = done = 0
        total = self.count()
        for table, rows in _all_rows(self._database):
            nonces = entropy.token(envelope.NONCE_LENGTH * len(rows))
            fresh = []
            for place, (row_id, wrapped, context) in enumerate(rows):
                if envelope.opens(new, wrapped, context):
                    continue
                secret = envelope.unwrap(old, wrapped, context)
                nonce = nonces[place * envelope.NONCE_LENGTH : (place + 1) * envelope.NONCE_LENGTH]
                fresh.append((envelope.wrap(new, secret, nonce, context), row_id, wrapped))
            if fresh:
                with self._database.transaction() as connection:
                    driver_cursor(connection).executemany(
                        f"UPDATE {table.name} SET wrapped_secret = ?"  # noqa: S608 - our own names
                        " WHERE id = ? AND wrapped_secret = ?",
                        fresh,
                    )
            moved += len(fresh)
            done += len(rows)
            progress(done, total)
        return moved

    def require_all(self, new: Kek) -> None:
        """As WrappedSecrets."""
        for table, rows in _all_rows(self._database):
            for row_id, wrapped, context in rows:
                if not envelope.opens(new, wrapped, context):
                    raise Contradiction(
                        "REWRAP_INCOMPLETE",
                        f"row {row_id} of {table.name} does not open under the new key. Both keys were kept; "
                        "run the command again, and restore the row from a backup if it says the same.",
                    )

    def forget_deleted(self) -> bool:
        """As WrappedSecrets."""
        return self._database.forget_deleted()


def _all_rows(database: Database) -> Iterator[tuple[WrappedTable, list[_Row]]]:
    """Every wrapped secret, some at a time. Rows are only ever appended, so ascending ids find all."""
    for table in TABLES:
        last = 0
        while True:
            with database.reading() as connection:
                found = (
                    driver_cursor(connection)
                    .execute(
                        f"SELECT id, agency_id, {table.identity}, wrapped_secret"  # noqa: S608
                        f" FROM {table.name} WHERE id > ? AND wrapped_secret IS NOT NULL"
                        " ORDER BY id LIMIT ?",
                        (last, ROWS_AT_A_TIME),
                    )
                    .fetchall()
                )
            if not found:
                break
            last = found[-1][0]
            yield (
                table,
                [
                    (row_id, wrapped, envelope.wrap_context(table.use, agency_id, identity or b""))
                    for row_id, agency_id, identity, wrapped in found
                ],
            )

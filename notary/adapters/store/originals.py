"""Rows of the originals that records name.

Test: tests/unit/store/test_originals.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from notary.adapters.store.bulk import parts
from notary.adapters.store.database import Database
from notary.adapters.store.records import ATTACHMENTS
from notary.adapters.store.restorations import newest_restoration


class StoredOriginals:
    """Implements the port `NamedOriginals` (usecases.originals)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, names: Sequence[bytes]) -> set[bytes]:
        """As NamedOriginals."""
        found: set[bytes] = set()
        with self._database.reading() as connection:
            for part in parts(names):
                rows = connection.execute(
                    select(ATTACHMENTS.c.name).where(ATTACHMENTS.c.name.in_(part))
                )
                found.update(rows.scalars())
        return found

    def all(self) -> list[tuple[bytes, int]]:
        """As NamedOriginals."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(ATTACHMENTS.c.name, ATTACHMENTS.c.size).order_by(ATTACHMENTS.c.name)
            )
            return [(row[0], row[1]) for row in rows]

    def backup_made_at(self) -> datetime | None:
        """As NamedOriginals."""
        with self._database.reading() as connection:
            restored = newest_restoration(connection)
        return None if restored is None else restored.backup_made_at

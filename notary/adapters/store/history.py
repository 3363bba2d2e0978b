"""Rows of every batch at once: headers, and the versions of a page of the matter map.

Test: tests/unit/store/test_history.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from notary.adapters.store.batches import BATCHES
from notary.adapters.store.database import driver_cursor
from notary.core.map_pages import LoadVersions


def headers_of(connection: Connection, size: int) -> list[bytes]:
    """The header bytes of batches 0 to `size` − 1; fewer if there are fewer."""
    rows = connection.execute(
        select(BATCHES.c.header).where(BATCHES.c.id < size).order_by(BATCHES.c.id)
    )
    return [bytes(row[0]) for row in rows]


def page_versions(connection: Connection, batches: int) -> LoadVersions:
    """Reads the versions of a page that batches 0 to `batches` − 1 left, one after the other."""

    def load(prefix: bytes) -> Iterator[tuple[int, bytes]]:
        # A cursor for each page: several are read side by side, none as a whole.
        return iter(
            driver_cursor(connection).execute(
                "SELECT batch, content FROM map_pages WHERE prefix = ? AND batch < ? ORDER BY batch",
                (prefix, batches),
            )
        )

    return load

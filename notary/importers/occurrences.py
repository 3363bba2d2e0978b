"""Owns the counting of equal rows in a file, in flat memory.

Equal rows without identity columns are told apart by their order, so each identity's count must be known
exactly. A few hundred thousand are counted in memory, more in a private temporary database that ends with
the process. Test: tests/unit/importers/test_parts.py.
"""

from __future__ import annotations

import sqlite3
from types import TracebackType

MAX_IN_MEMORY = 200_000  # about 25 MB


class Occurrences:
    """Counts how often each identity came before."""

    def __init__(self, max_in_memory: int = MAX_IN_MEMORY) -> None:
        self._most = max_in_memory
        self._seen: dict[bytes, int] = {}
        self._spilled: sqlite3.Connection | None = None

    def __enter__(self) -> Occurrences:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._spilled is not None:
            self._spilled.close()

    def next(self, identity: bytes) -> int:
        """How often the identity came before this time."""
        seen = self._seen
        if self._spilled is None:
            count = seen.get(identity, 0)
            seen[identity] = count + 1
            if len(seen) > self._most:
                self._spilled = self._spill()
            return count
        row = self._spilled.execute(
            "INSERT INTO seen VALUES (?, 1)"
            " ON CONFLICT (identity) DO UPDATE SET n = n + 1 RETURNING n - 1",
            (identity,),
        ).fetchone()
        return int(row[0])

    def _spill(self) -> sqlite3.Connection:
        # An empty name is a file of SQLite's own that no other process can open.
        connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=OFF")
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute(
            "CREATE TABLE seen (identity BLOB PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID"
        )
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO seen VALUES (?, ?)", self._seen.items())
        self._seen.clear()
        return connection

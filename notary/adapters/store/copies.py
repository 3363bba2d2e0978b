"""The store and copies of it as backups see them.

Test: tests/scenarios/service/test_backup.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from notary.adapters.store import audit, snapshot
from notary.adapters.store.database import Database
from notary.adapters.store.snapshot import Rows
from notary.core.log_identity import LogIdentity
from notary.ports import Progress
from notary.usecases.backup_store import StoreFacts


class Moment:
    """The rows at one moment: `backup_store.StoredMoment`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def facts(self) -> StoreFacts:
        """As StoredMoment."""
        return snapshot.facts(self._rows)

    def named_objects(self) -> Iterator[tuple[bytes, int]]:
        """As StoredMoment."""
        return snapshot.named_objects(self._rows)

    def emptied_records(self) -> Iterator[tuple[bytes, int, bytes]]:
        """As StoredMoment."""
        return snapshot.emptied_records(self._rows)

    def check(self, identity: LogIdentity, progress: Progress) -> None:
        """As StoredMoment."""
        audit.check_rows(self._rows, identity, progress)


class StoredCopies:
    """Implements the port `CopiedStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def now(self) -> Iterator[Moment]:
        """As CopiedStore."""
        with snapshot.opened_live(self._database) as rows:
            yield Moment(rows)

    def copy(self, target: Path, progress: Progress) -> None:
        """As CopiedStore."""
        snapshot.copy_database(self._database, target, progress)

    def size(self) -> int:
        """As CopiedStore."""
        return self._database.size()


@contextmanager
def open_copy(path: Path) -> Iterator[Moment]:
    """Implements `backup_store.OpenCopy`."""
    with snapshot.opened_copy(path) as rows:
        yield Moment(rows)

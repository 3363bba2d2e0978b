"""Copies of the store as they are restored, and the databases that they are restored into.

Test: tests/scenarios/service/test_backup.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from notary.adapters.store import restorations, transfer
from notary.adapters.store.database import Database
from notary.adapters.store.erasing import StoredErasures
from notary.adapters.store.log import open_log
from notary.adapters.store.migrations import upgrade
from notary.adapters.store.records import StoredRecords
from notary.core.keyring import HeldKeys, Keyring
from notary.core.log_identity import LogIdentity
from notary.ports import Progress
from notary.usecases.standing import Restoration


@dataclass(frozen=True)
class _Copy:
    """Implements the port `OpenedCopy`."""

    database: Database
    identity: LogIdentity
    keys: Keyring

    @property
    def records(self) -> StoredRecords:
        return StoredRecords(self.database)

    @property
    def erasures(self) -> StoredErasures:
        return StoredErasures(self.database, self.keys)

    @property
    def logged(self) -> StoredErasures:
        return self.erasures

    def mark_restored(self, at: datetime, backup_made_at: datetime, size: int) -> Restoration:
        """As OpenedCopy."""
        with self.database.transaction() as connection:
            restorations.add_restoration(connection, at, backup_made_at, size)
            newest = restorations.newest_restoration(connection)
        assert newest is not None
        return newest


class StoresToRestore:
    """Implements the port `RestoringStores`."""

    @contextmanager
    def opened(self, file: Path, keys: HeldKeys) -> Iterator[_Copy]:
        """As RestoringStores."""
        with closing(Database(file)) as database:
            upgrade(database)
            identity, keyring = open_log(database, keys)
            yield _Copy(database, identity, keyring)

    def require_vacant(self, uri: str) -> None:
        """As RestoringStores."""
        with closing(Database(uri)) as database:
            transfer.require_vacant(database)

    def fill(
        self, uri: str, file: Path, restoration: Restoration, progress: Progress, *, resumed: bool
    ) -> None:
        """As RestoringStores."""
        with closing(Database(uri)) as database:
            over = resumed and _is_filled(database, restoration)
            transfer.load(file, database, progress, over=over)


def _is_filled(database: Database, restoration: Restoration) -> bool:
    upgrade(database)
    with database.reading() as connection:
        found = restorations.newest_restoration(connection)
    return found is not None and replace(found, restored_at=restoration.restored_at) == restoration

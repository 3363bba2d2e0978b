"""What restoring needs of the store: the ports.

Spec: docs/design/0012-restored-stores.md. Implemented by notary.adapters.store.restoring. Test:
tests/scenarios/service/test_backup.py.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from notary.core.keyring import HeldKeys, Keyring
from notary.core.log_identity import LogIdentity
from notary.ports import Progress
from notary.usecases.erasure_check import LoggedErasures
from notary.usecases.erasure_store import ErasureStore
from notary.usecases.record_store import RecordArchive
from notary.usecases.standing import Restoration


class OpenedCopy(Protocol):
    """A copy of the store in a file, brought to this version's schema and opened with its keys."""

    @property
    def identity(self) -> LogIdentity: ...

    @property
    def keys(self) -> Keyring: ...

    @property
    def records(self) -> RecordArchive: ...

    @property
    def erasures(self) -> ErasureStore: ...

    @property
    def logged(self) -> LoggedErasures: ...

    def mark_restored(self, at: datetime, backup_made_at: datetime, size: int) -> Restoration:
        """State in it, durably, that it was restored and not yet compared with the chain."""
        ...


class RestoringStores(Protocol):
    """The copies that are restored, and the databases that they are restored into."""

    def opened(self, file: Path, keys: HeldKeys) -> AbstractContextManager[OpenedCopy]:
        """A copy, to be changed. Raises CallerError KEYS_OF_OTHER_STORE."""
        ...

    def require_vacant(self, uri: str) -> None:
        """Raise CallerError STORE_NOT_EMPTY unless the database at that URI has no tables."""
        ...

    def fill(
        self, uri: str, file: Path, restoration: Restoration, progress: Progress, *, resumed: bool
    ) -> None:
        """Take a copy's rows into the database at that URI.

        `resumed`: also over those that an earlier run of this restoration left, over no others.
        """
        ...

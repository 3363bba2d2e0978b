"""What backups need of the store: the ports, and their values.

Spec: docs/operations.md. Implemented by notary.adapters.store.copies. Test:
tests/scenarios/service/test_backup.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from notary.core.log_identity import LogIdentity
from notary.ports import Progress


@dataclass(frozen=True)
class StoreFacts:
    """What a copy holds. `size` and `root` are the batch log's; `anchor` is (number, size, head)."""

    identity: LogIdentity
    schema: str
    size: int
    root: bytes
    anchor: tuple[int, int, bytes] | None
    records: int
    matters: int


class StoredMoment(Protocol):
    """What a store, or a copy of it, holds at one moment, however long the reading takes."""

    def facts(self) -> StoreFacts:
        """What is said of it in a few figures."""
        ...

    def named_objects(self) -> Iterator[tuple[bytes, int]]:
        """Every object that a record names, ascending by name, with its size before sealing."""
        ...

    def emptied_records(self) -> Iterator[tuple[bytes, int, bytes]]:
        """Matter, position and leaf hash of every record without content."""
        ...

    def check(self, identity: LogIdentity, progress: Progress) -> None:
        """Rebuild every tree. Raises Contradiction STORE_DAMAGED for the first thing that does not hold."""
        ...


class CopiedStore(Protocol):
    """The store that is backed up, while it is in use."""

    def now(self) -> AbstractContextManager[StoredMoment]:
        """The store as it is now. Raises Contradiction STORE_DAMAGED where the database says so."""
        ...

    def copy(self, target: Path, progress: Progress) -> None:
        """Copy it as it is now into a file; on disk when this returns, its name apart.

        Raises NothingHappened COPY_FAILED.
        """
        ...

    def size(self) -> int:
        """How many bytes the store takes, its originals apart."""
        ...


OpenCopy: TypeAlias = Callable[[Path], AbstractContextManager[StoredMoment]]
"""Opens a copy, to be read. Raises Contradiction BACKUP_DAMAGED where the database says so."""

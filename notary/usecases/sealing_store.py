"""What sealing needs of the store: the port, and its values.

Spec: docs/spec/format.md §9 to §11. Implemented by notary.adapters.store.sealing. Test:
tests/unit/store/test_seal.py.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from notary.core.keyring import KeysInForce
from notary.core.map_pages import LoadPage
from notary.core.sealing import ChangedMatter, NewBatch
from notary.ports import SealedBatch
from notary.usecases.standing import KnownSizes
from verifier.format.frontier import Frontier
from verifier.format.key_sets import KeySet


@dataclass(frozen=True)
class LogEnd:
    """The end of the batch log: its frontier, and what the next batch must know of the last."""

    frontier: Frontier
    sealed_at: datetime | None
    last_group_id: int


@dataclass(frozen=True)
class Unsigned:
    """The newest batch, while it waits for its checkpoint."""

    sealed: SealedBatch
    frontier: Frontier


class Deadlines(NamedTuple):
    """The newest receipt group, and the longest promise of those after the last batch, in milliseconds."""

    last_group_id: int
    longest_ms: int


class SealingSeen(KnownSizes, Protocol):
    """The batch log and what it does not hold yet, as one transaction sees them."""

    def end(self) -> LogEnd:
        """Where the batch log ends; for an empty one, without a time."""
        ...

    def batch_count(self) -> int:
        """The number of stored batches, signed or not."""
        ...

    def unsigned(self) -> Unsigned | None:
        """The batch that a sealer stored and did not come to sign; None as a rule."""
        ...

    def unsealed_records(self, agency_id: int | None = None) -> int:
        """How many records no batch holds: of one agency, or of all."""
        ...

    def changed_matters(self) -> list[ChangedMatter]:
        """The matters, and the sources, with records that no batch holds."""
        ...

    def deadlines_after(self, group_id: int) -> Deadlines:
        """What the receipts after a group promise."""
        ...

    def pages(self, batch: int, changed: list[ChangedMatter]) -> LoadPage:
        """Reads the pages of the map as a batch left them, for the change of these matters."""
        ...

    def keys_in_force(self) -> KeysInForce:
        """What the newest batch header says; of an empty batch log, what it was made with."""
        ...

    def successor(self) -> str | None:
        """The log that follows this one, once it is retired."""
        ...

    def require_open(self) -> None:
        """Raise NothingHappened LOG_RETIRED if the log has a successor."""
        ...


class SealingWritten(SealingSeen, Protocol):
    """A write transaction, under the store's only write lock."""

    def keep_key_set(self, batch: int, key_set: KeySet) -> None:
        """Keep the key set that the header of `batch` names, unless an earlier header named it."""
        ...

    def append(
        self,
        batch: NewBatch,
        changed: list[ChangedMatter],
        last_group_id: int,
        not_before_header: bytes | None,
    ) -> None:
        """Write everything that a batch adds but its checkpoint, for which it then waits."""
        ...

    def keep_checkpoint(self, index: int, checkpoint: str) -> None:
        """Give the unsigned batch its checkpoint."""
        ...


class SealingStore(Protocol):
    """Where batches stand. Raises NothingHappened if it can't be had, Contradiction if it is damaged."""

    def reading(self) -> AbstractContextManager[SealingSeen]:
        """One unchanging view."""
        ...

    def writing(self) -> AbstractContextManager[SealingWritten]:
        """A transaction that is durable when the block has ended; nothing of it is if the block raises.

        Raises OutcomeUnknown if the commit itself failed.
        """
        ...

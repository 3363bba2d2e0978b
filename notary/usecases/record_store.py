"""What taking records in and reading them again need of the store: the ports, and their values.

Spec: docs/spec/format.md §5, §12. Implemented by notary.adapters.store.records. Tests:
tests/unit/store/test_accept.py, tests/unit/store/test_read.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from notary.core.keks import StoreKek
from notary.core.keyring import KeysInForce
from notary.core.receipts import ReceiptGroup
from notary.core.source_edge import StoredSource
from verifier.format.frontier import Frontier


class MatterState(NamedTuple):
    """A matter's row and the right edge of its log."""

    matter_id: int
    key: bytes
    frontier: bytes


class NewRecord(NamedTuple):
    """A record to be written."""

    record_id: int
    agency_id: int
    matter_id: int
    position: int
    group_id: int
    group_index: int
    idempotency_digest: bytes
    leaf_hash: bytes
    head_root: bytes
    wrapped_secret: bytes
    leaf: bytes
    sealed_values: bytes


class NewAttachment(NamedTuple):
    """An original of a record to be written; its content is kept already."""

    agency_id: int
    record_id: int
    number: int
    name: bytes
    size: int


class GrownMatter(NamedTuple):
    """A matter's new right edge, and where it was before this commit."""

    agency_id: int
    matter_id: int
    key: bytes
    old_size: int
    size: int
    root: bytes
    frontier: bytes


class GrowingEdge(Protocol):
    """The right edge of a log while a transaction grows it."""

    @property
    def matter_id(self) -> int: ...

    @property
    def key(self) -> bytes: ...

    @property
    def old_size(self) -> int: ...

    @property
    def frontier(self) -> Frontier: ...


def grown(agency_id: int, edge: GrowingEdge) -> GrownMatter:
    """What is written of the edge."""
    frontier = edge.frontier
    return GrownMatter(
        agency_id,
        edge.matter_id,
        edge.key,
        edge.old_size,
        frontier.size,
        frontier.root(),
        frontier.to_bytes(),
    )


class GrownSource(NamedTuple):
    """What a transaction adds to a source's log, beside its right edge, which is a `GrownMatter`."""

    matter_id: int
    first: int  # index of the first of the entries
    entries: list[bytes]
    state: str


class NewWaiting(NamedTuple):
    """A row that is to wait; `aside_at` is the index of the entry that sets its number aside, or below 0."""

    agency_id: int
    digest: bytes
    wrapped_secret: bytes
    sealed_row: bytes
    aside_at: int


class WaitingRow(NamedTuple):
    """A row that waits, as it is stored."""

    digest: bytes
    wrapped_secret: bytes
    sealed_row: bytes


class StoredRecord(NamedTuple):
    """A record's row with its matter's key. Without secret and values it was erased."""

    record_id: int
    matter_id: int
    matter_key: bytes
    position: int
    group_id: int
    group_index: int
    idempotency_digest: bytes
    leaf_hash: bytes
    head_root: bytes
    wrapped_secret: bytes | None
    leaf: bytes
    sealed_values: bytes | None


class StoredLeaf(NamedTuple):
    """What stays of every record: its place in the matter, its leaf and the leaf's hash."""

    position: int
    leaf_hash: bytes
    leaf: bytes


class StoredAttachment(NamedTuple):
    """An original as a record names it: its size in bytes is the one before sealing."""

    number: int
    name: bytes
    size: int


@dataclass(frozen=True)
class StoredGroup:
    """A commit's receipts, with the times that all of them state."""

    received_at_ms: int
    deadline_ms: int
    receipts: ReceiptGroup


class RecordsSeen(Protocol):
    """The records as one transaction sees them."""

    def known_digests(self, agency_id: int, digests: Sequence[bytes]) -> dict[bytes, int]:
        """Which idempotency digests have a record already: digest → record id."""
        ...

    def next_ids(self) -> tuple[int, int]:
        """The next record id and group id. Rows are never deleted."""
        ...

    def records_by_id(
        self, agency_id: int, record_ids: Sequence[int]
    ) -> Mapping[int, StoredRecord]:
        """The agency's records among these ids, by id."""
        ...

    def groups_by_id(self, group_ids: Iterable[int]) -> Mapping[int, StoredGroup]:
        """The receipt groups among these ids, by id."""
        ...


class RecordsRead(RecordsSeen, Protocol):
    """The same, with all that reading a matter again asks."""

    def of_matter(
        self, agency_id: int, matter_key: bytes, first: int, count: int
    ) -> list[StoredRecord]:
        """At most `count` records of the agency's matter from position `first` on, in order."""
        ...

    def entered_after(self, agency_id: int, record_id: int, count: int) -> list[StoredRecord]:
        """At most `count` records of the agency with ids above `record_id`, in the order of their entry."""
        ...

    def leaves(self, agency_id: int, matter_key: bytes) -> list[StoredLeaf]:
        """The leaves of the agency's matter, by position."""
        ...

    def attachments(self, record_ids: Sequence[int]) -> Mapping[int, list[StoredAttachment]]:
        """The attachments of each record, in order, by its id; only records that have some."""
        ...

    def sealed_in(self, agency_id: int, matter_id: int, position: int) -> int | None:
        """The first batch whose head of the matter covers the position; None while it waits."""
        ...


class RecordArchive(Protocol):
    """Where records are read again. Raises as `RecordStore`."""

    def reading(self) -> AbstractContextManager[RecordsRead]:
        """One unchanging view."""
        ...


class RecordsWritten(RecordsSeen, Protocol):
    """A write transaction, under the store's only write lock: what it reads stays so until it ends."""

    def settle(self, kek: StoreKek) -> None:
        """Let `kek` wrap with the key that the store names now; before anything is wrapped."""
        ...

    def require_open(self) -> None:
        """Raise NothingHappened LOG_RETIRED if the log has a successor."""
        ...

    def keys_in_force(self) -> KeysInForce:
        """The key set that signs now, by the newest batch header."""
        ...

    def matter_states(self, agency_id: int, keys: Sequence[bytes]) -> Mapping[bytes, MatterState]:
        """The agency's matters among these keys, by key."""
        ...

    def sources(self, agency_id: int, keys: Sequence[bytes]) -> Mapping[bytes, StoredSource]:
        """The agency's sources among these keys, by key."""
        ...

    def append(
        self,
        agency_id: int,
        group_id: int,
        group: StoredGroup,
        records: list[NewRecord],
        attachments: list[NewAttachment],
        matters: list[GrownMatter],
    ) -> None:
        """Write everything that one commit adds, but to the logs of sources."""
        ...

    def asides(self, agency_id: int, digests: Sequence[bytes]) -> Mapping[bytes, int | None]:
        """Which of these digests are of rows that wait, and where their numbers are set aside.

        Below 0 where none is, None where an earlier version did not ask.
        """
        ...

    def let_wait(self, rows: list[NewWaiting]) -> None:
        """Write rows that wait."""
        ...

    def unasked_waiting(self, agency_id: int, count: int) -> list[WaitingRow]:
        """At most `count` rows that wait and whose number an earlier version did not set aside."""
        ...

    def set_aside_at(
        self, agency_id: int, digest: bytes, aside_at: int, sealed: tuple[bytes, bytes] | None
    ) -> None:
        """Say where a row's number is set aside; `sealed`: its wrapped secret, and itself with the salt."""
        ...

    def grow_sources(self, matters: list[GrownMatter], sources: list[GrownSource]) -> None:
        """Write what is added to logs of sources."""
        ...


class RecordStore(Protocol):
    """Where records stand. Raises NothingHappened if it can't be had, Contradiction if it is damaged."""

    def reading(self) -> AbstractContextManager[RecordsSeen]:
        """One unchanging view."""
        ...

    def writing(self) -> AbstractContextManager[RecordsWritten]:
        """A transaction that is durable when the block has ended; nothing of it is if the block raises.

        Raises OutcomeUnknown if the commit itself failed.
        """
        ...

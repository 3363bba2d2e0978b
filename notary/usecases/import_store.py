"""What importing keeps besides the records: where each byte of an original went, and the rows that wait.

The port that `ingest` needs, and its values. Spec: docs/spec/column-map.md §4, §6, §7. Implemented by
notary.adapters.store.imports. Test: tests/scenarios/ingest/test_promises.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from notary.core.waiting import Waiting
from verifier.format.jsonc import Json


@dataclass(frozen=True)
class StoredClaims:
    """A record as it was recorded. `claims` is None once its content was erased."""

    record_id: int
    matter_key: bytes
    position: int
    leaf_hash: bytes
    kind: str
    claims: Mapping[str, Json] | None


class InRecord(NamedTuple):
    """A stretch of the original that is the `raw` of a record. A tuple, as there is one for each row."""

    length: int
    record_id: int


@dataclass(frozen=True)
class InWaiting:
    """A stretch of the original that is the `raw` of a row that waits under this key."""

    length: int
    key: str


@dataclass(frozen=True)
class Kept:
    """A stretch of the original that is kept by itself, sealed under a key of its own.

    `key` is that of the record to which the stretch says the same: who erases the record erases this.
    """

    content: bytes
    key: str | None = None


Piece: TypeAlias = InRecord | InWaiting | Kept


@dataclass(frozen=True)
class Mark:
    """Where the record of an event stands, for a correction that names the event."""

    identity: bytes
    matter_key: bytes
    position: int
    leaf_hash: bytes


class Entered(NamedTuple):
    """A key and the record that it now stands for. A tuple, as there is one for each row."""

    key: str
    record_id: int


class ImportStore(Protocol):
    """Durable: what a method wrote survives a power loss when it returns. Each method is one transaction."""

    def identity_key(self, agency_id: int) -> bytes:
        """The secret under which rows are told apart; the same for ever."""
        ...

    def matters_of(self, agency_id: int, accounts: Sequence[str]) -> Mapping[str, bytes]:
        """The keys of the matters that these accounts lead to, as MatterRegister.by_account; in bulk."""
        ...

    def begin(self, agency_id: int, file_sha256: bytes, size: int) -> int:
        """Begin to lay out a file anew; earlier layouts stay until `finish`."""
        ...

    def write(
        self,
        agency_id: int,
        run_id: int,
        pieces: Sequence[Piece],
        entered: Sequence[Entered],
        marks: Sequence[Mark],
    ) -> None:
        """Append pieces to the layout, and keep what goes with them.

        A key that entered waits no more. A mark that stands is not moved.
        """
        ...

    def finish(self, agency_id: int, run_id: int) -> None:
        """The layout is whole: it takes the place of every earlier one of the file."""
        ...

    def layout(self, agency_id: int, file_sha256: bytes) -> Iterator[bytes]:
        """The original's bytes, piece by piece.

        Raises CallerError FILE_UNKNOWN, or ERASED where a piece is gone with its record.
        """
        ...

    def stored(self, agency_id: int, keys: Sequence[str]) -> Mapping[str, StoredClaims]:
        """The records that these idempotency keys stand for."""
        ...

    def waiting(self, agency_id: int, keys: Sequence[str]) -> Mapping[str, Waiting]:
        """The rows that wait under these keys."""
        ...

    def all_waiting(self, agency_id: int, after: int, count: int) -> Sequence[tuple[int, Waiting]]:
        """At most `count` waiting rows with numbers above `after`, ascending."""
        ...

    def waiting_count(self, agency_id: int) -> int:
        """How many rows wait."""
        ...

    def marks(self, agency_id: int, identities: Sequence[bytes]) -> Mapping[bytes, Mark]:
        """The marks of these identities."""
        ...

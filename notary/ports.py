"""Ports: what the use cases need from the world. The docstrings are the contracts.

An adapter that can't keep a contract must not implement the port. Tests run each port's suite over every
adapter of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from notary.core.intake import Incoming, Outcome, Refused
from notary.core.preparing import Offered, Prepared
from notary.core.waiting import Waiting
from verifier.format.batches import BatchHeader
from verifier.format.digests import Digest
from verifier.format.fold import Link

Progress = Callable[[int, int], None]
"""Told how much is done, of how much."""

Bars = Callable[[str, str], AbstractContextManager[Progress]]
"""Opens a progress bar with a title and a unit."""

Alone = Callable[[], AbstractContextManager[None]]
"""Held by one at a time of all that take it, on whatever machine; others wait.

Raises NothingHappened STORE_UNAVAILABLE if it can't be had.
"""


class Clock(Protocol):
    """Local time. Never evidence: it is printed only as stated by the service."""

    def now(self) -> datetime:
        """The present, aware, UTC."""
        ...


@dataclass(frozen=True)
class Beat:
    """The worker's last sign of life, with the error that it met, in words."""

    seen_at: datetime
    error: str | None


class LastBeat(Protocol):
    """Where any process sees whether the worker lives."""

    def last(self) -> Beat | None:
        """The last beat, or None if no worker ever ran."""
        ...


class Entropy(Protocol):
    """Randomness fit for keys."""

    def token(self, size: int) -> bytes:
        """`size` unpredictable bytes."""
        ...


class Acceptor(Protocol):
    """The one way in for records."""

    def accept(self, agency_id: int, items: Sequence[Incoming]) -> list[Outcome]:
        """Take `items` in one durable commit and answer each in the same place of the list.

        Durability: when this returns, every Accepted record survives a power loss.
        Atomicity: a refused item does not hold back the others; if the commit itself fails, this raises
        and nothing entered. Idempotency: an equal item under a known key gives the first answer again.
        """
        ...


class SteppedAcceptor(Acceptor, Protocol):
    """An acceptor that can do the same in two steps, for those who have more to do meanwhile."""

    def offer(self, agency_id: int, items: Sequence[Incoming]) -> Offered:
        """Begin with all that needs neither the store nor an order among the items; nothing is written.

        Whoever offers the next items before taking these lets both go on at the same time.
        """
        ...

    def offer_texts(self, agency_id: int, texts: Sequence[bytes]) -> Callable[[], Offered]:
        """The same for records in JSON. What is returned waits until they are read, and is called once."""
        ...

    def attach(self, agency_id: int, item: Incoming) -> Offered | Refused:
        """The same for a record whose files are streams: they are kept durably when this returns.

        Whoever does not `take` it then says so to `Offered.kept`. Raises what the streams raise, and
        NothingHappened if the files can't be kept; in both cases nothing is left of them.
        """
        ...

    def take(self, offered: Offered) -> list[Outcome]:
        """Take in what was offered, once; contract and answers are those of `accept`."""
        ...

    def take_all(
        self, offered: Offered, waiting: Sequence[Waiting]
    ) -> tuple[list[Outcome], Mapping[str, Refused]]:
        """The same, and in the same commit let rows wait; those that may not, by their keys.

        A row of a source that numbers waits with its number set aside. One that waits already goes on.
        """
        ...


class Preparing(Protocol):
    """Where records are prepared: here and now, or by other processes meanwhile."""

    def begin(
        self, lookup_secret: bytes, agency_id: int, items: Sequence[Incoming], random: bytes
    ) -> Callable[[], Sequence[Prepared | Refused]]:
        """Begin with `preparing.prepare_all`; what is returned waits for its result."""
        ...

    def begin_texts(
        self, lookup_secret: bytes, agency_id: int, texts: Sequence[bytes], random: bytes
    ) -> Callable[[], tuple[Sequence[Incoming], Sequence[Prepared | Refused]]]:
        """The same for records in JSON, by `offered_json.prepare_texts`."""
        ...


class Listed(NamedTuple):
    """An object as a listing shows it: its size in bytes, and when it was last changed."""

    name: bytes
    size: int
    changed_at: datetime


class ObjectStore(Protocol):
    """Where originals lie: sealed bytes under random names of 16 bytes, which tell nothing.

    An object is whole or absent, and never changed. It becomes part of a record only by the store's
    commit, which comes after `make_durable`; so whatever a crash, a refusal or a lost answer leaves
    before that is an orphan, sealed under a secret that nobody has, and is swept later. A writer that
    tries again takes another name. Nobody but the caller of a method repeats it, but for what an adapter
    says of itself. Methods may be called from any thread. Every method raises NothingHappened if the place
    can't be reached or refuses.
    """

    @property
    def place(self) -> str:
        """Where it is, for people; nothing secret is in it."""
        ...

    def write(self, name: bytes, chunks: Iterable[bytes]) -> None:
        """Keep an object; memory stays flat however long it is. It is there for good after `make_durable`.

        What `chunks` raises passes through and leaves nothing that can be read.
        """
        ...

    def make_durable(self, names: Sequence[bytes]) -> None:
        """Objects that were written survive a loss of power when this returns."""
        ...

    def read(self, name: bytes, at: int = 0) -> Iterator[bytes]:
        """The object's bytes in pieces, from byte `at` on, which it must have.

        Raises Contradiction OBJECT_MISSING if it is not there.
        """
        ...

    def remove(self, names: Iterable[bytes]) -> None:
        """Take objects away, for good when this returns; one that is not there is no fault."""
        ...

    def listed(self) -> Iterator[Listed]:
        """Every object, ascending by name. What lies there under other names is nobody's and left alone."""
        ...

    def remove_unfinished(self, older_than: datetime) -> int:
        """Take away what writes left that were cut off before `older_than`; how many."""
        ...


@dataclass(frozen=True)
class Matter:
    """A matter as the register knows it. `title` and `accounts` are personal data at rest: encrypted."""

    matter_id: int
    agency_id: int
    number: str
    key: bytes
    title: str
    accounts: tuple[str, ...]
    size: int
    created_at: datetime


class MatterRegister(Protocol):
    """The agency's matters and which account leads to which."""

    def add(self, agency_id: int, number: str, title: str, accounts: Sequence[str]) -> Matter:
        """Register a matter durably. Raises CallerError if an account already leads to another matter."""
        ...

    def add_accounts(self, agency_id: int, key: bytes, accounts: Sequence[str]) -> Matter:
        """Let more accounts lead to the matter; the same rule as `add`."""
        ...

    def by_key(self, agency_id: int, key: bytes) -> Matter | None:
        """The matter with that 32-byte key, if the agency has it."""
        ...

    def by_account(self, agency_id: int, account: str) -> Matter | None:
        """The matter that the account leads to, exactly as spelled; never a guess."""
        ...

    def all(self, agency_id: int) -> list[Matter]:
        """Every matter of the agency, oldest first."""
        ...


@dataclass(frozen=True)
class SealedBatch:
    """A batch in the batch log, with what its proofs need."""

    index: int
    header_bytes: bytes
    header: BatchHeader
    not_before_header: bytes | None  # raw header RLP of the block that the header names


@dataclass(frozen=True)
class SealedHead:
    """The matter's head as one batch sealed it. Batches that did not change the matter have none."""

    batch: int
    size: int
    root: bytes


class Promise(NamedTuple):
    """When something was received, and by when it is to be anchored."""

    received_at: datetime
    deadline: datetime


class BatchLog(Protocol):
    """The sealed batches, append-only. `size` and `root` always go together."""

    def size(self) -> int:
        """The number of sealed batches."""
        ...

    def batch(self, index: int) -> SealedBatch:
        """Batch `index`; raises CallerError if it is not sealed."""
        ...

    def checkpoint(self, size: int) -> str:
        """The signed note for that size. Made once at sealing and kept: the same bytes for ever."""
        ...

    def leaf_hashes(self, size: int) -> list[bytes]:
        """The hashes of headers 0 to size − 1."""
        ...

    def first_promise(self, anchored: int) -> Promise | None:
        """The earliest receipt and deadline of what the first so many batches do not hold."""
        ...

    def key_set(self, digest: Digest) -> bytes:
        """The key set that a header names in `keys`. Raises Contradiction if it is lost."""
        ...

    def hand_overs(self, size: int) -> list[int]:
        """The batches before each hand-over of keys among the first `size` batches, ascending."""
        ...


@dataclass(frozen=True)
class Leg:
    """Transaction and receipt of one anchor with their proofs (docs/spec/anchor.md §5)."""

    header: bytes
    index: int
    tx: bytes
    tx_proof: tuple[bytes, ...]
    receipt: bytes
    receipt_proof: tuple[bytes, ...]
    log_index: int


@dataclass(frozen=True)
class Anchor:
    """A link that the chain holds in a finalized block, proved by the stand-alone verifier."""

    number: int  # 0 for the log's first anchor
    prev: bytes
    link: Link
    head: bytes


@dataclass(frozen=True)
class AsOf:
    """Account and storage proof of the log's slot in one finalized header.

    `observed` is what endpoints said of that block when they were last compared, for information.
    """

    header: bytes
    block_number: int
    block_time: int
    anchors: int  # how many links lead to the proved head
    account_proof: tuple[bytes, ...]
    storage_proof: tuple[bytes, ...]
    observed: tuple[str, ...] = ()


class AnchorBook(Protocol):
    """What the chain has confirmed. Nothing unproved or not finalized is ever returned."""

    def anchors(self) -> list[Anchor]:
        """Every proved anchor in order, from number 0."""
        ...

    def leg_of(self, number: int) -> Leg:
        """The leg of a proved anchor. Raises Contradiction if there is none."""
        ...

    def newest_as_of(self, block: int | None = None, time: int | None = None) -> AsOf | None:
        """The newest released as-of proof whose head all proved anchors lead to.

        With `block` or `time` the newest of a block up to that number or block time.
        """
        ...

"""Whether this store may go on with its log: take records in, seal, sign.

It may not while it knows less than was signed or anchored: a record taken in then would stand where
another one was promised by a receipt, and a batch would be a second history. Reading and exporting
go on. The argument is docs/design/0012-restored-stores.md.
Tests: tests/unit/store/test_standing.py, tests/scenarios/service/test_backup.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from notary.core.intake import Incoming, Outcome, Refused
from notary.core.mark import Mark, SignedMark, behind
from notary.core.preparing import Offered
from notary.core.waiting import Waiting
from notary.errors import NothingHappened
from notary.ports import SteppedAcceptor

# docs/spec/sender.md §7; the sender raises it, everybody else obeys it.
STORE_BEHIND_CHAIN = "STORE_BEHIND_CHAIN"
STORE_BEHIND_SIGNED = "STORE_BEHIND_SIGNED"
NOT_COMPARED = "RESTORED_NOT_COMPARED"


@dataclass(frozen=True)
class Restoration:
    """The newest restoration. `size` is what the batch log had then."""

    generation: int
    restored_at: datetime
    backup_made_at: datetime
    size: int
    compared_at: datetime | None


class KnownSizes(Protocol):
    """The batch log's own sizes, as one transaction sees them."""

    def mark_at(self, size: int) -> Mark | None:
        """Size and root of the batch log's first `size` batches; None if there are fewer."""
        ...


class StandingSeen(KnownSizes, Protocol):
    """The same, with what a restoration and the sender left."""

    def alarm_text(self, code: str) -> str | None:
        """The text of an alarm of the sender that stands."""
        ...

    def newest_restoration(self) -> Restoration | None:
        """The newest restoration; None if the store never came from a backup."""
        ...


class StandingStore(Protocol):
    """Where that stands. Raises NothingHappened if it can't be had, Contradiction if it is damaged."""

    def reading(self) -> AbstractContextManager[StandingSeen]:
        """One unchanging view."""
        ...


class Standing:
    """Judges one store by its own rows and the mark beside its keys."""

    def __init__(self, store: StandingStore, mark: SignedMark) -> None:
        self._store = store
        self._mark = mark

    def trouble(self) -> NothingHappened | None:
        """Why nothing may be added to the log now; None if nothing stands in the way."""
        # The mark is read before the store: whatever it says was stored before it was written.
        kept = self._mark.read()
        with self._store.reading() as seen:
            if kept is not None:
                found = seen.mark_at(kept.size)
                if found != kept:
                    older = behind(kept, found)
                    return NothingHappened(older.code, str(older))
            told = seen.alarm_text(STORE_BEHIND_CHAIN)
            if told is not None:
                return NothingHappened(
                    STORE_BEHIND_CHAIN,
                    f"{told} Nothing is taken in or sealed; docs/operations.md says what to do.",
                )
            restored = seen.newest_restoration()
            if restored is not None and restored.compared_at is None:
                return NothingHappened(
                    NOT_COMPARED,
                    "this store was restored from a backup and not yet compared with the chain. "
                    "Start `notary work` with the chain in reach; it goes on by itself.",
                )
        return None

    def require(self) -> None:
        """Raise NothingHappened STORE_BEHIND_SIGNED, STORE_BEHIND_CHAIN or RESTORED_NOT_COMPARED."""
        trouble = self.trouble()
        if trouble is not None:
            raise trouble

    def require_signed(self, sizes: KnownSizes) -> None:
        """Raise Contradiction STORE_BEHIND_SIGNED; inside the transaction that appends a batch."""
        kept = self._mark.read()
        if kept is not None:
            found = sizes.mark_at(kept.size)
            if found != kept:
                raise behind(kept, found)


class GuardedAcceptor:
    """An acceptor that takes nothing in while the store may not go on; implements `SteppedAcceptor`."""

    def __init__(self, inner: SteppedAcceptor, standing: Standing) -> None:
        self._inner = inner
        self._standing = standing

    def accept(self, agency_id: int, items: Sequence[Incoming]) -> list[Outcome]:
        """As `Acceptor`. Raises NothingHappened with the reason why nothing is taken in."""
        self._standing.require()
        return self._inner.accept(agency_id, items)

    def offer(self, agency_id: int, items: Sequence[Incoming]) -> Offered:
        """As `SteppedAcceptor`."""
        return self._inner.offer(agency_id, items)

    def offer_texts(self, agency_id: int, texts: Sequence[bytes]) -> Callable[[], Offered]:
        """As `SteppedAcceptor`."""
        return self._inner.offer_texts(agency_id, texts)

    def attach(self, agency_id: int, item: Incoming) -> Offered | Refused:
        """As `SteppedAcceptor`. Raises as `accept`, before anything is kept."""
        self._standing.require()
        return self._inner.attach(agency_id, item)

    def take(self, offered: Offered) -> list[Outcome]:
        """As `SteppedAcceptor`. Raises as `accept`."""
        self._standing.require()
        return self._inner.take(offered)

    def take_all(
        self, offered: Offered, waiting: Sequence[Waiting]
    ) -> tuple[list[Outcome], Mapping[str, Refused]]:
        """As `SteppedAcceptor`. Raises as `accept`."""
        self._standing.require()
        return self._inner.take_all(offered, waiting)

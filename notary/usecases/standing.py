"""Whether this store may go on with its log: take records in, seal, sign.

It may not while it knows less than was signed or anchored: a record taken in then would stand where
another one was promised by a receipt, and a batch would be a second history. Reading and exporting
go on. The argument is docs/design/0012-restored-stores.md.
Tests: tests/unit/store/test_standing.py, tests/scenarios/service/test_backup.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from notary.adapters.store import batches, restorations
from notary.adapters.store.database import Connection, Database
from notary.core.intake import Incoming, Outcome, Refused
from notary.core.mark import SignedMark, behind
from notary.core.preparing import Offered
from notary.errors import NothingHappened
from notary.ports import SteppedAcceptor

# docs/spec/sender.md §7; the sender raises it, everybody else obeys it.
STORE_BEHIND_CHAIN = "STORE_BEHIND_CHAIN"
STORE_BEHIND_SIGNED = "STORE_BEHIND_SIGNED"
NOT_COMPARED = "RESTORED_NOT_COMPARED"


class Standing:
    """Judges one store by its own rows and the mark beside its keys."""

    def __init__(self, database: Database, mark: SignedMark) -> None:
        self._database = database
        self._mark = mark

    def trouble(self) -> NothingHappened | None:
        """Why nothing may be added to the log now; None if nothing stands in the way."""
        # The mark is read before the store: whatever it says was stored before it was written.
        kept = self._mark.read()
        with self._database.reading() as connection:
            if kept is not None:
                found = batches.mark_at(connection, kept.size)
                if found != kept:
                    older = behind(kept, found)
                    return NothingHappened(older.code, str(older))
            told = restorations.alarm_text(connection, STORE_BEHIND_CHAIN)
            if told is not None:
                return NothingHappened(
                    STORE_BEHIND_CHAIN,
                    f"{told} Nothing is taken in or sealed; docs/operations.md says what to do.",
                )
            restored = restorations.newest_restoration(connection)
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

    def require_signed(self, connection: Connection) -> None:
        """Raise Contradiction STORE_BEHIND_SIGNED; inside the transaction that appends a batch."""
        kept = self._mark.read()
        if kept is not None:
            found = batches.mark_at(connection, kept.size)
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

"""Lets rows wait: sealed, and with their number set aside in their source's log, in one commit.

Spec: docs/spec/format.md §16, "Rows that wait"; docs/design/0037-rows-that-wait.md. Test:
tests/unit/store/test_asides.py.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from notary.core import acceptance, waiting
from notary.core.intake import Refused
from notary.core.keyring import Keyring
from notary.core.moments import milliseconds, moment
from notary.core.preparing import LOOKUP_IDEMPOTENCY
from notary.core.source_edge import SourceEdge
from notary.core.waiting import Waiting
from notary.errors import NothingHappened
from notary.ports import Clock, Entropy
from notary.usecases.record_store import NewWaiting, RecordStore, RecordsWritten, WaitingRow
from notary.usecases.sources import write_sources
from verifier.format import asides
from verifier.format.source_log import SOURCE

NO_ASIDE = -1  # in place of an index: the row's number was asked for, and nothing can be set aside
ROWS_AT_A_TIME = 500  # rows of an earlier version that one commit looks at


class _Row(NamedTuple):
    """A row that is to wait, and the digest of its key."""

    row: Waiting
    digest: bytes


class RowsToWait:
    """The rows that one commit lets wait. `refused` are those that may not have their number, by key.

    Rows of a source that numbers are entered in the order of their numbers among the records of the commit.
    """

    def __init__(
        self, keys: Keyring, entropy: Entropy, agency_id: int, rows: Sequence[Waiting]
    ) -> None:
        self._keys = keys
        self._entropy = entropy
        self._agency_id = agency_id
        self.rows = [_Row(row, _digest(keys, agency_id, row.key)) for row in rows]
        self.refused: dict[str, Refused] = {}
        self._numbered: dict[bytes, deque[_Row]] = {}
        self._edges: Mapping[bytes, SourceEdge] = {}
        self._written: list[NewWaiting] = []

    def begin(self, written: RecordsWritten, edges: Mapping[bytes, SourceEdge]) -> None:
        """Under the write lock: what waits already goes on waiting, and what has no number waits at once."""
        self._edges = edges
        digests = [one.digest for one in self.rows]
        waits = written.asides(self._agency_id, digests)
        entered = written.known_digests(self._agency_id, digests)
        for one in self.rows:
            if one.digest in waits:
                continue
            source = one.row.source
            edge = None if source is None else edges.get(source)
            if source is not None and edge is None:
                self.refused[one.row.key] = acceptance.no_source(source)
            elif edge is None or edge.profile.numbering != SOURCE or one.digest in entered:
                # Of a record that is there, in whatever matter, the number is there too.
                self._keep(one, one.row, NO_ASIDE)
            else:
                self._numbered.setdefault(edge.key, deque()).append(one)

    def enter_up_to(self, source: bytes, number: int, now: datetime) -> None:
        """Enter the rows of a source that stand before a number."""
        queue = self._numbered.get(source)
        while queue and (queue[0].row.number or 0) < number:
            self._enter(queue.popleft(), now)

    def finish(self, written: RecordsWritten, now: datetime) -> None:
        """Enter the rest, and write the rows."""
        for queue in self._numbered.values():
            while queue:
                self._enter(queue.popleft(), now)
        if self._written:
            written.let_wait(self._written)

    def _enter(self, one: _Row, now: datetime) -> None:
        assert one.row.source is not None
        edge = self._edges[one.row.source]
        refused = edge.refusal(one.row.number)
        if refused is not None:
            self.refused[one.row.key] = refused
            return
        index, salted = edge.set_aside(one.row, self._entropy.token(asides.SALT_LENGTH), now)
        self._keep(one, salted, index)

    def _keep(self, one: _Row, row: Waiting, aside_at: int) -> None:
        random = self._entropy.token(waiting.RANDOM_LENGTH)
        wrapped, sealed = waiting.seal_waiting(
            self._keys.kek, random, self._agency_id, one.digest, row
        )
        self._written.append(NewWaiting(self._agency_id, one.digest, wrapped, sealed, aside_at))


class EarlierRows:
    """Sets aside the numbers of rows that an earlier version let wait without."""

    def __init__(self, records: RecordStore, keys: Keyring, clock: Clock, entropy: Entropy) -> None:
        self._records = records
        self._keys = keys
        self._clock = clock
        self._entropy = entropy

    def enter(self, agency_ids: Sequence[int]) -> int:
        """Enter what is left of them, some at a time; how many. A log that has ended takes none."""
        entered = 0
        try:
            for agency_id in agency_ids:
                while (some := self._enter_some(agency_id)) is not None:
                    entered += some
        except NothingHappened as error:
            if error.code != "LOG_RETIRED":
                raise
        return entered

    def _enter_some(self, agency_id: int) -> int | None:
        """How many of the next rows were entered; None if there is none to look at."""
        with self._records.writing() as written:
            rows = written.unasked_waiting(agency_id, ROWS_AT_A_TIME)
            if not rows:
                return None
            written.settle(self._keys.kek)
            now = moment(milliseconds(self._clock.now()))
            opened = [(one, self._opened(agency_id, one)) for one in rows]
            keys = sorted({row.source for _, row in opened if row.source is not None})
            edges = {key: SourceEdge(one) for key, one in written.sources(agency_id, keys).items()}
            for edge in edges.values():
                edge.close_due(now)
            entered = 0
            # In the order of their numbers, so that a clock that runs back is not seen where none does.
            for one, row in sorted(opened, key=lambda pair: pair[1].number or 0):
                edge_of = None if row.source is None else edges.get(row.source)
                if not _may_be_set_aside(edge_of, row):
                    written.set_aside_at(agency_id, one.digest, NO_ASIDE, None)
                    continue
                assert edge_of is not None
                index, salted = edge_of.set_aside(row, self._entropy.token(asides.SALT_LENGTH), now)
                random = self._entropy.token(waiting.RANDOM_LENGTH)
                sealed = waiting.seal_waiting(self._keys.kek, random, agency_id, one.digest, salted)
                written.set_aside_at(agency_id, one.digest, index, sealed)
                entered += 1
            write_sources(written, agency_id, edges.values())
        return entered

    def _opened(self, agency_id: int, one: WaitingRow) -> Waiting:
        return waiting.open_waiting(
            self._keys.kek, agency_id, one.digest, one.wrapped_secret, one.sealed_row
        )


def _may_be_set_aside(edge: SourceEdge | None, row: Waiting) -> bool:
    """Whether the number can be set aside. A row that waited already is no offer: no conflict is counted."""
    if edge is None or edge.profile.numbering != SOURCE or row.number is None:
        return False
    conflicts = edge.state.conflicts
    refused = edge.refusal(row.number)
    edge.state.conflicts = conflicts
    return refused is None


def _digest(keys: Keyring, agency_id: int, key: str) -> bytes:
    # The digest that the record itself will have.
    return keys.lookup(agency_id, LOOKUP_IDEMPOTENCY, key)

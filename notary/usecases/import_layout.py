"""Writes down where each byte of an original went, in the order of the file.

The pieces of a layout join to the original: the `raw` of a record or of a waiting row, or content kept by
itself. Spec: docs/spec/column-map.md §7. Test: tests/scenarios/ingest/test_promises.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from notary.core.intake import Accepted, Refused
from notary.core.waiting import Waiting
from notary.importers.original import Original
from notary.importers.rejects import RejectsFile
from notary.importers.rows import ImportedRow, Item, Reject
from notary.usecases.import_answers import Answer, raw_bytes, raw_of
from notary.usecases.import_report import Tally, refusal
from notary.usecases.import_store import (
    Entered,
    ImportStore,
    InRecord,
    InWaiting,
    Kept,
    Mark,
    Piece,
    StoredClaims,
)
from verifier.format.trees import leaf_hash

MAX_KEPT_BYTES = 2**20  # a longer stretch is kept in pieces of this size
NO_LAYOUT = 0  # no layout has this number


@dataclass
class _Laid:
    """What a chunk adds to the store, in the order of the file."""

    pieces: list[Piece] = field(default_factory=list)
    entered: list[Entered] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)  # of the chunk's rows so far

    def clear(self) -> None:
        """Everything but the keys was written."""
        for written in (self.pieces, self.entered, self.marks):
            written.clear()


class Layout:
    """The layout of one file while it grows; each row's outcome is counted as it is laid."""

    def __init__(
        self,
        store: ImportStore,
        agency_id: int,
        original: Original,
        rejects: RejectsFile,
        tally: Tally,
        *,
        marked: bool,
    ) -> None:
        """`marked` says that the rows are events, which corrections may name."""
        self._store = store
        self._agency_id = agency_id
        self._original = original
        self._rejects = rejects
        self._tally = tally
        self._marked = marked
        self._layout = NO_LAYOUT
        self._at = 0  # up to here the original is accounted for

    def add(
        self,
        rows: Sequence[tuple[Item, str]],
        answered: Mapping[str, Answer],
        waiting: Mapping[str, ImportedRow],
        known: Mapping[str, Waiting],
    ) -> None:
        """Account for the next rows, each with its key: answered, waiting, or a reject.

        `known` are those that waited before.
        """
        laid = _Laid()
        for item, key in rows:
            self._keep_up_to(item.start, laid)
            if isinstance(item, Reject):
                self._lay_refused(item, laid, key if item.code == "ROW_CONFLICT" else None)
            elif key in waiting:
                self._lay_waiting(item, key, known.get(key), laid)
            else:
                self._lay(item, key, answered[key], laid, waited=key in known)
            self._at = item.end
        self._write(laid)

    def finish(self) -> None:
        """Account for the rest of the file; the layout takes the place of every earlier one."""
        laid = _Laid()
        self._keep_up_to(self._original.size, laid)
        self._write(laid)
        self._store.finish(self._agency_id, self._layout)

    def _lay(
        self, item: ImportedRow, key: str, answer: Answer, laid: _Laid, *, waited: bool
    ) -> None:
        """Account for a row that was offered: its answer in the tally, its bytes in the layout."""
        if isinstance(answer, Refused):
            reject = refusal(answer, item)
            self._lay_refused(reject, laid, key if answer.conflict else None)
            return
        repeated = key in laid.keys
        laid.keys.add(key)
        erased = False
        if isinstance(answer, Accepted) and (repeated or answer.replayed):
            answer = replace(answer, replayed=True)
            raw = raw_of(answer)
        elif isinstance(answer, Accepted):
            # A row that waited comes in as it waited.
            raw = raw_of(answer) if waited else item.raw
        else:
            # Of an erased record nothing is kept again.
            erased = answer.claims is None
            raw = item.raw if answer.claims is None else raw_bytes(answer.claims.get("raw"))
        self._tally.answer(answer)
        if not item.raw and not erased:
            # Too long for a claim: kept under the record's key, so that both are erased together.
            self._keep(item.start, item.end, key, laid)
        elif raw == item.raw:
            laid.pieces.append(InRecord(item.end - item.start, answer.record_id))
        else:
            laid.pieces.append(Kept(item.raw, key))
        laid.entered.append(Entered(key, answer.record_id))
        if self._marked and item.target is None and key.endswith("/0"):
            laid.marks.append(_mark(item, answer))

    def _lay_waiting(self, item: ImportedRow, key: str, known: Waiting | None, laid: _Laid) -> None:
        """Account for a row that waits."""
        self._tally.unassigned += 1
        repeated = key in laid.keys
        laid.keys.add(key)
        if known is None and not repeated:
            raw: bytes | None = item.raw
        else:
            raw = None if known is None else raw_bytes(known.claims.get("raw"))
        if not item.raw:
            self._keep(item.start, item.end, key, laid)
        elif raw == item.raw:
            laid.pieces.append(InWaiting(item.end - item.start, key))
        else:
            laid.pieces.append(Kept(item.raw, key))

    def _lay_refused(self, reject: Reject, laid: _Laid, key: str | None) -> None:
        """Account for a stretch that does not enter."""
        self._tally.refuse(reject)
        self._rejects.add(reject)
        self._keep(reject.start, reject.end, key, laid, held=reject.raw is not None)

    def _keep(
        self, start: int, stop: int, key: str | None, laid: _Laid, *, held: bool = False
    ) -> None:
        """Keep a stretch of the original under a key."""
        for place in range(start, stop, MAX_KEPT_BYTES):
            end = min(stop, place + MAX_KEPT_BYTES)
            laid.pieces.append(Kept(self._original.read(place, end), key))
            if not held:
                # Too long to be held: each part is written before the next is read.
                self._write(laid)
                laid.clear()

    def _keep_up_to(self, place: int, laid: _Laid) -> None:
        """Keep what stands between the last row and `place`: header, empty rows, commas."""
        while self._at < place:
            end = min(place, self._at + MAX_KEPT_BYTES)
            laid.pieces.append(Kept(self._original.read(self._at, end)))
            self._at = end

    def _write(self, laid: _Laid) -> None:
        if self._layout == NO_LAYOUT:
            self._layout = self._store.begin(
                self._agency_id, self._original.sha256, self._original.size
            )
        self._store.write(self._agency_id, self._layout, laid.pieces, laid.entered, laid.marks)


def _mark(item: ImportedRow, answer: Accepted | StoredClaims) -> Mark:
    digest = leaf_hash(answer.leaf) if isinstance(answer, Accepted) else answer.leaf_hash
    return Mark(item.identity, answer.matter_key, answer.position, bytes(digest))

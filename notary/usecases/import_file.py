"""Takes in one file of rows, chunk by chunk.

While one chunk is prepared, by other processes if there are some, the next is read and the one before is
committed. Each chunk's records are committed before its place is written down, and in the order of the
file. Spec: docs/spec/column-map.md §4, §6. Tests: tests/scenarios/ingest/.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from notary.core.intake import Incoming
from notary.core.preparing import Offered
from notary.core.waiting import Waiting
from notary.errors import CallerError, NothingHappened
from notary.importers.column_map import EPCIS, ColumnMap
from notary.importers.occurrences import Occurrences
from notary.importers.original import Original
from notary.importers.recognise import Rows
from notary.importers.rejects import RejectsFile
from notary.importers.rows import BadRow, ImportedRow, Item, Reject
from notary.ports import Progress, SteppedAcceptor
from notary.usecases.import_answers import (
    answers,
    same_claims,
    same_row,
)
from notary.usecases.import_layout import Layout
from notary.usecases.import_matters import Matters
from notary.usecases.import_report import (
    FileReport,
    Tally,
    conflict,
    fault,
    preview,
)
from notary.usecases.import_store import (
    ImportStore,
    Mark,
)
from verifier.format.jsonc import Json

ROWS_PER_COMMIT = 2_000  # large enough that the disk is no limit, small enough to hold
BYTES_PER_COMMIT = 16 * 2**20  # rows may be long
CHUNKS_UNDERWAY = 2  # offered and not yet committed: as many as keep two cores at work
MAX_PREVIEW_ROWS = 5  # what a dry run shows of a file


@dataclass(frozen=True)
class Shared:
    """What the files of one run have in common. `attached` are the files that rows brought with them."""

    agency_id: int
    acceptor: SteppedAcceptor
    store: ImportStore
    matters: Matters
    rejects: Path | None
    dry_run: bool
    meter: Meter
    sources: SourceKeys
    attached: set[Path] = field(default_factory=set)


class SourceKeys:
    """The keys of the sources that rows are of. `forced` is the name that the caller gave for all."""

    def __init__(self, find: Callable[[str], bytes], forced: str | None) -> None:
        self._find = find
        self._forced = forced

    def of(self, map_: ColumnMap | None) -> bytes | None:
        """The key of the source of a map's rows, or of a document. Raises CallerError SOURCE_UNKNOWN, or
        SOURCE_OTHER if the map names another one than the caller.
        """
        named = None if map_ is None else map_.source
        if self._forced is not None and named not in (None, self._forced):
            raise CallerError(
                "SOURCE_OTHER", f"the column map names source {named}, the command {self._forced}."
            )
        name = named or self._forced
        return None if name is None else self._find(name)


class Meter:
    """Reports progress in rows; the total is told from the bytes that are left."""

    def __init__(self, total_bytes: int, progress: Progress | None) -> None:
        self._progress = progress
        self._total_bytes = total_bytes
        self._bytes = 0
        self._rows = 0

    def moved(self, rows: int, size: int) -> None:
        """`rows` more rows and `size` more bytes are done."""
        self._rows += rows
        self._bytes += size
        if self._progress is not None:
            left = max(0, self._total_bytes - self._bytes)
            self._progress(self._rows, self._rows + left * self._rows // max(1, self._bytes))


@dataclass
class _Chunk:
    """Rows and rejects on their way, in the order of the file."""

    items: list[tuple[Item, str]] = field(default_factory=list)  # with each row's key
    identities: set[bytes] = field(default_factory=set)
    targets: set[bytes] = field(default_factory=set)
    size: int = 0

    def waits_for(self, earlier: _Chunk) -> bool:
        """Whether a row is of an event of the earlier chunk, or corrects one."""
        return not (
            earlier.identities.isdisjoint(self.identities)
            and earlier.identities.isdisjoint(self.targets)
        )


class _Underway(NamedTuple):
    """A chunk whose rows were led and offered. `items`, `waiting` and `known` are by key."""

    chunk: _Chunk
    known: Mapping[str, Waiting]
    items: Mapping[str, Incoming]
    waiting: Mapping[str, ImportedRow]
    offered: Offered


class FileRun:
    """One file of rows, from its first byte to its last."""

    def __init__(self, run: Shared, original: Original, rows: Rows) -> None:
        self._run = run
        self._source = run.sources.of(rows.map)
        self._original = original
        self._rows = rows
        self._tally = Tally()
        self._rejects = RejectsFile(original, rows, run.rejects)
        self._underway: deque[_Underway] = deque()
        self._layout = Layout(
            run.store,
            run.agency_id,
            original,
            self._rejects,
            self._tally,
            marked=rows.map.format == EPCIS,
        )

    def run(self) -> FileReport:
        """Take the file in."""
        rejects_file = None
        try:
            with Occurrences() as occurrences:
                rejects_file = self._take(occurrences)
        except NothingHappened as error:
            if error.code != "FILE_CHANGED":
                raise
            # The rows that entered stay; this layout is never finished, and the next run begins anew.
            self._tally.refuse(fault(error, self._original.path))
        finally:
            self._rejects.abandon()
        return self._tally.report(
            self._original.path, self._rows.source.importer, self._original.sha256, rejects_file
        )

    def _take(self, occurrences: Occurrences) -> Path | None:
        run = self._run
        chunk = _Chunk()
        for item in self._rows:
            if isinstance(item, Reject):
                if item.whole:
                    # Only a file's head makes an importer refuse it, so nothing has entered.
                    self._tally.refuse(item)
                    return None
                key = ""
            else:
                number = occurrences.next(item.identity) if item.counted else 0
                key = key_of(self._rows.source.importer, item.identity, number)
                if item.target is not None and item.target in chunk.identities:
                    # The record that this one corrects must have its position first.
                    self._offer(chunk)
                    chunk = _Chunk()
                chunk.identities.add(item.identity)
                if item.target is not None:
                    chunk.targets.add(item.target)
            chunk.items.append((item, key))
            chunk.size += item.end - item.start
            if len(chunk.items) >= ROWS_PER_COMMIT or chunk.size >= BYTES_PER_COMMIT:
                self._offer(chunk)
                chunk = _Chunk()
        self._offer(chunk)
        self._settle(0)
        if run.dry_run:
            return None
        self._layout.finish()
        return self._rejects.close()

    def _offer(self, chunk: _Chunk) -> None:
        """Lead the chunk's rows and begin to accept them."""
        run = self._run
        if not chunk.items:
            return
        if any(chunk.waits_for(earlier.chunk) for earlier in self._underway):
            self._settle(0)
        known = run.store.waiting(run.agency_id, [key for _, key in chunk.items if key])
        items, waiting = self._lead(chunk, known)
        if run.dry_run:
            self._show(chunk, items, waiting)
            self._count(chunk)
            return
        offered = run.acceptor.offer(run.agency_id, list(items.values()))
        self._underway.append(_Underway(chunk, known, items, waiting, offered))
        self._settle(CHUNKS_UNDERWAY)

    def _settle(self, most: int) -> None:
        """Accept chunks, the oldest first, until at most so many are underway."""
        while len(self._underway) > most:
            self._accept(self._underway.popleft())

    def _accept(self, underway: _Underway) -> None:
        """Accept a chunk's rows in one commit, then write down where each byte went."""
        run = self._run
        chunk, known, items, waiting, offered = underway
        # A crash before the commit leaves nothing of this chunk. After it, the records are there and
        # their places are not written down: the next run is answered with the same records.
        rows = [
            _waiting(item, key, self._source) for key, item in waiting.items() if key not in known
        ]
        outcomes, refused = run.acceptor.take_all(offered, rows) if items or rows else ((), {})
        answered = {**answers(run.store, run.agency_id, items, outcomes), **refused}
        still = {key: item for key, item in waiting.items() if key not in refused}
        self._layout.add(chunk.items, answered, still, known)
        self._count(chunk)

    def _count(self, chunk: _Chunk) -> None:
        rows = sum(1 for item, _ in chunk.items if item.row)
        self._tally.rows += rows
        self._run.meter.moved(rows, chunk.size)

    def _lead(
        self, chunk: _Chunk, known: Mapping[str, Waiting]
    ) -> tuple[dict[str, Incoming], dict[str, ImportedRow]]:
        """Each row to its matter, or to the waiting ones, by key; or it becomes a reject."""
        matters = self._run.matters
        matters.learn(
            item.account
            for item, _ in chunk.items
            if isinstance(item, ImportedRow) and item.account is not None
        )
        marks = self._marks(chunk)
        items: dict[str, Incoming] = {}
        waiting: dict[str, ImportedRow] = {}
        first: dict[str, ImportedRow] = {}
        for index, (item, key) in enumerate(chunk.items):
            if isinstance(item, Reject):
                continue
            try:
                matter_key = matters.of(item)
                if key in first:
                    # The second row of an identity in one file must say the same.
                    if not same_row(first[key], item):
                        raise conflict()
                    continue
                waits = known.get(key)
                if waits is not None and not (
                    waits.kind == item.kind and same_claims(waits.claims, item.claims)
                ):
                    # It waits with other content: neither takes the other's place.
                    raise conflict()
                if matter_key is not None and waits is not None and waits.salt is not None:
                    # What was set aside comes in as it waited, by whichever file it came first.
                    items[key] = incoming_of(waits, matter_key)
                elif matter_key is not None:
                    items[key] = _incoming(item, key, matter_key, marks, self._source)
                    self._run.attached.update(file.path for file in item.files)
                elif item.files:
                    raise BadRow(
                        "ROW_ACCOUNT",
                        "account",
                        "the account leads to no matter, and a row with attachments can't wait",
                        "register the account, then give the file again",
                    )
                else:
                    waiting[key] = item
                first[key] = item
            except BadRow as bad:
                chunk.items[index] = (bad.reject(item.row, item.start, item.end, item.raw), key)
        return items, waiting

    def _marks(self, chunk: _Chunk) -> Mapping[bytes, Mark]:
        targets = [
            item.target
            for item, _ in chunk.items
            if isinstance(item, ImportedRow) and item.target is not None
        ]
        return self._run.store.marks(self._run.agency_id, targets) if targets else {}

    def _show(
        self,
        chunk: _Chunk,
        items: Mapping[str, Incoming],
        waiting: Mapping[str, ImportedRow],
    ) -> None:
        """Count and show what would be done."""
        for item, key in chunk.items:
            if isinstance(item, Reject):
                self._tally.refuse(item)
                continue
            number = None
            if key in waiting:
                self._tally.unassigned += 1
            else:
                self._tally.accepted += 1
                number = self._run.matters.number(items[key].matter_key)
            if len(self._tally.preview) < MAX_PREVIEW_ROWS:
                self._tally.preview.append(preview(item, number))


def key_of(importer: str, identity: bytes, number: int) -> str:
    """The idempotency key of a row: `number` tells equal rows of a file apart (column-map.md §6)."""
    return f"{importer}/{identity.hex()}/{number}"


def _waiting(item: ImportedRow, key: str, source: bytes | None) -> Waiting:
    assert item.account is not None
    return Waiting(key, item.account, item.kind, item.claims, source, item.number)


def incoming_of(row: Waiting, matter_key: bytes) -> Incoming:
    """A row that waited, offered for its matter."""
    return Incoming(
        matter_key, row.kind, row.claims, row.key, (), row.source, row.number, aside=row.salt
    )


def _incoming(
    item: ImportedRow,
    key: str,
    matter_key: bytes,
    marks: Mapping[bytes, Mark],
    source: bytes | None,
) -> Incoming:
    claims: dict[str, Json] = item.claims
    mark = marks.get(item.target) if item.target is not None else None
    if mark is not None and mark.matter_key == matter_key:
        claims = {
            **claims,
            "corrects": {"position": mark.position, "leaf": mark.leaf_hash.hex()},
        }
    return Incoming(matter_key, item.kind, claims, key, item.files, source, item.number)

"""Takes files in: recognise, read, lead each row to its matter, accept, and account for every byte.

The order survives a crash anywhere, because each step may be done again: a row is accepted before its
place is written down, and its idempotency key gives the same answer to the same row. There is no progress
file; the same command again is the recovery. Spec: docs/spec/column-map.md. Tests: tests/scenarios/ingest/.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from notary.core.intake import Accepted, Incoming, IncomingFile, Outcome, Refused
from notary.errors import CallerError, NothingHappened
from notary.importers.column_map import EPCIS, ColumnMap, load_map
from notary.importers.document import IMPORTER as DOCUMENT
from notary.importers.document import document_row, document_source
from notary.importers.occurrences import Occurrences
from notary.importers.original import Original
from notary.importers.recognise import Rows, open_rows, recognise
from notary.importers.rejects import RejectsFile, is_rejects_file
from notary.importers.rows import BadRow, ImportedRow, Item, Reject, whole_file
from notary.ports import Acceptor, MatterRegister, Progress
from notary.usecases.import_store import (
    Entered,
    ImportStore,
    InRecord,
    InWaiting,
    Kept,
    Mark,
    Piece,
    StoredClaims,
    Waiting,
)
from verifier.format import numbers
from verifier.format.digests import b64url_decode
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json, encode
from verifier.format.records import parse_disclosure
from verifier.format.trees import leaf_hash

ROWS_PER_COMMIT = 2_000  # large enough that the disk is no limit, small enough to hold
BYTES_PER_COMMIT = 16 * 2**20  # rows may be long
MAX_KEPT_BYTES = 2**20  # a longer stretch is kept in pieces of this size
MAX_SHOWN_PROBLEMS = 20  # the rejects file has them all
MAX_PREVIEW_ROWS = 5  # what a dry run shows of a file
MAX_CACHED_ACCOUNTS = 100_000  # about 20 MB
MAP_SUFFIX = ".map.toml"
NO_LAYOUT = 0  # no layout has this number

# What says only by which file a row came (column-map.md §6).
_WHENCE = frozenset({"import", "raw"})

Answer: TypeAlias = Outcome | StoredClaims  # StoredClaims: a record says the same already


@dataclass(frozen=True)
class Preview:
    """A row as it would be recorded. `matter` is its number, or None if it would wait."""

    row: int
    kind: str
    matter: str | None
    claims: Mapping[str, Json]
    files: tuple[str, ...]


@dataclass(frozen=True)
class FileReport:
    """What became of a file. Every row is counted once, by its outcome.

    `importer` is what read it, such as `csv/gateway-letters` or `document`; empty if the file was refused
    before that. `problems` are the first refusals, without their rows.
    """

    path: Path
    importer: str = ""
    sha256: bytes = b""
    rows: int = 0
    accepted: int = 0
    replayed: int = 0
    rejected: int = 0
    unassigned: int = 0
    conflicts: int = 0
    rejects_file: Path | None = None
    problems: tuple[Reject, ...] = ()
    preview: tuple[Preview, ...] = ()


@dataclass(frozen=True)
class IngestReport:
    """What a run did, file by file."""

    dry_run: bool
    files: tuple[FileReport, ...]


class Ingest:
    """The use case. `run` may be called again at any time with the same arguments."""

    def __init__(self, acceptor: Acceptor, register: MatterRegister, store: ImportStore) -> None:
        self._acceptor = acceptor
        self._register = register
        self._store = store

    def run(
        self,
        agency_id: int,
        paths: Sequence[Path],
        *,
        maps: Sequence[ColumnMap] = (),
        matter_key: bytes | None = None,
        rejects: Path | None = None,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> IngestReport:
        """Take the files and folders in. `rejects` is the folder for rejects files.

        A file's faults are in the report and never end the run; a fault of the store does.
        Raises CallerError for paths or maps that are not there, and whatever the acceptor raises.
        """
        if matter_key is not None and self._register.by_key(agency_id, matter_key) is None:
            raise CallerError("MATTER_UNKNOWN", "the agency has no matter with this number.")
        if rejects is not None and not rejects.is_dir():
            raise CallerError("FOLDER_MISSING", f"{rejects}: want an existing folder.")
        files, found_maps = _expand(paths)
        run = _Run(
            agency_id,
            self._acceptor,
            self._store,
            _Matters(agency_id, self._register, self._store, matter_key),
            self._store.identity_key(agency_id),
            (*maps, *found_maps),
            rejects,
            dry_run,
            _Meter(files, progress),
            alone=len(files) == 1,
        )
        reports: dict[Path, FileReport] = {}
        documents = []
        for file in files:
            report = run.table(file)
            if report is None:
                documents.append(file)
            else:
                reports[file.path] = report
        for file in documents:
            if not file.given and file.path.resolve() in run.attached:
                continue
            reports[file.path] = run.document(file)
        return IngestReport(dry_run, tuple(reports[f.path] for f in files if f.path in reports))

    def run_unassigned(
        self, agency_id: int, *, dry_run: bool = False, progress: Progress | None = None
    ) -> IngestReport:
        """Move in the waiting rows whose accounts are known by now."""
        matters = _Matters(agency_id, self._register, self._store, None)
        tally = _Tally()
        total = self._store.waiting_count(agency_id)
        after = 0
        while batch := self._store.all_waiting(agency_id, after, ROWS_PER_COMMIT):
            after = batch[-1][0]
            matters.learn(row.account for _, row in batch)
            known = {
                row.key: Incoming(matter_key, row.kind, row.claims, row.key)
                for _, row in batch
                if (matter_key := matters.of_account(row.account)) is not None
            }
            tally.rows += len(batch)
            tally.unassigned += len(batch) - len(known)
            if dry_run:
                tally.accepted += len(known)
            else:
                # A crash between the two steps is mended by the next run: the acceptor replays.
                answers = _answers(self._acceptor, self._store, agency_id, known)
                entered = []
                for key, answer in answers.items():
                    if isinstance(answer, Refused):
                        # It goes on waiting, so that nothing is lost.
                        tally.refuse(_refusal(answer, _NOWHERE))
                    else:
                        entered.append(Entered(key, answer.record_id))
                        tally.answer(answer)
                self._store.write(agency_id, NO_LAYOUT, (), (), entered, ())
            if progress is not None:
                progress(tally.rows, max(total, tally.rows))
        report = tally.report(Path("unassigned"), "unassigned", b"")
        return IngestReport(dry_run, (report,) if tally.rows else ())

    def rebuild(self, agency_id: int, file_sha256: bytes) -> Iterator[bytes]:
        """The original with that digest, in pieces, from the records and what was kept beside them.

        The digest is checked when the last piece was handed out. Raises CallerError FILE_UNKNOWN, or
        ERASED where content was destroyed, or DIGEST_DIFFERS.
        """
        whole = hashlib.sha256()
        for piece in self._store.layout(agency_id, file_sha256):
            whole.update(piece)
            yield piece
        if whole.digest() != file_sha256:
            raise CallerError(
                "DIGEST_DIFFERS",
                f"what was rebuilt has SHA-256 {whole.hexdigest()}, wanted {file_sha256.hex()}.",
            )


@dataclass
class _Tally:
    """The counts of a FileReport while they grow: a row must not cost a new report."""

    rows: int = 0
    accepted: int = 0
    replayed: int = 0
    rejected: int = 0
    unassigned: int = 0
    conflicts: int = 0
    problems: list[Reject] = field(default_factory=list)
    preview: list[Preview] = field(default_factory=list)

    def refuse(self, reject: Reject) -> None:
        """Count a refusal, and show it if it is among the first."""
        if reject.code == "ROW_CONFLICT":
            self.conflicts += 1
        else:
            self.rejected += 1
        if len(self.problems) < MAX_SHOWN_PROBLEMS:
            self.problems.append(replace(reject, raw=None))

    def answer(self, answer: Answer) -> None:
        """Count an answer that is no refusal."""
        if isinstance(answer, Accepted) and not answer.replayed:
            self.accepted += 1
        else:
            self.replayed += 1

    def report(
        self, path: Path, importer: str, sha256: bytes, rejects_file: Path | None = None
    ) -> FileReport:
        """The counts as they stand."""
        return FileReport(
            path,
            importer,
            sha256,
            self.rows,
            self.accepted,
            self.replayed,
            self.rejected,
            self.unassigned,
            self.conflicts,
            rejects_file,
            tuple(self.problems),
            tuple(self.preview),
        )


@dataclass(frozen=True)
class _File:
    path: Path
    given: bool  # named by the caller, not found in a folder
    size: int


class _Meter:
    """Reports progress in rows; the total is told from the bytes that are left."""

    def __init__(self, files: Sequence[_File], progress: Progress | None) -> None:
        self._progress = progress
        self._total_bytes = sum(file.size for file in files)
        self._bytes = 0
        self._rows = 0

    def moved(self, rows: int, size: int) -> None:
        """`rows` more rows and `size` more bytes are done."""
        self._rows += rows
        self._bytes += size
        if self._progress is not None:
            left = max(0, self._total_bytes - self._bytes)
            self._progress(self._rows, self._rows + left * self._rows // max(1, self._bytes))


class _Matters:
    """Leads rows to matters, remembering what it asked."""

    def __init__(
        self, agency_id: int, register: MatterRegister, store: ImportStore, forced: bytes | None
    ) -> None:
        self._agency_id = agency_id
        self._register = register
        self._store = store
        self.forced = forced
        self._accounts: dict[str, bytes | None] = {}
        self._numbers: dict[bytes, str] = {}

    def learn(self, accounts: Iterable[str]) -> None:
        """Ask for many accounts at once, so that each row need not."""
        unknown = sorted({account for account in accounts if account not in self._accounts})
        if len(self._accounts) + len(unknown) > MAX_CACHED_ACCOUNTS:
            self._accounts.clear()
        found = self._store.matters_of(self._agency_id, unknown) if unknown else {}
        for account in unknown:
            self._accounts[account] = found.get(account)

    def of_account(self, account: str) -> bytes | None:
        """The key of the matter that the account leads to, or None."""
        if account not in self._accounts:
            self.learn([account])
        return self._accounts[account]

    def of(self, row: ImportedRow) -> bytes | None:
        """The key of the row's matter, or None if its account is unknown. Raises BadRow."""
        if row.matter is not None:
            key: bytes | None = self._of_number(row.matter)
        elif row.account is not None:
            key = self.of_account(row.account)
        else:
            key = self.forced
            if key is None:
                raise BadRow(
                    "ROW_ACCOUNT",
                    "account",
                    "nothing in the row leads to a matter",
                    "name the matter with --matter, or the account's column in a column map",
                )
        if self.forced is None:
            return key
        if key is not None and key != self.forced:
            raise BadRow(
                "ROW_MATTER",
                "matter" if row.matter is not None else "account",
                "the row leads to another matter than --matter",
                "give the file without --matter, or mend the row",
            )
        return self.forced

    def number(self, key: bytes) -> str:
        """The printed number of a matter that a row was led to."""
        if key not in self._numbers:
            matter = self._register.by_key(self._agency_id, key)
            self._numbers[key] = "" if matter is None else matter.number
        return self._numbers[key]

    def _of_number(self, text: str) -> bytes:
        try:
            key = bytes(numbers.parse(text).key)
        except FormatError as error:
            raise BadRow("ROW_MATTER", "matter", error.message, "mend the number") from error
        if key not in self._numbers:
            matter = self._register.by_key(self._agency_id, key)
            if matter is None:
                raise BadRow(
                    "ROW_MATTER",
                    "matter",
                    "the agency has no matter with this number",
                    "register the matter, or mend the number",
                )
            self._numbers[key] = matter.number
        return key


@dataclass
class _Chunk:
    """Rows and rejects on their way, in the order of the file."""

    items: list[tuple[Item, str]] = field(default_factory=list)  # with each row's key
    identities: set[bytes] = field(default_factory=set)
    size: int = 0


@dataclass
class _Laid:
    """What a chunk adds to the store, in the order of the file."""

    pieces: list[Piece] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    entered: list[Entered] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)  # of the chunk's rows so far

    def clear(self) -> None:
        """Everything but the keys was written."""
        for written in (self.pieces, self.waiting, self.entered, self.marks):
            written.clear()


class _Run:
    """One run over some files."""

    def __init__(
        self,
        agency_id: int,
        acceptor: Acceptor,
        store: ImportStore,
        matters: _Matters,
        key: bytes,
        maps: Sequence[ColumnMap],
        rejects: Path | None,
        dry_run: bool,
        meter: _Meter,
        *,
        alone: bool,
    ) -> None:
        self.agency_id = agency_id
        self.acceptor = acceptor
        self.store = store
        self.matters = matters
        self.key = key
        self.maps = maps
        self.rejects = rejects
        self.dry_run = dry_run
        self.meter = meter
        self.alone = alone
        self.attached: set[Path] = set()

    def table(self, file: _File) -> FileReport | None:
        """Take in a file that has rows; None for one that no importer knows."""
        try:
            with Original(file.path) as original:
                found = recognise(original, self.maps, alone=self.alone)
                if isinstance(found, Reject):
                    return _refused_file(file.path, "", found)
                if found.map is None:
                    return None
                return _FileRun(self, original, open_rows(original, found.map, self.key)).run()
        except CallerError as error:
            return _refused_file(file.path, "", _fault(error))

    def document(self, file: _File) -> FileReport:
        """Take in a file as a document."""
        try:
            with Original(file.path) as original:
                return self._document(original)
        except CallerError as error:
            return _refused_file(file.path, DOCUMENT, _fault(error))

    def _document(self, original: Original) -> FileReport:
        matter_key = self.matters.forced
        if matter_key is None:
            fault = whole_file(
                "ROW_MATTER",
                "no importer knows this file, and as a document it needs a matter",
                "name the matter with --matter, give a column map, or list the file in a table whose "
                "map has [attachments]",
                original.size,
            )
            return _refused_file(original.path, DOCUMENT, fault)
        row = document_row(original, document_source(original, self.key), matter_key)
        if isinstance(row, Reject):
            return _refused_file(original.path, DOCUMENT, row)
        tally = _Tally(rows=1)
        if self.dry_run:
            tally.accepted = 1
            tally.preview.append(_preview(row, self.matters.number(matter_key)))
        else:
            key = _key(DOCUMENT, row.identity, 0)
            item = Incoming(matter_key, row.kind, row.claims, key, row.files)
            answer = _answers(self.acceptor, self.store, self.agency_id, {key: item})[key]
            if isinstance(answer, Refused):
                tally.refuse(_refusal(answer, row))
            else:
                tally.answer(answer)
        self.meter.moved(1, original.size)
        return tally.report(original.path, DOCUMENT, original.sha256)


class _FileRun:
    """One file of rows, from its first byte to its last."""

    def __init__(self, run: _Run, original: Original, rows: Rows) -> None:
        self._run = run
        self._original = original
        self._rows = rows
        self._tally = _Tally()
        self._rejects = RejectsFile(original, rows, run.rejects)
        self._layout = NO_LAYOUT
        self._at = 0  # up to here the original is accounted for

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
            self._tally.refuse(_fault(error))
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
                key = _key(self._rows.source.importer, item.identity, number)
                if item.target is not None and item.target in chunk.identities:
                    # The record that this one corrects must have its position first.
                    self._flush(chunk)
                    chunk = _Chunk()
                chunk.identities.add(item.identity)
            chunk.items.append((item, key))
            chunk.size += item.end - item.start
            if len(chunk.items) >= ROWS_PER_COMMIT or chunk.size >= BYTES_PER_COMMIT:
                self._flush(chunk)
                chunk = _Chunk()
        self._flush(chunk)
        if run.dry_run:
            return None
        laid = _Laid()
        self._keep_up_to(self._original.size, laid)
        self._write(laid)
        run.store.finish(run.agency_id, self._layout)
        return self._rejects.close()

    def _flush(self, chunk: _Chunk) -> None:
        """Accept the chunk's rows in one commit, then write down where each byte went."""
        run = self._run
        if not chunk.items:
            return
        known = run.store.waiting(run.agency_id, [key for _, key in chunk.items if key])
        items, waiting = self._lead(chunk, known)
        if run.dry_run:
            self._show(chunk, items, waiting)
        else:
            # A crash before the commit leaves nothing of this chunk. After it, the records are there and
            # their places are not written down: the next run is answered with the same records.
            answers = _answers(run.acceptor, run.store, run.agency_id, items)
            laid = _Laid()
            for item, key in chunk.items:
                self._keep_up_to(item.start, laid)
                if isinstance(item, Reject):
                    self._lay_refused(item, laid, key if item.code == "ROW_CONFLICT" else None)
                elif key in waiting:
                    self._lay_waiting(item, key, known.get(key), laid)
                else:
                    self._lay(item, key, answers[key], laid)
                self._at = item.end
            self._write(laid)
        rows = sum(1 for item, _ in chunk.items if item.row)
        self._tally.rows += rows
        run.meter.moved(rows, chunk.size)

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
                    if not _same_row(first[key], item):
                        raise _conflict()
                    continue
                waits = known.get(key)
                if waits is not None and not (
                    waits.kind == item.kind and _same_claims(waits.claims, item.claims)
                ):
                    # It waits with other content: neither takes the other's place.
                    raise _conflict()
                if matter_key is not None:
                    items[key] = _incoming(item, key, matter_key, marks)
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

    def _lay(self, item: ImportedRow, key: str, answer: Answer, laid: _Laid) -> None:
        """Account for a row that was offered: its answer in the tally, its bytes in the layout."""
        if isinstance(answer, Refused):
            reject = _refusal(answer, item)
            self._lay_refused(reject, laid, key if answer.conflict else None)
            return
        repeated = key in laid.keys
        laid.keys.add(key)
        if isinstance(answer, Accepted) and (repeated or answer.replayed):
            answer = replace(answer, replayed=True)
            raw = _raw_of(answer)
        elif isinstance(answer, Accepted):
            raw = item.raw
        else:
            # Of an erased record nothing is kept again.
            raw = item.raw if answer.claims is None else _raw_bytes(answer.claims.get("raw"))
        self._tally.answer(answer)
        laid.pieces.append(
            InRecord(item.end - item.start, answer.record_id)
            if raw == item.raw
            else Kept(item.raw, key)
        )
        laid.entered.append(Entered(key, answer.record_id))
        if self._rows.map.format == EPCIS and item.target is None and key.endswith("/0"):
            laid.marks.append(_mark(item, answer))

    def _lay_waiting(self, item: ImportedRow, key: str, known: Waiting | None, laid: _Laid) -> None:
        """Account for a row that waits."""
        self._tally.unassigned += 1
        repeated = key in laid.keys
        laid.keys.add(key)
        if known is None and not repeated:
            assert item.account is not None
            laid.waiting.append(Waiting(key, item.account, item.kind, item.claims))
            laid.pieces.append(InWaiting(item.end - item.start, key))
        elif known is not None and _raw_bytes(known.claims.get("raw")) == item.raw:
            laid.pieces.append(InWaiting(item.end - item.start, key))
        else:
            laid.pieces.append(Kept(item.raw, key))

    def _lay_refused(self, reject: Reject, laid: _Laid, key: str | None) -> None:
        """Account for a stretch that does not enter."""
        self._tally.refuse(reject)
        self._rejects.add(reject)
        for start in range(reject.start, reject.end, MAX_KEPT_BYTES):
            end = min(reject.end, start + MAX_KEPT_BYTES)
            laid.pieces.append(Kept(self._original.read(start, end), key))
            if reject.raw is None:
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
        run = self._run
        if self._layout == NO_LAYOUT:
            self._layout = run.store.begin(
                run.agency_id, self._original.sha256, self._original.size
            )
        run.store.write(
            run.agency_id, self._layout, laid.pieces, laid.waiting, laid.entered, laid.marks
        )

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
                self._tally.preview.append(_preview(item, number))


def _answers(
    acceptor: Acceptor, store: ImportStore, agency_id: int, items: Mapping[str, Incoming]
) -> dict[str, Answer]:
    """Offer the items in one commit; the answers by key."""
    if not items:
        return {}
    outcomes = acceptor.accept(agency_id, list(items.values()))
    answers: dict[str, Answer] = dict(zip(items, outcomes, strict=True))
    doubtful = [
        key
        for key, answer in answers.items()
        if isinstance(answer, Refused) and (answer.conflict or answer.code == "ERASED")
    ]
    if doubtful:
        # By another file, or before the corrected record was known, the same row looks different.
        stored = store.stored(agency_id, doubtful)
        for key in doubtful:
            refused = answers[key]
            assert isinstance(refused, Refused)
            answers[key] = _same_as_stored(items[key], refused, stored.get(key))
    return answers


_NOWHERE = ImportedRow(0, None, None, "", {}, b"", False, 0, 0, b"")


def _expand(paths: Sequence[Path]) -> tuple[list[_File], list[ColumnMap]]:
    """The files to take in, in order, and the maps that lie in given folders."""
    files: dict[Path, _File] = {}
    maps = []
    for path in paths:
        if path.is_dir():
            for found in sorted(path.rglob("*")):
                inside = found.relative_to(path)
                if any(part.startswith(".") for part in inside.parts) or found.is_symlink():
                    continue
                if not found.is_file():
                    continue
                if found.name.endswith(MAP_SUFFIX):
                    maps.append(load_map(found))
                elif not is_rejects_file(found):
                    files.setdefault(found, _File(found, False, found.stat().st_size))
        elif path.exists():
            files[path] = _File(path, True, path.stat().st_size)
        else:
            raise CallerError("FILE_MISSING", f"{path}: there is no such file or folder.")
    return list(files.values()), maps


def _key(importer: str, identity: bytes, number: int) -> str:
    return f"{importer}/{identity.hex()}/{number}"


def _incoming(
    item: ImportedRow, key: str, matter_key: bytes, marks: Mapping[bytes, Mark]
) -> Incoming:
    claims: dict[str, Json] = item.claims
    mark = marks.get(item.target) if item.target is not None else None
    if mark is not None and mark.matter_key == matter_key:
        claims = {
            **claims,
            "corrects": {"position": mark.position, "leaf": mark.leaf_hash.hex()},
        }
    return Incoming(matter_key, item.kind, claims, key, item.files)


def _same_as_stored(item: Incoming, outcome: Refused, stored: StoredClaims | None) -> Answer:
    """The record under the item's key, if it says the same; the refusal if it does not."""
    if stored is None or stored.matter_key != item.matter_key or stored.kind != item.kind:
        return outcome
    if stored.claims is None:
        # Erased: there is nothing left to compare with, and nothing is written again.
        return stored
    attachments = {
        name: value for name, value in stored.claims.items() if name.startswith("attachment-")
    }
    claims = dict(item.claims)
    theirs = {name: value for name, value in stored.claims.items() if name not in attachments}
    # Whether the corrected record was known when this one came says nothing about this one.
    for side in (claims, theirs):
        side.pop("corrects", None)
    if not _same_claims(theirs, claims) or len(attachments) != len(item.files):
        return outcome
    for index, file in enumerate(item.files):
        if not _same_file(attachments.get(f"attachment-{index}"), file):
            return outcome
    return stored


def _same_claims(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    """Whether two rows say the same, by whatever file they came."""
    return encode({n: v for n, v in one.items() if n not in _WHENCE}) == encode(
        {n: v for n, v in other.items() if n not in _WHENCE}
    )


def _same_file(claim: Json, file: IncomingFile) -> bool:
    if not isinstance(claim, dict):
        return False
    digest = hashlib.sha256()
    try:
        with file.path.open("rb") as stream:
            while block := stream.read(2**20):
                digest.update(block)
    except OSError:
        return False
    return (
        claim.get("sha256") == digest.hexdigest()
        and claim.get("filename") == file.filename
        and claim.get("media_type") == file.media_type
    )


def _raw_bytes(claim: Json) -> bytes | None:
    """The bytes of a `raw` claim."""
    if not isinstance(claim, dict):
        return None
    text = claim.get("text")
    if isinstance(text, str):
        return text.encode("utf-8")
    coded = claim.get("bytes")
    return b64url_decode(coded) if isinstance(coded, str) else None


def _raw_of(outcome: Accepted) -> bytes | None:
    """The bytes of the `raw` claim of a record that was there before."""
    for text in reversed(outcome.disclosures):
        disclosure = parse_disclosure(text)
        if disclosure.name == "raw":
            return _raw_bytes(disclosure.value)
    return None


def _mark(item: ImportedRow, answer: Accepted | StoredClaims) -> Mark:
    digest = leaf_hash(answer.leaf) if isinstance(answer, Accepted) else answer.leaf_hash
    return Mark(item.identity, answer.matter_key, answer.position, bytes(digest))


def _same_row(one: ImportedRow, other: ImportedRow) -> bool:
    return (
        one.kind == other.kind
        and [file.path for file in one.files] == [file.path for file in other.files]
        and _same_claims(one.claims, other.claims)
    )


def _conflict() -> BadRow:
    return BadRow(
        "ROW_CONFLICT",
        "",
        "an earlier row had the same identity and says something else; nothing was overwritten",
        "if the source corrected it, enter the change as a correction; if these are two rows, name "
        "identity columns that tell them apart",
    )


def _refusal(answer: Refused, row: ImportedRow) -> Reject:
    if answer.conflict:
        return _conflict().reject(row.row, row.start, row.end, row.raw)
    return Reject(
        row.row,
        answer.field,
        answer.code,
        answer.reason,
        "mend the row and give it again",
        row.start,
        row.end,
        row.raw,
    )


def _fault(error: CallerError | NothingHappened) -> Reject:
    return whole_file(error.code, str(error), "see the reason", 0)


def _refused_file(path: Path, importer: str, reject: Reject) -> FileReport:
    return FileReport(path, importer, rejected=1, problems=(replace(reject, raw=None),))


def _preview(row: ImportedRow, matter: str | None) -> Preview:
    return Preview(
        row.row, row.kind, matter, row.claims, tuple(file.filename or "" for file in row.files)
    )

"""Takes files in: recognise, read, lead each row to its matter, accept, and account for every byte.

The order survives a crash anywhere, because each step may be done again: a row is accepted before its
place is written down, and its idempotency key gives the same answer to the same row. There is no progress
file; the same command again is the recovery. Spec: docs/spec/column-map.md. Tests: tests/scenarios/ingest/.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from notary.core.intake import Incoming, Refused
from notary.errors import CallerError
from notary.importers.column_map import ColumnMap
from notary.importers.document import IMPORTER as DOCUMENT
from notary.importers.document import document_row, document_source
from notary.importers.mail import waits_for_key
from notary.importers.map_file import load_map
from notary.importers.original import Original
from notary.importers.recognise import open_rows, recognise
from notary.importers.rejects import is_rejects_file
from notary.importers.rows import ImportedRow, Reject, whole_file
from notary.ports import Acceptor, Clock, MatterRegister, Progress, SteppedAcceptor
from notary.usecases.dkim_checks import CheckQueue
from notary.usecases.import_answers import Answer, answers
from notary.usecases.import_file import (
    ROWS_PER_COMMIT,
    FileRun,
    Meter,
    Shared,
    SourceKeys,
    incoming_of,
    key_of,
)
from notary.usecases.import_layout import NO_LAYOUT
from notary.usecases.import_matters import Matters
from notary.usecases.import_report import (
    FileReport,
    IngestReport,
    Tally,
    fault,
    preview,
    refusal,
    refused_file,
)
from notary.usecases.import_store import Entered, ImportStore

MAP_SUFFIX = ".map.toml"

_NOWHERE = ImportedRow(0, None, None, "", {}, b"", False, 0, 0, b"")


class Ingest:
    """The use case. `run` may be called again at any time with the same arguments."""

    def __init__(
        self,
        acceptor: SteppedAcceptor,
        register: MatterRegister,
        store: ImportStore,
        checks: CheckQueue,
        clock: Clock,
        source_key: Callable[[int, str], bytes] | None = None,
    ) -> None:
        """`source_key` finds the key of an agency's source by its name; without, there are none."""
        self._acceptor = acceptor
        self._register = register
        self._store = store
        self._checks = checks
        self._clock = clock
        self._source_key = source_key or _no_source

    def run(
        self,
        agency_id: int,
        paths: Sequence[Path],
        *,
        maps: Sequence[ColumnMap] = (),
        matter_key: bytes | None = None,
        source: str | None = None,
        rejects: Path | None = None,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> IngestReport:
        """Take the files and folders in. `rejects` is the folder for rejects files, `source` the name of
        the source that everything is of.

        A file's faults are in the report and never end the run; a fault of the store does.
        Raises CallerError for paths or maps that are not there, and whatever the acceptor raises.
        """
        if matter_key is not None and self._register.by_key(agency_id, matter_key) is None:
            raise CallerError("MATTER_UNKNOWN", "the agency has no matter with this number.")
        if rejects is not None and not rejects.is_dir():
            raise CallerError("FOLDER_MISSING", f"{rejects}: want an existing folder.")
        sources = SourceKeys(lambda name: self._source_key(agency_id, name), source)
        # A name given for everything is wrong for everything.
        sources.of(None)
        files, found_maps = _expand(paths)
        run = _Run(
            Shared(
                agency_id,
                self._acceptor,
                self._store,
                Matters(agency_id, self._register, self._store, matter_key),
                rejects,
                dry_run,
                Meter(sum(file.size for file in files), progress),
                sources,
            ),
            self._store.identity_key(agency_id),
            (*maps, *found_maps),
            lambda key: self._checks.want(agency_id, key, self._clock.now()),
            alone=len(files) == 1,
        )
        reports: dict[Path, FileReport] = {}
        documents = []
        for file in files:
            report = run.table(file)
            if isinstance(report, str):
                documents.append((file, report))
            else:
                reports[file.path] = report
        for file, why in documents:
            if not file.given and file.path.resolve() in run.shared.attached:
                continue
            reports[file.path] = replace(run.document(file), why=why)
        return IngestReport(dry_run, tuple(reports[f.path] for f in files if f.path in reports))

    def run_unassigned(
        self, agency_id: int, *, dry_run: bool = False, progress: Progress | None = None
    ) -> IngestReport:
        """Move in the waiting rows whose accounts are known by now."""
        matters = Matters(agency_id, self._register, self._store, None)
        tally = Tally()
        total = self._store.waiting_count(agency_id)
        after = 0
        while batch := self._store.all_waiting(agency_id, after, ROWS_PER_COMMIT):
            after = batch[-1][0]
            matters.learn(row.account for _, row in batch)
            known = {
                row.key: incoming_of(row, matter_key)
                for _, row in batch
                if (matter_key := matters.of_account(row.account)) is not None
            }
            tally.rows += len(batch)
            tally.unassigned += len(batch) - len(known)
            if dry_run:
                tally.accepted += len(known)
            else:
                # A crash between the two steps is mended by the next run: the acceptor replays.
                entered = []
                for key, answer in _accept(self._acceptor, self._store, agency_id, known).items():
                    if isinstance(answer, Refused):
                        # It goes on waiting, so that nothing is lost.
                        tally.refuse(refusal(answer, _NOWHERE))
                    else:
                        entered.append(Entered(key, answer.record_id))
                        tally.answer(answer)
                self._store.write(agency_id, NO_LAYOUT, (), entered, ())
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


def _no_source(agency_id: int, name: str) -> bytes:
    raise CallerError("SOURCE_UNKNOWN", f"{name!a} is no source of this agency.")


@dataclass(frozen=True)
class _File:
    path: Path
    given: bool  # named by the caller, not found in a folder
    size: int = 0
    error: CallerError | None = None  # why it can't be looked at


class _Run:
    """One run over some files."""

    def __init__(
        self,
        shared: Shared,
        key: bytes,
        maps: Sequence[ColumnMap],
        want_check: Callable[[str], None],
        *,
        alone: bool,
    ) -> None:
        self.shared = shared
        self._key = key
        self._maps = maps
        self._want_check = want_check
        self._alone = alone

    def table(self, file: _File) -> FileReport | str:
        """Take in a file that has rows; of one that no importer knows, why that is so."""
        if file.error is not None:
            return refused_file(file.path, "", fault(file.error, file.path))
        try:
            with Original(file.path) as original:
                found = recognise(original, self._maps, alone=self._alone)
                if isinstance(found, Reject):
                    return refused_file(file.path, "", found)
                if found.map is None:
                    return found.why
                rows = open_rows(original, found.map, self._key)
                shipped = found.map.id if found.map.shipped else ""
                report = FileRun(self.shared, original, rows).run()
                return replace(report, why=found.why, shipped_map=shipped)
        except CallerError as error:
            return refused_file(file.path, "", fault(error, file.path))

    def document(self, file: _File) -> FileReport:
        """Take in a file as a document."""
        try:
            with Original(file.path) as original:
                return self._document(original)
        except CallerError as error:
            return refused_file(file.path, DOCUMENT, fault(error, file.path))

    def _document(self, original: Original) -> FileReport:
        shared = self.shared
        matter_key = shared.matters.forced
        if matter_key is None:
            refused = whole_file(
                "ROW_MATTER",
                "nothing in this file leads to a matter",
                "name the matter with --matter, give a column map, or list the file in a table whose "
                "map has [attachments]",
                original.size,
            )
            return refused_file(original.path, DOCUMENT, refused)
        source = document_source(original, self._key)
        row = document_row(original, source, matter_key)
        if isinstance(row, Reject):
            return refused_file(original.path, source.importer, row)
        tally = Tally(rows=1)
        if shared.dry_run:
            tally.accepted = 1
            tally.preview.append(preview(row, shared.matters.number(matter_key)))
        else:
            key = key_of(source.importer, row.identity, 0)
            source_key = shared.sources.of(None)
            item = Incoming(matter_key, row.kind, row.claims, key, row.files, source_key)
            if waits_for_key(row.claims):
                # Before the record: a crash between the two leaves an entry without a message, which
                # is passed over, and never a message that nobody checks.
                self._want_check(key)
            answer = _accept(shared.acceptor, shared.store, shared.agency_id, {key: item})[key]
            if isinstance(answer, Refused):
                tally.refuse(refusal(answer, row))
            else:
                tally.answer(answer)
        shared.meter.moved(1, original.size)
        return tally.report(original.path, source.importer, original.sha256)


def _accept(
    acceptor: Acceptor, store: ImportStore, agency_id: int, items: Mapping[str, Incoming]
) -> dict[str, Answer]:
    """Offer the items in one commit; the answers by key."""
    outcomes = acceptor.accept(agency_id, list(items.values())) if items else ()
    return answers(store, agency_id, items, outcomes)


def _expand(paths: Sequence[Path]) -> tuple[list[_File], list[ColumnMap]]:
    """The files to take in, in order, and the maps that lie in given folders.

    A folder that can't be listed stands among the files, with its error: what is in it must not be missed.
    """
    files: dict[Path, _File] = {}
    maps = []
    for path in paths:
        if _is_dir(path):
            found, unlisted = _below(path)
            for one in found:
                if one.name.endswith(MAP_SUFFIX):
                    maps.append(load_map(one))
                elif not is_rejects_file(one):
                    files.setdefault(one, _File(one, False, one.stat().st_size))
            files.update((one.path, one) for one in unlisted)
        elif path.exists():
            files[path] = _File(path, True, path.stat().st_size)
        else:
            raise CallerError("FILE_MISSING", f"{path}: there is no such file or folder.")
    return list(files.values()), maps


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:
        # A name that no file can have.
        raise CallerError("FILE_MISSING", f"{str(path)[:200]}: {error.strerror}.") from error


def _below(folder: Path) -> tuple[list[Path], list[_File]]:
    """The regular files below a folder, but hidden ones and links; and the folders that can't be listed."""
    found: list[Path] = []
    unlisted: list[_File] = []

    def unreadable(error: OSError) -> None:
        text = f"the folder can't be listed: {error.strerror}. Check its rights."
        unlisted.append(
            _File(Path(error.filename), True, error=CallerError("FOLDER_UNREADABLE", text))
        )

    for where, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(where, name)
            if not name.startswith(".") and not path.is_symlink() and path.is_file():
                found.append(path)
    return sorted(found), unlisted

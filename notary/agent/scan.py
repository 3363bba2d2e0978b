"""Finds what is new in the folders, by looking: size, time and number of each file, every few seconds.

Looking works on every file system, also on shares where the kernel hears nothing of what others write; a
missed event would be a missed record. Test: tests/scenarios/agent/test_watch.py.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from notary.adapters.durable import copy_file, force_names
from notary.agent.journal import (
    NO_MATTER,
    WAITING,
    Fault,
    FileState,
    Journal,
    Queued,
    Spooled,
    Taken,
)
from notary.agent.making import Maker, digests_of, fault_of, key_of, names_of, unfit
from notary.agent.settings import DIGESTS, Folder, Settings
from notary.agent.tables import GrowingTable, begins_with
from notary.errors import CallerError, NothingHappened
from notary.importers.column_map import CSV, NDJSON
from notary.importers.document import document_row, document_source
from notary.importers.occurrences import Occurrences
from notary.importers.original import Original
from notary.importers.recognise import open_rows
from notary.importers.rows import ImportedRow, Reject
from verifier.format import numbers
from verifier.format.errors import FormatError

MAX_QUEUE = 200_000  # records that wait, 200 MB of short rows; then files wait where they are
FULL = "SPOOL_FULL"
DISK = "DISK_FULL"
# Left free on the agent's disk: receipts of what is on its way must find room, or it is sent for ever.
RESERVE_BYTES = 64 * 10**6
TIDY_EVERY_S = 3_600.0  # files that are gone are forgotten, and room is given back
# A last line without an end may be half written, and a row that was cut is worse than a late one.
REST_AFTER = 6  # times as long as a whole file must stand still


@dataclass(slots=True)
class _Seen:
    """Since when a file has had this size and time."""

    size: int
    mtime_ns: int
    since_s: float
    done: bool = False  # the journal says the same: nothing is asked until it changes


class Scanner:
    """Looks at the folders. `spool` is where copies of originals go, None in a dry run."""

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        spool: Path | None,
        monotonic_s: Callable[[], float],
        report: Callable[[str], None],
        queued: Callable[[Queued], None],
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._spool = spool
        self._monotonic_s = monotonic_s
        self._report = report
        self._queued = queued
        self._seen: dict[str, _Seen] = {}
        self._tables: dict[str, GrowingTable] = {}
        self._said: set[str] = set()
        self._ailing: set[str] = set()
        self._names: dict[Path, dict[str, tuple[int, int]]] = {}
        self._now_s: float | None = None
        self._tidied_s: float | None = None
        self.full = False
        self.why_full: str | None = None
        self.trouble: str | None = None
        self.unsettled = False

    def look(self, maker: Maker, *, settled: bool = False, now_s: float | None = None) -> None:
        """Queue what is new in all folders, and tell of each record.

        With `settled` nothing is waited for. With `now_s`, the time of day in POSIX seconds, a file stands
        still as well if its own time is old enough. `full` and `unsettled` say that files were left,
        `why_full` and `trouble` why.
        """
        self.full = self.unsettled = False
        self.why_full = self.trouble = None
        self._said, self._ailing = self._ailing, set()
        self._now_s = now_s
        if not self._has_room():
            return
        seen: set[str] = set()
        for folder in self._settings.folders:
            names = names_of(folder.path, folder.names)
            self._follow_names(folder, names)
            for name in names:
                seen.add(name)
                self._file(folder, name, maker, settled)
        for name in self._seen.keys() - seen:
            del self._seen[name]
            self._tables.pop(name, None)
        self._tidy()

    def _has_room(self) -> bool:
        """Whether what is taken could be kept. A disk that is full would hold halves."""
        if self._spool is None or shutil.disk_usage(self._spool).free >= RESERVE_BYTES:
            return True
        self._stop(DISK, f"{self._spool}: less than {RESERVE_BYTES // 10**6} MB are free")
        return False

    def _stop(self, code: str, said: str) -> None:
        """Files wait where they are."""
        self.full = True
        self.why_full = f"{code}: {said}; files wait where they are"
        self._say(self.why_full)

    def _say(self, line: str) -> None:
        """Report what ails, once for as long as it does."""
        self._ailing.add(line)
        if line not in self._said:
            self._report(line)

    def _tidy(self) -> None:
        now = self._monotonic_s()
        if self._tidied_s is not None and now - self._tidied_s < TIDY_EVERY_S:
            return
        self._tidied_s = now
        # A file that comes back is read anew, and what is known of it is passed over.
        self._journal.forget(name for name in self._journal.paths() if not os.path.lexists(name))
        self._journal.shrink()

    def sweep(self) -> None:
        """Take away copies that no record waits for: of a crash, or sent."""
        if self._spool is None:
            return
        named = self._journal.spooled()
        for path in self._spool.iterdir():
            if path.name not in named:
                path.unlink(missing_ok=True)

    def _follow_names(self, folder: Folder, listed: list[str]) -> None:
        """A table that was renamed is read on under its new name."""
        if not _grows(folder):
            return
        now = {name: (stat.st_dev, stat.st_ino) for name in listed if (stat := _stat(name))}
        if now == self._names.get(folder.path):
            return
        self._names[folder.path] = now
        names = {number: name for name, number in now.items()}
        known = self._journal.files()
        moved = {}
        for name, state in known.items():
            number = (state.dev, state.ino)
            new = names.get(number)
            if new is None or new == name or now.get(name) == number:
                continue
            other = known.get(new)
            if other is not None and (other.dev, other.ino) == number:
                continue
            # The number of a file that is gone is soon another file's.
            if begins_with(Path(new), state):
                moved[name] = new
        if moved:
            self._journal.renamed(moved)
            for old, new in moved.items():
                self._report(f"{old} is {new} now")
            for name in (*moved, *moved.values()):
                self._tables.pop(name, None)

    def _file(self, folder: Folder, name: str, maker: Maker, settled: bool) -> None:
        stat = _stat(name)
        if stat is None:
            return
        seen = self._seen.get(name)
        if seen is None or (seen.size, seen.mtime_ns) != (stat.st_size, stat.st_mtime_ns):
            seen = self._seen[name] = _Seen(stat.st_size, stat.st_mtime_ns, self._monotonic_s())
        grows = _grows(folder)
        wanted_s = self._settings.settle_s * (REST_AFTER if grows else 1)
        still = settled or self._monotonic_s() - seen.since_s >= wanted_s
        if self._now_s is not None:
            still = still or self._now_s - stat.st_mtime >= wanted_s
        if seen.done:
            return
        if not (still or grows):
            state = self._journal.file(name)
            self.unsettled |= state is None or not _unchanged(state, stat)
            return
        while True:
            state = self._journal.file(name)
            if state is not None and _unchanged(state, stat) and not (still and _has_rest(state)):
                seen.done = not _has_rest(state)
                return
            if self._journal.count(WAITING) + self._journal.count(NO_MATTER) >= MAX_QUEUE:
                self._stop(FULL, f"{MAX_QUEUE} records wait")
                return
            path = Path(name)
            begun = state or FileState(name, stat.st_dev, stat.st_ino, 0, 0)
            try:
                taken = (
                    self._table(folder, path).take(begun, maker, settled=still)
                    if grows
                    else self._whole(folder, path, begun, maker)
                )
            except (OSError, CallerError, NothingHappened) as error:
                # It went away, is written again, or the disk refuses: the next look sees.
                self.trouble = f"{name}: {error}"
                self._say(self.trouble)
                return
            if taken is None:
                return
            self._keep(taken, maker.now)
            if taken.state.at == begun.at or taken.state.error is not None or not grows:
                return

    def _keep(self, taken: Taken, now: str) -> None:
        # A crash before this leaves copies that nobody names; one after it, everything.
        fresh = self._journal.take(taken, now)
        for record in fresh:
            self._queued(record)
        for fault in taken.faults:
            self._report(f"{fault.path}: {fault.code}: {fault.text}")
        if taken.state.error is not None:
            self._report(f"{taken.state.path}: {taken.state.error}")
        if len(fresh) < len(taken.records):
            self.sweep()

    def _table(self, folder: Folder, path: Path) -> GrowingTable:
        assert folder.map is not None
        return self._tables.setdefault(str(path), GrowingTable(path, folder.map, folder.matter))

    def _whole(self, folder: Folder, path: Path, begun: FileState, maker: Maker) -> Taken | None:
        """A file that is read when it stands still. None if there is no room for its copy."""
        with Original(path) as original:
            stat = path.stat()
            state = FileState(
                begun.path,
                stat.st_dev,
                stat.st_ino,
                original.size,
                stat.st_mtime_ns,
                original.size,
                0,
                b"",
                original.sha256,
            )
            taken = Taken(state)
            if begun.sha256 == original.sha256:
                # Touched, and the same.
                return taken
            if folder.map is None:
                return self._document(folder, original, taken, maker)
            rows = open_rows(original, folder.map, maker.key.identity_secret())
            with Occurrences() as occurrences:
                for item in rows:
                    if isinstance(item, Reject):
                        taken.faults.append(fault_of(begun.path, item))
                        continue
                    number = occurrences.next(item.identity) if item.counted else 0
                    key = key_of(
                        maker.source, rows.source.importer, f"{item.identity.hex()}/{number}"
                    )
                    if not self._row(folder, item, key, taken, maker):
                        return None
        return taken

    def _row(self, folder: Folder, row: ImportedRow, key: str, taken: Taken, maker: Maker) -> bool:
        """Add a row with its files; False if there is no room for them."""
        if row.account is None and row.matter is None and folder.matter is None:
            text = f"row {row.row}: nothing in it leads to a matter. Name one for the folder."
            taken.faults.append(Fault(taken.state.path, row.start, "ROW_ACCOUNT", text))
            return True
        copies: list[Spooled] = []
        stay: list[object] = []
        for file in row.files:
            if folder.originals == DIGESTS:
                with Original(file.path) as original:
                    stay.append(digests_of(original, file.filename or "", file.media_type))
                continue
            copied = self._copy(file.path)
            if copied is None:
                return False
            copies.append(Spooled(copied, file.filename, file.media_type))
        more = {"originals": stay} if stay else None
        try:
            taken.records.append(maker.record(row, key, folder.matter, tuple(copies), more))  # type: ignore[arg-type]
        except FormatError as error:
            taken.faults.append(unfit(taken.state.path, row, error))
        return True

    def _document(
        self, folder: Folder, original: Original, taken: Taken, maker: Maker
    ) -> Taken | None:
        assert folder.matter is not None
        source = document_source(original, maker.key.identity_secret())
        row = document_row(original, source, numbers.parse(folder.matter).key)
        if isinstance(row, Reject):
            taken.faults.append(fault_of(taken.state.path, row))
            return taken
        key = key_of(maker.source, source.importer, row.identity.hex())
        if not self._row(folder, row, key, taken, maker):
            return None
        return taken

    def _copy(self, path: Path) -> str | None:
        """A copy in the agent's folder, on disk; None if there is no room for it."""
        name = secrets.token_hex(16)
        if self._spool is None:
            return name
        used = sum(one.stat().st_size for one in self._spool.iterdir())
        if used + path.stat().st_size > self._settings.spool_mb * 10**6:
            self._stop(FULL, f"{path} has no room among {self._settings.spool_mb} MB of copies")
            return None
        try:
            copy_file(path, self._spool / name)
            force_names(self._spool)
        except NothingHappened as error:
            for left in self._spool.glob(f"{name}*"):
                left.unlink(missing_ok=True)
            # The copy has another name at each try, and it is one trouble.
            said = str(error).replace(name, "a copy")
            raise NothingHappened(error.code, said) from error
        return name


def _grows(folder: Folder) -> bool:
    return folder.map is not None and folder.map.format in (CSV, NDJSON)


def _unchanged(state: FileState, stat: os.stat_result) -> bool:
    return (state.size, state.mtime_ns, state.ino) == (stat.st_size, stat.st_mtime_ns, stat.st_ino)


def _has_rest(state: FileState) -> bool:
    """Whether bytes at the end wait for a line end that may never come."""
    return state.at < state.size and state.error is None


def _stat(name: str) -> os.stat_result | None:
    try:
        return os.stat(name)  # noqa: PTH116 - of a million files, a path object each took most of a look
    except OSError:
        return None

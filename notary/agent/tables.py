"""Reads tables that grow: each row once, as soon as its line is whole.

What was read is known by its place and by the digest of everything before it. A file that became shorter,
or that has other bytes before that place, is another file and is read from its beginning; rows that are known
are passed over. Test: tests/unit/agent/test_tables.py.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from notary.agent.journal import Fault, FileState, Taken
from notary.agent.making import Maker, fault_of, key_of, unfit
from notary.importers.column_map import NDJSON, ColumnMap
from notary.importers.ndjson import NdjsonRows
from notary.importers.rows import IMPORTER_VERSION, ImportedRow, Reject, Source
from notary.importers.tabular import CsvRows
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json

READ_BYTES = 4 * 2**20  # taken of a file at a time; a row has at most 256 KiB
TAIL_BYTES = 4096  # compared each time, so that a file that was written anew is found out
CUT, REPLACED = "FILE_CUT", "FILE_REPLACED"


def begins_with(path: Path, state: FileState) -> bool:
    """Whether the file begins with what was read under that state, and something was."""
    digest = hashlib.sha256()
    left = state.at
    try:
        with path.open("rb") as file:
            while left and (block := file.read(min(left, READ_BYTES))):
                digest.update(block)
                left -= len(block)
    except OSError:
        return False
    return state.at > 0 and left == 0 and digest.digest() == state.sha256


class GrowingTable:
    """One file. Keeps the digest of what was read, so that growth costs its own bytes alone."""

    def __init__(self, path: Path, map_: ColumnMap, matter: str | None) -> None:
        self._path = path
        self._map = map_
        self._matter = matter
        self._hash = hashlib.sha256()
        self._hashed = -1
        self._tail = b""

    def take(self, state: FileState, maker: Maker, *, settled: bool) -> Taken:
        """What came since `state`, at most READ_BYTES. `settled` says that the file has stood still.

        Raises OSError.
        """
        with self._path.open("rb") as file:
            stat = os.fstat(file.fileno())
            state, fault = self._resumed(file, state, stat)
            file.seek(state.at)
            data = file.read(READ_BYTES)
        taken = Taken(state, faults=[] if fault is None else [fault])
        last = state.at + len(data) >= stat.st_size
        final = settled and last
        if not final:
            # The last line may still be written.
            data = data[: data.rfind(b"\n") + 1]
        read = _Read(state.at, state.row, state.header)
        if data:
            read = self._rows(state, data, maker, taken, final=final)
        if read.at == state.at and not last:
            read.error = f"the row at byte {read.at} has no end within {READ_BYTES} bytes"
        self._advance(data[: read.at - state.at], read.at)
        taken.state = FileState(
            state.path,
            stat.st_dev,
            stat.st_ino,
            # While there is more to read the file counts as changed.
            stat.st_size if last or read.error is not None else read.at,
            stat.st_mtime_ns,
            read.at,
            read.row,
            read.header,
            self._hash.digest(),
            read.error,
        )
        return taken

    def _resumed(
        self, file: BinaryIO, state: FileState, stat: os.stat_result
    ) -> tuple[FileState, Fault | None]:
        """Where to go on: there, or at the beginning if what was read is not there any more."""
        fault = None
        if stat.st_size < state.at:
            text = (
                f"it has {stat.st_size} bytes, {state.at} were read. It is read from its beginning."
            )
            fault = Fault(state.path, stat.st_size, CUT, text)
        elif self._hashed != state.at or self._is_rewritten(file, state.at):
            self._rehash(file, state.at)
            if state.at and self._hash.digest() != state.sha256:
                text = f"the {state.at} bytes that were read are others now. It is read from its beginning."
                fault = Fault(state.path, state.at, REPLACED, text)
        if fault is None:
            return state, None
        self._rehash(file, 0)
        return replace(state, at=0, row=0, header=b"", sha256=b"", error=None), fault

    def _is_rewritten(self, file: BinaryIO, at: int) -> bool:
        """Whether the last bytes that were read differ. All are compared when a process begins."""
        file.seek(at - len(self._tail))
        return file.read(len(self._tail)) != self._tail

    def _rehash(self, file: BinaryIO, end: int) -> None:
        self._hash = hashlib.sha256()
        self._hashed, self._tail = 0, b""
        file.seek(0)
        while self._hashed < end:
            block = file.read(min(READ_BYTES, end - self._hashed))
            if not block:
                break
            self._advance(block, self._hashed + len(block))

    def _advance(self, data: bytes, at: int) -> None:
        self._hash.update(data)
        self._hashed = at
        self._tail = (self._tail + data)[-TAIL_BYTES:]

    def _rows(
        self, state: FileState, data: bytes, maker: Maker, taken: Taken, *, final: bool
    ) -> _Read:
        """Take in whole rows; how far they reach."""
        digest = self._hash.copy()
        hashed = 0
        read = _Read(state.at, state.row, state.header)
        rows = self._reader(state.header + data, maker)
        # The header stands in front again, and counts as a row.
        shift = state.at - len(state.header)
        row_shift = state.row - (1 if state.header else 0)
        for item in rows:
            row, start, end = item.row + row_shift, item.start + shift, item.end + shift
            if isinstance(item, Reject):
                if item.whole:
                    read.error = item.sentence()
                    return read
                if end >= state.at + len(data) and not final:
                    # What ends it may still come.
                    break
                moved = replace(item, row=row, start=start, end=end)
                taken.faults.append(fault_of(state.path, moved))
            else:
                digest.update(data[hashed : end - state.at])
                hashed = end - state.at
                moved_row = item._replace(row=row, start=start, end=end)
                self._one(moved_row, digest.hexdigest(), maker, taken)
            read.row, read.at = row, end
        else:
            # What is left are lines that are no rows, which count all the same.
            read.row += data[read.at - state.at :].count(b"\n")
            read.at = state.at + len(data)
        if isinstance(rows, CsvRows) and self._map.header and not state.header and read.at:
            read.header = rows.header or b""
        return read

    def _one(self, row: ImportedRow, prefix: str, maker: Maker, taken: Taken) -> None:
        path = taken.state.path
        if row.account is None and row.matter is None and self._matter is None:
            text = f"row {row.row}: nothing in it leads to a matter. Name one for the folder."
            taken.faults.append(Fault(path, row.start, "ROW_ACCOUNT", text))
            return
        imported = row.claims["import"]
        assert isinstance(imported, dict)
        # handed-in.md §2: of a file that grows, the bytes up to the row's end.
        place: Json = {
            **imported,
            "file_sha256": prefix,
            "row": row.row,
            "start": row.start,
            "end": row.end,
        }
        row = row._replace(claims={**row.claims, "import": place})
        # Equal rows without an identity are told apart by all that stands before them.
        what = f"at/{prefix}" if row.counted else row.identity.hex()
        key = key_of(maker.source, str(imported["importer"]), what)
        try:
            # A matter that the folder has is the rows' own, whatever account they name.
            taken.records.append(maker.record(row, key, self._matter))
        except FormatError as error:
            taken.faults.append(unfit(path, row, error))

    def _reader(self, data: bytes, maker: Maker) -> CsvRows | NdjsonRows:
        source = Source(
            f"{self._map.format}/{self._map.id}",
            f"{IMPORTER_VERSION}.{self._map.version}",
            "",
            maker.key.identity_secret(),
        )
        if self._map.format == NDJSON:
            return NdjsonRows(iter((data,)), self._map, source, None)
        return CsvRows(iter((data,)), len(data), self._map, source, None)


@dataclass
class _Read:
    """How far a table was read."""

    at: int
    row: int
    header: bytes
    error: str | None = None

"""Owns CSV: cells by the standard library's reader, and the exact bytes of each row.

The reader takes lines from a generator that remembers what it handed over. When a row comes out, what was
handed over since the last one is that row's bytes: exact, also with quotes over lines, and at the speed of
the reader. Test: tests/unit/importers/test_tabular.py.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from notary.importers.column_map import REJECT_COLUMNS, ColumnMap
from notary.importers.foreign import not_text
from notary.importers.lines import BOM_UTF8, chunks
from notary.importers.nearest import missing_text, other_delimiter
from notary.importers.plan import Plan, missing_columns, own_columns, places
from notary.importers.rows import (
    MAX_COLUMNS,
    MAX_ROW_BYTES,
    BadRow,
    ImportedRow,
    Item,
    Reject,
    Source,
    too_long,
    whole_file,
)

MAX_HEADER_SHOWN = 500  # characters of a header in a sentence


class _TooLong(Exception):
    """A row whose quotes don't close within the limit; what follows can't be told apart."""


class CsvRows:
    """The rows of one CSV file. Iterate once. `header` holds the header's bytes as soon as it was read."""

    def __init__(
        self,
        blocks: Iterable[bytes],
        size: int,
        map_: ColumnMap,
        source: Source,
        folder: Path | None,
    ) -> None:
        self.map = map_
        self.source = source
        self.folder = folder
        self.size = size
        self.header: bytes | None = None
        self._blocks = blocks
        self._pulled: list[bytes] = []
        self._pulled_bytes = 0
        self._clean = True
        self._oversize = 0
        self._start = 0
        self._row = 0

    def __iter__(self) -> Iterator[Item]:
        # The limit is the process's own; it must not be below ours. Ours is held by `_feed`.
        csv.field_size_limit(max(csv.field_size_limit(), MAX_ROW_BYTES + 1))
        reader = csv.reader(
            self._feed(),
            delimiter=self.map.delimiter,
            strict=True,
            # A switch's template may have a blank between a comma and a quote.
            skipinitialspace=not self.map.header,
        )
        columns: list[str] | None = None if self.map.header else list(self.map.columns)
        plan = None if columns is None else self._plan(columns)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                if plan is None and not self._row:
                    yield self._refused("FILE_FOREIGN", "the file is empty: not even a header")
                return
            except csv.Error as error:
                # The reader starts afresh at the next line.
                yield self._bad_quotes(str(error))
                continue
            except _TooLong:
                yield self._rest()
                return
            self._row += 1
            raw = self._pulled[0] if len(self._pulled) == 1 else b"".join(self._pulled)
            start = self._start
            end = start + len(raw) + self._oversize
            clean = self._clean and len(self._pulled) == 1
            self._pulled.clear()
            self._pulled_bytes = 0
            self._start = end
            if end - start > MAX_ROW_BYTES:
                self._oversize = 0
                if plan is None:
                    yield self._refused("ROW_SIZE", f"the header has {end - start} bytes")
                    return
                yield too_long(self._row, start, end)
                continue
            if plan is None or (self._row == 1 and cells and cells[0] == REJECT_COLUMNS[0]):
                fault = self._take_header(raw, cells)
                if fault is not None:
                    yield fault
                    return
                columns = [cell.strip() for cell in cells]
                plan = self._plan(columns)
                continue
            if not any(cells):
                continue
            yield self._item(plan, cells, raw, start, end, clean)

    def _feed(self) -> Iterator[str]:
        """The lines for the reader, each remembered until its row is out."""
        pulled = self._pulled
        encoding = self.map.encoding
        for chunk in chunks(self._without_bom(), encoding):
            self._clean = chunk.clean
            if chunk.oversize:
                self._oversize += chunk.oversize
                # Not in quotes this ends the row; in quotes the row goes on, and is refused at its end.
                yield "\n"
            for line in chunk.lines:
                pulled.append(line)
                self._pulled_bytes += len(line)
                if self._pulled_bytes > MAX_ROW_BYTES and len(pulled) > 1:
                    raise _TooLong
                yield line.decode(encoding, "surrogateescape")

    def _without_bom(self) -> Iterator[bytes]:
        for index, block in enumerate(self._blocks):
            if index == 0 and self.map.encoding == "utf-8" and block.startswith(BOM_UTF8):
                self._start = len(BOM_UTF8)
                yield block[len(BOM_UTF8) :]
            else:
                yield block

    def _item(
        self, plan: Plan, cells: list[str], raw: bytes, start: int, end: int, clean: bool
    ) -> ImportedRow | Reject:
        try:
            if not clean:
                self._check(raw)
            if len(cells) != self._width:
                raise BadRow(
                    "ROW_COLUMNS",
                    "",
                    f"the row has {len(cells)} cells, the header {self._width}",
                    "put a text that holds the delimiter in quotes; add the missing cells",
                )
            cells = [cell.strip() for cell in cells]
            if self._absent:
                cells.append("")
            if not clean:
                plan.check_controls(cells)
            return plan.row(cells, self._row, raw, start, end)
        except BadRow as bad:
            return bad.reject(self._row, start, end, raw)

    def _check(self, raw: bytes) -> None:
        try:
            raw.decode(self.map.encoding)
        except UnicodeDecodeError as error:
            raise BadRow(
                "ROW_ENCODING",
                "",
                f"byte 0x{raw[error.start]:02x} at place {error.start + 1} of the row is not "
                f"{self.map.encoding}",
                'declare the file\'s encoding in the column map, such as [csv] encoding = "cp1252" '
                '(Western Europe) or "gb18030" (China), or save the file as UTF-8',
            ) from error
        if b"\0" in raw:
            raise BadRow(
                "ROW_CONTROL",
                "",
                f"a NUL byte at place {raw.index(0) + 1} of the row",
                "take the byte out at the source; a half-written file often has many",
            )

    def _plan(self, columns: Sequence[str]) -> Plan:
        self._width = len(columns)
        at = places(self.map, columns)
        # A column that may be missing, and is, has an empty cell behind the others.
        self._absent = any(name not in at for name in self.map.read_columns)
        for name in self.map.read_columns:
            at.setdefault(name, self._width)
        return Plan(self.map, self.source, at, self.folder)

    def _take_header(self, raw: bytes, cells: list[str]) -> Reject | None:
        self.header = raw
        other = not_text(raw)
        if other is not None:
            return self._refused("FILE_FOREIGN", f"the file is {other.what}", other.remedy)
        try:
            self._check(raw)
            columns = [cell.strip() for cell in cells]
            if len(columns) > MAX_COLUMNS:
                raise BadRow(
                    "ROW_COLUMNS",
                    "",
                    f"the header has {len(columns)} columns, at most {MAX_COLUMNS} are read",
                    "check that the file is a table",
                )
            missing = missing_columns(self.map, columns)
        except BadRow as bad:
            return self._refused(bad.code, f"the header: {bad.reason}", bad.remedy)
        if missing:
            delimiter = other_delimiter(self.map, raw.rstrip(b"\r\n"))
            if delimiter is not None:
                return self._refused(
                    "ROW_COLUMNS",
                    f"the cells of the header stand apart by {delimiter!r}, and by the map they should "
                    f"by {self.map.delimiter!r}",
                    f"declare it in the column map: [csv] delimiter = {json.dumps(delimiter)}",
                )
            return self._refused(
                "ROW_COLUMNS",
                f"the header has no column {missing_text(self.map, columns)}; it has "
                f"{', '.join(own_columns(columns))[:MAX_HEADER_SHOWN]}",
                "name the columns in the column map as the file does, or add them under [rename]",
            )
        return None

    def _refused(
        self, code: str, reason: str, remedy: str = "give the file that the map is for"
    ) -> Reject:
        return whole_file(code, reason, remedy, self.size)

    def _bad_quotes(self, reason: str) -> Reject:
        self._row += 1
        raw = b"".join(self._pulled)
        lines = len(self._pulled)
        start = self._start
        self._start += len(raw) + self._oversize
        oversize, self._oversize = self._oversize, 0
        self._pulled.clear()
        self._pulled_bytes = 0
        return Reject(
            self._row,
            "",
            "ROW_QUOTES",
            f"quotes that don't match ({reason}); {lines} line{'s' if lines != 1 else ''} can't be "
            "told apart",
            "double each quote inside a quoted cell, and close each quote",
            start,
            self._start,
            None if oversize else raw,
            cells=False,
        )

    def _rest(self) -> Reject:
        return Reject(
            self._row + 1,
            "",
            "ROW_QUOTES",
            f"a quote is opened and not closed within {MAX_ROW_BYTES} bytes; the rest of the file, "
            f"{self.size - self._start} bytes, can't be told apart",
            "close the quote in this row and give the file again",
            self._start,
            self.size,
            None,
            cells=False,
        )

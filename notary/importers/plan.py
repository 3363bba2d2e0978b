"""Owns the way from a row's cells to a record, as a column map says (docs/spec/column-map.md §2, §6).

A plan is made once for a file's columns and then run for every row, so all that does not depend on the row is
decided beforehand. Test: tests/unit/importers/test_plan.py.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from notary.core.intake import IncomingFile
from notary.importers.column_map import REJECT_COLUMNS, ColumnMap
from notary.importers.media import media_type
from notary.importers.rows import (
    MAX_ACCOUNT_CHARACTERS,
    BadRow,
    ImportedRow,
    Source,
    attached,
    raw_claim,
)
from notary.importers.values import CONTROL, WHOLE, Cell, Convert, converter
from verifier.format.jsonc import Json

_WHOLE_NUMBER = re.compile(r"[0-9]{1,15}")  # below 2^53


class _Column(NamedTuple):
    claim: str
    at: tuple[int, ...]
    convert: Convert | None  # None: the cell itself
    required: bool
    name: str
    whole: bool  # looks at all its cells, not only at the first


def places(map_: ColumnMap, columns: Sequence[str]) -> dict[str, int]:
    """Where each column that the map names stands among `columns`; a missing one is left out.

    Raises BadRow ROW_COLUMNS if one stands twice, under whatever names.
    """
    found: dict[str, int] = {}
    names = {other: name for name, others in map_.rename.items() for other in others}
    known = map_.known_columns
    for index, column in enumerate(columns):
        name = names.get(column, column)
        if name not in known:
            continue
        if name in found:
            raise BadRow(
                "ROW_COLUMNS",
                column,
                f"the column {name} stands twice in the header",
                "take one of them out",
            )
        found[name] = index
    return found


def missing_columns(map_: ColumnMap, columns: Sequence[str]) -> list[str]:
    """The columns that the map wants and the file has not."""
    found = places(map_, columns)
    return [name for name in map_.wanted_columns if name not in found]


def name_fits(map_: ColumnMap, path: Path) -> bool:
    """Whether the map's pattern for file names, if it has one, fits."""
    return map_.recognise_name is None or fnmatch.fnmatchcase(path.name, map_.recognise_name)


def own_columns(columns: Sequence[str]) -> list[str]:
    """The columns of a file without those that a rejects file adds."""
    return [column for column in columns if column not in REJECT_COLUMNS]


class Plan:
    """The map of one file, bound to the places of its columns."""

    def __init__(
        self, map_: ColumnMap, source: Source, at: Mapping[str, int], folder: Path | None
    ) -> None:
        """`at` gives the place of each wanted column; `folder` is where attachments are looked for."""
        self.map = map_
        self.source = source
        self.folder = folder
        self._account = at[map_.account] if map_.account is not None else None
        self._matter = at[map_.matter] if map_.matter is not None else None
        self._number = at[map_.number] if map_.number is not None else None
        self._occurred_at = tuple(at[name] for name in map_.occurred_at)
        identity = map_.identity or map_.read_columns
        self._identity = tuple(at[name] for name in identity)
        self._identity_names = identity
        self._counted = not map_.identity
        self._attachments = tuple(at[name] for name in map_.attachments)
        self._columns = tuple(
            _Column(
                claim.name,
                tuple(at[name] for name in claim.columns),
                None if claim.type == "text" and claim.values is None else converter(claim),
                claim.required,
                claim.columns[0] if claim.columns else claim.name,
                claim.type in WHOLE,
            )
            for claim in map_.claims
        )
        self._read = tuple((name, at[name]) for name in map_.read_columns)
        self._no_time: dict[str, Json] = {
            "text": None,
            "zone": None,
            "fold": None,
            "note": "the column map names no time",
        }

    def check_controls(self, cells: Sequence[Cell]) -> None:
        """Refuse control characters in the cells that the map reads. Raises BadRow ROW_CONTROL."""
        for name, index in self._read:
            cell = cells[index]
            for text in cell if isinstance(cell, list) else (cell,):
                found = CONTROL.search(text) if text else None
                if found is not None:
                    raise BadRow(
                        "ROW_CONTROL",
                        name,
                        f"the control character U+{ord(found[0]):04X} at character {found.start() + 1}",
                        "take the character out at the source",
                    )

    def row(self, cells: Sequence[Cell], row: int, raw: bytes, start: int, end: int) -> ImportedRow:
        """The row as it would be recorded. `cells` are stripped. Raises BadRow."""
        claims: dict[str, Json] = {}
        # First, because a zone that nobody declared is the fault to be told of a row.
        self._time(cells, claims)
        for name, at, convert, required, column, whole in self._columns:
            if whole or cells[at[0]]:
                if convert is None:
                    cell = cells[at[0]]
                    value: Json = cell if isinstance(cell, str) else _one_value(column)
                else:
                    value = convert(cells, at)
                if value is not None:
                    claims[name] = value
                    continue
            if required:
                raise BadRow(
                    "ROW_MISSING", column, "the cell is empty", "fill it, or mend the column map"
                )
        account = self._hint(cells, self._account, self.map.account)
        if account is None and self.map.account_required:
            raise BadRow(
                "ROW_ACCOUNT",
                self.map.account or "account",
                "the row names no account",
                "fill in the account that leads to the matter",
            )
        if account is not None:
            claims["account"] = account
        matter = self._hint(cells, self._matter, self.map.matter)
        if self._matter is not None and matter is None:
            raise BadRow(
                "ROW_MATTER",
                self.map.matter or "matter",
                "the row names no matter",
                "fill in the matter number",
            )
        claims["import"] = self.source.import_claim(row, start, end)
        claims["raw"] = raw_claim(raw)
        return ImportedRow(
            row,
            account,
            matter,
            self.map.kind,
            claims,
            self._identify(cells),
            self._counted,
            start,
            end,
            raw,
            self._files(cells) if self._attachments else (),
            number=None if self._number is None else self._number_in(cells[self._number]),
        )

    def _number_in(self, cell: Cell) -> int:
        """The number that the source gave its record (format.md §16)."""
        if isinstance(cell, str) and _WHOLE_NUMBER.fullmatch(cell):
            return int(cell)
        raise BadRow(
            "ROW_NUMBER",
            self.map.number or "number",
            "want the number that the source gave this record, an integer from 0",
            "mend the cell, or let the service number: leave out source.number in the map",
        )

    def _time(self, cells: Sequence[Cell], claims: dict[str, Json]) -> None:
        if not self._occurred_at:
            claims["occurred_at"] = None
            claims["occurred_at_source"] = self._no_time
            return
        if len(self._occurred_at) == 1:
            cell = cells[self._occurred_at[0]]
            text = cell if isinstance(cell, str) or cell is None else _one_value("occurred_at")
        else:
            text = " ".join([str(cells[index]) for index in self._occurred_at if cells[index]])
        moment = self.map.time.read(text)
        claims["occurred_at"] = moment.at
        claims["occurred_at_source"] = moment.source_claim()

    def _hint(self, cells: Sequence[Cell], index: int | None, column: str | None) -> str | None:
        if index is None:
            return None
        cell = cells[index]
        if not cell:
            return None
        if not isinstance(cell, str):
            _one_value(column or "")
        elif len(cell) > MAX_ACCOUNT_CHARACTERS:
            raise BadRow(
                "ROW_ACCOUNT",
                column or "",
                f"an account has at most {MAX_ACCOUNT_CHARACTERS} characters, got {len(cell)}",
                "mend the column map: this column holds something else",
            )
        return str(cell)

    def _identify(self, cells: Sequence[Cell]) -> bytes:
        if self._counted:
            return self.source.identify([str(cells[i] or "") for i in self._identity])
        parts = []
        for index, name in zip(self._identity, self._identity_names, strict=True):
            cell = cells[index]
            if not cell:
                raise BadRow(
                    "ROW_MISSING",
                    name,
                    "the cell is empty, and the map says that it makes the row this row",
                    "fill it, or name other identity columns in the map",
                )
            parts.append(str(cell))
        return self.source.identify(parts)

    def _files(self, cells: Sequence[Cell]) -> tuple[IncomingFile, ...]:
        files = []
        for index in self._attachments:
            cell = cells[index]
            for name in cell if isinstance(cell, list) else (cell,):
                if name:
                    if self.folder is None:
                        raise BadRow(
                            "ROW_ATTACHMENT",
                            "attachments",
                            "this file has no folder",
                            "give the rows as a file",
                        )
                    file = attached(self.folder, name, "application/octet-stream")
                    files.append(IncomingFile(file.path, file.filename, media_type(file.path)))
        return tuple(files)


def _one_value(column: str) -> str:
    raise BadRow(
        "ROW_VALUE", column, "want one value, got an array", "mend the row, or take type list"
    )

"""Owns NDJSON: one JSON object a line, with the exact bytes of each.

Test: tests/unit/importers/test_json.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast
from urllib.parse import unquote

from notary.importers.column_map import ColumnMap
from notary.importers.json_text import Value, parse_object
from notary.importers.lines import BOM_UTF8, chunks
from notary.importers.plan import Plan
from notary.importers.rows import MAX_ROW_BYTES, BadRow, ImportedRow, Item, Reject, Source, too_long
from notary.importers.values import Cell

REJECT_MEMBER = "_reject"
RAW_MEMBER = "_raw"


class ObjectPlan:
    """Makes a row of one JSON object, by the map's paths."""

    def __init__(self, map_: ColumnMap, source: Source, folder: Path | None) -> None:
        columns = map_.read_columns
        self._encoded = frozenset(map_.encoded)
        self._paths = tuple(
            (name, tuple(tuple(one.split(".")) for one in (name, *map_.rename.get(name, ()))))
            for name in columns
        )
        self._plan = Plan(map_, source, {name: i for i, name in enumerate(columns)}, folder)

    def item(self, raw: bytes, row: int, start: int, end: int) -> ImportedRow | Reject:
        """The row of the object in `raw`, or why it is refused."""
        try:
            value = parse_object(raw)
        except BadRow as bad:
            return bad.reject(row, start, end, raw, cells=False)
        return self.item_of(value, raw, row, start, end)

    def item_of(
        self, value: dict[str, Value], raw: bytes, row: int, start: int, end: int
    ) -> ImportedRow | Reject:
        """The row of the object that `raw` was read as, or why it is refused."""
        try:
            if RAW_MEMBER in value:
                raise BadRow(
                    "ROW_UNMENDED",
                    RAW_MEMBER,
                    "the line is still as it was refused",
                    f"put the mended object in the place of this line, without {RAW_MEMBER}",
                )
            cells = [self._cell(value, name, paths) for name, paths in self._paths]
            # Escapes bring control characters into lines that hold none.
            self._plan.check_controls(cells)
            return self._plan.row(cells, row, raw, start, end)
        except BadRow as bad:
            return bad.reject(row, start, end, raw)

    def _cell(self, value: dict[str, Value], name: str, paths: tuple[tuple[str, ...], ...]) -> Cell:
        found: Cell = None
        for path in paths:
            cell = _as_cell(_member(value, path), name)
            if path[0] in self._encoded and isinstance(cell, str):
                cell = _decoded(cell, name)
            if cell is None:
                continue
            if found is not None:
                raise BadRow(
                    "ROW_COLUMNS",
                    name,
                    f"the member {name} stands there under two names",
                    "take one of them out",
                )
            found = cell
        return found


class NdjsonRows:
    """The rows of one NDJSON file. Iterate once."""

    def __init__(
        self, blocks: Iterable[bytes], map_: ColumnMap, source: Source, folder: Path | None
    ) -> None:
        self.map = map_
        self.source = source
        self._blocks = blocks
        self._plan = ObjectPlan(map_, source, folder)

    def __iter__(self) -> Iterator[Item]:
        position = 0
        row = 0
        for chunk in chunks(self._without_bom(), "utf-8"):
            if chunk.oversize:
                row += 1
                start = position + self._bom
                yield too_long(row, start, start + chunk.oversize)
                position += chunk.oversize
            for raw in chunk.lines:
                row += 1
                start = position + self._bom
                position += len(raw)
                if len(raw) > MAX_ROW_BYTES:
                    yield too_long(row, start, start + len(raw))
                elif not raw.isspace():
                    yield self._plan.item(raw, row, start, start + len(raw))

    def _without_bom(self) -> Iterator[bytes]:
        self._bom = 0
        for index, block in enumerate(self._blocks):
            if index == 0 and block.startswith(BOM_UTF8):
                self._bom = len(BOM_UTF8)
                yield block[len(BOM_UTF8) :]
            else:
                yield block


def unmet(value: dict[str, Value], map_: ColumnMap) -> list[str]:
    """The columns by which the map is recognised and which the object has not.

    Optional members may be absent from a line, so they don't count, unless nothing else does.
    """
    wanted = set(map_.recognise_columns) | set(map_.identity) | set(map_.occurred_at)
    wanted |= {name for name in (map_.account, map_.matter) if name is not None}
    return [
        name
        for name in sorted(wanted or map_.wanted_columns)
        if all(not _has(value, tuple(one.split("."))) for one in (name, *map_.rename.get(name, ())))
    ]


_ABSENT = object()


def _has(value: Value, path: tuple[str, ...]) -> bool:
    return _at(value, path) is not _ABSENT


def _member(value: Value, path: tuple[str, ...]) -> Value:
    found = _at(value, path)
    return None if found is _ABSENT else cast(Value, found)


def _at(value: Value, path: tuple[str, ...]) -> object:
    """What stands at the path. In an array a step is a place, counted from 0."""
    for name in path:
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isascii() and name.isdigit() and len(name) < 4:
            if int(name) >= len(value):
                return _ABSENT
            value = value[int(name)]
        else:
            return _ABSENT
    return value


def _as_cell(value: Value, name: str) -> Cell:
    if value is None:
        return None
    if isinstance(value, str):
        return _encodable(value.strip(), name)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        items = [_as_cell(item, name) for item in value]
        texts = [item for item in items if isinstance(item, str)]
        if len(texts) == len(value):
            return texts
    raise BadRow(
        "ROW_VALUE",
        name,
        "want a text, a number, true, false, null or an array of them, got an object",
        "name a member of it with a dot in the column map",
    )


def _encodable(text: str, name: str) -> str:
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadRow(
            "ROW_VALUE", name, "the text holds a lone surrogate", "mend the text at the source"
        ) from error
    return text


def _decoded(text: str, name: str) -> str:
    """A percent-encoded text (RFC 3986 §2.1). A plus sign stands for itself."""
    try:
        return unquote(text, errors="strict").strip()
    except UnicodeDecodeError as error:
        raise BadRow(
            "ROW_ENCODING", name, "percent-encoded bytes that are not UTF-8", "mend the text"
        ) from error

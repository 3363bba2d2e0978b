"""Owns the help for a file that no map fits: which is nearest, and its first difference (column-map.md §1).

It decides nothing. Test: tests/unit/importers/test_nearest.py.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from notary.importers.column_map import CSV, JSON, NDJSON, ColumnMap
from notary.importers.json_text import first_object
from notary.importers.lines import BOM_UTF8
from notary.importers.ndjson import unmet
from notary.importers.plan import missing_columns, own_columns
from notary.importers.rows import MAX_COLUMNS, BadRow

DELIMITERS = (",", ";", "\t", "|")
MAX_NAMED = 5  # columns in a sentence: more say nothing new
MAX_CELL_SHOWN = 40  # characters of a cell in a sentence
_LEAST_SHARE = 2  # a map is near if the file has at least one in so many of its columns


class _Near(NamedTuple):
    share: float
    says: str


def nearest(head: bytes, maps: Iterable[ColumnMap]) -> str | None:
    """A sentence on the map that fits best, and what is missing; None for what is no table and no list."""
    head = head.removeprefix(BOM_UTF8)
    found = [near for map_ in maps if (near := _near(head, map_)) is not None]
    best = max(found, key=lambda near: near.share, default=None)
    return _table(head) if best is None else best.says


def _table(head: bytes) -> str | None:
    """What a table or a list that is near to no map asks for."""
    value = first_object(head)
    if value is not None:
        named = ", ".join(name[:MAX_CELL_SHOWN] for name in list(value)[:MAX_NAMED])
        return (
            f"its first object has {len(value)} members ({named}{', …' if len(value) > MAX_NAMED else ''}); "
            "a column map (--map) says what they mean"
        )
    line = _first_line(head)
    if line.lstrip().startswith((b"{", b"[", b"<")):
        return None
    counts = {delimiter: line.count(delimiter.encode()) for delimiter in DELIMITERS}
    delimiter = max(counts, key=lambda one: counts[one])
    if counts[delimiter] == 0:
        return None
    try:
        cells = next(
            csv.reader([line.decode("utf-8", "replace")], delimiter=delimiter, strict=True), []
        )
    except csv.Error:
        return "the quotes of its first line don't match"
    named = ", ".join(cell.strip()[:MAX_CELL_SHOWN] for cell in cells[:MAX_NAMED])
    return (
        f"its first line has {len(cells)} cells ({named}{', …' if len(cells) > MAX_NAMED else ''}); "
        "a column map (--map) says what they mean"
    )


def missing_text(map_: ColumnMap, columns: Sequence[str]) -> str:
    """Which columns a header has not, each with the one that it may be called there."""
    own = own_columns(columns)
    missing = missing_columns(map_, columns)
    named = []
    for name in missing[:MAX_NAMED]:
        like = _like(name, own)
        named.append(name if like is None else f"{name} (is it {like!r}?)")
    more = len(missing) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def other_delimiter(map_: ColumnMap, line: bytes) -> str | None:
    """The delimiter by which a header has every column of the map, where the map's is another."""
    for delimiter in DELIMITERS:
        if delimiter != map_.delimiter and delimiter.encode() in line:
            cells = _cells(line, map_, delimiter)
            try:
                if cells and not missing_columns(map_, cells):
                    return delimiter
            except BadRow:
                continue
    return None


def _near(head: bytes, map_: ColumnMap) -> _Near | None:
    if map_.format == CSV:
        line = _first_line(head)
        return _near_header(line, map_) if map_.header else _near_cells(line, map_)
    if map_.format in (JSON, NDJSON):
        return _near_object(head, map_)
    return None


def _near_header(line: bytes, map_: ColumnMap) -> _Near | None:
    other = other_delimiter(map_, line)
    if other is not None:
        said = "a tab" if other == "\t" else repr(other)
        return _Near(
            1,
            f"{map_.what} fits but for the sign between its cells, {said}: give a map with it under "
            "[csv] delimiter",
        )
    cells = _cells(line, map_, map_.delimiter)
    wanted = map_.wanted_columns
    try:
        missing = missing_columns(map_, cells)
    except BadRow:
        return None
    share = 1 - len(missing) / len(wanted) if wanted else 0
    if share * _LEAST_SHARE < 1:
        return None
    return _Near(
        share, f"the nearest is {map_.what}; its first line has no {missing_text(map_, cells)}"
    )


def _near_cells(line: bytes, map_: ColumnMap) -> _Near | None:
    patterns = map_.recognise_cells
    cells = _cells(line, map_, map_.delimiter)
    if not patterns or len(cells) != len(map_.columns):
        return None
    named = dict(zip(map_.columns, cells, strict=True))
    wrong = [name for name, pattern in patterns.items() if pattern.fullmatch(named[name]) is None]
    share = 1 - len(wrong) / len(patterns)
    if share * _LEAST_SHARE < 1 or not wrong:
        return None
    place = map_.columns.index(wrong[0]) + 1
    return _Near(
        share,
        f"the nearest is {map_.what}; in its first line cell {place} is {named[wrong[0]][:60]!r}, "
        f"which is no {wrong[0]} there",
    )


def _near_object(head: bytes, map_: ColumnMap) -> _Near | None:
    value = first_object(head)
    if value is None:
        return None
    if map_.format == JSON and map_.rows and isinstance(value.get(map_.rows[0]), list):
        listed = value[map_.rows[0]]
        first = listed[0] if isinstance(listed, list) and listed else None
        value = first if isinstance(first, dict) else value
    missing = unmet(value, map_)
    wanted = len(unmet({}, map_))
    share = 1 - len(missing) / wanted if wanted else 0
    if share * _LEAST_SHARE < 1:
        return None
    if missing:
        named = ", ".join(missing[:MAX_NAMED])
        return _Near(share, f"the nearest is {map_.what}; its first row has no {named}")
    return _Near(
        share,
        f"its rows are those of {map_.what}, but stand in another place: give a map with that one as its "
        'base, and format = "ndjson" for an object in each line, or [json] rows = "." where the document '
        "itself is the row or an array of rows",
    )


def _first_line(head: bytes) -> bytes:
    return head.split(b"\n", 1)[0].split(b"\r", 1)[0]


def _cells(line: bytes, map_: ColumnMap, delimiter: str) -> list[str]:
    try:
        text = line.decode(map_.encoding)
        cells = next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return []
    return [cell.strip() for cell in cells[:MAX_COLUMNS]]


def _like(name: str, columns: Sequence[str]) -> str | None:
    """The column that differs from a name in letters' case, blanks and the like."""
    bare = {_bare(column): column for column in columns}
    found = difflib.get_close_matches(_bare(name), bare, n=1, cutoff=0.8)
    return bare[found[0]] if found else None


def _bare(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())

"""Owns the choice of an importer by a file's content (docs/spec/column-map.md §1).

Test: tests/unit/importers/test_parts.py.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from notary.importers.column_map import EPCIS, JSON, NDJSON, VCON, ColumnMap, shipped_maps
from notary.importers.epcis import EpcisRows
from notary.importers.json_rows import JsonRows, document_fits
from notary.importers.json_text import parse_object
from notary.importers.lines import BOM_UTF8
from notary.importers.ndjson import NdjsonRows, unmet
from notary.importers.original import Original
from notary.importers.plan import missing_columns, name_fits
from notary.importers.rows import IMPORTER_VERSION, BadRow, Item, Reject, Source, whole_file
from notary.importers.tabular import CsvRows
from notary.importers.vcon import VconRows, vcon_fits

_EPCIS_HEAD = re.compile(rb'\s*\{.*?"(?:epcisBody|EPCISDocument|EPCISQueryDocument)"', re.DOTALL)


@dataclass(frozen=True)
class Recognised:
    """Which map a file goes by; None for a file that no importer knows."""

    map: ColumnMap | None


def recognise(original: Original, maps: Sequence[ColumnMap], *, alone: bool) -> Recognised | Reject:
    """The importer of a file. `alone` says that one file was given: with one map, they belong together.

    Gives a Reject of the whole file where two maps fit, or where the one map does not.
    """
    if alone and len(maps) == 1:
        return Recognised(maps[0])
    head = original.head()
    fitting = [map_ for map_ in maps if _fits(original, head, map_)]
    if len(fitting) > 1:
        return whole_file(
            "MAP_AMBIGUOUS",
            f"two maps fit this file: {fitting[0].what} and {fitting[1].what}",
            "tell them apart by [recognise] columns or name in the maps",
            original.size,
        )
    if fitting:
        return Recognised(fitting[0])
    for map_ in shipped_maps():
        if _fits(original, head, map_):
            return Recognised(map_)
    return Recognised(None)


def source_of(map_: ColumnMap, original: Original, key: bytes) -> Source:
    """By whom the rows of a file are read; `key` is the secret of the identities."""
    return Source(
        f"{map_.format}/{map_.id}",
        f"{IMPORTER_VERSION}.{map_.version}",
        original.sha256.hex(),
        key,
    )


Rows = CsvRows | NdjsonRows | JsonRows | EpcisRows | VconRows


def open_rows(original: Original, map_: ColumnMap, key: bytes) -> Rows:
    """The importer that reads the file by the map."""
    source = source_of(map_, original, key)
    folder = original.path.parent
    if map_.format == EPCIS:
        return EpcisRows(original, map_, source)
    if map_.format == VCON:
        return VconRows(original, map_, source, folder)
    if map_.format == JSON:
        return JsonRows(original, map_, source, folder)
    if map_.format == NDJSON:
        return NdjsonRows(original.blocks(), map_, source, folder)
    return CsvRows(original.blocks(), original.size, map_, source, folder)


def items(rows: Rows) -> Iterator[Item]:
    """The rows and rejects of an importer."""
    return iter(rows)


def _fits(original: Original, head: bytes, map_: ColumnMap) -> bool:
    if not name_fits(map_, original.path):
        return False
    if map_.format == EPCIS:
        return _EPCIS_HEAD.match(head.removeprefix(BOM_UTF8)) is not None
    if map_.format == VCON:
        return vcon_fits(head)
    if map_.format == JSON:
        return document_fits(original, map_)
    line = head.removeprefix(BOM_UTF8).split(b"\n", 1)[0].split(b"\r", 1)[0]
    if map_.format == NDJSON:
        try:
            return not unmet(parse_object(line), map_)
        except BadRow:
            return False
    if map_.header:
        return not _missing(line, map_)
    if map_.recognise_cells:
        return _cells_fit(line, map_)
    # Cells without names say nothing; only a pattern for the file's name can.
    return map_.recognise_name is not None


def _cells_fit(line: bytes, map_: ColumnMap) -> bool:
    cells = _first_cells(line, map_)
    if len(cells) != len(map_.columns):
        return False
    named = dict(zip(map_.columns, cells, strict=True))
    return all(
        pattern.fullmatch(named[name]) is not None for name, pattern in map_.recognise_cells.items()
    )


def _missing(line: bytes, map_: ColumnMap) -> list[str]:
    try:
        return missing_columns(map_, _first_cells(line, map_))
    except BadRow:
        return ["the header can't be read"]


def _first_cells(line: bytes, map_: ColumnMap) -> list[str]:
    """The cells of a first line; none where it can't be read."""
    try:
        text = line.decode(map_.encoding)
        cells = next(
            csv.reader(
                [text],
                delimiter=map_.delimiter,
                strict=True,
                skipinitialspace=not map_.header,
            ),
            [],
        )
    except (UnicodeDecodeError, csv.Error):
        return []
    return [cell.strip() for cell in cells]

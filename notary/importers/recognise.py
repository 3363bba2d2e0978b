"""Owns the choice of an importer by a file's content (docs/spec/column-map.md §1).

Test: tests/unit/importers/test_parts.py.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from notary.importers.column_map import EPCIS, JSON, NDJSON, VCON, XML, ColumnMap
from notary.importers.epcis import EpcisRows
from notary.importers.foreign import Foreign, foreign, not_text
from notary.importers.json_rows import JsonRows, document_fits
from notary.importers.json_scan import ScanFault, ScanLimit, check_structure
from notary.importers.json_text import glance
from notary.importers.lines import BOM_UTF8
from notary.importers.mail import is_mail
from notary.importers.map_file import shipped_maps
from notary.importers.ndjson import NdjsonRows, unmet
from notary.importers.nearest import nearest
from notary.importers.original import Original
from notary.importers.plan import missing_columns, name_fits
from notary.importers.rows import IMPORTER_VERSION, BadRow, Item, Reject, Source, whole_file
from notary.importers.tabular import CsvRows
from notary.importers.vcon import VconRows, vcon_fits
from notary.importers.xml_rows import XmlRows, xml_fits

_EPCIS_HEAD = re.compile(rb'\s*\{.*?"(?:epcisBody|EPCISDocument|EPCISQueryDocument)"', re.DOTALL)


_LAST_BYTES = 4_096  # the end of an encrypted vCon says what it is
_WHAT = {
    EPCIS: "it is a JSON object with epcisBody",
    VCON: "it is a JSON object of a vCon",
    JSON: "its first row has the members of",
    NDJSON: "its first line has the members of",
    XML: "its root element has the elements of",
}


@dataclass(frozen=True)
class Recognised:
    """Which map a file goes by; None for a file that no importer knows. `why` is a clause for people."""

    map: ColumnMap | None
    why: str


def recognise(original: Original, maps: Sequence[ColumnMap], *, alone: bool) -> Recognised | Reject:
    """The importer of a file. `alone` says that one file was given: with one map, they belong together.

    Gives a Reject of the whole file where two maps fit, or where the one map does not.
    """
    head = original.head()
    if alone and len(maps) == 1:
        other = foreign(head, original.path.name, wanted=True)
        if other is not None and not _fits(original, head, maps[0]):
            return _not_read(other, original)
        return Recognised(maps[0], "its map was given with it")
    fitting = [map_ for map_ in maps if _fits(original, head, map_)]
    if len(fitting) > 1:
        return whole_file(
            "MAP_AMBIGUOUS",
            f"two maps fit this file: {fitting[0].what} and {fitting[1].what}",
            "tell them apart by [recognise] columns or name in the maps",
            original.size,
        )
    for map_ in (*fitting, *_shipped_by_columns()):
        if map_ in fitting or _fits(original, head, map_):
            return Recognised(map_, _why(map_))
    other = foreign(head, original.path.name)
    if other is not None:
        return _not_read(other, original)
    if is_mail(head):
        return Recognised(None, "its first lines are the headers of a message")
    broken = _broken_json(original, head)
    if broken is not None:
        return whole_file(
            "ROW_JSON",
            f"the file is JSON that is broken: {broken}",
            "export it again from its source",
            original.size,
        )
    return Recognised(None, f"no map fits: {_unfit(original, head, maps)}")


def _unfit(original: Original, head: bytes, maps: Sequence[ColumnMap]) -> str:
    """What is to be said of a file that is kept as a document."""
    kind = not_text(head)
    if kind is not None:
        return f"it is {kind.what}"
    if original.path.suffix.lower() == ".eml":
        return "its first lines are no headers of a message, with From and one of Date, Message-ID, Received"
    return nearest(head, (*maps, *_shipped_by_columns())) or "none is near"


@cache
def _shipped_by_columns() -> tuple[ColumnMap, ...]:
    """The shipped maps, those that want most first: another may want a part of the same columns."""
    return tuple(sorted(shipped_maps(), key=lambda map_: -len(map_.wanted_columns)))


def _why(map_: ColumnMap) -> str:
    if map_.format in (EPCIS, VCON):
        return _WHAT[map_.format]
    form = "the columns of" if map_.header else f"{len(map_.columns)} cells as in"
    return f"{_WHAT.get(map_.format, f'its first line has {form}')} {map_.what}"


def _broken_json(original: Original, head: bytes) -> str | None:
    """Why a file that calls itself JSON is none; None for one that is, or is too long to say."""
    head = head.removeprefix(BOM_UTF8).lstrip()
    if original.path.suffix.lower() != ".json" or not head.startswith((b"{", b"[")):
        return None
    try:
        check_structure(original.blocks())
    except ScanLimit:
        return None
    except ScanFault as fault:
        # An object in each line is as good.
        return None if glance(head.split(b"\n", 1)[0]) is not None else str(fault)
    return None


def _not_read(other: Foreign, original: Original) -> Reject:
    return whole_file("FILE_FOREIGN", f"the file is {other.what}", other.remedy, original.size)


def source_of(map_: ColumnMap, original: Original, key: bytes) -> Source:
    """By whom the rows of a file are read; `key` is the secret of the identities."""
    return Source(
        f"{map_.format}/{map_.id}",
        f"{IMPORTER_VERSION}.{map_.version}",
        original.sha256.hex(),
        key,
    )


Rows = CsvRows | NdjsonRows | JsonRows | XmlRows | EpcisRows | VconRows


def open_rows(original: Original, map_: ColumnMap, key: bytes) -> Rows:
    """The importer that reads the file by the map."""
    source = source_of(map_, original, key)
    folder = original.path.parent
    if map_.format == EPCIS:
        return EpcisRows(original, map_, source)
    if map_.format == VCON:
        return VconRows(original, map_, source, folder)
    if map_.format == XML:
        return XmlRows(original, map_, source, folder)
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
        return vcon_fits(head, original.read(max(0, original.size - _LAST_BYTES), original.size))
    if map_.format == XML:
        return head.removeprefix(BOM_UTF8).lstrip().startswith(b"<") and xml_fits(original, map_)
    if map_.format == JSON:
        return document_fits(original, map_)
    line = head.removeprefix(BOM_UTF8).split(b"\n", 1)[0].split(b"\r", 1)[0]
    if map_.format == NDJSON:
        value = glance(line)
        return value is not None and not unmet(value, map_)
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

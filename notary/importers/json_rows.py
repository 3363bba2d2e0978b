"""Owns JSON documents whose rows are the elements of one array, or that are one row (column-map.md §2).

Test: tests/unit/importers/test_call_logs.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from notary.importers.column_map import ColumnMap
from notary.importers.json_scan import Elements, ScanFault, find_array
from notary.importers.json_text import first_object, glance
from notary.importers.lines import BOM_UTF8
from notary.importers.ndjson import ObjectPlan, unmet
from notary.importers.original import Original
from notary.importers.rows import MAX_ROW_BYTES, Item, Source, too_long, whole_file

_MEND = "export the file again from its source, and give the map that it is for"


class JsonRows:
    """The rows of one document. Iterate once; `elements` is where their array stands, if they have one."""

    def __init__(
        self, original: Original, map_: ColumnMap, source: Source, folder: Path | None
    ) -> None:
        self.map = map_
        self.source = source
        self.elements: Elements | None = None
        self._original = original
        self._plan = ObjectPlan(map_, source, folder)

    def __iter__(self) -> Iterator[Item]:
        try:
            # The whole structure is followed before the first row is given, so that a file that was cut off
            # is refused whole.
            places = self._places()
        except ScanFault as fault:
            yield whole_file("ROW_JSON", str(fault), _MEND, self._original.size)
            return
        for row, (start, end) in enumerate(places, start=1):
            if end - start > MAX_ROW_BYTES:
                yield too_long(row, start, end)
            else:
                yield self._plan.item(self._original.read(start, end), row, start, end)

    def _places(self) -> Elements | list[tuple[int, int]]:
        if _is_one_row(self._original.head(), self.map):
            start = len(BOM_UTF8) if self._original.head().startswith(BOM_UTF8) else 0
            return [(start, self._original.size)]
        self.elements = _rows_of(self._original, self.map)
        if self.elements is None:
            raise ScanFault(f"no array {'.'.join(self.map.rows)} in the document")
        return self.elements


def document_fits(original: Original, map_: ColumnMap) -> bool:
    """Whether the document, or the first row of its array, has what the map is recognised by."""
    head = original.head().removeprefix(BOM_UTF8).lstrip()
    if not head.startswith(b"{" if map_.rows else (b"{", b"[")):
        return False
    if not map_.rows and head.startswith(b"["):
        # The array may be long, and its first row is enough to see that it is another one.
        value = first_object(head)
        return value is not None and not unmet(value, map_)
    try:
        if not map_.rows:
            if original.size > MAX_ROW_BYTES:
                return False
            first = original.read(0, original.size).removeprefix(BOM_UTF8)
        else:
            # Most documents don't name the array at all, and need not be read to their end.
            if f'"{map_.rows[0]}"'.encode() not in head:
                return False
            found = _rows_of(original, map_)
            place = None if found is None else next(iter(found), None)
            if place is None or place[1] - place[0] > MAX_ROW_BYTES:
                return False
            first = original.read(*place)
    except ScanFault:
        return False
    value = glance(first)
    return value is not None and not unmet(value, map_)


def _is_one_row(head: bytes, map_: ColumnMap) -> bool:
    return not map_.rows and not head.removeprefix(BOM_UTF8).lstrip().startswith(b"[")


def _rows_of(original: Original, map_: ColumnMap) -> Elements | None:
    return find_array(original.blocks(), frozenset({map_.rows}))

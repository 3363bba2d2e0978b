"""Owns XML documents that are one row each, as of FreeSWITCH's mod_xml_cdr (docs/spec/importers.md §4).

An element with elements in it is an object, one that stands several times an array, any other a text;
attributes are not read. So a path leads where it does in the same document as JSON. No document type is
read, hence no entity grows. Test: tests/unit/importers/test_xml.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from notary.importers.column_map import ColumnMap
from notary.importers.json_text import Value
from notary.importers.ndjson import ObjectPlan, unmet
from notary.importers.original import Original
from notary.importers.rows import MAX_ROW_BYTES, BadRow, Item, Reject, Source, whole_file
from verifier.format.jsonc import MAX_DEPTH

_MEND = "export the file again from its source, and give the map that it is for"


class XmlRows:
    """The one row of a document. Iterate once."""

    def __init__(
        self, original: Original, map_: ColumnMap, source: Source, folder: Path | None
    ) -> None:
        self.map = map_
        self.source = source
        self._original = original
        self._plan = ObjectPlan(map_, source, folder)

    def __iter__(self) -> Iterator[Item]:
        size = self._original.size
        if size > MAX_ROW_BYTES:
            yield whole_file(
                "ROW_SIZE",
                f"the document has {size} bytes, at most {MAX_ROW_BYTES} are read",
                _MEND,
                size,
            )
            return
        data = self._original.read(0, size)
        try:
            item = self._plan.item_of(parse_xml(data), data, 1, 0, size)
        except BadRow as bad:
            item = bad.reject(0, 0, size, None)
        # The document is its one row: what refuses the row refuses the file, which is mended as a whole.
        if isinstance(item, Reject):
            reason = f"{item.field}: {item.reason}" if item.field else item.reason
            item = whole_file(item.code, reason, item.remedy, size)
        yield item


def xml_fits(original: Original, map_: ColumnMap) -> bool:
    """Whether the document has what the map is recognised by."""
    if original.size > MAX_ROW_BYTES:
        return False
    try:
        return not unmet(parse_xml(original.read(0, original.size)), map_)
    except BadRow:
        return False


@dataclass
class _Element:
    name: str
    members: dict[str, Value] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)

    def value(self) -> Value:
        return self.members or "".join(self.text).strip()

    def add(self, name: str, value: Value) -> None:
        if name not in self.members:
            self.members[name] = value
        elif isinstance(listed := self.members[name], list):
            listed.append(value)
        else:
            self.members[name] = [listed, value]


def parse_xml(data: bytes) -> dict[str, Value]:
    """What stands in the root element. Raises BadRow ROW_XML."""
    open_: list[_Element] = [_Element("")]

    def start(name: str, _: dict[str, str]) -> None:
        if len(open_) > MAX_DEPTH:
            raise BadRow("ROW_XML", "", f"nested deeper than {MAX_DEPTH} levels", _MEND)
        open_.append(_Element(name))

    def end(_: str) -> None:
        closed = open_.pop()
        open_[-1].add(closed.name, closed.value())

    def doctype(*_: object) -> None:
        raise BadRow("ROW_XML", "", "the document declares a type, which is not read", _MEND)

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = lambda text: open_[-1].text.append(text)
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise BadRow("ROW_XML", "", f"no XML: {error}", _MEND) from error
    root = next(iter(open_[0].members.values()))
    if not isinstance(root, dict):
        raise BadRow("ROW_XML", "", "nothing stands in the document", _MEND)
    return root

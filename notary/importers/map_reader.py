"""Owns the reading of a column map's tables; its claims are map_claims' (docs/spec/column-map.md §2).

Every fault of a map is found here, before any row is read. Test: tests/unit/importers/test_column_map.py.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from typing import Any

from notary.importers.column_map import (
    CODED,
    CSV,
    EPCIS,
    FORMATS,
    JSON,
    NDJSON,
    REJECT_COLUMNS,
    VCON,
    XML,
    ColumnMap,
    MilestonePlan,
    Step,
)
from notary.importers.map_claims import read_claims
from notary.importers.map_table import Table, fault, read_time
from notary.importers.moments import NAMED_FORMATS, TimeReader
from notary.importers.paths import parse_path

DOCUMENT = "."  # as the path of the rows: the document itself, where a base names another one
_ID = re.compile(r"[a-z0-9][a-z0-9.-]{0,59}")
# Encodings in which no byte of a longer character can be a quote, a delimiter or a line end.
_ENCODINGS = frozenset(
    codecs.lookup(name).name
    for name in (
        *("ascii", "utf-8", "latin-1", "iso8859-2", "iso8859-5", "iso8859-7", "iso8859-9"),
        *("iso8859-15", "koi8-r", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255"),
        *("cp1256", "cp1257", "cp1258", "gb18030", "gbk", "gb2312", "big5", "shift_jis"),
        *("euc_jp", "euc_kr"),
    )
)
# A cell of the template that FreeSWITCH's cdr_csv.conf.xml gives: one variable, in quotes or not.
_TEMPLATE_CELL = re.compile(r'"?\$\{([A-Za-z0-9_.-]+)\}"?')


def read_map(raw: dict[str, Any], what: str) -> ColumnMap:
    """The map in a TOML document; `what` names its file. Raises CallerError COLUMN_MAP."""
    top = Table(what, "", raw)
    map_id = top.text("id")
    if _ID.fullmatch(map_id) is None:
        raise top.fault("id", f"want 1 to 60 of a-z 0-9 . -, got {map_id!r}")
    version = top.number("version")
    format_ = top.text("format")
    if format_ not in FORMATS:
        raise top.fault("format", f"want one of {', '.join(FORMATS)}, got {format_!r}")
    kind = CODED.get(format_) or top.text("kind")
    delimiter, encoding, header, columns = _csv(top.table("csv"), format_)
    rows, encoded = _json(top.table("json"), format_)
    recognise = top.table("recognise") or Table(what, "recognise", {})
    recognise_columns = recognise.texts("columns")
    recognise_name = recognise.optional("name")
    recognise_cells = _cells(recognise.table("cells"), columns)
    optional = recognise.texts("optional")
    recognise.done("columns, name, cells, optional")
    account, account_required = _account(top.table("account"))
    matter = _matter(top.table("matter"))
    if account is not None and matter is not None:
        raise top.fault("matter", "stands beside [account]; want one of them")
    occurred_at, time = _occurred_at(top.table("occurred_at"), format_)
    identity = _columns(top.table("identity"))
    attachments = _columns(top.table("attachments"))
    rename = _rename(top.table("rename"))
    claims = read_claims(top.table("claims"), what, kind, time.zone)
    milestone = _milestone(top.table("milestone"), format_)
    source, number = _source(top.table("source"), format_)
    if format_ in CODED and (identity or attachments or rename or claims):
        raise top.fault(
            "format", f"a map for {format_} has no identity, attachments, rename or claims"
        )
    top.done("the tables and keys of §2")
    result = ColumnMap(
        what=what,
        id=map_id,
        version=version,
        format=format_,
        kind=kind,
        delimiter=delimiter,
        encoding=encoding,
        header=header,
        columns=columns,
        rows=rows,
        encoded=encoded,
        optional=optional,
        recognise_columns=recognise_columns,
        recognise_cells=recognise_cells,
        recognise_name=recognise_name,
        account=account,
        account_required=account_required,
        matter=matter,
        occurred_at=occurred_at,
        time=time,
        identity=identity,
        attachments=attachments,
        rename=rename,
        claims=claims,
        milestone=milestone,
        source=source,
        number=number,
    )
    _check_columns(result)
    return result


def _csv(table: Table | None, format_: str) -> tuple[str, str, bool, tuple[str, ...]]:
    if table is None:
        return ",", "utf-8", True, ()
    if format_ != CSV:
        raise table.fault("", f"stands in a map of format {format_}")
    delimiter = table.text("delimiter", ",")
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0 ':
        raise table.fault("delimiter", f"want one ASCII character, got {delimiter!r}")
    wanted = table.text("encoding", "utf-8")
    try:
        encoding = codecs.lookup(wanted).name
    except LookupError:
        encoding = ""
    if encoding == "utf-8-sig":
        encoding = "utf-8"
    if encoding not in _ENCODINGS:
        raise table.fault(
            "encoding", f"want one of {', '.join(sorted(_ENCODINGS))}, got {wanted!r}"
        )
    header = table.flag("header", True)
    columns = table.texts("columns")
    template = table.optional("template")
    if template is not None:
        # It is the file's own word on its columns, so it takes the place of those of the base.
        columns = _template(table, template, delimiter)
    if header == bool(columns):
        raise table.fault("columns", "stands with header = false, and only there")
    table.done("delimiter, encoding, header, columns, template")
    return delimiter, encoding, header, columns


def _template(table: Table, template: str, delimiter: str) -> tuple[str, ...]:
    """The columns of a FreeSWITCH template, a variable each."""
    columns = []
    for number, cell in enumerate(template.strip().split(delimiter), start=1):
        match = _TEMPLATE_CELL.fullmatch(cell.strip(" "))
        if match is None:
            raise table.fault(
                "template", f'want "${{name}}" in cell {number} and nothing else, got {cell!r}'
            )
        columns.append(match[1])
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise table.fault("template", f"names {twice} twice")
    return tuple(columns)


def _json(table: Table | None, format_: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if table is None:
        return (), ()
    if format_ not in (JSON, NDJSON, XML):
        raise table.fault("", f"stands in a map of format {format_}")
    rows = table.optional("rows")
    if rows is not None and format_ != JSON:
        raise table.fault("rows", "in NDJSON each line is a row, in XML each document")
    encoded = table.texts("encoded")
    table.done("rows, encoded")
    return (() if rows is None or rows == DOCUMENT else tuple(rows.split("."))), encoded


def _cells(table: Table | None, columns: Sequence[str]) -> dict[str, re.Pattern[str]]:
    if table is None:
        return {}
    cells = {}
    for name in list(table.rest):
        if name not in columns:
            raise table.fault(name, "is no column of a file without header")
        try:
            cells[name] = re.compile(table.text(name))
        except re.error as error:
            raise table.fault(name, f"is no regular expression: {error}") from error
    return cells


def _account(table: Table | None) -> tuple[str | None, bool]:
    if table is None:
        return None, False
    column = table.text("column")
    required = table.flag("required", True)
    table.done("column, required")
    return column, required


def _matter(table: Table | None) -> str | None:
    if table is None:
        return None
    column = table.text("column")
    table.done("column")
    return column


def _source(table: Table | None, format_: str) -> tuple[str | None, str | None]:
    if table is None:
        return None, None
    name = table.text("name")
    number = table.optional("number")
    if number is not None and format_ in CODED:
        raise table.fault("number", f"rows of {format_} have no number column")
    table.done("name, number")
    return name, number


def _occurred_at(table: Table | None, format_: str) -> tuple[tuple[str, ...], TimeReader]:
    if table is None:
        field = "start" if format_ == VCON else "occurred_at"
        return (), TimeReader(field, NAMED_FORMATS[0], None)
    if format_ == EPCIS:
        raise table.fault("", "an EPCIS event names its time itself")
    if format_ == VCON:
        time = read_time(table, "start")
        table.done("format, zone, none")
        return (), time
    column = table.optional("column")
    columns = table.texts("columns")
    if column is not None and columns:
        raise table.fault("", "want either column or columns")
    names = columns or (() if column is None else (column,))
    if not names and "zone" not in table.rest:
        # A zone alone is that of the other times: the rows have none of their own.
        raise table.fault("", "want a column, or a zone for the other times")
    time = read_time(table, ", ".join(names) or "occurred_at")
    table.done("column, columns, format, zone, none")
    return names, time


def _columns(table: Table | None) -> tuple[str, ...]:
    if table is None:
        return ()
    columns = table.texts("columns")
    if not columns:
        raise table.fault("columns", "names no column")
    table.done("columns")
    return columns


def _rename(table: Table | None) -> dict[str, tuple[str, ...]]:
    if table is None:
        return {}
    return {name: table.texts(name) for name in list(table.rest)}


def _milestone(table: Table | None, format_: str) -> MilestonePlan | None:
    if table is None:
        return None
    if format_ != EPCIS:
        raise table.fault("", f"stands in a map of format {format_}")
    template = table.text("template")
    consignment = table.optional("consignment")
    steps: dict[str, Step] = {}
    inner = table.table("steps") or Table(table.what, "milestone.steps", {})
    for name in list(inner.rest):
        step = inner.table(name)
        if step is not None:
            steps[name] = Step(step.text("step"), step.text("label"))
            step.done("step, label")
    table.done("template, consignment, steps")
    return MilestonePlan(template, consignment, steps)


def _check_columns(map_: ColumnMap) -> None:
    wanted = map_.wanted_columns
    for name in wanted:
        if name in REJECT_COLUMNS:
            raise fault(map_.what, "columns", f"{name} is a column of rejects files")
    if not map_.header:
        missing = sorted(set(wanted) - set(map_.columns))
        if missing:
            raise fault(map_.what, "csv.columns", f"does not name {', '.join(missing)}")
    if map_.format not in CODED and not map_.read_columns:
        raise fault(map_.what, "claims", "the map reads no column at all")
    needed = {*map_.identity, *map_.occurred_at, map_.matter}
    for name in map_.optional:
        if name not in map_.read_columns or name in needed:
            raise fault(map_.what, "recognise.optional", f"{name} is no column that may be missing")
    _check_rename(map_)
    plan = map_.milestone
    if map_.format in CODED:
        for key, path in (
            ("account.column", map_.account),
            ("matter.column", map_.matter),
            ("milestone.consignment", plan.consignment if plan is not None else None),
        ):
            if path is not None:
                try:
                    parse_path(path)
                except ValueError as error:
                    raise fault(map_.what, key, str(error)) from error


def _check_rename(map_: ColumnMap) -> None:
    taken = set(map_.known_columns)
    for name, others in map_.rename.items():
        if name not in map_.known_columns:
            raise fault(map_.what, f"rename.{name}", "is no column that the map reads")
        for other in others:
            if other in taken:
                raise fault(map_.what, f"rename.{name}", f"{other!r} already names a column")
            taken.add(other)

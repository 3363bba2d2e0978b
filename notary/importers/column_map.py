"""Owns the column map: the file, what it may say, and what it means (docs/spec/column-map.md §2, §9).

Every fault of a map is found when it is read, before any row is. The shipped maps beside it follow
importers.md §1 to §5 and §9. Tests: tests/unit/importers/test_column_map.py, for those maps
tests/unit/importers/test_call_logs.py.
"""

from __future__ import annotations

import codecs
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from notary.errors import CallerError
from notary.importers.currencies import DECIMALS
from notary.importers.moments import NAMED_FORMATS, DateReader, TimeReader, find_zone
from notary.importers.paths import parse_path
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json, encode
from verifier.format.kinds import check_claim

CSV = "csv"
NDJSON = "ndjson"
JSON = "json"
XML = "xml"
EPCIS = "epcis"
VCON = "vcon"
FORMATS = (CSV, NDJSON, JSON, XML, EPCIS, VCON)
# Formats whose records are made by code: a map only leads to the matter and declares what the file lacks.
CODED = {EPCIS: "milestone", VCON: "call"}
MAX_MAP_BYTES = 256 * 2**10  # a map is written by hand
DOCUMENT = "."  # as the path of the rows: the document itself, where a base names another one
REJECT_COLUMNS = ("_reject_row", "_reject_field", "_reject_reason", "_reject_remedy")

_SHIPPED = "shipped map "
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
# What the importer itself records; a map can't claim it.
_OWN_CLAIMS = frozenset({"occurred_at", "occurred_at_source", "account", "import", "raw"})
_OPTIONS: dict[str, frozenset[str]] = {
    "text": frozenset({"column", "values"}),
    "first": frozenset({"columns"}),
    "least": frozenset({"columns"}),
    "filled": frozenset({"column", "filled", "empty", "none"}),
    "object": frozenset({"of"}),
    "integer": frozenset({"column"}),
    "duration": frozenset({"column"}),
    "amount": frozenset({"column", "currency", "currency_column", "decimal", "thousands"}),
    "date": frozenset({"column", "format"}),
    "time": frozenset({"column", "format", "zone", "none"}),
    "phone": frozenset({"column"}),
    "list": frozenset({"column", "separator"}),
    "parties": frozenset({"of"}),
    "constant": frozenset({"value"}),
}
PARTY_ROLES = frozenset(
    {
        *("debtor", "guarantor", "contact", "third_party", "creditor", "agency"),
        *("carrier", "buyer", "seller", "tribunal"),
    }
)


@dataclass(frozen=True)
class Claim:
    """How one claim is made. `columns` are all that it reads; which options stand depends on `type`."""

    name: str
    type: str
    columns: tuple[str, ...]
    required: bool
    values: Mapping[str, str] | None = None
    currency: str | None = None
    decimal: str = "."
    thousands: str = ""
    separator: str = ";"
    time: TimeReader | None = None
    date: DateReader | None = None
    roles: tuple[str, ...] = ()
    constant: Json = None
    filled: str = ""
    empty: str = ""
    none: tuple[str, ...] = ()
    parts: tuple[Claim, ...] = ()


@dataclass(frozen=True)
class Step:
    """A template's step: its number within a consignment and its name."""

    number: str
    label: str


@dataclass(frozen=True)
class MilestonePlan:
    """How an EPCIS event finds its node of a template."""

    template: str
    consignment: str | None
    steps: Mapping[str, Step]


@dataclass(frozen=True)
class ColumnMap:
    """A column map, read and checked. `what` names the file in messages."""

    what: str
    id: str
    version: int
    format: str
    kind: str
    delimiter: str
    encoding: str
    header: bool
    columns: tuple[str, ...]
    rows: tuple[str, ...]  # (): the document itself is a row, or an array of rows
    encoded: tuple[str, ...]
    optional: tuple[str, ...]
    recognise_columns: tuple[str, ...]
    recognise_cells: Mapping[str, re.Pattern[str]]
    recognise_name: str | None
    account: str | None
    account_required: bool
    matter: str | None
    occurred_at: tuple[str, ...]
    time: TimeReader
    identity: tuple[str, ...]
    attachments: tuple[str, ...]
    rename: Mapping[str, tuple[str, ...]]
    claims: tuple[Claim, ...]
    milestone: MilestonePlan | None
    source: str | None
    number: str | None

    @property
    def shipped(self) -> bool:
        """Whether the map comes with the service, as it stands."""
        return self.what.startswith(_SHIPPED)

    @property
    def read_columns(self) -> tuple[str, ...]:
        """Every column that the map reads, in a fixed order."""
        names = {*self.occurred_at, *self.identity, *self.attachments}
        names |= {name for name in (self.account, self.matter, self.number) if name is not None}
        for claim in self.claims:
            names.update(claim.columns)
        return tuple(sorted(names))

    @property
    def wanted_columns(self) -> tuple[str, ...]:
        """Every column that must be there for the map to fit."""
        return tuple(sorted({*self.read_columns, *self.recognise_columns} - {*self.optional}))

    @property
    def known_columns(self) -> frozenset[str]:
        """Every column that the map names."""
        return frozenset({*self.read_columns, *self.recognise_columns})


def load_map(path: Path) -> ColumnMap:
    """Read a column map file. Raises CallerError COLUMN_MAP, naming file, key, cause and remedy."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_MAP_BYTES + 1)
    except OSError as error:
        raise CallerError("COLUMN_MAP", f"{path}: {error.strerror}.") from error
    return parse_map(data, str(path))


def parse_map(data: bytes, what: str) -> ColumnMap:
    """Read a column map's bytes; `what` names them in messages. Raises CallerError COLUMN_MAP."""
    if len(data) > MAX_MAP_BYTES:
        raise CallerError(
            "COLUMN_MAP", f"{what}: a map has at most {MAX_MAP_BYTES} bytes, got {len(data)}."
        )
    try:
        table = tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise CallerError("COLUMN_MAP", f"{what}: byte {error.start} is not UTF-8.") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise CallerError("COLUMN_MAP", f"{what}: {error}.") from error
    base = table.pop("base", None)
    if base is not None:
        table = _over(_shipped_table(base, what), table)
    return _Reader(what).read(table)


@cache
def shipped_maps() -> tuple[ColumnMap, ...]:
    """The maps that come with the service (column-map.md §9), by name."""
    return tuple(
        parse_map(entry.read_bytes(), f"{_SHIPPED}{entry.name}")
        for entry in sorted(_shipped_folder().iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    )


def shipped_map(name: str) -> ColumnMap:
    """One shipped map by its identifier."""
    return next(known for known in shipped_maps() if known.id == name)


def _shipped_folder() -> Any:
    return resources.files("notary.importers").joinpath("maps")


def _shipped_table(name: object, what: str) -> dict[str, Any]:
    names = sorted(
        entry.name.removesuffix(".toml")
        for entry in _shipped_folder().iterdir()
        if entry.name.endswith(".toml")
    )
    if name not in names:
        raise CallerError(
            "COLUMN_MAP", f"{what}: base is {name!r}; want one of {', '.join(names)}."
        )
    text: str = _shipped_folder().joinpath(f"{name}.toml").read_text("utf-8")
    table = tomllib.loads(text)
    base = table.pop("base", None)
    return table if base is None else _over(_shipped_table(base, what), table)


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """`below`, changed in what `above` names. What belongs to another format is left out."""
    result = dict(below)
    format_ = above.get("format", below.get("format"))
    if format_ != below.get("format"):
        result.pop("csv", None)
        table = result.pop("json", None)
        if format_ in (JSON, NDJSON, XML) and isinstance(table, dict):
            # Each line of NDJSON is a row, and so is a document of XML; how its values are written stays.
            result["json"] = {name: value for name, value in table.items() if name != "rows"}
    for key, value in above.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            result[key] = _over(old, value)
        else:
            result[key] = value
    return result


class _Table:
    """Takes the keys of one TOML table by type and refuses what is left over."""

    def __init__(self, reader: _Reader, path: str, table: object) -> None:
        self.reader = reader
        self.path = path
        if not isinstance(table, dict):
            raise reader.fault(path or "the map", "want a table")
        self.rest = dict(table)

    def key(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def text(self, name: str, default: str | None = None) -> str:
        value = self.optional(name)
        if value is None:
            if default is None:
                raise self.reader.fault(self.key(name), "is missing")
            return default
        return value

    def optional(self, name: str) -> str | None:
        value = self.rest.pop(name, None)
        if value is not None and (not isinstance(value, str) or not value):
            raise self.reader.fault(self.key(name), f"want a text, got {value!r}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self.rest.pop(name, default)
        if not isinstance(value, bool):
            raise self.reader.fault(self.key(name), f"want true or false, got {value!r}")
        return value

    def number(self, name: str) -> int:
        value = self.rest.pop(name, None)
        if type(value) is not int or not 1 <= value <= 10**6:
            raise self.reader.fault(self.key(name), f"want a whole number from 1, got {value!r}")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.rest.pop(name, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise self.reader.fault(self.key(name), f"want an array of texts, got {value!r}")
        if len(set(value)) != len(value):
            raise self.reader.fault(self.key(name), "names a column twice")
        return tuple(value)

    def table(self, name: str) -> _Table | None:
        if name not in self.rest:
            return None
        return _Table(self.reader, self.key(name), self.rest.pop(name))

    def done(self, known: str = "") -> None:
        if self.rest:
            hint = f"; known here: {known}" if known else ""
            raise self.reader.fault(self.key(min(self.rest)), f"is not known{hint}")


class _Reader:
    """Reads one map's tables; `what` is its file."""

    def __init__(self, what: str) -> None:
        self.what = what

    def fault(self, key: str, reason: str) -> CallerError:
        return CallerError(
            "COLUMN_MAP", f"{self.what}: {key}: {reason}. See docs/spec/column-map.md §2."
        )

    def read(self, raw: dict[str, Any]) -> ColumnMap:
        top = _Table(self, "", raw)
        map_id = top.text("id")
        if _ID.fullmatch(map_id) is None:
            raise self.fault("id", f"want 1 to 60 of a-z 0-9 . -, got {map_id!r}")
        version = top.number("version")
        format_ = top.text("format")
        if format_ not in FORMATS:
            raise self.fault("format", f"want one of {', '.join(FORMATS)}, got {format_!r}")
        kind = CODED.get(format_) or top.text("kind")
        delimiter, encoding, header, columns = self._csv(top.table("csv"), format_)
        rows, encoded = self._json(top.table("json"), format_)
        recognise = top.table("recognise") or _Table(self, "recognise", {})
        recognise_columns = recognise.texts("columns")
        recognise_name = recognise.optional("name")
        recognise_cells = self._cells(recognise.table("cells"), columns)
        optional = recognise.texts("optional")
        recognise.done("columns, name, cells, optional")
        account, account_required = self._account(top.table("account"))
        matter = self._matter(top.table("matter"))
        if account is not None and matter is not None:
            raise self.fault("matter", "stands beside [account]; want one of them")
        occurred_at, time = self._occurred_at(top.table("occurred_at"), format_)
        identity = self._columns(top.table("identity"))
        attachments = self._columns(top.table("attachments"))
        rename = self._rename(top.table("rename"))
        claims = self._claims(top.table("claims"), kind, time.zone)
        milestone = self._milestone(top.table("milestone"), format_)
        source, number = self._source(top.table("source"), format_)
        if format_ in CODED and (identity or attachments or rename or claims):
            raise self.fault(
                "format", f"a map for {format_} has no identity, attachments, rename or claims"
            )
        top.done("the tables and keys of §2")
        result = ColumnMap(
            what=self.what,
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
        self._check_columns(result)
        return result

    def _csv(self, table: _Table | None, format_: str) -> tuple[str, str, bool, tuple[str, ...]]:
        if table is None:
            return ",", "utf-8", True, ()
        if format_ != CSV:
            raise self.fault("csv", f"stands in a map of format {format_}")
        delimiter = table.text("delimiter", ",")
        if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0 ':
            raise self.fault("csv.delimiter", f"want one ASCII character, got {delimiter!r}")
        wanted = table.text("encoding", "utf-8")
        try:
            encoding = codecs.lookup(wanted).name
        except LookupError:
            encoding = ""
        if encoding == "utf-8-sig":
            encoding = "utf-8"
        if encoding not in _ENCODINGS:
            raise self.fault(
                "csv.encoding", f"want one of {', '.join(sorted(_ENCODINGS))}, got {wanted!r}"
            )
        header = table.flag("header", True)
        columns = table.texts("columns")
        template = table.optional("template")
        if template is not None:
            # It is the file's own word on its columns, so it takes the place of those of the base.
            columns = self._template(table.key("template"), template, delimiter)
        if header == bool(columns):
            raise self.fault("csv.columns", "stands with header = false, and only there")
        table.done("delimiter, encoding, header, columns, template")
        return delimiter, encoding, header, columns

    def _template(self, key: str, template: str, delimiter: str) -> tuple[str, ...]:
        """The columns of a FreeSWITCH template, a variable each."""
        columns = []
        for number, cell in enumerate(template.strip().split(delimiter), start=1):
            match = _TEMPLATE_CELL.fullmatch(cell.strip(" "))
            if match is None:
                raise self.fault(
                    key, f'want "${{name}}" in cell {number} and nothing else, got {cell!r}'
                )
            columns.append(match[1])
        twice = next((name for name in columns if columns.count(name) > 1), None)
        if twice is not None:
            raise self.fault(key, f"names {twice} twice")
        return tuple(columns)

    def _json(self, table: _Table | None, format_: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if table is None:
            return (), ()
        if format_ not in (JSON, NDJSON, XML):
            raise self.fault("json", f"stands in a map of format {format_}")
        rows = table.optional("rows")
        if rows is not None and format_ != JSON:
            raise self.fault("json.rows", "in NDJSON each line is a row, in XML each document")
        encoded = table.texts("encoded")
        table.done("rows, encoded")
        return (() if rows is None or rows == DOCUMENT else tuple(rows.split("."))), encoded

    def _cells(self, table: _Table | None, columns: Sequence[str]) -> dict[str, re.Pattern[str]]:
        if table is None:
            return {}
        cells = {}
        for name in list(table.rest):
            if name not in columns:
                raise self.fault(table.key(name), "is no column of a file without header")
            try:
                cells[name] = re.compile(table.text(name))
            except re.error as error:
                raise self.fault(table.key(name), f"is no regular expression: {error}") from error
        return cells

    def _account(self, table: _Table | None) -> tuple[str | None, bool]:
        if table is None:
            return None, False
        column = table.text("column")
        required = table.flag("required", True)
        table.done("column, required")
        return column, required

    def _matter(self, table: _Table | None) -> str | None:
        if table is None:
            return None
        column = table.text("column")
        table.done("column")
        return column

    def _source(self, table: _Table | None, format_: str) -> tuple[str | None, str | None]:
        if table is None:
            return None, None
        name = table.text("name")
        number = table.optional("number")
        if number is not None and format_ in CODED:
            raise self.fault("source.number", f"rows of {format_} have no number column")
        table.done("name, number")
        return name, number

    def _occurred_at(
        self, table: _Table | None, format_: str
    ) -> tuple[tuple[str, ...], TimeReader]:
        if table is None:
            field = "start" if format_ == VCON else "occurred_at"
            return (), TimeReader(field, NAMED_FORMATS[0], None)
        if format_ == EPCIS:
            raise self.fault("occurred_at", "an EPCIS event names its time itself")
        if format_ == VCON:
            time = self._time(table, "start")
            table.done("format, zone, none")
            return (), time
        column = table.optional("column")
        columns = table.texts("columns")
        if column is not None and columns:
            raise self.fault("occurred_at", "want either column or columns")
        names = columns or (() if column is None else (column,))
        if not names and "zone" not in table.rest:
            # A zone alone is that of the other times: the rows have none of their own.
            raise self.fault("occurred_at", "want a column, or a zone for the other times")
        time = self._time(table, ", ".join(names) or "occurred_at")
        table.done("column, columns, format, zone, none")
        return names, time

    def _time(self, table: _Table, field: str, zone: ZoneInfo | None = None) -> TimeReader:
        """`zone` is that of a map's other times, where the table names none."""
        format_ = table.text("format", NAMED_FORMATS[0])
        none = table.texts("none")
        name = table.optional("zone")
        if name is not None:
            zone = find_zone(name)
            if zone is None:
                raise self.fault(table.key("zone"), f"{name!r} is no IANA time zone")
        try:
            return TimeReader(field, format_, zone, none)
        except ValueError as error:
            raise self.fault(table.key("format"), str(error)) from error

    def _columns(self, table: _Table | None) -> tuple[str, ...]:
        if table is None:
            return ()
        columns = table.texts("columns")
        if not columns:
            raise self.fault(table.key("columns"), "names no column")
        table.done("columns")
        return columns

    def _rename(self, table: _Table | None) -> dict[str, tuple[str, ...]]:
        if table is None:
            return {}
        return {name: table.texts(name) for name in list(table.rest)}

    def _milestone(self, table: _Table | None, format_: str) -> MilestonePlan | None:
        if table is None:
            return None
        if format_ != EPCIS:
            raise self.fault("milestone", f"stands in a map of format {format_}")
        template = table.text("template")
        consignment = table.optional("consignment")
        steps: dict[str, Step] = {}
        inner = table.table("steps") or _Table(self, "milestone.steps", {})
        for name in list(inner.rest):
            step = inner.table(name)
            if step is not None:
                steps[name] = Step(step.text("step"), step.text("label"))
                step.done("step, label")
        table.done("template, consignment, steps")
        return MilestonePlan(template, consignment, steps)

    def _claims(self, table: _Table | None, kind: str, zone: ZoneInfo | None) -> tuple[Claim, ...]:
        names = [] if table is None else list(table.rest)
        claims = []
        for name in names:
            key = f"claims.{name}"
            try:
                check_claim(kind, name)
            except FormatError as error:
                raise self.fault(key, error.message) from error
            if name in _OWN_CLAIMS or name.startswith("attachment-"):
                raise self.fault(key, "is made by the importer itself")
            assert table is not None
            inner = table.table(name)
            if inner is not None:
                claims.append(self._claim(name, inner, zone))
        if not names:
            # A kind that does not exist must not pass because nothing was claimed.
            try:
                check_claim(kind, "occurred_at")
            except FormatError as error:
                raise self.fault("kind", error.message) from error
        return tuple(claims)

    def _claim(self, name: str, table: _Table, zone: ZoneInfo | None) -> Claim:
        type_ = table.text("type")
        if type_ not in _OPTIONS:
            raise self.fault(table.key("type"), f"want one of {', '.join(_OPTIONS)}, got {type_!r}")
        foreign = set(table.rest) - _OPTIONS[type_] - {"required"}
        if foreign:
            raise self.fault(
                table.key(min(foreign)),
                f"is not known for {type_}; known here: {', '.join(sorted(_OPTIONS[type_]))}",
            )
        required = table.flag("required", False)
        if type_ == "constant":
            return Claim(name, type_, (), required, constant=self._constant(table))
        if type_ == "parties":
            roles, columns = self._parties(table)
            return Claim(name, type_, columns, required, roles=roles)
        if type_ == "object":
            return self._object(name, table, required, zone)
        if type_ in ("first", "least"):
            columns = table.texts("columns")
            if not columns:
                raise self.fault(table.key("columns"), "names no column")
            return Claim(name, type_, columns, required)
        column = table.text("column")
        if type_ == "amount":
            return self._amount(name, table, column, required)
        if type_ == "time":
            time = self._time(table, column, zone)
            return Claim(name, type_, (column,), required, time=time)
        if type_ == "filled":
            filled, empty = table.text("filled"), table.text("empty")
            none = table.texts("none")
            return Claim(name, type_, (column,), required, filled=filled, empty=empty, none=none)
        if type_ == "date":
            try:
                date = DateReader(column, table.text("format", "%Y-%m-%d"))
            except ValueError as error:
                raise self.fault(table.key("format"), str(error)) from error
            return Claim(name, type_, (column,), required, date=date)
        return Claim(
            name,
            type_,
            (column,),
            required,
            values=self._values(table),
            separator=table.text("separator", ";"),
        )

    def _object(self, name: str, table: _Table, required: bool, zone: ZoneInfo | None) -> Claim:
        of = table.table("of")
        parts: list[Claim] = []
        for member in list(of.rest) if of is not None else ():
            inner = of.table(member) if of is not None else None
            if inner is not None:
                part = self._claim(member, inner, zone)
                if part.type == "object" or part.required:
                    raise self.fault(inner.path, "a member is no object and is not required")
                parts.append(part)
        if not parts:
            raise self.fault(table.key("of"), "want a table of members")
        columns = tuple(column for part in parts for column in part.columns)
        return Claim(name, "object", columns, required, parts=tuple(parts))

    def _constant(self, table: _Table) -> Json:
        value = table.rest.pop("value", None)
        try:
            encode(value)
        except FormatError as error:
            raise self.fault(table.key("value"), error.message) from error
        if value is None or value == "":
            raise self.fault(table.key("value"), "is missing")
        return value  # type: ignore[no-any-return] # encode has just checked its type

    def _parties(self, table: _Table) -> tuple[tuple[str, ...], tuple[str, ...]]:
        parties = table.rest.pop("of", None)
        if not isinstance(parties, list) or not parties:
            raise self.fault(table.key("of"), "want an array of tables with role and column")
        roles, columns = [], []
        for index, party in enumerate(parties):
            inner = _Table(self, f"{table.key('of')}[{index}]", party)
            role = inner.text("role")
            if role not in PARTY_ROLES:
                raise self.fault(
                    inner.key("role"), f"want one of {', '.join(sorted(PARTY_ROLES))}, got {role!r}"
                )
            roles.append(role)
            columns.append(inner.text("column"))
            inner.done("role, column")
        return tuple(roles), tuple(columns)

    def _values(self, table: _Table) -> dict[str, str] | None:
        inner = table.table("values")
        if inner is None:
            return None
        return {name: inner.text(name) for name in list(inner.rest)}

    def _amount(self, name: str, table: _Table, column: str, required: bool) -> Claim:
        currency = table.optional("currency")
        currency_column = table.optional("currency_column")
        if (currency is None) == (currency_column is None):
            raise self.fault(table.path, "want either currency or currency_column")
        if currency is not None and currency not in DECIMALS:
            raise self.fault(
                table.key("currency"), f"want a code of ISO 4217 such as EUR, got {currency!r}"
            )
        decimal = table.text("decimal", ".")
        thousands = table.optional("thousands") or ""
        if decimal not in (".", ",") or thousands not in ("", ".", ",", "'", " ", "\u00a0"):
            raise self.fault(table.key("decimal"), "want . or , and thousands of . , ' or a blank")
        if decimal == thousands:
            raise self.fault(table.key("thousands"), "is the same as decimal")
        columns = (column,) if currency_column is None else (column, currency_column)
        return Claim(
            name,
            "amount",
            columns,
            required,
            currency=currency,
            decimal=decimal,
            thousands=thousands,
        )

    def _check_columns(self, map_: ColumnMap) -> None:
        wanted = map_.wanted_columns
        for name in wanted:
            if name in REJECT_COLUMNS:
                raise self.fault("columns", f"{name} is a column of rejects files")
        if not map_.header:
            missing = sorted(set(wanted) - set(map_.columns))
            if missing:
                raise self.fault("csv.columns", f"does not name {', '.join(missing)}")
        if map_.format not in CODED and not map_.read_columns:
            raise self.fault("claims", "the map reads no column at all")
        needed = {*map_.identity, *map_.occurred_at, map_.matter}
        for name in map_.optional:
            if name not in map_.read_columns or name in needed:
                raise self.fault("recognise.optional", f"{name} is no column that may be missing")
        self._check_rename(map_)
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
                        raise self.fault(key, str(error)) from error

    def _check_rename(self, map_: ColumnMap) -> None:
        taken = set(map_.known_columns)
        for name, others in map_.rename.items():
            if name not in map_.known_columns:
                raise self.fault(f"rename.{name}", "is no column that the map reads")
            for other in others:
                if other in taken:
                    raise self.fault(f"rename.{name}", f"{other!r} already names a column")
                taken.add(other)

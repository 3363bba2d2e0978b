"""Owns the claims of a column map: of which types, by which options (docs/spec/column-map.md §2).

Test: tests/unit/importers/test_column_map.py.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from notary.importers.column_map import Claim
from notary.importers.currencies import DECIMALS
from notary.importers.map_table import Table, fault, read_time
from notary.importers.moments import DateReader
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json, encode
from verifier.format.kinds import check_claim

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


def read_claims(
    table: Table | None, what: str, kind: str, zone: ZoneInfo | None
) -> tuple[Claim, ...]:
    names = [] if table is None else list(table.rest)
    claims = []
    for name in names:
        key = f"claims.{name}"
        try:
            check_claim(kind, name)
        except FormatError as error:
            raise fault(what, key, error.message) from error
        if name in _OWN_CLAIMS or name.startswith("attachment-"):
            raise fault(what, key, "is made by the importer itself")
        assert table is not None
        inner = table.table(name)
        if inner is not None:
            claims.append(_claim(name, inner, zone))
    if not names:
        # A kind that does not exist must not pass because nothing was claimed.
        try:
            check_claim(kind, "occurred_at")
        except FormatError as error:
            raise fault(what, "kind", error.message) from error
    return tuple(claims)


def _claim(name: str, table: Table, zone: ZoneInfo | None) -> Claim:
    type_ = table.text("type")
    if type_ not in _OPTIONS:
        raise table.fault("type", f"want one of {', '.join(_OPTIONS)}, got {type_!r}")
    foreign = set(table.rest) - _OPTIONS[type_] - {"required"}
    if foreign:
        raise table.fault(
            min(foreign),
            f"is not known for {type_}; known here: {', '.join(sorted(_OPTIONS[type_]))}",
        )
    required = table.flag("required", False)
    if type_ == "constant":
        return Claim(name, type_, (), required, constant=_constant(table))
    if type_ == "parties":
        roles, columns = _parties(table)
        return Claim(name, type_, columns, required, roles=roles)
    if type_ == "object":
        return _object(name, table, required, zone)
    if type_ in ("first", "least"):
        columns = table.texts("columns")
        if not columns:
            raise table.fault("columns", "names no column")
        return Claim(name, type_, columns, required)
    column = table.text("column")
    if type_ == "amount":
        return _amount(name, table, column, required)
    if type_ == "time":
        time = read_time(table, column, zone)
        return Claim(name, type_, (column,), required, time=time)
    if type_ == "filled":
        filled, empty = table.text("filled"), table.text("empty")
        none = table.texts("none")
        return Claim(name, type_, (column,), required, filled=filled, empty=empty, none=none)
    if type_ == "date":
        try:
            date = DateReader(column, table.text("format", "%Y-%m-%d"))
        except ValueError as error:
            raise table.fault("format", str(error)) from error
        return Claim(name, type_, (column,), required, date=date)
    return Claim(
        name,
        type_,
        (column,),
        required,
        values=_values(table),
        separator=table.text("separator", ";"),
    )


def _object(name: str, table: Table, required: bool, zone: ZoneInfo | None) -> Claim:
    of = table.table("of")
    parts: list[Claim] = []
    for member in list(of.rest) if of is not None else ():
        inner = of.table(member) if of is not None else None
        if inner is not None:
            part = _claim(member, inner, zone)
            if part.type == "object" or part.required:
                raise inner.fault("", "a member is no object and is not required")
            parts.append(part)
    if not parts:
        raise table.fault("of", "want a table of members")
    columns = tuple(column for part in parts for column in part.columns)
    return Claim(name, "object", columns, required, parts=tuple(parts))


def _constant(table: Table) -> Json:
    value = table.rest.pop("value", None)
    try:
        encode(value)
    except FormatError as error:
        raise table.fault("value", error.message) from error
    if value is None or value == "":
        raise table.fault("value", "is missing")
    return value  # type: ignore[no-any-return] # encode has just checked its type


def _parties(table: Table) -> tuple[tuple[str, ...], tuple[str, ...]]:
    parties = table.rest.pop("of", None)
    if not isinstance(parties, list) or not parties:
        raise table.fault("of", "want an array of tables with role and column")
    roles, columns = [], []
    for index, party in enumerate(parties):
        inner = Table(table.what, f"{table.key('of')}[{index}]", party)
        role = inner.text("role")
        if role not in PARTY_ROLES:
            raise inner.fault("role", f"want one of {', '.join(sorted(PARTY_ROLES))}, got {role!r}")
        roles.append(role)
        columns.append(inner.text("column"))
        inner.done("role, column")
    return tuple(roles), tuple(columns)


def _values(table: Table) -> dict[str, str] | None:
    inner = table.table("values")
    if inner is None:
        return None
    return {name: inner.text(name) for name in list(inner.rest)}


def _amount(name: str, table: Table, column: str, required: bool) -> Claim:
    currency = table.optional("currency")
    currency_column = table.optional("currency_column")
    if (currency is None) == (currency_column is None):
        raise table.fault("", "want either currency or currency_column")
    if currency is not None and currency not in DECIMALS:
        raise table.fault("currency", f"want a code of ISO 4217 such as EUR, got {currency!r}")
    decimal = table.text("decimal", ".")
    thousands = table.optional("thousands") or ""
    if decimal not in (".", ",") or thousands not in ("", ".", ",", "'", " ", "\u00a0"):
        raise table.fault("decimal", "want . or , and thousands of . , ' or a blank")
    if decimal == thousands:
        raise table.fault("thousands", "is the same as decimal")
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

"""Owns what a column map says once it was read (docs/spec/column-map.md §2).

notary/importers/map_file.py reads one. Test: tests/unit/importers/test_column_map.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from notary.importers.moments import DateReader, TimeReader
from verifier.format.jsonc import Json

CSV = "csv"
NDJSON = "ndjson"
JSON = "json"
XML = "xml"
EPCIS = "epcis"
VCON = "vcon"
FORMATS = (CSV, NDJSON, JSON, XML, EPCIS, VCON)
# Formats whose records are made by code: a map only leads to the matter and declares what the file lacks.
CODED = {EPCIS: "milestone", VCON: "call"}
REJECT_COLUMNS = ("_reject_row", "_reject_field", "_reject_reason", "_reject_remedy")
SHIPPED = "shipped map "  # what the maps that come with the service are called in messages


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
        return self.what.startswith(SHIPPED)

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

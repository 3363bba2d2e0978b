"""Owns taking typed keys out of a map's TOML tables, with faults that name file, key, cause and section.

Test: tests/unit/importers/test_column_map.py.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from notary.errors import CallerError
from notary.importers.moments import NAMED_FORMATS, TimeReader, find_zone


def fault(what: str, key: str, reason: str) -> CallerError:
    """What is wrong with a key of the map in the file `what`."""
    return CallerError("COLUMN_MAP", f"{what}: {key}: {reason}. See docs/spec/column-map.md §2.")


class Table:
    """Takes the keys of one TOML table by type and refuses what is left over."""

    def __init__(self, what: str, path: str, table: object) -> None:
        """`what` is the map's file, `path` where the table stands in it. Raises CallerError COLUMN_MAP."""
        self.what = what
        self.path = path
        if not isinstance(table, dict):
            raise fault(what, path or "the map", "want a table")
        self.rest = dict(table)

    def fault(self, name: str, reason: str) -> CallerError:
        """What is wrong with one of its keys; the empty name is the table itself."""
        return fault(self.what, self.key(name), reason)

    def key(self, name: str) -> str:
        """The key as messages name it."""
        return ".".join(part for part in (self.path, name) if part)

    def text(self, name: str, default: str | None = None) -> str:
        value = self.optional(name)
        if value is None:
            if default is None:
                raise self.fault(name, "is missing")
            return default
        return value

    def optional(self, name: str) -> str | None:
        value = self.rest.pop(name, None)
        if value is not None and (not isinstance(value, str) or not value):
            raise self.fault(name, f"want a text, got {value!r}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self.rest.pop(name, default)
        if not isinstance(value, bool):
            raise self.fault(name, f"want true or false, got {value!r}")
        return value

    def number(self, name: str) -> int:
        value = self.rest.pop(name, None)
        if type(value) is not int or not 1 <= value <= 10**6:
            raise self.fault(name, f"want a whole number from 1, got {value!r}")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.rest.pop(name, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise self.fault(name, f"want an array of texts, got {value!r}")
        if len(set(value)) != len(value):
            raise self.fault(name, "names a column twice")
        return tuple(value)

    def table(self, name: str) -> Table | None:
        if name not in self.rest:
            return None
        return Table(self.what, self.key(name), self.rest.pop(name))

    def done(self, known: str = "") -> None:
        if self.rest:
            hint = f"; known here: {known}" if known else ""
            raise self.fault(min(self.rest), f"is not known{hint}")


def read_time(table: Table, field: str, zone: ZoneInfo | None = None) -> TimeReader:
    """`zone` is that of a map's other times, where the table names none."""
    format_ = table.text("format", NAMED_FORMATS[0])
    none = table.texts("none")
    name = table.optional("zone")
    if name is not None:
        zone = find_zone(name)
        if zone is None:
            raise table.fault("zone", f"{name!r} is no IANA time zone")
    try:
        return TimeReader(field, format_, zone, none)
    except ValueError as error:
        raise table.fault("format", str(error)) from error

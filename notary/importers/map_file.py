"""Owns the file of a column map: its bytes, its base, and the maps that are shipped (column-map.md §9).

The shipped ones follow importers.md §1 to §5 and §9. Tests: tests/unit/importers/test_column_map.py, for the
shipped maps tests/unit/importers/test_call_logs.py and tests/unit/importers/test_other_exports.py.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from notary.errors import CallerError
from notary.importers.column_map import JSON, NDJSON, SHIPPED, XML, ColumnMap
from notary.importers.map_reader import read_map

MAX_MAP_BYTES = 256 * 2**10  # a map is written by hand


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
    return read_map(table, what)


@cache
def shipped_maps() -> tuple[ColumnMap, ...]:
    """The maps that come with the service (column-map.md §9), by name."""
    return tuple(
        parse_map(entry.read_bytes(), f"{SHIPPED}{entry.name}")
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

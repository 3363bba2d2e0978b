"""Owns watch.toml: which folders, which service, and what leaves the house (docs/agent.md).

Test: tests/unit/agent/test_settings.py.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from notary.errors import CallerError
from notary.importers.column_map import EPCIS, ColumnMap
from notary.importers.map_file import load_map
from verifier.format import numbers
from verifier.format.errors import FormatError

FORMAT = "notary-watch/1"
NAME = "watch.toml"
SEND, DIGESTS = "send", "digests"

DEFAULT_SETTLE_S = 10  # longer than a copy over a network pauses
DEFAULT_POLL_S = 2
DEFAULT_SPOOL_MB = 10_240  # copies of originals that wait; above it files wait where they are


@dataclass(frozen=True)
class Folder:
    """A folder to follow. `map` says how its tables are read; without one each file is a record."""

    path: Path
    names: str = "*"
    matter: str | None = None
    map: ColumnMap | None = None
    originals: str = SEND


@dataclass(frozen=True)
class Settings:
    """What the agent does. `state` is its own folder: key, queue, copies."""

    state: Path
    server: str
    source: str
    key_file: Path
    folders: tuple[Folder, ...]
    receipt_keys: tuple[str, ...] = ()
    source_number: str | None = None  # of a source of the service that the service counts for
    ca: Path | None = None
    settle_s: float = DEFAULT_SETTLE_S
    poll_s: float = DEFAULT_POLL_S
    spool_mb: int = DEFAULT_SPOOL_MB

    def api_key(self) -> str:
        """The key of the HTTP interface. Raises CallerError KEY_FILE."""
        try:
            text = self.key_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CallerError(
                "KEY_FILE", f"{self.key_file} can't be read: {error}. Write the API key into it."
            ) from error
        if not text:
            raise CallerError("KEY_FILE", f"{self.key_file} is empty. Write the API key into it.")
        return text


def load(state: Path) -> Settings:
    """The settings in the agent's folder. Raises CallerError SETTINGS."""
    path = state / NAME
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise CallerError(
            "SETTINGS",
            f"{path} is not there. Write it (docs/agent.md), or name folders and --server.",
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CallerError("SETTINGS", f"{path} can't be read: {error}") from error
    try:
        return _settings(document, state)
    except CallerError as error:
        raise CallerError(error.code, f"{path}: {error}") from error


def checked(settings: Settings) -> Settings:
    """The settings, if they make sense together. Raises CallerError SETTINGS."""
    if not settings.folders:
        raise _wrong("no [[folder]] to follow")
    if not 1 <= len(settings.source) <= 100 or not settings.source.isprintable():
        raise _wrong("source is the name of this sender, of 1 to 100 characters")
    inside = settings.state.resolve()
    for one in settings.folders:
        if not one.path.is_dir():
            raise _wrong(f"{one.path} is no folder")
        place = one.path.resolve()
        if inside == place or inside.is_relative_to(place) or place.is_relative_to(inside):
            raise _wrong(
                f"{one.path} and the agent's own folder {settings.state} lie in one another"
            )
        if one.matter is not None:
            try:
                numbers.parse(one.matter)
            except FormatError as error:
                raise _wrong(f"{one.path}: matter: {error.message}") from error
        if one.map is None and one.matter is None:
            raise _wrong(
                f"{one.path} has neither a map nor a matter: nothing leads its files to one"
            )
        if one.map is not None and one.map.format == EPCIS:
            raise _wrong(
                f"{one.path}: EPCIS documents correct one another by their places in the log, which the "
                "agent does not know. Give them to `notary ingest`"
            )
    return settings


def _settings(document: dict[str, Any], state: Path) -> Settings:
    if document.pop("format", None) != FORMAT:
        raise _wrong(f'want format = "{FORMAT}"')
    folders = document.pop("folder", [])
    if not isinstance(folders, list):
        raise _wrong("folders stand as [[folder]]")
    known = {one.name for one in fields(Settings)} - {"state", "folders"}
    _only(document, known, "the file")
    values: dict[str, Any] = {}
    for name, kind in (
        ("server", str),
        ("source", str),
        ("settle_s", (int, float)),
        ("poll_s", (int, float)),
        ("spool_mb", int),
    ):
        if name in document:
            values[name] = _typed(document[name], kind, name)
    for name in ("server", "source"):
        if name not in values:
            raise _wrong(f"{name} is missing")
    keys = document.get("receipt_keys", [])
    if not isinstance(keys, list) or not all(isinstance(one, str) for one in keys):
        raise _wrong("receipt_keys is an array of texts")
    values["receipt_keys"] = tuple(keys)
    values["key_file"] = state / _typed(document.get("key_file", "api.key"), str, "key_file")
    if "source_number" in document:
        values["source_number"] = _typed(document["source_number"], str, "source_number")
    if "ca" in document:
        values["ca"] = state / _typed(document["ca"], str, "ca")
    for name in ("settle_s", "poll_s", "spool_mb"):
        if values.get(name, 1) <= 0:
            raise _wrong(f"{name} is above 0")
    made = tuple([_folder(one, state) for one in folders])
    return checked(Settings(state=state, folders=made, **values))


def _folder(table: Any, state: Path) -> Folder:
    if not isinstance(table, dict):
        raise _wrong("folders stand as [[folder]]")
    _only(table, {"path", "names", "matter", "map", "originals"}, "a [[folder]]")
    for name, value in table.items():
        _typed(value, str, name)
    if "path" not in table:
        raise _wrong("a [[folder]] has no path")
    originals = table.get("originals", SEND)
    if originals not in (SEND, DIGESTS):
        raise _wrong(f'originals is "{SEND}" or "{DIGESTS}"')
    return Folder(
        state / table["path"],
        table.get("names", "*"),
        table.get("matter"),
        load_map(state / table["map"]) if "map" in table else None,
        originals,
    )


def _typed(value: Any, kind: Any, name: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, kind):
        raise _wrong(f"{name} is {value!r}, which is of another type")
    return value


def _only(table: Mapping[str, Any], known: set[str], what: str) -> None:
    unknown = set(table) - known
    if unknown:
        raise _wrong(f"{what} has an unknown member {min(unknown)}")


def _wrong(reason: str) -> CallerError:
    return CallerError("SETTINGS", f"{reason}.")

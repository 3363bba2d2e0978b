"""Owns the files of rows that frauds are planted in: read whole, edited, written in the same form.

Test: tests/unit/cases/test_frauds.py.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from notary.cases import case_folder

Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Form:
    """How rows stand in a file: both directions, without loss for the files of a case."""

    read: Callable[[bytes], list[Row]]
    write: Callable[[Sequence[Row]], bytes]


@dataclass(frozen=True)
class Layout:
    """What one export's rows mean. Paths are of members joined by dots; `stamps` are its times, start first.

    `lengths` are its lengths in seconds: talk first where it is told, then the whole. `first_row` is the
    number of the first row as an importer counts them. `alone` says that rows follow no count, so that one
    that is taken out shows in the carrier's bill alone. `newest_first` says in which order they stand.
    """

    name: str
    files: str  # a pattern below the case's folder
    form: Form
    reference: str
    account: str
    outside: str  # the called number
    outbound: tuple[str, str] | None  # column and value of calls that the agency made
    stamps: tuple[str, ...]
    lengths: tuple[str, ...]
    moved: Callable[[Any, timedelta], Any]
    copied: Callable[[Row, int], None]  # gives a second row an identity of its own
    first_row: int
    alone: bool
    answered: Callable[[Row], bool]
    newest_first: bool = False


def member(row: Row, name: str) -> Any:
    """A member of a row, by its path."""
    found: Any = row
    for part in name.split("."):
        found = found[int(part)] if isinstance(found, list) else found[part]
    return found


@dataclass
class Sheet:
    """One file of a layout."""

    layout: Layout
    path: Path
    rows: list[Row] = field(default_factory=list)

    @classmethod
    def read(cls, layout: Layout, path: Path) -> Sheet:
        """The file's rows."""
        return cls(layout, path, layout.form.read(path.read_bytes()))

    def save(self) -> None:
        """Write the rows back."""
        self.path.write_bytes(self.layout.form.write(self.rows))

    def value(self, index: int, name: str) -> Any:
        """A member of a row."""
        return member(self.rows[index], name)

    def put(self, index: int, name: str, value: Any) -> tuple[Any, Any]:
        """Change a member; gives what it was and what it is."""
        folder, _, last = name.rpartition(".")
        found = member(self.rows[index], folder) if folder else self.rows[index]
        before = found[last]
        found[last] = value
        return before, value

    def move(self, index: int, by: timedelta) -> dict[str, tuple[Any, Any]]:
        """Move every time of a row."""
        return {
            name: self.put(index, name, self.layout.moved(self.value(index, name), by))
            for name in self.layout.stamps
            if self.value(index, name) not in ("", "0", None)
        }


def csv_form(columns: Sequence[str] = (), delimiter: str = ",") -> Form:
    """CSV with a header, as case_folder.table writes it."""

    def read(data: bytes) -> list[Row]:
        text = io.StringIO(data.decode(), newline="")
        return list(csv.DictReader(text, delimiter=delimiter))

    def write(rows: Sequence[Row]) -> bytes:
        out = io.StringIO(newline="")
        names = list(columns) or list(rows[0])
        writer = csv.DictWriter(out, names, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue().encode()

    return Form(read, write)


def lines_form() -> Form:
    """NDJSON, as case_folder.lines writes it."""
    return Form(
        lambda data: [json.loads(line) for line in data.splitlines()],
        lambda rows: case_folder.lines(rows),
    )


def log_form(columns: Sequence[str], bare: frozenset[str], empty: frozenset[str]) -> Form:
    """CSV without header, every cell quoted but those of `bare`, and of `empty` where they are."""

    def read(data: bytes) -> list[Row]:
        text = io.StringIO(data.decode(), newline="")
        return [dict(zip(columns, cells, strict=True)) for cells in csv.reader(text)]

    def write(rows: Sequence[Row]) -> bytes:
        return "".join(
            ",".join(_cell(row, name) for name in columns) + "\n" for row in rows
        ).encode()

    def _cell(row: Row, name: str) -> str:
        text = str(row[name])
        if name in bare or (name in empty and not text):
            return text
        return '"' + text.replace('"', '""') + '"'

    return Form(read, write)


def moved_text(form: str) -> Callable[[Any, timedelta], Any]:
    """Moves a time that is written in that form."""

    def moved(text: Any, by: timedelta) -> Any:
        return (datetime.strptime(text, form) + by).strftime(form)  # noqa: DTZ007 - the text's own clock

    return moved

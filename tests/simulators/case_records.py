"""Reads the exports of a case as the findings see them, by the real importers and without a store.

So a sweep over many seeds takes seconds. That the store gives the same is shown by
tests/unit/store/test_findings.py.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from notary.core.findings.seen import Seen, seen
from notary.importers.column_map import ColumnMap
from notary.importers.document import document_row, document_source
from notary.importers.map_file import load_map
from notary.importers.original import Original
from notary.importers.recognise import open_rows, recognise
from notary.importers.rows import ImportedRow, Reject

SECRET = bytes(32)


def register_of(case: Path) -> dict[str, str]:
    """The case's own name of each account's matter."""
    with (case / "accounts.csv").open(encoding="utf-8", newline="") as file:
        return {row["account"]: row["matter"] for row in csv.DictReader(file)}


def records_of(
    case: Path, folders: Sequence[Path], maps: Sequence[ColumnMap], first: int = 0
) -> Iterator[Seen]:
    """The records of these folders, entered in the order of their paths, after `first` others."""
    register = register_of(case)
    positions: dict[str, int] = {}
    entered = first
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.suffix in (".pdf", ".wav", ".toml"):
                continue
            for item in _rows(path, maps):
                matter = register.get(item.account or "")
                position = None
                if matter is not None:
                    position = positions.get(matter, 0)
                    positions[matter] = position + 1
                    entered += 1
                yield seen(
                    item.kind,
                    item.claims,
                    matter=matter,
                    position=position,
                    entered=None if matter is None else entered,
                )


_MOST_FILES = 2_000  # as many as some cases have
# The rows of files that were read before, by content and name: tests edit one file of many.
_READ: dict[tuple[str, bytes], list[ImportedRow]] = {}


def _rows(path: Path, maps: Sequence[ColumnMap]) -> list[ImportedRow]:
    key = (path.name, sha256(path.read_bytes()).digest())
    if key not in _READ:
        if len(_READ) > _MOST_FILES:
            _READ.clear()
        _READ[key] = _read(path, maps)
    return _READ[key]


def _read(path: Path, maps: Sequence[ColumnMap]) -> list[ImportedRow]:
    with Original(path) as original:
        found = recognise(original, maps, alone=False)
        assert not isinstance(found, Reject), (path, found)
        rows = []
        for item in () if found.map is None else open_rows(original, found.map, SECRET):
            assert isinstance(item, ImportedRow), f"{path}: {item}"
            rows.append(item)
        return rows


def mails_of(case: Path) -> list[Seen]:
    """The messages of the mail server, each in its account's matter."""
    register = register_of(case)
    found = []
    for position, path in enumerate(sorted((case / "mail").rglob("*.eml"))):
        with Original(path) as original:
            row = document_row(original, document_source(original, SECRET), bytes(32))
        assert isinstance(row, ImportedRow), row
        matter = register[path.parent.name]
        found.append(seen(row.kind, row.claims, matter=matter, position=position, entered=position))
    return found


def maps_in(folder: Path) -> list[ColumnMap]:
    """The column maps that lie in a folder."""
    return [load_map(path) for path in sorted(folder.glob("*.map.toml"))]


def days_of(case: Path) -> list[Seen]:
    """What the agency's systems left, day by day."""
    return list(records_of(case, sorted((case / "days").iterdir()), maps_in(case / "maps")))


def bills_of(case: Path) -> list[Seen]:
    """The carrier's bills, whose rows wait."""
    return list(records_of(case, [case / "bills"], maps_in(case / "bills")))


def switch_of(case: Path, name: str) -> list[Seen]:
    """What one way to log the calls wrote, day by day."""
    folder = case / "switches" / name
    days = sorted(path for path in folder.iterdir() if path.is_dir())
    return list(records_of(case, days, maps_in(folder)))

"""Owns the files of a generated case: how they are written, and which there are.

Test: tests/unit/importers/test_trade.py.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path


def table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], *, delimiter: str = ","
) -> bytes:
    """A CSV with a header; lines end in CR LF, as RFC 4180 wants it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue().encode()


def lines(objects: Sequence[Mapping[str, object]]) -> bytes:
    """NDJSON, with the characters as they are."""
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects).encode()


def map_text(case: str, name: str) -> str:
    """A column map that comes with a case, by its name without ending."""
    path = resources.files("notary.cases").joinpath(f"maps/{case}/{name}.map.toml")
    return path.read_text("utf-8")


class CaseFolder:
    """Writes files below one folder and remembers them, in the order of writing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[Path] = []
        self.maps: list[Path] = []

    def write(self, name: str, data: bytes) -> None:
        """A file; `name` is its path below the folder."""
        self.files.append(self._put(name, data))

    def write_map(self, name: str, text: str) -> None:
        """A column map; `name` is its path without ending."""
        self.maps.append(self._put(f"{name}.map.toml", text.encode()))

    def _put(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

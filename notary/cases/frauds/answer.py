"""Owns the answer key: one fraud that was planted, and the register that tells whose calls are whose.

Test: tests/unit/cases/test_frauds.py.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Planted:
    """One fraud. `file` is a path below the case's folder, `rows` count as importers count them.

    `changed` gives for each column what stood there and what stands there now. `beside` are references whose
    records stay and are the neighbours of what was taken out.
    """

    kind: str
    format: str
    what: str
    file: str
    rows: tuple[int, ...]
    references: tuple[str, ...]
    beside: tuple[str, ...] = ()
    changed: tuple[Mapping[str, tuple[Any, Any]], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As the key holds it."""
        return {
            "kind": self.kind,
            "format": self.format,
            "what": self.what,
            "file": self.file,
            "rows": list(self.rows),
            "references": list(self.references),
            "beside": list(self.beside),
            "changed": [
                {name: {"from": a, "to": b} for name, (a, b) in one.items()} for one in self.changed
            ],
        }


def known_accounts(folder: Path) -> frozenset[str]:
    """The accounts of the case's register."""
    with (folder / "accounts.csv").open(encoding="utf-8", newline="") as file:
        return frozenset(row["account"] for row in csv.DictReader(file))

"""`make bench`: every measurement, one table. `python -m tests.bench NAME…` runs some of them."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench import core, service
from tests.bench.measure import Row

ROOT = Path(__file__).parent.parent.parent


def gas() -> Row:
    """The committed snapshot, which the contract's tests compare with a real chain."""
    (snapshot,) = (ROOT / "contracts" / "snapshots").glob("*.json")
    figures = {name: int(value) for name, value in json.loads(snapshot.read_text()).items()}
    warm = max(value for name, value in figures.items() if "later" in name)
    return Row("gas for one batch, warm", f"{warm:,}", "≤ 31,000", warm <= 31_000)


MEASUREMENTS: dict[str, Callable[[], Row | list[Row]]] = {
    "gas": gas,
    "tree": core.tree_root,
    "canonical": core.canonical_bytes,
    "help": core.verifier_help,
    "intake": service.bulk_intake,
    "packages": service.packages,
}


def main(names: list[str]) -> None:
    """Run the named measurements, or all, and print a Markdown table."""
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}\n")
    print("| what | measured | bar | |\n|---|---|---|---|", flush=True)
    for name in names or list(MEASUREMENTS):
        found = MEASUREMENTS[name]()
        for row in found if isinstance(found, list) else [found]:
            mark = {True: "holds", False: "does not hold", None: ""}[row.holds]
            print(f"| {row.what} | {row.figure} | {row.bar} | {mark} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

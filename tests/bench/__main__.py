"""`make bench`: every measurement, one table.

`python -m tests.bench --help` says how to run some of them, the long ones, or for the README.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.bench import anchoring, core, growth, http, intake, packages, sealing, streams
from tests.bench.measure import Row

# Name → measurement. The argument says whether the long rows are wanted.
MEASUREMENTS: dict[str, Callable[[bool], list[Row]]] = {
    "gas": lambda long: core.gas(),
    "anchor": lambda long: anchoring.rows(),
    "tree": lambda long: core.tree(),
    "canonical": lambda long: core.canonical(),
    "start": lambda long: core.start(),
    "intake": lambda long: intake.bulk(),
    "ingest": lambda long: intake.command_line(),
    "postgres": lambda long: intake.postgres(),
    "http": lambda long: http.rows(),
    "streams": lambda long: streams.rows(long=long),
    "growth": lambda long: growth.rows(long=long),
    "sealing": lambda long: sealing.sizes(long=long),
    "sealing-postgres": lambda long: sealing.postgres() if long else [],
    "packages": lambda long: packages.rows(long=long),
}
MARKS = {True: "holds", False: "does not hold", None: ""}


def screen(row: Row) -> str:
    """A line for a terminal."""
    return f"{MARKS[row.holds]:14} {row.what:66} {row.wanted:44} {row.figure}"


def markdown(rows: Sequence[Row]) -> str:
    """The README's table."""
    lines = ["| what | measured | bar |", "|---|---|---|"]
    for row in rows:
        failed = ", does not hold" if row.holds is False else ""
        lines.append(f"| {row.what} | {row.figure} | {row.wanted}{failed} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, and print line by line as the figures come."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    names = ", ".join(MEASUREMENTS)
    option = parser.add_argument
    option("--only", action="append", choices=list(MEASUREMENTS), metavar="NAME", help=names)
    option(
        "--long",
        action="store_true",
        help="also what takes minutes; draws docs/sealing.svg and docs/intake.svg",
    )
    option("--json", type=Path, metavar="FILE", help="also write the rows to FILE")
    option("--markdown", action="store_true", help="end with the README's table")
    arguments = parser.parse_args()
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    print(machine, flush=True)
    rows: list[Row] = []
    for name in arguments.only or MEASUREMENTS:
        found = MEASUREMENTS[name](arguments.long)
        rows += found
        for row in found:
            print(screen(row), flush=True)
    if arguments.markdown:
        print(f"\n{markdown(rows)}")
    if arguments.json is not None:
        shown = [{**asdict(row), "holds": row.holds} for row in rows]
        arguments.json.write_text(
            json.dumps({"machine": machine, "rows": shown}, indent=1, ensure_ascii=False) + "\n",
            "utf-8",
        )


if __name__ == "__main__":
    main()

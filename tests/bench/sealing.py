"""How long a batch takes to seal, over four sizes with a plot, and the large one with its memory.

Matters are put into the store directly, with roots that no records stand behind: sealing never
looks below a head. Each sealing runs in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from notary.adapters.store.bulk import insert_rows
from tests.bench import measure
from tests.bench.measure import Row
from tests.postgres import running
from tests.simulators.store import StoreWorld, make_world, reopen_world

SIZES = (1_000, 10_000, 100_000, 1_000_000)  # existing matters; a tenth of them changed
SHORT = 100_000  # existing matters up to which the sizes are part of the short run
TENTH = 10
FILL = 100_000  # matters that one batch brings in while the store is filled
MATTER_COLUMNS = (
    *("id", "agency_id", "key", "number", "wrapped_secret", "sealed_title"),
    *("created_at_ms", "size", "frontier"),
)
HEAD_COLUMNS = ("agency_id", "matter_id", "key", "sealed_size", "size", "root")
PLOT = Path(__file__).parent.parent.parent / "docs" / "sealing.svg"


def _key_of(number: int) -> bytes:
    return sha256(f"matter {number}".encode()).digest()


def _add_matters(world: StoreWorld, first: int, count: int) -> None:
    """Matters with one record each, as far as a sealer can see."""
    rows = [
        (n + 1, world.agency_id, _key_of(n), f"number {n}", bytes(61), bytes(40), 0, 1, bytes(40))
        for n in range(first, first + count)
    ]
    with world.database.transaction() as connection:
        insert_rows(connection, "matters", MATTER_COLUMNS, rows)
    _let_wait(world, range(first, first + count), 1)


def _let_wait(world: StoreWorld, numbers: Iterable[int], size: int) -> None:
    """Pending heads of that size, as an acceptor leaves them."""
    rows = [
        (
            world.agency_id,
            n + 1,
            _key_of(n),
            size - 1,
            size,
            sha256(f"root {size} of {n}".encode()).digest(),
        )
        for n in numbers
    ]
    with world.database.transaction() as connection:
        insert_rows(connection, "pending_heads", HEAD_COLUMNS, rows)


def _fill(folder: Path, existing: int, changed: int, uri: str | None) -> None:
    """A store whose next batch is the one to measure."""
    world = make_world(folder, uri=uri)
    for first in range(0, existing, FILL):
        _add_matters(world, first, min(FILL, existing - first))
        world.sealer.seal(world.clock.now(), None)
    # Spread evenly over the matters, so over the map at random.
    _let_wait(world, range(0, existing, existing // changed), 2)
    world.close()


def _seal(folder: Path) -> None:
    """Seal once and print seconds, seconds of a core, and megabytes at most."""
    world = reopen_world(folder, "measure")
    started, cpu = time.perf_counter(), time.process_time()
    world.sealer.seal(world.clock.now(), None)
    taken = time.perf_counter() - started, time.process_time() - cpu
    print(json.dumps([*taken, measure.peak_mib()]))
    world.close()


def _sealed(existing: int, uri: str | None = None) -> tuple[float, float, int]:
    with tempfile.TemporaryDirectory() as name:
        _fill(Path(name), existing, existing // TENTH, uri)
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.sealing", name],
            check=True,
            capture_output=True,
            text=True,
        )
    wall, cpu, peak = json.loads(done.stdout)
    return wall, cpu, peak


def _work(existing: int) -> float:
    """What the bar lets the time grow with: changed × log2(existing)."""
    return existing / TENTH * math.log2(existing)


def sizes(*, long: bool) -> list[Row]:
    """Sealing a tenth of the matters, over three sizes, or four and the plot in the long run."""
    found = {existing: _sealed(existing) for existing in SIZES if long or existing <= SHORT}
    largest, middle = max(found), SIZES[1]
    # Seconds of a core a unit of work, of the largest against the second: 1 would be growth just as allowed.
    growth = (found[largest][1] / _work(largest)) / (found[middle][1] / _work(middle))
    rows = [
        measure.at_most(
            f"sealing, growth from {middle:,} to {largest:,} matters",
            growth,
            "× changed × log(existing)",
            1.5,
            "; ".join(f"{n:,}: {cpu:.2f} s of a core" for n, (_, cpu, _) in found.items()),
        )
    ]
    if long:
        wall, cpu, peak = found[largest]
        said = f"sealing {largest // TENTH:,} changed matters over {largest:,}"
        rows += [
            measure.at_most(said, wall, "s", 10, f"{cpu:.1f} s of a core"),
            measure.at_most(f"{said}, memory", peak, "MiB", 1_000),
        ]
        PLOT.write_text(plot({n: cpu for n, (_, cpu, _) in found.items()}), "utf-8")
    return rows


def postgres() -> list[Row]:
    """The large sealing into PostgreSQL, and the same into SQLite on the same disk, in one run."""
    existing = SIZES[-1]
    wall, cpu, peak = _sealed(existing)
    # On the disk that the file is on: a forced write costs there what it costs here.
    with running(Path(tempfile.gettempdir())) as server:
        other, other_cpu, other_peak = _sealed(existing, server.migrated())
    said = f"sealing {existing // TENTH:,} changed matters over {existing:,}, PostgreSQL"
    return [
        measure.at_most(said, other, "s", 10, f"{other_cpu:.1f} s of a core here"),
        measure.at_most(f"{said}, memory", other_peak, "MiB", 1_000, f"SQLite {peak} MiB"),
        measure.at_most(
            f"{said}, against SQLite",
            other / wall,
            "×",
            1.5,
            f"{wall:.1f} s, {cpu:.1f} s of a core",
        ),
    ]


def plot(points: dict[int, float]) -> str:
    """An SVG of seconds of a core by existing matters, both logarithmic, and the allowed growth."""
    width, height, left, bottom, top = 640, 400, 70, 50, 40
    lowest = 10.0 ** math.floor(math.log10(min(points.values())))
    highest = 10.0 ** math.ceil(math.log10(max(points.values())))
    smallest, largest = min(points), max(points)

    def x(existing: float) -> float:
        share = math.log(existing / smallest) / math.log(largest / smallest)
        return left + share * (width - left - 30)

    def y(wall: float) -> float:
        share = math.log(wall / lowest) / math.log(highest / lowest)
        return height - bottom - share * (height - bottom - top)

    def line(pairs: list[tuple[float, float]], style: str) -> str:
        path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in pairs)
        return f'<polyline points="{path}" fill="none" {style}/>'

    # The allowed growth is drawn through the largest point, where the bar is.
    unit = points[largest] / _work(largest)
    allowed = [(float(n), max(lowest, unit * _work(n))) for n in points]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        '<text x="70" y="22" font-size="15">Seconds of a core to seal a batch in which a tenth of the '
        "matters changed</text>",
    ]
    step = lowest
    while step <= highest * 1.001:
        parts.append(
            f'<line x1="{left}" x2="{width - 30}" y1="{y(step):.1f}" y2="{y(step):.1f}" stroke="#ddd"/>'
            f'<text x="{left - 8}" y="{y(step) + 4:.1f}" text-anchor="end">{step:g} s</text>'
        )
        step *= 10
    for n, wall in points.items():
        parts.append(
            f'<text x="{x(n):.1f}" y="{height - 26}" text-anchor="middle">{n:,}</text>'
            f'<circle cx="{x(n):.1f}" cy="{y(wall):.1f}" r="4" fill="#0a58a8"/>'
            f'<text x="{x(n) - 8:.1f}" y="{y(wall) - 9:.1f}" text-anchor="end">{wall:.2f} s</text>'
        )
    parts += [
        line([(float(n), wall) for n, wall in points.items()], 'stroke="#0a58a8" stroke-width="2"'),
        line(allowed, 'stroke="#888" stroke-dasharray="5 4"'),
        f'<text x="{(left + width) / 2:.0f}" y="{height - 6}" text-anchor="middle">existing matters; '
        "dashed: changed × log(existing)</text>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    _seal(Path(sys.argv[1]))

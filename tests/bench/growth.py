"""Whether intake costs more as the store grows, and whether memory does over a million records.

The cost is counted in seconds of a core, of the process and of those that prepare for it, and in bytes, which
others' work disturbs least. Draws docs/intake.svg.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from notary.adapters.preparers import Preparers
from notary.adapters.system import collect_seldom
from notary.core.preparing import Offered
from notary.usecases.import_file import CHUNKS_UNDERWAY
from tests.anvil import Anvil
from tests.bench import measure, plot, streams
from tests.bench.intake import CHUNK, MATTERS, RECORDS, acceptor_of, calls
from tests.bench.measure import Row
from tests.scenarios.service import live as scene
from tests.simulators.store import StoreWorld, make_world

SIZES = (
    0,
    100_000,
    250_000,
    500_000,
    1_000_000,
)  # records already there when some more are measured
SHORT = 100_000  # up to which the sizes are part of the short run
RUNS = 3  # of RECORDS each, at each size; the cheapest counts
MILLION = 1_000_000
EVERY = 100_000  # records between two looks at the memory
LOOK_S = 0.2
PLOT = Path(__file__).parent.parent.parent / "docs" / "intake.svg"


class _Intake:
    """One growing store, and what its intake cost so far."""

    def __init__(self, world: StoreWorld) -> None:
        self._world = world
        self._preparers = Preparers()
        self._acceptor = acceptor_of(world, self._preparers)
        self._keys = [world.open_matter(f"Matter {i}").key for i in range(MATTERS)]
        self.count = 0

    def take(self, records: int) -> None:
        """So many records more, as `notary ingest` takes them."""
        underway: deque[Offered] = deque()
        for at in range(self.count, self.count + records, CHUNK):
            offers = [
                one._replace(idempotency_key=f"{at}/{one.idempotency_key}")
                for one in calls(self._keys, CHUNK)
            ]
            underway.append(self._acceptor.offer(self._world.agency_id, offers))
            if len(underway) > CHUNKS_UNDERWAY:
                self._acceptor.take(underway.popleft())
        while underway:
            self._acceptor.take(underway.popleft())
        self.count += records

    def size(self) -> int:
        self._world.database.forget_deleted()
        return self._world.database.size()

    def close(self) -> None:
        self._preparers.close()
        self._world.close()


def cost(sizes: tuple[int, ...]) -> dict[str, dict[int, float]]:
    """By what is counted, for each size: seconds of a core, bytes kept and bytes written for a record."""
    collect_seldom()
    found: dict[str, dict[int, float]] = {"µs": {}, "kept": {}, "written": {}}
    with tempfile.TemporaryDirectory() as name:
        intake = _Intake(make_world(Path(name)))
        intake.take(CHUNK)  # the children start
        for size in sizes:
            intake.take(max(0, size - intake.count))
            spent, written, kept = [], [], intake.size()
            for _ in range(RUNS):
                seconds, before = measure.core_seconds(), measure.written_bytes()
                intake.take(RECORDS)
                spent.append(measure.core_seconds() - seconds)
                written.append(measure.written_bytes() - before)
            found["µs"][size] = min(spent) / RECORDS * 1e6
            found["written"][size] = min(written) / RECORDS
            found["kept"][size] = (intake.size() - kept) / (RUNS * RECORDS)
        intake.close()
    return found


def memory_of_a_stream() -> dict[int, float]:
    """MiB at most that `notary serve` and its children held, by records of one stream."""
    with (
        tempfile.TemporaryDirectory() as name,
        streams.serving(Path(name)) as (server, numbers),
        _watched(server.process.pid, server.home) as seen,
    ):
        streams.stream(server, numbers, "many", MILLION, "")
    return seen


def memory_of_ingest() -> tuple[dict[int, float], float]:
    """The same of `notary ingest` over rows of one CSV, and its rows a second."""
    with tempfile.TemporaryDirectory() as name, Anvil(*scene.CHAIN) as anvil:
        live = scene.make(Path(name) / "home", anvil)
        with live.opened() as service:
            service.new_matter(1, "Many", ("M-1",))
        source = scene.letters(Path(name) / "in", "M-1", 0, MILLION)
        started = time.perf_counter()
        with (
            subprocess.Popen(
                live.command(
                    "ingest", str(source), "--map", str(source.parent / "letters.map.toml")
                ),
                stdout=subprocess.DEVNULL,
            ) as process,
            _watched(process.pid, live.home) as seen,
        ):
            failed = process.wait()
        if failed:
            raise RuntimeError(f"notary ingest ended with {failed}")
        return seen, MILLION / (time.perf_counter() - started)


@contextlib.contextmanager
def _watched(process_id: int, home: Path) -> Iterator[dict[int, float]]:
    """Peak memory of a process and its children, by the records that its store holds meanwhile."""
    seen: dict[int, float] = {}
    ended = threading.Event()

    def look() -> None:
        counted = sqlite3.connect(f"file:{home / 'data' / 'notary.db'}?mode=ro", uri=True)
        marks = itertools.count(EVERY, EVERY)
        mark = next(marks)
        while not ended.wait(LOOK_S):
            held = [measure.peak_mib(one) for one in measure.family(process_id)]
            (records,) = counted.execute("SELECT coalesce(max(id), 0) FROM records").fetchone()
            if held and records >= mark:
                seen[mark] = sum(held)
                mark = next(marks)
        counted.close()

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield seen
    finally:
        ended.set()
        watching.join()


def rows(*, long: bool) -> list[Row]:
    """Growth of the cost, and of memory in the long run, which draws the plot."""
    sizes = tuple(size for size in SIZES if long or size <= SHORT)
    found = cost(sizes)
    first, last = sizes[0], sizes[-1]
    said = "; ".join(
        f"{size:,}: {found['µs'][size]:.0f} µs of a core, {found['written'][size]:,.0f} bytes written, "
        f"{found['kept'][size]:,.0f} kept"
        for size in sizes
    )
    measured = [
        measure.at_most(
            f"intake with {last:,} records in the store against an empty one, seconds of a core",
            found["µs"][last] / found["µs"][first],
            "×",
            1.5,
            said,
        )
    ]
    if long:
        stream = memory_of_a_stream()
        ingest, rate = memory_of_ingest()
        for what, seen in (("one stream", stream), ("`notary ingest`", ingest)):
            # Not the last look: the processes that prepare may have ended before it.
            grown = max(seen.values()) - seen[EVERY]
            detail = f"{seen[EVERY]:.0f} MiB there, with the processes that prepare"
            if seen is ingest:
                detail += f"; {rate:,.0f} rows/s"
            measured.append(
                measure.at_most(
                    f"peak memory of {what} over {MILLION:,} records against the first {EVERY:,}",
                    grown,
                    "MiB more",
                    64,
                    detail,
                )
            )
        PLOT.write_text(plot.svg(panels(found, stream, ingest)), "utf-8")
    return measured


def panels(
    found: dict[str, dict[int, float]], stream: dict[int, float], ingest: dict[int, float]
) -> list[plot.Panel]:
    """Cost, bytes and memory."""
    there = "records already in the store"
    return [
        plot.Panel("Cost of a record", "µs", there, {"of a core, of all processes": found["µs"]}),
        plot.Panel(
            "Bytes for a record",
            "bytes",
            there,
            {"kept, indexes included": found["kept"], "written to disk": found["written"]},
        ),
        plot.Panel(
            "Peak memory, children included",
            "MiB",
            "records taken in",
            {"one HTTP stream": stream, "notary ingest": ingest},
        ),
    ]

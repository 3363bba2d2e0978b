"""How long a large batch takes to seal: `python -m tests.bench_seal [EXISTING [CHANGED]]`.

By default 100,000 changed matters over 1,000,000 existing ones. Matters are put into the store
directly, with roots that no records stand behind: sealing never looks below a head. The large
sealing runs in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from tests.simulators.store import StoreWorld, make_world, reopen_world

EXISTING = 1_000_000
CHANGED = 100_000
FILL = 100_000  # matters that one batch brings in while the store is filled


def key_of(number: int) -> bytes:
    return sha256(f"matter {number}".encode()).digest()


def add_matters(world: StoreWorld, first: int, count: int) -> None:
    """Matters with one record each, as far as a sealer can see."""
    rows = [
        (
            n + 1,
            world.agency_id,
            key_of(n),
            f"number {n}",
            bytes(61),
            bytes(40),
            0,
            1,
            bytes(40),
        )
        for n in range(first, first + count)
    ]
    with world.database.transaction() as connection:
        connection.exec_driver_sql(
            "INSERT INTO matters (id, agency_id, key, number, wrapped_secret, sealed_title,"
            " created_at_ms, size, frontier) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
    let_wait(world, range(first, first + count), 1)


def let_wait(world: StoreWorld, numbers: Iterable[int], size: int) -> None:
    """Pending heads of that size, as an acceptor leaves them."""
    rows = [
        (
            world.agency_id,
            n + 1,
            key_of(n),
            size - 1,
            size,
            sha256(f"root {size} of {n}".encode()).digest(),
        )
        for n in numbers
    ]
    with world.database.transaction() as connection:
        connection.exec_driver_sql(
            "INSERT INTO pending_heads (agency_id, matter_id, key, sealed_size, size, root)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            rows,
        )


def fill(folder: Path, existing: int, changed: int) -> None:
    """A store whose next batch is the one to measure."""
    world = make_world(folder)
    for first in range(0, existing, FILL):
        add_matters(world, first, min(FILL, existing - first))
        world.sealer.seal(world.clock.now(), None)
    # Spread evenly over the matters, so over the map at random.
    let_wait(world, range(0, existing, existing // changed), 2)
    world.close()


def measure(folder: Path) -> None:
    """Seal once and print seconds, megabytes and how much the store grew."""
    world = reopen_world(folder, "measure")
    size = world.database.path.stat().st_size
    started, cpu = time.perf_counter(), time.process_time()
    sealed = world.sealer.seal(world.clock.now(), None)
    elapsed, cpu = time.perf_counter() - started, time.process_time() - cpu
    world.database.truncate_wal()
    grown = world.database.path.stat().st_size - size
    print(
        f"batch {sealed.index}: {elapsed:.2f} s, {cpu:.2f} s of a core, peak {peak_mib()} MiB,"
        f" store grew by {grown / 2**20:.0f} MiB"
    )
    world.close()


def peak_mib() -> int:
    """The most memory that this process held; getrusage would count the parent's before exec."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]))
        return
    existing, changed = (*map(int, sys.argv[1:]), *(EXISTING, CHANGED)[len(sys.argv) - 1 :])
    with tempfile.TemporaryDirectory() as name:
        fill(Path(name), existing, changed)
        print(f"{changed:,} changed over {existing:,} existing")
        subprocess.run([sys.executable, "-m", "tests.bench_seal", "--measure", name], check=True)


if __name__ == "__main__":
    main()

"""How many records a second enter, everything included: `python -m tests.bench_accept`.

Small records without attachments, sealed, signed and durable, in chunks as an import offers them.
The yardstick in the same run is a bare insert of rows of the same size by the driver, also forced
to disk.
"""

from __future__ import annotations

import secrets
import sqlite3
import tempfile
import time
from pathlib import Path

from notary.core.intake import Accepted, Incoming
from notary.usecases.accept import RecordAcceptor
from tests.simulators.store import MAX_DEADLINE_S, make_world

RECORDS = 50_000
MATTERS = 500
CHUNKS = (1, 100, 1_000, 5_000)
FEW = 2_000  # records where each has its own commit


def offers(keys: list[bytes], count: int) -> list[Incoming]:
    """Calls as a dialler's export states them."""
    return [
        Incoming(
            keys[i % len(keys)],
            "call",
            {
                "occurred_at": "2026-01-05T09:12:33.000Z",
                "account": f"ACC-{i:07d}",
                "direction": "outbound",
                "callee": "+442079460123",
                "duration_s": i % 600,
                "disposition": "ANSWERED",
            },
            f"source-1/{i}",
        )
        for i in range(count)
    ]


class SystemEntropy:
    """What the service uses; the simulators' is slower."""

    def token(self, size: int) -> bytes:
        return secrets.token_bytes(size)


def measure(folder: Path, chunk: int) -> tuple[float, float]:
    """Records a second on the way in, and bytes of the store for each record."""
    world = make_world(folder)
    keys = [world.open_matter(f"Matter {i}").key for i in range(MATTERS)]
    items = offers(keys, FEW if chunk < CHUNKS[1] else RECORDS)
    acceptor = RecordAcceptor(
        world.database,
        world.objects,
        world.keys,
        world.clock,
        SystemEntropy(),
        world.identity,
        max_deadline_s=MAX_DEADLINE_S,
    )
    started = time.perf_counter()
    for at in range(0, len(items), chunk):
        outcomes = acceptor.accept(world.agency_id, items[at : at + chunk])
        assert all(isinstance(one, Accepted) for one in outcomes)
    elapsed = time.perf_counter() - started
    world.close()
    return len(items) / elapsed, world.database.path.stat().st_size / len(items)


def measure_bare(folder: Path, chunk: int) -> float:
    """Rows a second of one blob of 1,000 bytes, by the driver."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, content BLOB)")
    count = FEW if chunk < CHUNKS[1] else RECORDS
    started = time.perf_counter()
    for _ in range(0, count, chunk):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO bare (content) VALUES (?)", [(bytes(1000),) for _ in range(chunk)]
        )
        connection.execute("COMMIT")
    elapsed = time.perf_counter() - started
    connection.close()
    return count / elapsed


def main() -> None:
    print("records a commit | records/s | bare rows/s | bytes a record")
    for chunk in CHUNKS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            bare = measure_bare(folder, chunk)
            rate, size = measure(folder, chunk)
            print(f"{chunk:16d} | {rate:9,.0f} | {bare:11,.0f} | {size:,.0f}")


if __name__ == "__main__":
    main()

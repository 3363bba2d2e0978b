"""Records over HTTP as one NDJSON stream: a real server process, a client that reads every answer.

The reference is SQLModel's `add_all` of the bare rows in the same run. The client is a process of its own;
its lines are made before the clock starts.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

from notary.adapters.system import collect_seldom
from tests.bench import intake, measure
from tests.bench.intake import TEXT
from tests.bench.measure import Row
from tests.simulators.server import Connection, Server, make, served

RECORDS = 20_000
LONG_RECORDS = 200_000  # over which memory must stay flat
MATTERS = 500
RUNS = 3
WARM_RECORDS = 5_000  # started children, grown pools: what stays, however much comes after


def rows(*, long: bool) -> list[Row]:
    """Records a second over one stream, and what the server's memory grows by."""
    found: list[Row] = []
    for said, text in (("records of 170 bytes", ""), ("records of 1 KB", TEXT)):
        ours = bare = float("inf")
        for run in range(RUNS):
            with tempfile.TemporaryDirectory() as name:
                bare = min(bare, _add_all(Path(name), text))
                with serving(Path(name)) as (server, numbers):
                    stream(server, numbers, f"warm-{run}", WARM_RECORDS, text)
                    ours = min(ours, stream(server, numbers, f"run-{run}", RECORDS, text))
        what = f"NDJSON over HTTP, {said}: one stream, each answered with its signed receipt"
        found += [
            measure.at_least(what, RECORDS / ours, "records/s", 10_000),
            measure.at_least(
                f"the same, {said}",
                bare / ours,
                "× SQLModel add_all of the bare rows",
                2,
                f"{RECORDS / bare:,.0f} rows/s",
            ),
        ]
    if long:
        found.append(memory(LONG_RECORDS))
    return found


def memory(records: int) -> Row:
    """What the server holds more after so many records than after the first few thousand."""
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as (server, numbers):
        stream(server, numbers, "warm", WARM_RECORDS, "")
        before = server.memory_mib("VmHWM")
        seconds = stream(server, numbers, "many", records, "")
        grown = server.memory_mib("VmHWM") - before
        detail = f"{before} MiB before; {records / seconds:,.0f} records/s; idle holds {server.memory_mib()}"
    return measure.at_most(
        f"the server's peak memory over a stream of {records:,} records",
        grown,
        "MiB more",
        64,
        detail,
    )


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[tuple[Server, list[str]]]:
    """A server and the numbers of its matters."""
    with served(*make(folder / "home")) as server:
        made = [server.post("/v1/matters", {"title": f"{i}"}).json() for i in range(MATTERS)]
        yield server, [one["number"] for one in made]


def _add_all(folder: Path, text: str) -> float:
    collect_seldom()
    keys = [i.to_bytes(32, "big") for i in range(MATTERS)]
    offers = intake.calls(keys, RECORDS, **({"text": text} if text else {}))
    claims = [json.dumps(dict(one.claims)) for one in offers]
    started = time.perf_counter()
    intake._add_all(folder / "bare.db", offers, claims)
    return time.perf_counter() - started


def stream(server: Server, numbers: list[str], run: str, count: int, text: str) -> float:
    told = [str(server.port), server.token, run, str(count), text]
    words = [sys.executable, "-m", "tests.bench.streams", *told]
    done = subprocess.run(
        words, input="\n".join(numbers), check=True, stdout=subprocess.PIPE, text=True
    )
    return float(done.stdout)


def lines(numbers: list[str], run: str, count: int, text: str) -> Iterator[bytes]:
    """Pieces of a thousand lines."""
    for at in range(0, count, 1000):
        piece = []
        for i in range(at, min(at + 1000, count)):
            claims = {
                "occurred_at": "2026-01-05T09:12:33.000Z",
                "account": f"ACC-{i:07d}",
                "direction": "outbound",
                "callee": "+442079460123",
                "duration_s": i % 600,
                "disposition": "ANSWERED",
                **({"text": text} if text else {}),
            }
            record = {
                "matter": numbers[i % len(numbers)],
                "kind": "call",
                "idempotency_key": f"{run}/{i}",
                "claims": claims,
            }
            piece.append(json.dumps(record, separators=(",", ":")).encode())
        yield b"\n".join(piece) + b"\n"


def _client(port: int, token: str, run: str, count: int, text: str, numbers: list[str]) -> float:
    pieces = list(lines(numbers, run, count, text))
    with Connection(port, token) as connection:
        started = time.perf_counter()
        connection.head("POST", "/v1/records/stream", "application/x-ndjson")

        def send() -> None:
            for piece in pieces:
                connection.chunk(piece)
            connection.chunk(b"")

        sending = Thread(target=send)
        sending.start()
        status, _ = connection.answer_head()
        answered = 0
        last = b""
        for piece in connection.pieces():
            answered += piece.count(b"\n")
            last = (last + piece)[-1000:]
        taken = time.perf_counter() - started
        sending.join()
    end = json.loads(last.splitlines()[-1])
    if (status, answered, end["end"], end["accepted"]) != (200, count + 1, "complete", count):
        raise RuntimeError(f"{status}, {answered} answers, {end}")
    return taken


if __name__ == "__main__":
    port, token, run, count, text = sys.argv[1:]
    print(_client(int(port), token, run, int(count), text, sys.stdin.read().split()))

"""Single records over HTTP: a real server process, 32 connections that are kept, every answer read.

The reference is `tests.bench.empty` on the same server, asked by the same client with the same
bodies. The client is a process of its own: it must not wait for the table's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.anvil import Anvil
from tests.bench import measure
from tests.bench.measure import Row
from tests.scenarios.service import live as scene

CONNECTIONS = 32
REQUESTS = 4_000
RUNS = 3
START_SECONDS = 30  # a busy machine takes its time
CALENDAR = 940  # stamps a second: the most that an OpenTimestamps calendar server gave


def rows() -> list[Row]:
    """Requests a second and the 99th percentile, against the empty handler."""
    with tempfile.TemporaryDirectory() as name, Anvil(*scene.CHAIN) as anvil:
        live = scene.make(Path(name) / "home", anvil)
        with live.opened() as service:
            number = service.new_matter(1, "Case", ()).number
        ours = reference = (0.0, float("inf"))
        with (
            _server(live.command("serve", "--port")) as port,
            _server([sys.executable, "-m", "tests.bench.http", "--empty"]) as empty,
        ):
            for run in range(RUNS):
                reference = _better(reference, _client(empty, live.made.token, number, run))
                ours = _better(ours, _client(port, live.made.token, number, run))
    return [
        measure.at_least(
            f"single record over HTTP, {CONNECTIONS} connections: durable, signed, encrypted",
            ours[0] / reference[0],
            "× the empty handler",
            0.5,
            f"{ours[0]:,.0f} against {reference[0]:,.0f} a second",
        ),
        measure.at_most(
            "the same, 99th percentile",
            ours[1] / reference[1],
            "× that of the empty handler",
            5,
            f"{ours[1] * 1e3:.0f} against {reference[1] * 1e3:.0f} ms",
        ),
        measure.at_least(
            "the same against an OpenTimestamps calendar",
            ours[0] / CALENDAR,
            f"× its best, {CALENDAR} a second, published",
            4,
        ),
    ]


def _better(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return max(one[0], other[0]), min(one[1], other[1])


@contextlib.contextmanager
def _server(command: list[str]) -> Iterator[int]:
    """A server on a free port, which is the last word of its command line; ended by its id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    # The option stands before the home folder, so it takes the word after it.
    words = [*command]
    if "--port" in words:
        words.insert(words.index("--port") + 1, str(port))
    else:
        words.append(str(port))
    process = subprocess.Popen(words)
    try:
        end = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{' '.join(words[:4])} did not start")
            time.sleep(0.05)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _client(port: int, token: str, number: str, run: int) -> tuple[float, float]:
    words = [
        sys.executable,
        "-m",
        "tests.bench.http",
        "--client",
        str(port),
        token,
        number,
        str(run),
    ]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    rate, percentile = json.loads(done.stdout)
    return rate, percentile


async def _ask(port: int, requests: list[bytes], taken: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while requests:
        request = requests.pop()
        started = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        taken.append(time.perf_counter() - started)
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
            raise RuntimeError(head.decode())
    writer.close()


async def _load(port: int, token: str, number: str, run: str) -> None:
    requests = []
    for i in range(REQUESTS):
        body = {
            "matter": number,
            "kind": "call",
            "idempotency_key": f"run-{run}-{port}-{i}",
            "claims": {
                "occurred_at": "2026-01-05T09:12:33.000Z",
                "account": f"ACC-{i:07d}",
                "direction": "outbound",
                "callee": "+442079460123",
                "duration_s": i % 600,
                "disposition": "ANSWERED",
            },
        }
        raw = json.dumps(body).encode()
        head = (
            "POST /v1/records HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token}\r\nContent-Length: {len(raw)}\r\n\r\n"
        )
        requests.append(head.encode() + raw)
    taken: list[float] = []
    started = time.perf_counter()
    await asyncio.gather(*[_ask(port, requests, taken) for _ in range(CONNECTIONS)])
    rate = REQUESTS / (time.perf_counter() - started)
    print(json.dumps([rate, sorted(taken)[int(len(taken) * 0.99)]]))


def _main(words: list[str]) -> None:
    if words[0] == "--client":
        asyncio.run(_load(int(words[1]), words[2], words[3], words[4]))
    else:
        import uvicorn

        uvicorn.run(
            "tests.bench.empty:create_app",
            factory=True,
            port=int(words[1]),
            log_level="warning",
            access_log=False,
        )


if __name__ == "__main__":
    _main(sys.argv[1:])

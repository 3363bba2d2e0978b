"""What was acknowledged is there, once, whatever ends: the server, the client, or for a while the store.

docs/http.md "Any number of records: a stream", "Limits and waiting".
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.server import Server, make, ndjson, served

STREAM = "/v1/records/stream"
NDJSON = "application/x-ndjson"
BULK = "/v1/records/bulk"

HOLD = """
import sqlite3, sys
store = sqlite3.connect(sys.argv[1], isolation_level=None)
store.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def locked(store: Path) -> Iterator[None]:
    """The store's write lock, held by another process."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    try:
        assert holder.stdout.readline() == b"held\n"
        yield
    finally:
        holder.stdin.close()
        holder.stdout.close()
        holder.wait()


def answered(server: Server, body: bytes, stop_after: int | None = None) -> list[dict[str, Any]]:
    """The whole answers that come to a stream, until it ends or so many lines are there."""
    found: list[dict[str, Any]] = []
    with server.connect() as connection:
        connection.head("POST", STREAM, NDJSON, len(body))

        def send() -> None:
            with contextlib.suppress(OSError):
                connection.socket.sendall(body)

        sending = threading.Thread(target=send)
        sending.start()
        with contextlib.suppress(OSError, ValueError):
            connection.answer_head()
            for line in connection.lines():
                found.append(line)
                if stop_after is not None and len(found) >= stop_after:
                    server.kill()
                    stop_after = None
        connection.close()
        sending.join()
    return found


def test_a_server_that_is_killed_in_the_middle_has_all_that_it_acknowledged(tmp_path: Path) -> None:
    home = make(tmp_path / "home")
    count = 8_000
    with served(*home) as server:
        body = ndjson(server.record(f"k-{i}") for i in range(count))
        before = answered(server, body, stop_after=2_000)
    assert 2_000 <= len(before) < count
    with served(*home) as server:
        *again, end = answered(server, body)
        assert (end["end"], end["accepted"] + end["replayed"]) == ("complete", count)
        # Some may have been committed and their answers lost.
        assert end["replayed"] >= len(before)
        for first, second in zip(before, again, strict=False):
            assert second == {**first, "status": 200, "replayed": True}
        assert sorted(line["position"] for line in again) == list(range(count))
        assert server.counts()[1] == count


def test_a_client_that_goes_away_in_a_line_loses_nothing_that_was_answered(server: Server) -> None:
    lines = [server.record(f"gone-{i}") for i in range(300)]
    with server.connect() as connection:
        connection.head("POST", STREAM, NDJSON)
        connection.chunk(ndjson(lines[:200]) + json.dumps(lines[200]).encode()[:-5])
        connection.answer_head()
        answers = connection.lines()
        before = [next(answers) for _ in range(200)]
    *again, end = answered(server, ndjson(lines))
    # The half line did not enter.
    assert (end["replayed"], end["accepted"]) == (200, 100)
    for first, second in zip(before, again, strict=False):
        assert second == {**first, "status": 200, "replayed": True}


@pytest.mark.soak
def test_a_stream_that_goes_on_does_not_keep_the_server_from_stopping(tmp_path: Path) -> None:
    home = make(tmp_path / "home")
    with served(*home) as server, server.connect() as connection:
        connection.head("POST", STREAM, NDJSON)
        connection.chunk(ndjson([server.record("stop-1")]))
        connection.answer_head()
        assert next(connection.lines())["status"] == 201
        server.process.terminate()
        server.process.wait(40)
    assert server.counts()[1] == 1


def test_while_the_store_is_held_queues_stay_bounded_and_afterwards_all_is_there_once(
    tmp_path: Path,
) -> None:
    home = make(tmp_path / "home")
    with served(*home) as server, ThreadPoolExecutor(20) as clients:
        assert server.post("/v1/records", server.record("first")).status == 201
        before = server.memory_mib()
        stream = [server.record(f"s-{i}") for i in range(6_000)]
        arrays = [[server.record(f"a-{n}-{i}") for i in range(1_000)] for n in range(14)]
        with locked(home[0] / "data/notary.db"):
            streaming = clients.submit(answered, server, ndjson(stream))
            given = [clients.submit(server.post, BULK, array) for array in arrays]
            end = time.monotonic() + 20
            while time.monotonic() < end and sum(one.done() for one in given) < 3:
                time.sleep(0.05)
            refused = [one.result() for one in given if one.done()]
            # Ten thousand records of one agency wait; who would add to them is told at once.
            assert len(refused) >= 3
            for answer in refused:
                answer.problem(429, "SHARE_USED")
            assert server.ask("GET", "/v1/matters").status == 200
            held = server.memory_mib() - before
            assert not streaming.done()
        done = [one.result() for one in given]
        *lines, end_line = streaming.result()
        assert held < 150
        taken = [array for array, answer in zip(arrays, done, strict=True) if answer.status == 200]
        assert 0 < len(taken) <= 11
        assert all(
            one["status"] == 201 for answer in done if answer.status == 200 for one in answer.json()
        )
        assert (end_line["end"], end_line["accepted"]) == ("complete", 6_000)
        assert len({line["position"] for line in lines}) == 6_000
        assert server.counts()[1] == 1 + 6_000 + 1_000 * len(taken)
        # Who was refused comes again, and enters once.
        for array, answer in zip(arrays, done, strict=True):
            if answer.status != 200:
                again = server.post(BULK, array).json()
                assert {one["status"] for one in again} == {201}
        assert server.counts()[1] == 1 + 6_000 + 14_000

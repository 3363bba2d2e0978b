"""Anchoring at once, by the real command and a real worker that is killed after it was asked."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.anvil import Anvil
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live

PATIENCE_S = 60


@contextmanager
def worker(live: Live) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that runs until the block ends, and is killed then."""
    process = subprocess.Popen(live.command("work"), stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until_anchored(live: Live, sizes: list[int]) -> None:
    """Wait until the contract's events show those sizes."""
    end = time.monotonic() + PATIENCE_S
    while scene.anchored_sizes(live) != sizes:
        assert time.monotonic() < end, scene.anchored_sizes(live)
        time.sleep(0.2)


@pytest.mark.slow
def test_a_request_is_carried_out_though_the_worker_was_killed(tmp_path: Path) -> None:
    with Anvil(*scene.CHAIN) as anvil:
        live = scene.make(tmp_path / "home", anvil, {"priority_every_s": 1})
        with live.opened() as service:
            service.new_matter(1, "Case", ("A-1",))
            source = scene.letters(tmp_path / "in", "A-1", 0, 3)
            service.ingest(1, (source,), column_map=source.parent / "letters.map.toml")
            scene.work(service)
            more = scene.letters(tmp_path / "more", "A-1", 3, 3)
            service.ingest(1, (more,), column_map=more.parent / "letters.map.toml")
        until_anchored(live, [1])
        with worker(live):
            # The cadence is an hour: nothing happens by itself.
            time.sleep(3)
            assert scene.anchored_sizes(live) == [1]
        first = json.loads(live.run("anchor-now", "--json").stdout)
        again = json.loads(live.run("anchor-now", "--json").stdout)
        assert first == again
        assert first["state"] == "sealed next"
        assert json.loads(live.run("status", "--json").stdout)["priority"] == first
        with worker(live):
            until_anchored(live, [1, 2])
            # The chain shows it before the worker has stored it.
            end = time.monotonic() + PATIENCE_S
            while (done := live.run("anchor-now")).stdout != "anchored\n":
                assert time.monotonic() < end, done.stdout + done.stderr
        assert scene.anchored_sizes(live) == [1, 2]

"""Several workers at one store: one works, others take over when it is killed or stands still."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from notary import config
from tests.anvil import Anvil
from tests.postgres import Server
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live
from tests.simulators.check_world import check_world
from tests.simulators.store import reopen_world

PATIENCE_S = 60  # of a test on a busy machine
# The same command with shorter times, so that a test need not wait for those of operators.
QUICK = """
import sys
from notary.usecases import lease
lease.LEASE_S, lease.RENEW_S, lease.LOOK_S = 4, 1, 0.2
from notary.cli import main
sys.argv[0] = "notary"
main()
"""


# What is over sooner than five minutes has not waited for a lease to lapse.
LONG = QUICK.replace("= 4, 1, 0.2", "= 300, 100, 0.2")


class Worker:
    """A `notary work`, and what it says."""

    def __init__(self, live: Live, out: Path, program: str) -> None:
        self._out = out
        with out.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-u", "-c", program, "work", "--home", str(live.home)],
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return self._out.read_text("utf-8")

    def wait_for(self, words: str) -> None:
        until(lambda: re.search(words, self.said()) is not None, lambda: self.said())

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def stand_still(live: Live, worker: Worker) -> None:
    """Stop the worker where it does not hold SQLite's write lock: nobody could take over from it there."""
    for _ in range(100):
        worker.send(signal.SIGSTOP)
        connection = sqlite3.connect(live.made.home.database, timeout=0.5)
        with closing(connection), suppress(sqlite3.OperationalError):
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
            return
        worker.send(signal.SIGCONT)
        time.sleep(0.1)
    raise AssertionError("it was always in the middle of a write")


def until(condition: Callable[[], bool], said: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, said()
        time.sleep(0.05)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with Anvil(*scene.CHAIN) as anvil:
        yield scene.make(tmp_path / "home", anvil, {"cadence_s": 2})


@contextmanager
def workers(live: Live, folder: Path, program: str) -> Iterator[list[Worker]]:
    """Two, started one after the other, so that the first works."""
    started: list[Worker] = []
    try:
        for number in range(2):
            started.append(Worker(live, folder / f"worker-{number}", program))
            started[-1].wait_for("standing by" if number else "sealed batch")
        yield started
    finally:
        for one in started:
            one.end()


def status(live: Live) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(live.run("status", "--json").stdout)["workers"]
    return shown


def settled(live: Live) -> None:
    """Store and chain, by those who trust neither, once everything is anchored."""
    path = live.home / "notary.toml"
    # With a batch every two seconds there would be no end of it.
    path.write_text(path.read_text("utf-8").replace("cadence_s = 2", "cadence_s = 3600"), "utf-8")
    done = live.run("work", "--until-idle")
    assert done.returncode == 0, done.stderr
    store = reopen_world(live.home, "check", agency=scene.AGENCY)
    try:
        check_world(store, live.anvil, settled=True)
    finally:
        store.close()


@pytest.mark.slow
def test_a_second_worker_stands_by_and_takes_over_from_one_that_is_killed(
    live: Live, tmp_path: Path
) -> None:
    with workers(live, tmp_path, LONG) as (first, second):
        held = re.search(r"standing by: (\S+) is at work", second.said())
        assert held is not None
        shown = status(live)
        assert shown["at_work"] == held[1]
        [standby] = shown["standing_by"]
        assert standby.split(":")[1] == str(second.process.pid)
        assert held[1].split(":")[1] == str(first.process.pid)
        first.send(signal.SIGKILL)
        # On one machine its end is seen at once.
        second.wait_for("took over")
        second.wait_for("sealed batch")
        third = Worker(live, tmp_path / "third", LONG)
        try:
            third.wait_for("standing by")
            # One that ends by itself hands over as well.
            second.send(signal.SIGTERM)
            third.wait_for("took over")
        finally:
            third.send(signal.SIGTERM)
            assert third.process.wait(PATIENCE_S) == 0
            third.end()
    assert status(live) == {"at_work": None, "standing_by": []}
    settled(live)


@pytest.mark.soak
def test_a_worker_that_stands_still_is_followed_and_does_no_harm_when_it_wakes_up(
    live: Live, tmp_path: Path
) -> None:
    with workers(live, tmp_path, QUICK) as (first, second):
        stand_still(live, first)
        stopped_at = time.monotonic()
        second.wait_for("took over")
        # Its lease of four seconds had to lapse, for a process that stands still is not gone.
        assert time.monotonic() - stopped_at > 1
        second.wait_for("sealed batch")
        sealed = second.said().count("sealed batch")
        first.send(signal.SIGCONT)
        first.wait_for("LEASE_LOST")
        first.wait_for("standing by")
        before = first.said().count("sealed batch")
        until(lambda: second.said().count("sealed batch") > sealed + 1)
        assert first.said().count("sealed batch") == before
        # And it is of use again.
        second.send(signal.SIGKILL)
        until(lambda: first.said().count("took over") == 1, first.said)
    settled(live)


@pytest.mark.soak
def test_on_another_machine_a_killed_worker_is_followed_when_its_lease_is_over(
    postgres_server: Server, tmp_path: Path
) -> None:
    """Two homes on one database: neither sees the other's files, so the database's clock decides."""
    uri = postgres_server.empty()
    with Anvil(*scene.CHAIN) as anvil:
        one = scene.make(tmp_path / "home", anvil, {"cadence_s": 2}, database=uri)
        folder = tmp_path / "other-machine"
        folder.mkdir()
        text = (one.home / config.CONFIG_NAME).read_text("utf-8")
        # The key folder is one that both mount.
        text = text.replace('keys = "keys"', f'keys = "{one.made.home.keys}"')
        (folder / config.CONFIG_NAME).write_text(text, "utf-8")
        two = Live(replace(one.made, home=config.load(folder)), anvil)
        first = Worker(one, tmp_path / "first", QUICK)
        first.wait_for("sealed batch")
        second = Worker(two, tmp_path / "second", QUICK)
        try:
            second.wait_for("standing by")
            killed_at = time.monotonic()
            first.send(signal.SIGKILL)
            second.wait_for("took over")
            assert time.monotonic() - killed_at > 1
            second.wait_for("sealed batch")
        finally:
            first.end()
            second.send(signal.SIGTERM)
            second.process.wait(PATIENCE_S)
            second.end()
        assert status(two)["at_work"] is None
        # In the order of the chain, and none of them twice.
        sizes = scene.anchored_sizes(one)
        assert sizes == sorted(set(sizes))
    postgres_server.drop(uri)

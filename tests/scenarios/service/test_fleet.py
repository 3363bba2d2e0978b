"""Two API processes and two workers on PostgreSQL and S3, killed under load: every acknowledged record once.

The short form kills one of each kind; tests/soak/test_fleet_kills.py kills at random for minutes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.anvil import Anvil
from tests.postgres import Server
from tests.scenarios.service import live as scene
from tests.simulators import s3 as simulator
from tests.simulators.fleet import fleet
from tests.simulators.fleet_world import check_fleet
from tests.simulators.s3 import BUCKET, S3

CLIENTS = 3
RECORDS = 15  # between one kill and the next


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    for name, value in simulator.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with simulator.s3_server() as running:
        yield running


@pytest.mark.slow
def test_one_of_each_kind_is_killed_under_load_and_every_acknowledged_record_is_anchored_once(
    postgres_server: Server, s3: S3, tmp_path: Path
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    place = (f"s3://{BUCKET}/one", s3.endpoint, simulator.REGION)
    uri = postgres_server.empty()
    with Anvil(*scene.CHAIN) as anvil:
        live = scene.make(tmp_path / "home", anvil, {"cadence_s": 2}, objects=place, database=uri)
        with live.opened() as service:
            matters = [service.new_matter(1, f"Case {n}", ()).number for n in range(2)]
        with (
            fleet(live, tmp_path / "fleet") as processes,
            processes.load(CLIENTS, matters, live.made.token, seed),
        ):
            processes.wait_for_records(RECORDS)
            worker = processes.at_work()
            for name in (worker, chance.choice(["serve-0", "serve-1"])):
                processes.kill(name)
                # The others go on without it.
                processes.wait_for_records(RECORDS)
                assert processes.at_work() != worker
                processes.start(name)
            processes.wait_for_records(RECORDS)
        check_fleet(live, processes)
    postgres_server.drop(uri)

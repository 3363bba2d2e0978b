"""Two API processes and two workers, one killed at random again and again under load, and started again."""

from __future__ import annotations

import os
import random
import time
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

MINUTES = float(os.environ.get("NOTARY_SOAK_MINUTES") or 10)
SEED = os.environ.get("NOTARY_SOAK_SEED")
CLIENTS = 6
LONGEST_LIFE_S = 8.0
LONGEST_DEATH_S = 3.0


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    for name, value in simulator.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with simulator.s3_server() as running:
        yield running


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("store", ["postgresql", "sqlite"])
def test_random_kills_lose_nothing_and_anchor_nothing_twice(
    postgres_server: Server, s3: S3, tmp_path: Path, store: str
) -> None:
    seed = int(SEED) if SEED else random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    uri = postgres_server.empty() if store == "postgresql" else ""
    place = (f"s3://{BUCKET}/one", s3.endpoint, simulator.REGION)
    with Anvil(*scene.CHAIN) as anvil:
        live = scene.make(tmp_path / "home", anvil, {"cadence_s": 2}, objects=place, database=uri)
        with live.opened() as service:
            matters = [service.new_matter(1, f"Case {n}", ()).number for n in range(3)]
        end = time.monotonic() + MINUTES * 60 / 2
        with (
            fleet(live, tmp_path / "fleet") as processes,
            processes.load(CLIENTS, matters, live.made.token, seed),
        ):
            processes.wait_for_records(CLIENTS)
            while time.monotonic() < end:
                # Under load: between two kills somebody answers, however slow the machine is.
                processes.wait_for_records(1)
                time.sleep(chance.uniform(0, LONGEST_LIFE_S))
                name = chance.choice(sorted(processes.members))
                processes.kill(name)
                time.sleep(chance.uniform(0, LONGEST_DEATH_S))
                processes.start(name)
            processes.wait_for_records(CLIENTS)
        kills = {name: member.kills for name, member in processes.members.items()}
        print(f"{store}: {len(processes.receipts)} records acknowledged, kills {kills}")
        check_fleet(live, processes)
    if uri:
        postgres_server.drop(uri)

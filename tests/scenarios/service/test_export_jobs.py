"""Packages that `notary serve` makes as jobs are those of the command line, also when it is killed meanwhile.

They lie in a bucket, as where several machines serve; other tests keep theirs in a folder. The moments of the
kills are drawn from a seed that the test prints; each moment must do.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from notary import demo
from notary.adapters.store.exports import JOBS
from tests.anvil import Anvil
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live
from tests.simulators import s3 as simulator
from tests.simulators.s3 import BUCKET, S3
from tests.simulators.server import Server, served

ROWS = 1_000
KILLS = 2
LONGEST_S = 1.5  # an export of so many rows is done by then
PATIENCE_S = 60


def ordered(server: Server, key: str, **more: Any) -> str:
    body = {"matter": server.matter, "idempotency_key": key, "purpose": "to the tribunal", **more}
    told = server.post("/v1/exports", body)
    assert told.status == 202, told.body
    return told.headers["location"]


def ended(server: Server, address: str) -> dict[str, Any]:
    end = time.monotonic() + PATIENCE_S
    while True:
        found: dict[str, Any] = server.ask("GET", address).json()
        if found["state"] in ("done", "failed"):
            return found
        assert time.monotonic() < end, found
        time.sleep(0.1)


def fetched(server: Server, address: str) -> bytes:
    told = server.ask("GET", f"{address}/package")
    assert told.status == 200, told.body
    return told.body


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    for name, value in simulator.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with simulator.s3_server() as running:
        yield running


def let_leases_lapse(live: Live) -> None:
    """As if the seconds of the lease had passed."""
    with live.opened() as service, service._database.transaction() as connection:
        connection.execute(update(JOBS).values(due_ms=0))


@pytest.mark.slow
def test_packages_made_as_jobs_are_whole_and_the_same_whatever_is_killed(
    tmp_path: Path, s3: S3
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    with Anvil(*scene.CHAIN) as anvil:
        place = (f"s3://{BUCKET}/one", s3.endpoint, simulator.REGION)
        live = scene.make(tmp_path / "home", anvil, objects=place)
        with live.opened() as service:
            number = service.new_matter(1, "Seller v. Buyer", ("A-1",)).number
            letters = scene.letters(tmp_path / "in", "A-1", 0, ROWS)
            service.ingest(1, (letters,), column_map=tmp_path / "in" / "letters.map.toml")
            scene.work(service)
            demo.write_policy(service, tmp_path)
        out = tmp_path / "package.zip"
        exported = live.run("export", number, "-o", str(out), "--json")
        assert exported.returncode == 0, exported.stderr
        whole = out.read_bytes()
        # A file that is there is not replaced without a word.
        again = live.run("export", number, "-o", str(out))
        assert (again.returncode, "--force" in again.stderr) == (2, True)
        assert live.run("export", number, "-o", str(out), "--force").returncode == 0
        assert out.read_bytes() == whole

        home = (live.home, live.made.token, number)
        for kill in range(KILLS):
            with served(*home) as server:
                ordered(server, f"killed {kill}")
                time.sleep(chance.uniform(0, LONGEST_S))
                server.kill()
            let_leases_lapse(live)

        with served(*home) as server:
            jobs = server.ask("GET", "/v1/exports").json()
            assert len(jobs) == KILLS
            for job in jobs:
                address = f"/v1/exports/{job['export']}"
                told = ended(server, address)
                assert (told["state"], told["error"]) == ("done", None)
                assert told["progress"] == {"done": ROWS, "of": ROWS}
                assert told["package"]["sha256"] == hashlib.sha256(whole).hexdigest()
                assert fetched(server, address) == whole
                part = server.ask("GET", f"{address}/package", Range=f"bytes={len(whole) - 9}-")
                assert (part.status, part.body) == (206, whole[-9:])
            # What is asked of a large package beside its making is still answered.
            one = ordered(server, "one", kind="extract", positions=[7], full_history=True)
            assert ended(server, one)["package"]["shown"] == 1
            assert fetched(server, one)[:4] == b"PK\x03\x04"
            wrong = ordered(
                server, "wrong", withhold=[{"position": ROWS + 9, "reason": "privilege"}]
            )
            told = ended(server, wrong)
            assert (told["state"], told["error"]["code"]) == ("failed", "WITHHOLD_UNKNOWN")
            page = server.ask("GET", "/metrics").body.decode()
            assert 'notary_exports{state="failed"} 1.0' in page
            # Each time that one was given out is on record, and nothing else.
            rows = server.ask("GET", f"/v1/matters/{number}/custody").json()
            by_jobs = [row for row in rows if row["purpose"] == "to the tribunal"]
            kinds = [row["package"]["kind"] for row in by_jobs]
            assert kinds == ["complete"] * 2 * KILLS + ["extract"]
            lying = [s3.bytes_of(key) for key in s3.held()]
            assert not any(b"Reminder" in one for one in lying)
            for job in server.ask("GET", "/v1/exports").json():
                assert server.ask("DELETE", f"/v1/exports/{job['export']}").status == 204
            # What is left is of the kills: nobody can open it, and the sweep takes it.
            assert len(s3.held()) == len(lying) - KILLS - 1 <= KILLS

        text = (tmp_path / "in" / "letters.csv").read_bytes()
        assert b"Reminder" in text
        for path in live.home.rglob("*"):
            assert not path.is_file() or b"Reminder" not in path.read_bytes(), path

        lines = ['format = "notary-inputs/1"', f'matter = "{number}"']
        lines += ['earliest_as_of = "2026-01-01T00:00:00.000Z"']
        for block in json.loads(exported.stdout)["blocks"]:
            found = anvil.rpc("eth_getBlockByNumber", hex(block["number"]), False)
            lines += ["[[block]]", f"chain_id = {block['chain_id']}"]
            lines += [f"number = {block['number']}", f'hash = "{found["hash"]}"']
        (tmp_path / "inputs.toml").write_text("\n".join(lines) + "\n", "utf-8")
        assert scene.judge(tmp_path, out)[1]["verdict"] == "VALID"

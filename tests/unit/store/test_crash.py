"""A process killed at any moment has lost nothing that it acknowledged, and doubled nothing."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from notary.core.intake import IncomingFile
from notary.usecases.read import sweep_orphans
from tests.simulators.store import StoreWorld, check_world, make_world, reopen_world

ROOT = Path(__file__).resolve().parents[3]
ROUNDS = 6
LONGEST_LIFE_S = 0.3  # after the process is ready: some dozens of commits


def run_and_kill(folder: Path, seed: str, life_s: float) -> list[list[str]]:
    """Let the process work for a while, kill it, and return the whole lines that it said."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.simulators.store_process", str(folder), seed],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(life_s)
    process.send_signal(signal.SIGKILL)
    said, complaints = process.communicate(timeout=30)
    assert complaints == ""
    assert process.returncode == -signal.SIGKILL
    return [line.split() for line in said.split("\n")[:-1]]


def check_promises(world: StoreWorld, promises: list[list[str]]) -> int:
    """Everything that was acknowledged is there as it was acknowledged; how many records it was."""
    records = 0
    for what, *rest in promises:
        if what == "accepted":
            records += 1
            _, record_id, receipt = rest
            view = world.reader.by_id(world.agency_id, int(record_id))
            assert sha256(view.receipt).hexdigest() == receipt
        else:
            index, note = rest
            kept = world.batch_log.checkpoint(int(index) + 1)
            assert sha256(kept.encode()).hexdigest() == note
    return records


def check_repetitions(world: StoreWorld, folder: Path, promises: list[list[str]]) -> None:
    """Offering everything again makes no second record and gives the same receipts."""
    matters = world.register.all(world.agency_id)
    original = IncomingFile(folder / "original", "scan.pdf", "application/pdf")
    accepted = [rest for what, *rest in promises if what == "accepted"]
    for key, record_id, receipt in accepted[-20:]:
        count, i = (int(part) for part in key.split("/")[1:])
        files = (original,) if (count + i) % 5 == 0 else ()
        again = world.take(matters[(count + i) % len(matters)], key, *files)
        assert again.replayed
        assert again.record_id == int(record_id)
        assert sha256(again.receipt).hexdigest() == receipt


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_and_nothing_is_there_twice(tmp_path: Path) -> None:
    draw = random.Random()
    world = make_world(tmp_path)
    (tmp_path / "original").write_bytes(b"original" * 1000)
    for i in range(3):
        world.open_matter(f"{i}")
    world.close()
    promises: list[list[str]] = []
    for number in range(ROUNDS):
        life_s = draw.uniform(0, LONGEST_LIFE_S)
        promises += run_and_kill(tmp_path, f"round-{number}", life_s)
        world = reopen_world(tmp_path, f"check-{number}")
        records = check_promises(world, promises)
        stored = sum(matter.size for matter in world.register.all(world.agency_id))
        # What was committed and not yet said when the process died: at most one call a round.
        assert records <= stored <= records + 7 * (number + 1), life_s
        check_repetitions(world, tmp_path, promises)
        world.close()
    world = reopen_world(tmp_path, "last")
    assert len([one for one in promises if one[0] == "accepted"]) > ROUNDS
    # Originals that were kept for records that never came are swept; the records' own stay.
    sweep_orphans(world.database, world.objects, datetime.now(UTC) + timedelta(days=2))
    check_world(world)
    world.sealer.seal(world.clock.now(), None)
    assert world.sealer.unsealed() == 0
    check_world(world)
    world.close()

"""kill -9 at random moments of `ingest` and `work`; then the same commands finish the job.

The moments are drawn from a seed that the test prints. Slower or faster machines are killed at other
places: that is wanted, since every place must do.
"""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

import pytest

from notary import demo
from notary.usecases.export_order import ExportOrder
from tests.anvil import Anvil
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live
from tests.simulators.check_world import check_world
from tests.simulators.store import reopen_world
from verifier.format import numbers, records

ROWS = 6_000
KILLS = 4


def _killed(command: list[str], seconds: float) -> bool:
    """Start a command and kill it after some seconds; whether it was still running then."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def _assert_nothing_readable(*folders: Path) -> None:
    """Nothing of what came in lies in the clear in any file that the commands left."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "notary.db" for path in files)
    for path in files:
        content = path.read_bytes()
        assert b"Reminder" not in content, path
        assert "Reminder".encode("utf-16-le") not in content, path


def _check_world(live: Live) -> None:
    """Store and chain, by those who trust neither; nothing of what came in is readable."""
    store = reopen_world(live.home, "check", agency=scene.AGENCY)
    store.canaries = {"Reminder"}
    try:
        check_world(store, live.anvil, settled=True)
    finally:
        store.close()


def _accepted(live: Live) -> list[int]:
    with live.opened() as service:
        (matter,) = service.register.all(1)
        return [row["record_id"] for row in service.shelf.rows(1, matter)]


@pytest.mark.slow
def test_killed_ingest_and_work_lose_nothing_and_double_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The commands inherit it; what they leave there when they are killed is looked at in the end.
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    with Anvil(*scene.CHAIN) as anvil:
        live = scene.make(tmp_path / "home", anvil)
        with live.opened() as service:
            number = service.new_matter(1, "Case", ("A-1",)).number
        source = scene.letters(tmp_path / "in", "A-1", 0, ROWS)
        ingest = ["ingest", str(source), "--map", str(source.parent / "letters.map.toml")]
        killed = 0
        seen: list[int] = []
        for _ in range(KILLS):
            # A start takes half a second here, more where it is slow; the rest is spent in commits.
            killed += _killed(live.command(*ingest), chance.uniform(0.4, 1.6))
            now = _accepted(live)
            # What was there stays there, in the same order.
            assert now[: len(seen)] == seen
            seen = now
            killed += _killed(live.command("work", "--until-idle"), chance.uniform(0.4, 2.5))
        assert killed >= KILLS, "the commands ended before they were killed: nothing was tested"
        done = live.run(*ingest, "--json")
        assert done.returncode == 0, done.stderr
        done = live.run("work", "--until-idle")
        assert done.returncode == 0, done.stderr

        assert len(_accepted(live)) == ROWS
        _check_world(live)
        with live.opened() as service:
            out = tmp_path / "package.zip"
            order = ExportOrder(numbers.parse(number))
            result = service.export(1, order, out, lambda done, total: None)
            demo.write_policy(service, tmp_path)
        demo.write_inputs(tmp_path, number, anvil.url, [result])
        code, report = scene.judge(tmp_path, out)
        assert (code, report["verdict"]) == (0, "VALID")
        # Every row once: the letters' own numbers are all there.
        assert len(report["records"]) == ROWS
        assert _letters(live, number) == {f"Reminder {n}" for n in range(ROWS)}
        _assert_nothing_readable(live.home, tmp_path / "temporary")


def _letters(live: Live, number: str) -> set[str]:
    """The subjects of all letters, by the service itself; the one other record is that of the export."""
    with live.opened() as service:
        matter = service.matter(1, number)
        found = service.reader.contents(1, matter.key, range(matter.size))
        subjects = [
            str(records.parse_disclosure(content.disclosures["subject"]).value)
            for content in found
            if "action" not in content.disclosures
        ]
        assert matter.size == len(subjects) + 1
    assert len(subjects) == len(set(subjects)), "a row entered twice"
    return set(subjects)


@pytest.mark.slow
def test_a_killed_export_leaves_no_package(tmp_path: Path) -> None:
    with Anvil(*scene.CHAIN) as anvil:
        live = scene.make(tmp_path / "home", anvil)
        with live.opened() as service:
            number = service.new_matter(1, "Case", ("A-1",)).number
            source = scene.letters(tmp_path / "in", "A-1", 0, 2000)
            service.ingest(1, (source,), column_map=source.parent / "letters.map.toml")
            scene.work(service)
        out = tmp_path / "out" / "package.zip"
        out.parent.mkdir()
        command = live.command("export", number, "-o", str(out))
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        part = out.with_name("package.zip.part")
        deadline = time.monotonic() + 30
        while not part.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        process.kill()
        process.wait()
        assert part.exists(), "the export was over before it could be killed"
        assert not out.exists()
        done = live.run("export", number, "-o", str(out))
        assert done.returncode == 0, done.stderr
        assert not part.exists()

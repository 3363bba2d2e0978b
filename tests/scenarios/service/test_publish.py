"""Publishing and replaying by command, on a live service and chain (docs/spec/format.md §13).

What the service publishes replays for a stranger, and says nothing of a person.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.service import live
from verifier.format import public

# Words that stand in matters, accounts, agency and records, and must not stand in anything public.
CANARIES = ("Canary v. Cat", "ACC-4711", "Test agency", "Secret reminder", "letters.csv", "L-7")


@pytest.fixture
def service(tmp_path: Path, start_anvil: Any) -> live.Live:
    return live.make(tmp_path / "home", start_anvil(*live.CHAIN))


def verify(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-m", "verifier.check", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def content(folder: Path) -> dict[str, bytes]:
    found = {
        str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()
    }
    return {name: data for name, data in found.items() if not name.startswith(".")}


@pytest.mark.slow
def test_a_stranger_replays_what_the_service_publishes(service: live.Live, tmp_path: Path) -> None:
    folder = tmp_path / "public"
    nothing = service.run("publish", str(folder), "--json")
    assert (nothing.returncode, json.loads(nothing.stdout)) == (
        0, {"batches": 0, "added": 0, "anchors": 0},
    )  # fmt: skip

    with service.opened() as opened:
        matter = opened.new_matter(opened.agency_id, "Canary v. Cat", ("ACC-4711",))
    for first in (0, 7):
        path = live.letters(tmp_path / f"in-{first}", "ACC-4711", first, 7, "Secret reminder")
        column_map = str(path.with_name("letters.map.toml"))
        taken = service.run("ingest", str(path), "--map", column_map)
        assert taken.returncode == 0, taken.stdout
        with service.opened() as opened:
            live.work(opened)
        done = service.run("publish", str(folder), "--json")
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert said["added"] == 1
    found = json.loads((folder / "fold.json").read_bytes())
    assert len(found["links"]) == len(list((folder / "batches").iterdir())) == 2
    again = service.run("publish", str(folder))
    assert (again.returncode, "2 batches, 0 of them new; 2 anchors" in again.stdout) == (0, True)

    # Nothing of a person, an agency or a file is in it; nor the number that opens the matter.
    files = content(folder)
    whole = b"\n".join([*files.values(), *(name.encode() for name in files)])
    for canary in (*CANARIES, matter.number, matter.number[3:20]):
        assert canary.encode() not in whole
        assert canary.encode().hex().encode() not in whole

    # By the stand-alone verifier, with a chain proof out of a package, and by the service's command.
    package = tmp_path / "package.zip"
    exported = service.run("export", matter.number, "--out", str(package))
    assert exported.returncode == 0, exported.stderr
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(package), str(tmp_path)], check=True)
    proof = tmp_path / "evidence" / "data" / "anchors" / "evm.json"
    alone = verify("replay", folder, "--chain", proof, "--json")
    assert alone.returncode == 0, alone.stdout
    report = json.loads(alone.stdout)
    assert (report["batches"], report["matters"], report["anchors"]) == (2, 1, 2)
    assert report["block"] is not None
    ours = service.command("replay", str(folder))[:-2]
    by_command = subprocess.run(ours, capture_output=True, text=True, timeout=120, check=False)
    assert (by_command.returncode, by_command.stdout) == (0, verify("replay", folder).stdout)

    # One value of one delta file changed: the stranger is told where.
    delta = folder / public.batch_file(1, public.DELTA)
    delta.write_bytes(delta.read_bytes().replace(b"\n1\n", b"\n0\n"))
    broken = subprocess.run(ours, capture_output=True, text=True, timeout=120, check=False)
    assert broken.returncode == 2
    assert "batches/1/delta.txt" in broken.stdout

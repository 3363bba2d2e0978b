"""`notary demo`, as the README promises it: a verdict, four files, nothing left running, and again."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.anvil import BINARY, ROOT
from tests.scenarios.service import live as scene
from tests.simulators.commands import run_command

SECONDS = 280


def _demo(out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "notary", "demo", "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def _listening(port: str) -> bool:
    """Whether some process of this machine still runs the node with that port's folder."""
    found = Path("/proc/net/tcp").read_text("ascii")
    return f":{int(port):04X} 00000000:0000 0A" in found


@pytest.mark.slow
def test_the_demo_ends_with_a_valid_verdict_and_can_run_again(tmp_path: Path) -> None:
    assert BINARY.exists(), "run `make setup`"
    out = tmp_path / "demo-out"
    for _ in range(2):
        done = _demo(out)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "VERDICT: VALID" in done.stdout
        port = re.search(r"http://127\.0\.0\.1:(\d+)", done.stdout)
        assert port is not None
        assert not _listening(port[1])
    for package in ("package.zip", "extract.zip"):
        code, report = scene.judge(out, out / package)
        assert (code, report["verdict"]) == (0, "VALID"), package
    # Nothing that it made public says anything of the persons of its case, policy and inputs included.
    words = ("lint-public", str(out / "policy.toml"), str(out / "inputs.toml"))
    clean = run_command(*words, "--home", str(out / "home"), "--json", timeout_s=SECONDS)
    assert clean.returncode == 0, clean.stdout + clean.stderr
    assert json.loads(clean.stdout)["values"] > 100
    # The 72 nodes of the contract's performance, all in one matter.
    _, report = scene.judge(out, out / "package.zip")
    assert sum(record["kind"] == "milestone" for record in report["records"]) >= 72


def test_the_demo_empties_no_folder_that_it_did_not_make(tmp_path: Path) -> None:
    kept = tmp_path / "thesis.txt"
    kept.write_text("irreplaceable", "utf-8")
    done = _demo(tmp_path)
    assert done.returncode == 2
    assert "error DEMO_FOLDER" in done.stderr
    assert kept.read_text("utf-8") == "irreplaceable"

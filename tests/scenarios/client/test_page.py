"""The page on the client shows programs that run as they stand, and what they fetch is judged."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from notary import demo
from tests.anvil import Anvil
from tests.scenarios.service import live as scene
from tests.simulators.ports import free_port
from tests.simulators.served import Served


def run(folder: Path, program: str) -> list[str]:
    """What the program prints."""
    (folder / "run.py").write_text(program, "utf-8")
    done = subprocess.run(
        [sys.executable, "run.py"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_the_pages_programs_hand_in_and_fetch_what_they_say(tmp_path: Path) -> None:
    programs = re.findall(
        r"```python\n(.*?)```", Path("docs/client.md").read_text("utf-8"), re.DOTALL
    )
    (tmp_path / "notice.pdf").write_bytes(b"%PDF-1.4 notice")
    with Anvil(*scene.CHAIN) as anvil:
        live = scene.make(tmp_path / "home", anvil)
        service = Served(live.made, free_port())
        service.start()
        try:
            for name in ("api.key", "counsel.key"):
                (tmp_path / name).write_text(live.made.token, "utf-8")
            handing, fetching = [
                one.replace("https://notary.example", service.url).replace(
                    "notary.example/log/receipts+…", service.receipt_key
                )
                for one in programs
            ]
            *printed, matter = run(tmp_path, handing + "\nprint(matter)\n")
            assert printed == ["sms-2 1", "sms-3 2", "sms-4 3"]
            assert [one["kind"] for one in service.claims(matter)] == ["message"] * 4 + ["letter"]
            with live.opened() as opened:
                scene.work(opened)
                demo.write_policy(opened, tmp_path)
            assert "5 of 5" in run(tmp_path, fetching)[-1]
        finally:
            service.stop()
        verifier = [sys.executable, "-I", "-m", "verifier.check.cli"]
        policy = ["--policy", str(tmp_path / "policy.toml")]
        lines = ['format = "notary-inputs/1"', f'matter = "{matter}"']
        lines += ['earliest_as_of = "2026-01-01T00:00:00.000Z"']
        (tmp_path / "inputs.toml").write_text("\n".join(lines) + "\n", "utf-8")
        judged = subprocess.run(
            [
                *verifier,
                "check",
                str(tmp_path / "package.zip"),
                *policy,
                "--inputs",
                str(tmp_path / "inputs.toml"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        # Nobody named a block's hash here, so the time is open; nothing is wrong.
        assert judged.returncode == 3, judged.stdout
        assert "record 0, 'text': withheld, personal_data" in judged.stdout
        kept = subprocess.run(
            [
                *(*verifier, "receipt", str(tmp_path / "sms-1.receipt.json"), *policy),
                *("--evm", str(tmp_path / "sms-1.proof.zip")),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert kept.returncode in (0, 3), kept.stdout + kept.stderr

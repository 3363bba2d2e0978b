"""A submitter alone against the service: a receipt, a node, and the stand-alone verifier.

The node is anvil, whose clock can be set; nothing here asks the service for anything after the receipt.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from notary import demo
from notary.usecases.export_order import ExportOrder
from tests.anvil import Anvil
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live
from tests.simulators.commands import run_command
from verifier.format import numbers

DAY = 86_400


class Submitter:
    """Who handed a record in: its receipt, a policy, and a node of the chain."""

    def __init__(self, live: Live, folder: Path) -> None:
        self.live = live
        self.folder = folder
        with live.opened() as service:
            # Only what the contract names: whose log it is, and under which keys.
            demo.write_policy(service, folder)

    def record(self, first: int) -> str:
        """Hand one record in; returns the matter's number."""
        with self.live.opened() as service:
            matter = service.new_matter(1, f"matter {first}", (f"A-{first}",))
            folder = self.folder / str(first)
            letters = scene.letters(folder, f"A-{first}", first, 1)
            service.ingest(1, (letters,), column_map=folder / "letters.map.toml")
            number: str = matter.number
        done = self.live.run("record", "show", "1", "--json")
        shown = json.loads(done.stdout)
        (self.folder / "receipt.json").write_text(shown["receipt"], "utf-8")
        return number

    def proof(self, *more: str, rpc: str | None = None) -> subprocess.CompletedProcess[str]:
        """Ask the node alone; the home of the service is not even named."""
        receipt, out = str(self.folder / "receipt.json"), str(self.folder / "evm.json")
        words = [
            "contract",
            "proof",
            receipt,
            "--rpc",
            rpc or self.live.anvil.url,
            "-o",
            out,
            *more,
        ]
        return run_command(*words, timeout_s=scene.COMMAND_SECONDS)

    def judge(self, proof: str = "evm.json", *more: str) -> dict[str, Any]:
        """What the verifier says, with the block hash that the submitter's node gives."""
        latest = [
            f"31337:{number}:{self.live.anvil.rpc('eth_getBlockByNumber', hex(number), False)['hash']}"
            for number in range(int(self.live.anvil.rpc("eth_blockNumber"), 16) + 1)
        ]
        (self.folder / "mine.txt").write_text("\n".join(latest) + "\n", "ascii")
        command = [sys.executable, "-I", "-m", "verifier.check", "receipt"]
        command += [str(self.folder / "receipt.json"), "--policy", str(self.folder / "policy.toml")]
        command += ["--evm", str(self.folder / proof), "--json", *more]
        command += ["--blocks", str(self.folder / "mine.txt")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        said: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == said["exit"]
        return said

    def wait(self, seconds: int) -> None:
        """Let time pass on the chain, and a block be made at its end."""
        self.live.anvil.rpc("evm_increaseTime", seconds)
        self.live.anvil.rpc("anvil_mine", "0x2")


@pytest.fixture
def submitter(tmp_path: Path) -> Iterator[Submitter]:
    with Anvil(*scene.CHAIN) as anvil:
        (tmp_path / "mine").mkdir()
        yield Submitter(scene.make(tmp_path / "home", anvil), tmp_path / "mine")


@pytest.mark.slow
def test_a_service_that_never_anchors_is_convicted_from_a_node_alone(submitter: Submitter) -> None:
    submitter.record(1)
    with Anvil("--chain-id", "5") as other:
        done = submitter.proof(rpc=other.url)
    assert (done.returncode != 0, "RECEIPT_CHAIN" in done.stderr) == (True, True)
    assert submitter.proof().returncode == 0
    assert (said := submitter.judge())["code"] == "RECEIPT_NOT_DUE", said
    submitter.wait(DAY)
    done = submitter.proof("--json")
    assert json.loads(done.stdout)["links"] == 0
    said = submitter.judge()
    assert (said["promise"], said["code"]) == ("broken", "RECEIPT_NO_ANCHOR"), said
    assert said["as_of"]["level"] == 1
    # It anchors after all, a day too late.
    with submitter.live.opened() as service:
        scene.work(service)
    done = submitter.proof("--json")
    assert json.loads(done.stdout)["from_first"] is True
    assert json.loads(done.stdout)["links"] >= 1
    said = submitter.judge()
    assert (said["promise"], said["code"]) == ("broken", "RECEIPT_NO_ANCHOR"), said


@pytest.mark.slow
def test_a_service_that_anchors_in_time_is_not_convicted_and_clears_itself_by_a_package(
    submitter: Submitter,
) -> None:
    number = submitter.record(1)
    with submitter.live.opened() as service:
        scene.work(service)
        out = submitter.folder / "package.zip"
        service.export(1, ExportOrder(numbers.parse(number)), out, lambda done, total: None)
    assert submitter.judge("package.zip")["promise"] == "kept"
    submitter.wait(DAY)
    assert submitter.proof().returncode == 0
    said = submitter.judge()
    assert (said["promise"], said["code"]) == ("undecided", "RECEIPT_INCLUSION_MISSING"), said
    # Anchors are looked for from a block after them: then the node names none.
    latest = int(submitter.live.anvil.rpc("eth_blockNumber"), 16)
    done = submitter.proof("--since", str(latest))
    assert done.returncode != 0
    assert "ANCHORS_UNKNOWN" in done.stderr

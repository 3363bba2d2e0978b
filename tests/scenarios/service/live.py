"""A service on a chain of its own, as an operator would run it, for the tests of this folder.

Nothing is replaced: keys, store, worker, chain node and verifier are the real ones.
"""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notary import compose, creation, demo
from notary.compose import Service
from notary.creation import Created
from tests.anvil import Anvil
from tests.simulators.commands import run_command
from tests.simulators.where import new_database

CHAIN = ("--block-time", "1", "--slots-in-an-epoch", "1", "--preserve-historical-states")
LOG = "test.notary.example/log"
AGENCY = "Test agency"
TIMERS = {**compose.DEMO_TIMERS, "cadence_s": 3600}
COMMAND_SECONDS = 240

MAP = """\
id = "test-letters"
version = 1
format = "csv"
kind = "letter"

[account]
column = "account"

[occurred_at]
column = "sent"
format = "iso8601"

[identity]
columns = ["letter_id"]

[claims.subject]
type = "text"
column = "subject"

[claims.amount]
type = "amount"
column = "amount"
currency = "EUR"
"""


@dataclass(frozen=True)
class Live:
    """A made service and its chain."""

    made: Created
    anvil: Anvil

    @property
    def home(self) -> Path:
        """The home folder."""
        return self.made.home.folder

    def opened(self) -> Any:
        """The service, as a context manager."""
        return compose.opened(self.made.home)

    def command(self, *words: str) -> list[str]:
        """A `notary` command line on this home, by this interpreter."""
        return [sys.executable, "-m", "notary", *words, "--home", str(self.home)]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a `notary` command to its end."""
        return run_command(*words, "--home", str(self.home), timeout_s=COMMAND_SECONDS)


def run_elsewhere(live: Live, *words: str) -> subprocess.CompletedProcess[str]:
    """A command that names its own home."""
    command = live.command(*words)[:-2]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def make(
    folder: Path,
    anvil: Anvil,
    settings: dict[str, Any] | None = None,
    objects: tuple[str, str, str] = ("", "", ""),
    database: str | None = None,
) -> Live:
    """A funded service with its contract deployed; where, unless it is said, tests.simulators.where says."""
    made = creation.create(
        folder,
        log=LOG,
        agency=AGENCY,
        rpc=anvil.url,
        chain_id=None,
        keys="keys",
        timers={**TIMERS, **(settings or {})},
        objects=objects,
        database=new_database() if database is None else database,
    )
    demo.fund(anvil.url, made.home.config.log_address)
    live = Live(made, anvil)
    with live.opened() as service:
        service.deploy_contract()
    return live


def work(service: Service) -> None:
    """Seal, anchor and prove everything."""
    service.worker(lambda line: None).run_until_idle()


def letters(folder: Path, account: str, first: int, count: int, text: str = "Reminder") -> Path:
    """A CSV of letters and its map; returns the CSV's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "letters.map.toml").write_text(MAP, "utf-8")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["letter_id", "account", "sent", "subject", "amount"])
    for number in range(first, first + count):
        day = 1 + number % 28
        writer.writerow(
            [
                f"L-{number}",
                account,
                f"2026-01-{day:02}T08:00:00Z",
                f"{text} {number}",
                f"{number % 1000}.50",
            ]
        )
    path = folder / "letters.csv"
    path.write_text(out.getvalue(), "utf-8")
    return path


def judge(folder: Path, package: Path, *more: str) -> tuple[int, dict[str, Any]]:
    """The stand-alone verifier's exit code and report, in another process."""
    command: Sequence[str] = [
        *(sys.executable, "-I", "-m", "verifier.check.cli", "check", str(package)),
        *("--policy", str(folder / "policy.toml"), "--inputs", str(folder / "inputs.toml")),
        *("--json", *more),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    # With --rpc it says first whom it asks.
    assert all(line.startswith("asks ") for line in done.stderr.splitlines()), done.stderr
    return done.returncode, json.loads(done.stdout)


def anchored_sizes(live: Live) -> list[int]:
    """The sizes that the contract's events show, in the order of the chain."""
    logs = live.anvil.rpc(
        "eth_getLogs",
        {"fromBlock": "0x0", "toBlock": "latest", "address": live.made.home.config.contract},
    )
    # Data: prev, root, size and time in one word (docs/spec/anchor.md §1).
    return [int(one["data"][2 + 128 : 2 + 192], 16) >> 64 for one in logs]

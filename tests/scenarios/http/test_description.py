"""The description of the interface is exact: schemathesis asks every route by it, rightly and wrongly.

Each answer must be described: its status, type, headers and form; what the description forbids must be
refused; no route fails. What was accepted is looked at by the other tests. docs/http.md "Problems".
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenarios.http.schemathesis_hooks import SPARED
from tests.simulators.server import Server

HERE = Path(__file__).parent
SUITE_EXAMPLES = 5  # for each route and phase
SOAK_SECONDS = 180  # below the suite's own timeout
SEED = "1"  # the suite asks the same each time; the soak does not
NO_CHECKS = (
    "positive_data_acceptance"  # a number has a checksum, a record fits its kind: no schema says so
)


def run(server: Server, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(str(Path(sys.executable).with_name("st")), "--config-file"),
            *(str(HERE / "schemathesis.toml"), "run"),
            f"http://127.0.0.1:{server.port}/v1/openapi.json",
            *("--header", f"Authorization: Bearer {server.token}"),
            *("--checks", "all", "--exclude-checks", NO_CHECKS),
            *("--no-color", "--warnings", "off", *options),
        ],
        env={
            **os.environ,
            "PYTHONPATH": str(HERE.parents[2]),
            "SCHEMATHESIS_HOOKS": "tests.scenarios.http.schemathesis_hooks",
            SPARED: ",".join(_own(server)),
        },
        # It keeps what it found out for its next run.
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def _own(server: Server) -> list[str]:
    """The user who asks, and their keys."""
    user = server.ask("GET", "/v1/me").json()["user"]
    keys = server.ask("GET", "/v1/keys").json()
    return [user, *(one["key"] for one in keys if one["user"] == user)]


@pytest.mark.slow
def test_every_route_answers_as_it_is_described(server: Server, tmp_path: Path) -> None:
    done = run(server, tmp_path, "--max-examples", str(SUITE_EXAMPLES), "--seed", SEED)
    assert done.returncode == 0, done.stdout + done.stderr
    chosen = re.search(r"Operations: +(\d+) selected / (\d+) total", done.stdout)
    assert chosen is not None
    assert int(chosen[1]) == int(chosen[2]) > 15
    assert server.ask("GET", "/v1/matters").status == 200


@pytest.mark.soak
def test_every_route_answers_as_it_is_described_at_length(server: Server, tmp_path: Path) -> None:
    done = run(server, tmp_path, "--max-time", str(SOAK_SECONDS))
    print(done.stdout[-2000:])
    assert done.returncode == 0, done.stdout + done.stderr

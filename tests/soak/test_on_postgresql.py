"""The suites that make services run once on PostgreSQL, as they run on a file in `make test`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulators.where import VARIABLE

ROOT = Path(__file__).parents[2]
SUITES = (
    "tests/api",
    "tests/scenarios/client",
    "tests/scenarios/events",
    "tests/scenarios/http",
)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_passes_on_postgresql(suite: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-m", "not soak", suite]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, VARIABLE: "postgresql"},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout[-400:])
    assert done.returncode == 0, done.stdout[-20_000:]

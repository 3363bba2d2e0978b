"""What is installed: two distributions that agree, and a service that opens nothing at import."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from verifier.format.identity import VERSION

ROOT = Path(__file__).resolve().parent.parent.parent


def _project(path: str) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / path).read_text("utf-8"))["project"]
    return project


def test_both_distributions_and_the_verifier_have_one_version() -> None:
    whole, alone = _project("pyproject.toml"), _project("verifier/pyproject.toml")
    assert whole["version"] == alone["version"] == VERSION


def test_the_service_takes_the_verifiers_dependencies_as_they_are() -> None:
    whole, alone = _project("pyproject.toml"), _project("verifier/pyproject.toml")
    assert set(alone["dependencies"]) <= set(whole["dependencies"])


@pytest.mark.parametrize("module", ["notary.cli", "notary.compose", "api.app"])
def test_importing_loads_no_chain_library_and_touches_no_folder(
    module: str, tmp_path: Path
) -> None:
    code = f"import sys, {module}; print([n for n in ('web3', 'eth_account') if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []


def test_help_of_the_command_line_loads_no_store() -> None:
    code = (
        "import sys; sys.argv = ['notary', '--help']\n"
        "from notary.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([n for n in ('sqlalchemy', 'fastapi', 'web3') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"

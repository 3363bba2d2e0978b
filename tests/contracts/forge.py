"""Runs the contract's tools side by side: each in scratch folders of its own.

forge comes from npm; slither and halmos, which call forge, from environments of their
own, since each pins libraries that the service has in other versions.
"""

import os
import shutil
import subprocess
from pathlib import Path

from tests.anvil import ROOT

CONTRACTS = ROOT / "contracts"
FORGE = CONTRACTS / "node_modules/@foundry-rs/forge-linux-amd64/bin/forge"
SLITHER = ROOT / ".venv-slither/bin/slither"
HALMOS = ROOT / ".venv-halmos/bin/halmos"

SECONDS = 240  # within pytest's limit of 300, so that a hung tool is named


def run(
    tool: Path, scratch: Path, *args: str, root: Path = CONTRACTS, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Runs `tool` in `root`; `settings` are foundry.toml's, as FOUNDRY_ variables."""
    if not tool.exists():
        raise FileNotFoundError(f"{tool} is missing: run `make setup-test`")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FOUNDRY_")}
    environment |= settings
    environment |= {
        "FOUNDRY_OUT": str(scratch / "out"),
        "FOUNDRY_CACHE_PATH": str(scratch / "cache"),
        "PATH": f"{FORGE.parent}:{environment['PATH']}",
        # halmos makes a folder in the home, for solvers that it would download.
        "HOME": str(scratch),
    }
    return subprocess.run(
        [tool, *args], cwd=root, env=environment, capture_output=True, text=True, timeout=SECONDS
    )


def forge(
    scratch: Path, *args: str, root: Path = CONTRACTS, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Runs forge in `root`."""
    return run(FORGE, scratch, *args, root=root, **settings)


def copy_of_the_project(target: Path) -> Path:
    """The project without its scratch folders, with the installed tools linked in."""
    shutil.copytree(
        CONTRACTS, target, ignore=shutil.ignore_patterns("node_modules", "out", "cache")
    )
    (target / "node_modules").symlink_to(CONTRACTS / "node_modules")
    return target

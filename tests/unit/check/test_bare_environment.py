"""Proves that the verifier needs its own dependencies alone, and no network."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.hostile import persons
from tests.hostile.attacks import ALL
from tests.hostile.case import honest
from tests.hostile.package import Package

ROOT = Path(__file__).parents[3]
# What verifier/pyproject.toml asks for, with what these need in turn.
DEPENDENCIES = ("cryptography", "safe-pysha3", "cffi", "pycparser")

# Any use of a socket ends the process, however the library comes to it.
NO_NETWORK = """
import sys

def refuse(event, _):
    if event.startswith("socket."):
        raise RuntimeError(f"{event} in a program without network")

sys.addaudithook(refuse)
"""


ENDPOINTS = [
    {"operator": name, "chain_id": 31337, "url": f"https://{name}.example"} for name in ("a", "b")
]


def copy_distribution(name: str, target: Path) -> None:
    """Copy an installed distribution's files, as an installer would lay them out."""
    here = Path(sysconfig.get_path("platlib")).resolve()
    for file in distribution(name).files or ():
        source = Path(str(distribution(name).locate_file(file))).resolve()
        if source.is_relative_to(here) and source.is_file():
            place = target / source.relative_to(here)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, place)


@pytest.mark.slow
@pytest.mark.parametrize("with_sha3", [True, False])
def test_a_package_is_checked_where_nothing_else_is_installed(
    with_sha3: bool, tmp_path: Path
) -> None:
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    library = next((tmp_path / "venv" / "lib").glob("python3*/site-packages"))
    for name in DEPENDENCIES:
        if with_sha3 or name != "safe-pysha3":
            copy_distribution(name, library)
    shutil.copytree(
        ROOT / "verifier", library / "verifier", ignore=shutil.ignore_patterns("__pycache__")
    )
    (library / "sitecustomize.py").write_text(NO_NETWORK, "ascii")
    honest().complete().write_zip(tmp_path / "package.zip")
    persons.write(honest().policy(), tmp_path / "policy.toml")
    persons.write(honest().inputs(), tmp_path / "inputs.toml")
    python = tmp_path / "venv" / "bin" / "python"

    def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [python, *arguments], cwd=tmp_path, env={}, capture_output=True, check=False
        )

    # The environment is as bare as it is said to be, and its sockets are closed.
    for module in ("notary", "web3", "rlp", "pytest"):
        assert run("-c", f"import {module}").returncode == 1
    assert b"without network" in run("-c", "import socket; socket.socket()").stderr
    assert (run("-c", "import sha3").returncode == 0) is with_sha3

    files = ["--policy", "policy.toml", "--inputs", "inputs.toml"]
    done = run("-m", "verifier.check", "check", "package.zip", *files, "--sm3")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"VERDICT: VALID ")
    # Time-stamp tokens need nothing more.
    stamped = ALL["tokens.tokens_of_every_shown_checkpoint"].make()
    assert isinstance(stamped.package, Package)
    assert isinstance(stamped.policy, dict)
    stamped.package.write_zip(tmp_path / "stamped.zip")
    persons.write(stamped.policy, tmp_path / "policy.toml")
    done = run("-m", "verifier.check", "check", "stamped.zip", *files)
    assert (done.returncode, done.stderr) == (0, b"")
    # Only --rpc touches the network; where it is closed, nobody answered and nothing else changes.
    policy = honest().policy() | {"endpoint": ENDPOINTS}
    policy["limits"]["quorum"] = 2
    persons.write(policy, tmp_path / "policy.toml")
    done = run("-m", "verifier.check", "check", "package.zip", *files)
    assert (done.returncode, done.stderr) == (0, b"")
    done = run("-m", "verifier.check", "check", "package.zip", *files, "--rpc", "--json")
    assert (done.returncode, done.stderr.count(b"\n")) == (0, 2)
    said = json.loads(done.stdout)["blocks_to_compare"][0]["sources"]
    assert [(one["kind"], one["detail"]) for one in said] == [
        ("own", ""),
        ("endpoint", "no HTTP: RuntimeError"),
        ("endpoint", "no HTTP: RuntimeError"),
    ]
    # The same sources give the same digest wherever they are installed.
    here = subprocess.run(
        [sys.executable, "-m", "verifier.check", "--version"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert run("-m", "verifier.check", "--version").stdout == here.stdout

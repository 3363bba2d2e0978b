"""The Go project's own signed notes and transparency logs agree with ours (tests/foreign/go).

Run by `make foreign`, for the tools are not among what `make test` installs: Debian's packages
golang-go and golang-golang-x-mod-dev hold all of it, so nothing is fetched. Where they are missing,
the tests are skipped and nothing is claimed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.hostile.package import CONSISTENCY, Package, header_path, proof_path
from tests.hostile.world import World

PROGRAM = Path(__file__).parent / "go" / "main.go"
GOCODE = Path("/usr/share/gocode")  # where Debian puts Go libraries

pytestmark = pytest.mark.foreign


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built program."""
    if shutil.which("go") is None or not (GOCODE / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("apt-get install golang-go golang-golang-x-mod-dev")
    folder = tmp_path_factory.mktemp("go")
    environment = os.environ | {
        "GO111MODULE": "off",
        "GOPATH": str(GOCODE),
        "GOCACHE": str(folder / "cache"),
        "GOFLAGS": "",
    }
    target = folder / "check"
    subprocess.run(["go", "build", "-o", target, PROGRAM], env=environment, check=True)
    return target


@pytest.fixture(scope="module")
def world() -> World:
    return World.told()


def result(check: Path, world: World, package: Package, folder: Path) -> tuple[int, str]:
    vkey = world.log.checkpoint_keys[0].vkey
    package.write_folder(folder)
    done = subprocess.run([check, vkey, folder], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("complete", "3 batches, 3 checkpoints, 2 consistency proofs hold\n"),
        ("extract", "3 batches, 3 checkpoints, 2 consistency proofs hold\n"),
        ("absent", "1 batches, 1 checkpoints, 0 consistency proofs hold\n"),
    ],
)
def test_go_accepts_every_kind(
    check: Path, world: World, tmp_path: Path, kind: str, words: str
) -> None:
    assert result(check, world, getattr(world, kind)(), tmp_path) == (0, words)


def test_go_refuses_another_header(check: Path, world: World, tmp_path: Path) -> None:
    package = world.complete()
    swapped = package.put(header_path(2), package[header_path(4)])
    status, words = result(check, world, swapped, tmp_path)
    assert (status, "000002.tlog-proof" in words) == (1, True)


def test_go_refuses_another_signer(check: Path, world: World, tmp_path: Path) -> None:
    package = World.told(seed="another service").complete()
    status, words = result(check, world, package, tmp_path)
    assert (status, "checkpoint" in words) == (1, True)


def test_go_refuses_a_changed_proof(check: Path, world: World, tmp_path: Path) -> None:
    package = world.complete()
    lines = package[proof_path(2)].decode().split("\n")
    lines[2], lines[3] = lines[3], lines[2]
    status, _ = result(
        check, world, package.put(proof_path(2), "\n".join(lines).encode()), tmp_path
    )
    assert status == 1


def test_go_refuses_a_changed_consistency_proof(check: Path, world: World, tmp_path: Path) -> None:
    package = world.complete()
    document = package.json(CONSISTENCY)
    document["proofs"][0]["path"].reverse()
    status, words = result(check, world, package.put_json(CONSISTENCY, document), tmp_path)
    assert (status, "consistency.json" in words) == (1, True)

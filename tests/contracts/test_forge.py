"""The contract's own tests, run by forge with the compiler from npm."""

import json
from pathlib import Path

import pytest

from tests.contracts.forge import copy_of_the_project, forge


def test_every_forge_test_passes_and_the_gas_snapshot_holds(tmp_path: Path) -> None:
    ran = forge(tmp_path, "test", "--offline")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ", 0 failed, 0 skipped" in ran.stdout
    assert "[PASS] testFuzz_OutcomeIsPredicted" in ran.stdout
    for invariant in (
        "EveryHeadIsTheFoldOfItsOwnEntries",
        "EveryAcceptedCallLeavesOneEvent",
        "NoEtherIsHeldButWhatWasForced",
    ):
        assert f"[PASS] invariant_{invariant}" in ran.stdout


@pytest.mark.soak
def test_a_contract_that_skips_the_comparison_fails_its_tests(tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "project")
    source = project / "src/Anchors.sol"
    sound = source.read_text("utf-8")
    broken = sound.replace("if (current != prev) revert StalePrev(current);", "current;")
    assert broken != sound
    source.write_text(broken, "utf-8")
    ran = forge(tmp_path, "test", "--offline", root=project)
    assert ran.returncode == 1
    assert "test_RevertWhen_SameAnchorIsSentTwice" in ran.stdout
    assert "[FAIL: next call did not revert as expected] test_RevertWhen" in ran.stdout


def test_a_gas_figure_that_moved_fails_the_snapshot(tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "project")
    snapshot = project / "snapshots/Anchors.json"
    figures = json.loads(snapshot.read_text("utf-8"))
    figures["anchor, any later"] = str(int(figures["anchor, any later"]) + 1)
    snapshot.write_text(json.dumps(figures), "utf-8")
    ran = forge(tmp_path, "test", "--offline", "--match-test", "test_GasSnapshot", root=project)
    assert ran.returncode == 1
    assert "Snapshots differ from previous run" in ran.stderr


def test_sources_are_formatted(tmp_path: Path) -> None:
    ran = forge(tmp_path, "fmt", "--check")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_sources_are_free_of_lint(tmp_path: Path) -> None:
    ran = forge(tmp_path, "lint")
    assert ran.returncode == 0, ran.stdout + ran.stderr

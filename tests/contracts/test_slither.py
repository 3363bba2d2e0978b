"""`make check` runs slither; here it is shown that a result that nobody explained fails it."""

from pathlib import Path

import pytest

from tests.contracts.forge import SLITHER, copy_of_the_project, run

EXPLAINED = ("pragma", "timestamp")  # each with its reason above it in Anchors.sol


@pytest.mark.soak
def test_a_new_result_fails(tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "project")
    source = project / "src/Anchors.sol"
    sound = source.read_text("utf-8")
    broken = sound.replace("if (root == 0)", "if (tx.origin == address(1) || root == 0)")
    assert broken != sound
    source.write_text(broken, "utf-8")
    ran = run(SLITHER, tmp_path, ".", root=project)
    assert ran.returncode != 0
    assert "Detector: tx-origin" in ran.stderr
    assert "1 result(s) found" in ran.stderr  # the explained ones stay silent


@pytest.mark.soak
def test_each_explanation_silences_what_slither_does_report(tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "project")
    source = project / "src/Anchors.sol"
    text = source.read_text("utf-8")
    for detector in EXPLAINED:
        assert text.count(f"// slither-disable-next-line {detector}\n") == 1
    assert text.count("slither-disable") == len(EXPLAINED)
    source.write_text(text.replace("slither-disable-next-line", "was"), "utf-8")
    ran = run(SLITHER, tmp_path, ".", root=project)
    assert ran.returncode != 0
    for detector in EXPLAINED:
        assert f"Detector: {detector}\n" in ran.stderr
    assert f"{len(EXPLAINED)} result(s) found" in ran.stderr

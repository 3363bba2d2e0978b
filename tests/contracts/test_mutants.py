"""Faults put into the contract: its own tests must notice each."""

from pathlib import Path

import pytest

from tests.contracts.forge import CONTRACTS, copy_of_the_project, forge
from tests.contracts.mutants import MUTANTS, Mutant

SOURCE = (CONTRACTS / "src/Anchors.sol").read_text("utf-8")

# Fewer runs than the project's own: what these notice, those notice as well.
FEW = {"FOUNDRY_FUZZ_RUNS": "64", "FOUNDRY_INVARIANT_RUNS": "16"}


def test_each_fault_is_an_edit_of_its_own() -> None:
    assert len({mutant.fault for mutant in MUTANTS}) == len(MUTANTS)
    edited = {mutant.applied(SOURCE) for mutant in MUTANTS}
    assert len(edited) == len(MUTANTS)
    assert SOURCE not in edited


@pytest.mark.soak
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.fault)
def test_a_fault_in_the_contract_fails_its_tests(mutant: Mutant, tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "project")
    (project / "src/Anchors.sol").write_text(mutant.applied(SOURCE), "utf-8")
    # The gas figure notices nearly any edit, and so would show nothing about the tests. A
    # fault may cause a warning.
    ran = forge(
        tmp_path, "test", "--offline", "--no-match-test", "GasSnapshot",
        root=project, FOUNDRY_DENY="never", **FEW,
    )  # fmt: skip
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "Compiler run successful" in ran.stdout
    assert "[FAIL" in ran.stdout

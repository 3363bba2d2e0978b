"""The outcome of every call, proved: halmos runs `check_OutcomeOfEveryCall`.

Proved are docs/spec/anchor.md §1's formula, errors and their order, for every prev, root,
size, time, caller and stored head, over the bytes that are deployed. keccak is taken for
an injective function and no more. Events are not in it: forge's invariants hold those.
"""

import json
import subprocess
from pathlib import Path

import pytest

from tests.anvil import ROOT
from tests.contracts.forge import CONTRACTS, HALMOS, copy_of_the_project, run
from tests.contracts.mutants import MUTANTS, Mutant

RUNTIME_CODE: str = json.loads((ROOT / "contracts/artifact/Anchors.json").read_text("utf-8"))[
    "runtime_code"
]

# The order with its errors, the formula, another's log. The soak refutes all.
REFUTED = [
    mutant
    for mutant in MUTANTS
    if mutant.fault in {"prev checked first", "shift by 63", "a neighbour cleared"}
]


def prove(
    scratch: Path, root: Path = CONTRACTS, **settings: str
) -> subprocess.CompletedProcess[str]:
    arguments = ("--forge-build-out", str(scratch / "out"), "--contract", "AnchorsSymbolicTest")
    return run(HALMOS, scratch, "--no-status", *arguments, root=root, **settings)


def refuted(mutant: Mutant, scratch: Path) -> bool:
    """Whether halmos shows a call whose outcome is wrong; AssertionError when it shows neither."""
    project = copy_of_the_project(scratch / "project")
    source = project / "src/Anchors.sol"
    source.write_text(mutant.applied(source.read_text("utf-8")), "utf-8")
    ran = prove(scratch, project, FOUNDRY_DENY="never")  # a fault may cause a warning
    said = ran.stdout + ran.stderr
    if ran.returncode == 0:
        assert "1 passed; 0 failed" in said, said
        return False
    assert "Counterexample:" in said, said
    assert "0 passed; 1 failed" in said, said
    return True


def test_every_call_has_the_specified_outcome(tmp_path: Path) -> None:
    ran = prove(tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Symbolic test result: 1 passed; 0 failed" in ran.stdout
    assert "bounds: []" in ran.stdout  # no loop was cut short
    built = json.loads((tmp_path / "out/Anchors.sol/Anchors.json").read_text("utf-8"))
    assert built["deployedBytecode"]["object"] == RUNTIME_CODE


def test_storage_is_written_in_one_place() -> None:
    # halmos keeps a mapping's slots apart from slots that are constants in the code, so it
    # would miss a write to a slot whose hash the compiler knew. There is one write, and its
    # slot is the caller's, as proved; and no call by which other code could write.
    code, at, found = bytes.fromhex(RUNTIME_CODE[2:]), 0, []
    while at < len(code):
        found.append(code[at])
        # PUSH1 (0x60) to PUSH32 (0x7f) carry 1 to 32 bytes of data.
        at += 1 + (code[at] - 0x5F if 0x60 <= code[at] <= 0x7F else 0)
    assert found.count(0x55) == 1  # SSTORE
    assert found.count(0xA3) == 1  # LOG3, the event
    # LOG0 to LOG2, LOG4, CREATE, CALL, CALLCODE, DELEGATECALL, CREATE2, STATICCALL, SELFDESTRUCT
    assert not set(found) & {0xA0, 0xA1, 0xA2, 0xA4, 0xF0, 0xF1, 0xF2, 0xF4, 0xF5, 0xFA, 0xFF}


@pytest.mark.soak
@pytest.mark.parametrize("mutant", REFUTED, ids=lambda mutant: mutant.fault)
def test_a_contract_with_a_fault_is_refuted(mutant: Mutant, tmp_path: Path) -> None:
    assert refuted(mutant, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.fault)
def test_the_proof_sees_all_but_what_it_does_not_speak_of(mutant: Mutant, tmp_path: Path) -> None:
    assert refuted(mutant, tmp_path) == mutant.proof_sees

"""Runs the verifier in process over a case and says what came out, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.case import Attack, Case, Row
from verifier.check.inputs import read_inputs
from verifier.check.judge import check
from verifier.check.policy import read_policy
from verifier.check.rows import CannotJudge

# Rows that the told story has nothing for; tests/hostile/attacks/tokens.py adds tokens to it.
NOT_IN_THE_STORY = frozenset({"timestamp", "signatures"})


@dataclass(frozen=True)
class Outcome:
    """Verdict and rows; of an ERROR its step and code instead."""

    verdict: str
    rows: Mapping[str, Row]
    error: tuple[str, str] | None = None

    @property
    def failed(self) -> list[str]:
        return [name for name, row in self.rows.items() if row.result == "FAIL"]


def verify(case: Case, folder: Path) -> Outcome:
    """Write the case under `folder` and let the verifier judge it."""
    package, policy_path, inputs_path = case.write(folder)
    step = "1.1"
    try:
        policy = read_policy(policy_path)
        step = "1.2"
        inputs = read_inputs(inputs_path)
        step = "2.1"
        judgement = check(package, policy, inputs, sm3=case.sm3)
    except CannotJudge as error:
        # A kind that the policy doesn't list is the policy's matter, whenever it is noticed.
        noticed = "1.1" if error.code.startswith("POLICY_") else step
        return Outcome("ERROR", {}, (noticed, error.code))
    rows = {
        row.value: Row(finding.step or "", finding.result.value, finding.code or "")
        for row, finding in judgement.rows.items()
    }
    return Outcome(judgement.verdict.value, rows)


def differences(attack: Attack, outcome: Outcome) -> list[str]:
    """How an outcome departs from what the attack must lead to, as sentences."""
    if attack.error is not None:
        got = (outcome.verdict, outcome.error)
        return [] if got == ("ERROR", attack.error) else [f"want {attack.error}, got {outcome}"]
    found = []
    if outcome.verdict != attack.verdict:
        found.append(f"want {attack.verdict}, got {outcome.verdict} {outcome.error or ''}")
    for name, row in outcome.rows.items():
        wanted = attack.rows.get(name)
        if wanted is not None:
            if row != wanted:
                found.append(f"{name}: want {wanted}, got {row}")
        elif row.result == "FAIL" or (row.result == "NOT CHECKED" and row.code != "BLOCKED"):
            found.append(f"{name}: got {row}, which nobody foresaw")
        elif attack.verdict == "VALID" and row.result == "NOT CHECKED":
            found.append(f"{name}: got {row} in a valid package")
    return found

"""Runs the verifier in process over a case and says what came out, row by row."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tests.hostile.case import Attack, Case, Row
from tests.hostile.world import CHAIN_ID
from verifier.check.blocks import BlockId, BlockSource
from verifier.check.cli import main
from verifier.check.endpoints import ask, chosen
from verifier.check.inputs import read_inputs
from verifier.check.judge import Judgement, check
from verifier.check.policy import parse_url, read_policy
from verifier.check.rows import CannotJudge

# Rows that the told story has nothing for; tests/hostile/attacks/tokens.py adds tokens to it,
# sources.py there the logs of sources.
NOT_IN_THE_STORY = frozenset({"timestamp", "signatures", "sources"})


@dataclass(frozen=True)
class Outcome:
    """Verdict and rows; of an ERROR its step and code instead. `judged` is what a report is written of."""

    verdict: str
    rows: Mapping[str, Row]
    judged: Judgement | CannotJudge
    error: tuple[str, str] | None = None

    @property
    def failed(self) -> list[str]:
        return [name for name, row in self.rows.items() if row.result == "FAIL"]


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """What `verifier` with these words does, run in this process: `make mutants` sees into it."""
    arguments = [str(word) for word in words]
    with (
        io.TextIOWrapper(io.BytesIO(), "utf-8") as out,
        io.TextIOWrapper(io.BytesIO(), "utf-8") as err,
    ):
        with redirect_stdout(out), redirect_stderr(err):
            code = main(arguments)
        said = []
        for stream in (out, err):
            stream.seek(0)
            said.append(stream.read())
    return subprocess.CompletedProcess(arguments, code, *said)


def verify(case: Case, folder: Path) -> Outcome:
    """Write the case under `folder` and let the verifier judge it."""
    with ExitStack() as nodes:
        for _, node in case.nodes:
            nodes.enter_context(node)
        return _verify(_with_endpoints(case), folder)


def _with_endpoints(case: Case) -> Case:
    """The same case once it is known where its nodes listen."""
    named = [
        {"operator": operator, "chain_id": CHAIN_ID, "url": node.url}
        for operator, node in case.nodes
        if operator is not None
    ]
    if not named:
        return case
    assert isinstance(case.policy, dict)
    return replace(case, policy=case.policy | {"endpoint": named})


def _verify(case: Case, folder: Path) -> Outcome:
    package, policy_path, inputs_path = case.write(folder)
    step = "1.1"
    try:
        policy = read_policy(policy_path)
        step = "1.2"
        inputs = read_inputs(inputs_path)
        step = "2.1"
        strangers = [parse_url(node.url) for operator, node in case.nodes if operator is None]
        asked = chosen(policy.endpoints, [None, *strangers]) if case.rpc else []

        def ask_nodes(wanted: Sequence[BlockId]) -> Sequence[BlockSource]:
            return ask(asked, wanted, datetime.now(UTC), lambda done, total: None)

        judgement = check(package, policy, inputs, sm3=case.sm3, ask=ask_nodes if asked else None)
    except CannotJudge as error:
        # A kind that the policy doesn't list is the policy's matter, whenever it is noticed.
        noticed = "1.1" if error.code.startswith("POLICY_") else step
        return Outcome("ERROR", {}, error, (noticed, error.code))
    rows = {
        row.value: Row(finding.step or "", finding.result.value, finding.code or "")
        for row, finding in judgement.rows.items()
    }
    return Outcome(judgement.verdict.value, rows, judgement)


def differences(attack: Attack, outcome: Outcome) -> list[str]:
    """How an outcome departs from what the attack must lead to, as sentences."""
    if attack.error is not None:
        got = (outcome.verdict, outcome.error)
        return [] if got == ("ERROR", attack.error) else [f"want {attack.error}, got {outcome}"]
    found = []
    blocked = set()
    if outcome.verdict != attack.verdict:
        found.append(f"want {attack.verdict}, got {outcome.verdict} {outcome.error or ''}")
    for name, row in outcome.rows.items():
        wanted = attack.rows.get(name)
        if wanted is not None:
            if row != wanted:
                found.append(f"{name}: want {wanted}, got {row}")
        elif row.code == "BLOCKED":
            blocked.add(row.step)
        elif row.result in ("FAIL", "NOT CHECKED"):
            found.append(f"{name}: got {row}, which nobody foresaw")
    if blocked != attack.blocked:
        found.append(f"want {sorted(attack.blocked)} to block a row, got {sorted(blocked)}")
    return found

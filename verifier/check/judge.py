"""Runs the steps and puts what they find into rows and a verdict (docs/spec/verification.md §4, §5).

Proved by tests/unit/check/test_judge.py and tests/hostile.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from verifier.check.blocks import BlockId, BlockSource
from verifier.check.case import Case
from verifier.check.chain_proof import ChainProof
from verifier.check.inputs import Inputs
from verifier.check.policy import Policy
from verifier.check.reading import BagUnreadable, read_bag
from verifier.check.rows import BLOCKED, Blocked, CannotJudge, Result, Row, Trouble, Verdict
from verifier.check.steps import NOT_APPLICABLE, STEPS, Step
from verifier.check.used_blocks import blocks_to_ask
from verifier.check.verdict import judge, required_rows
from verifier.format.statement import Kind

MAX_TROUBLES = 20  # of one step and result: a report names the first ones, the rest say no more


class Found(NamedTuple):
    """A trouble with the step that found it."""

    step: str
    trouble: Trouble


class RowFinding(NamedTuple):
    """A row's result; `step`, `code` and `detail` are those of the first trouble that decides it.

    `found` holds every trouble but those that only say that a step was blocked.
    """

    row: Row
    result: Result
    step: str | None = None
    code: str | None = None
    detail: str = ""
    found: tuple[Found, ...] = ()


class Judgement(NamedTuple):
    """All rows in their order, the verdict over them, and which must pass for VALID."""

    case: Case
    kind: Kind | None
    rows: Mapping[Row, RowFinding]
    verdict: Verdict
    required: frozenset[Row]


def check(
    package: Path,
    policy: Policy,
    inputs: Inputs,
    *,
    sm3: bool = False,
    ask: Callable[[Sequence[BlockId]], Sequence[BlockSource]] | None = None,
) -> Judgement:
    """Check a package; `ask` asks sources for the blocks that it turns out to rest on.

    Raises CannotJudge PACKAGE_UNREADABLE if it can't be opened, POLICY_KIND if the policy has no
    list for its kind.
    """
    try:
        case = Case(read_bag(package, sm3=sm3), policy, inputs, sm3=sm3)
        if ask is not None:
            case.answers = ask(blocks_to_ask(case))
        return judge_case(case)
    except BagUnreadable as error:
        raise CannotJudge("PACKAGE_UNREADABLE", str(error)) from error


def judge_case(case: Case) -> Judgement:
    """Run every step of STEPS over the case. Raises CannotJudge POLICY_KIND."""
    stated = case.evidence.statement.value
    kind = None if stated is None else stated.choices.kind
    if kind is not None and kind not in case.policy.required:
        raise CannotJudge("POLICY_KIND", f"the package is of kind {kind.value}")
    by_row: dict[Row, list[Found]] = {row: [] for row in Row}
    looked_at: set[Row] = set()
    for step in sorted(STEPS.values(), key=lambda one: one.order):
        row = step.row_in(kind)
        if row is None:
            continue
        looked_at.add(row)
        troubles = troubles_of(step, case)
        case.found[step.number] = troubles
        by_row[row] += [Found(step.number, trouble) for trouble in troubles]
    rows = {}
    for row in Row:
        code = _not_applicable(row, kind, case)
        if code is not None:
            rows[row] = RowFinding(row, Result.NOT_APPLICABLE, code=code)
        elif row not in looked_at:
            rows[row] = RowFinding(row, Result.NOT_CHECKED, code=BLOCKED, detail="no step was run")
        else:
            rows[row] = _row(row, by_row[row])
    results = {row: finding.result for row, finding in rows.items()}
    if kind is None:
        # Without a kind there is no list of rows; step 2.5 failed, or nothing is required to pass.
        required = frozenset(Row)
    else:
        added = {*case.policy.required[kind], *({Row.SOURCES} if case.inputs.sources else ())}
        required = required_rows(kind, added)
    return Judgement(case, kind, rows, judge(results, required), required)


def troubles_of(step: Step, case: ChainProof) -> list[Trouble]:
    """What a step finds, FAIL before NOT CHECKED, at most MAX_TROUBLES of each."""
    kept: dict[Result, list[Trouble]] = {Result.FAIL: [], Result.NOT_CHECKED: []}
    for trouble in _troubles(step, case):
        troubles = kept[trouble.result]
        if len(troubles) < MAX_TROUBLES:
            troubles.append(trouble)
    return kept[Result.FAIL] + kept[Result.NOT_CHECKED]


def _troubles(step: Step, case: ChainProof) -> Iterator[Trouble]:
    try:
        yield from step.run(case)
    except Blocked as blocked:
        yield Trouble(Result.NOT_CHECKED, BLOCKED, f"step {step.number} needs {blocked.missing}")


def _not_applicable(row: Row, kind: Kind | None, case: Case) -> str | None:
    if row is Row.TIMESTAMP and not case.evidence.token_places:
        return "NO_TOKEN"
    if row is Row.SIGNATURES:
        return "NO_SIGNED_ACTS"
    if row is Row.RECEIPTS and not case.inputs.receipts:
        return "NO_RECEIPTS"
    if row is Row.EVENTS and kind is not Kind.ABSENT and _has_no_event(case):
        return "NO_EVENTS"
    if row is Row.SOURCES and kind is not Kind.ABSENT and _has_no_source(case):
        return "NO_SOURCES"
    return None if kind is None else NOT_APPLICABLE[kind].get(row)


def _has_no_event(case: Case) -> bool:
    try:
        return not case.events
    except Blocked:
        # Leaves or disclosures that can't be read may hold one: the steps say that they are blocked.
        return False


def _has_no_source(case: Case) -> bool:
    try:
        case.evidence.leaf_lines.need()
        none = not case.evidence.source_keys and not case.numbered
        return none and not case.inputs.sources
    except Blocked:
        return False


def _row(row: Row, found: list[Found]) -> RowFinding:
    listed = tuple(one for one in found if one.trouble.code != BLOCKED)
    for result in (Result.FAIL, Result.NOT_CHECKED):
        for one in found:
            if one.trouble.result is result:
                trouble = one.trouble
                return RowFinding(row, result, one.step, trouble.code, trouble.detail, listed)
    return RowFinding(row, Result.PASS)

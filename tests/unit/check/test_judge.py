"""Proves verifier/check/judge.py: from what steps find to rows (docs/spec/verification.md §3, §4)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.hostile import persons
from tests.hostile.case import honest
from tests.hostile.package import Package
from tests.hostile.world import CASE, NOBODY
from verifier.check import judge as driver
from verifier.check.case import Case
from verifier.check.inputs import read_inputs
from verifier.check.judge import MAX_TROUBLES, Judgement, check
from verifier.check.policy import read_policy
from verifier.check.rows import Blocked, CannotJudge, Result, Row, Trouble, Verdict
from verifier.check.rows import failed as fail
from verifier.check.rows import not_checked as unsure
from verifier.check.steps import STEPS, Step
from verifier.format.statement import Kind

PAGE = (Path(__file__).parents[3] / "docs" / "spec" / "verification.md").read_text("utf-8")


def judged(
    folder: Path,
    package: Package | None = None,
    *,
    policy: dict[str, Any] | None = None,
    inputs: dict[str, Any] | None = None,
    as_folder: bool = False,
) -> Judgement:
    whole = package or honest().complete()
    if as_folder:
        (folder / "package").mkdir()
        path = whole.write_folder(folder / "package")
    else:
        path = whole.write_zip(folder / "package.zip")
    return check(
        path,
        read_policy(persons.write(policy or honest().policy(), folder / "policy.toml")),
        read_inputs(persons.write(inputs or honest().inputs(), folder / "inputs.toml")),
    )


def of(judgement: Judgement, row: Row) -> tuple[Result, str | None, str | None]:
    finding = judgement.rows[row]
    return finding.result, finding.step, finding.code


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> dict[str, Step]:
    """The table of steps, for a test to put its own in; the true one returns after the test."""
    own: dict[str, Step] = {}
    monkeypatch.setattr(driver, "STEPS", own)
    return own


def put(steps: dict[str, Step], number: str, row: Row, *finds: Trouble | str) -> None:
    """A step that finds these troubles; a text stands for missing material."""

    def run(case: Case) -> Iterator[Trouble]:
        for one in finds:
            if isinstance(one, str):
                raise Blocked(one)
            yield one

    steps[number] = Step(number, row, run)


# ---------------------------------------------------------------------- the table of steps


def specified() -> Mapping[str, str]:
    """Number and row of every step in the specification's table."""
    rows = re.findall(r"^\| (\d+\.\d+) \| ([a-z—]+) \|", PAGE, re.MULTILINE)
    return dict(rows)


def test_the_steps_are_those_of_the_specification() -> None:
    wanted = {number: row for number, row in specified().items() if row != "—"}
    assert len(wanted) > 50
    assert {number: step.row.value for number, step in STEPS.items()} == wanted
    assert set(specified()) - set(wanted) == {"1.1", "1.2"}


def test_every_step_is_under_its_own_number_with_a_sentence() -> None:
    for number, step in STEPS.items():
        assert step.number == number
        assert step.run.__name__ == f"step_{number.replace('.', '_')}"
        assert step.sentence.endswith("."), number


def test_steps_run_in_the_order_of_their_numbers() -> None:
    numbers = [step.number for step in sorted(STEPS.values(), key=lambda one: one.order)]
    assert numbers.index("4.9") + 1 == numbers.index("4.10")
    assert numbers[-1] == "18.10"


def test_what_does_not_apply_to_a_kind(tmp_path: Path) -> None:
    assert STEPS["8.6"].row_in(Kind.EXTRACT) is None
    assert STEPS["8.2"].row_in(Kind.EXTRACT) is Row.INCLUSION
    assert STEPS["8.3"].row_in(Kind.EXTRACT) is Row.INCLUSION
    assert STEPS["8.9"].row_in(Kind.EXTRACT) is None
    assert STEPS["4.12"].row_in(Kind.EXTRACT) is Row.ANCHOR
    assert STEPS["8.2"].row_in(Kind.COMPLETE) is Row.COMPLETENESS
    for number in ("3.1", "10.1", "11.1", "13.1"):
        assert STEPS[number].row_in(Kind.ABSENT) is None
    extract = judged(tmp_path, honest().extract())
    assert of(extract, Row.COMPLETENESS) == (Result.NOT_APPLICABLE, None, "EXTRACT")
    inputs = honest().inputs(NOBODY)
    absent = judged(tmp_path, honest().absent(), inputs=inputs)
    for row in (Row.INTEGRITY, Row.ORDER, Row.TIME, Row.WITHHELD, Row.SOURCES):
        assert of(absent, row) == (Result.NOT_APPLICABLE, None, "NO_RECORDS")
    assert of(absent, Row.TIMESTAMP) == (Result.NOT_APPLICABLE, None, "NO_TOKEN")
    assert of(absent, Row.SIGNATURES) == (Result.NOT_APPLICABLE, None, "NO_SIGNED_ACTS")
    assert of(absent, Row.RECEIPTS) == (Result.NOT_APPLICABLE, None, "NO_RECEIPTS")


# ---------------------------------------------------------------------- packages


@pytest.mark.parametrize("kind", ["complete", "extract", "absent"])
@pytest.mark.parametrize("as_folder", [False, True])
def test_an_honest_package_is_valid(kind: str, as_folder: bool, tmp_path: Path) -> None:
    package = getattr(honest(), kind)()
    inputs = honest().inputs(NOBODY if kind == "absent" else CASE)
    judgement = judged(tmp_path, package, inputs=inputs, as_folder=as_folder)
    assert judgement.verdict is Verdict.VALID
    assert judgement.kind == kind
    assert list(judgement.rows) == list(Row)


def test_a_kind_that_the_policy_does_not_list_is_not_judged(tmp_path: Path) -> None:
    policy = honest().policy()
    del policy["required"]["extract"]
    with pytest.raises(CannotJudge) as caught:
        judged(tmp_path, honest().extract(), policy=policy)
    assert caught.value.code == "POLICY_KIND"


def test_a_package_that_is_not_there_is_not_judged(tmp_path: Path) -> None:
    policy = read_policy(persons.write(honest().policy(), tmp_path / "policy.toml"))
    inputs = read_inputs(persons.write(honest().inputs(), tmp_path / "inputs.toml"))
    with pytest.raises(CannotJudge) as caught:
        check(tmp_path / "nothing", policy, inputs)
    assert caught.value.code == "PACKAGE_UNREADABLE"


def test_without_a_statement_every_row_that_can_be_is_still_judged(tmp_path: Path) -> None:
    package = honest().complete().put("data/statement.json", b"{}").sealed()
    judgement = judged(tmp_path, package)
    assert judgement.kind is None
    assert judgement.verdict is Verdict.INVALID
    assert of(judgement, Row.CONTAINER) == (
        Result.FAIL,
        "2.5",
        "STATEMENT_FORM:MEMBER_MISSING",
    )
    assert of(judgement, Row.ANCHOR) == (Result.PASS, None, None)
    assert of(judgement, Row.ORDER) == (Result.NOT_CHECKED, "11.1", "BLOCKED")


def test_an_empty_package_fails_and_blocks(tmp_path: Path) -> None:
    judgement = judged(tmp_path, Package({}))
    assert judgement.verdict is Verdict.INVALID
    assert judgement.rows[Row.CONTAINER].result is Result.FAIL
    for row in set(Row) - {Row.CONTAINER, Row.TIMESTAMP, Row.SIGNATURES, Row.RECEIPTS}:
        result, _, code = of(judgement, row)
        # Without any leaf or disclosure nothing is wrong with them, and nothing is shown.
        assert (result, code) == (Result.NOT_CHECKED, "BLOCKED"), row


# ---------------------------------------------------------------------- rows


def test_fail_outweighs_not_checked_and_the_first_number_decides(
    steps: dict[str, Step], tmp_path: Path
) -> None:
    put(steps, "4.10", Row.ANCHOR, fail("LEG_INVALID", "tenth"))
    put(steps, "4.9", Row.ANCHOR, fail("CHECKPOINT_NOT_ANCHORED", "ninth"))
    put(steps, "4.2", Row.ANCHOR, unsure("LOG_NOT_PINNED", "second"))
    put(steps, "4.1", Row.ANCHOR, "everything")
    finding = judged(tmp_path).rows[Row.ANCHOR]
    assert (finding.result, finding.step, finding.code, finding.detail) == (
        Result.FAIL,
        "4.9",
        "CHECKPOINT_NOT_ANCHORED",
        "ninth",
    )
    # All are listed, except that a step was blocked.
    assert [(one.step, one.trouble.detail) for one in finding.found] == [
        ("4.2", "second"),
        ("4.9", "ninth"),
        ("4.10", "tenth"),
    ]


def test_fail_outweighs_not_checked_within_a_step(steps: dict[str, Step], tmp_path: Path) -> None:
    put(
        steps,
        "5.2",
        Row.CHECKPOINT,
        unsure("CHECKPOINT_KEY_NOT_PINNED", "one"),
        fail("CHECKPOINT_SIGNATURE", "two"),
    )
    assert of(judged(tmp_path), Row.CHECKPOINT) == (Result.FAIL, "5.2", "CHECKPOINT_SIGNATURE")


def test_a_step_may_fail_before_it_is_blocked(steps: dict[str, Step], tmp_path: Path) -> None:
    put(steps, "6.1", Row.INCLUSION, fail("HEADER_MISPLACED", "x"), "the rest")
    put(steps, "6.2", Row.INCLUSION, "the header")
    assert of(judged(tmp_path), Row.INCLUSION) == (Result.FAIL, "6.1", "HEADER_MISPLACED")


def test_the_first_not_checked_names_the_row(steps: dict[str, Step], tmp_path: Path) -> None:
    put(steps, "4.2", Row.ANCHOR, unsure("LOG_NOT_PINNED", "x"))
    put(steps, "4.3", Row.ANCHOR, "a chain in the policy")
    put(steps, "9.1", Row.FINALITY, "the header")
    judgement = judged(tmp_path)
    assert of(judgement, Row.ANCHOR) == (Result.NOT_CHECKED, "4.2", "LOG_NOT_PINNED")
    assert of(judgement, Row.FINALITY) == (Result.NOT_CHECKED, "9.1", "BLOCKED")
    assert judgement.rows[Row.FINALITY].detail == "step 9.1 needs the header"


def test_a_row_that_no_step_looked_at_does_not_pass(steps: dict[str, Step], tmp_path: Path) -> None:
    put(steps, "9.1", Row.FINALITY)
    judgement = judged(tmp_path)
    assert judgement.rows[Row.FINALITY].result is Result.PASS
    assert of(judgement, Row.ORDER) == (Result.NOT_CHECKED, None, "BLOCKED")
    assert judgement.verdict is Verdict.INDETERMINATE


def test_a_step_lists_its_first_troubles_and_looks_at_all(
    steps: dict[str, Step], tmp_path: Path
) -> None:
    many = [unsure("LOG_SILENT", str(i)) for i in range(3 * MAX_TROUBLES)]
    put(steps, "8.7", Row.COMPLETENESS, *many, fail("MATTER_DIFFERS", "last"))
    finding = judged(tmp_path).rows[Row.COMPLETENESS]
    assert (finding.result, finding.code) == (Result.FAIL, "MATTER_DIFFERS")
    assert len(finding.found) == MAX_TROUBLES + 1


@pytest.mark.parametrize("number", sorted(STEPS))
def test_a_step_that_is_taken_out_leaves_an_honest_package_no_better(
    number: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    remaining = {one: step for one, step in STEPS.items() if one != number}
    monkeypatch.setattr(driver, "STEPS", remaining)
    judgement = judged(tmp_path)
    assert judgement.verdict in (Verdict.VALID, Verdict.INDETERMINATE)
    # Order rests on two steps of other rows and on its own one.
    needed = number in ("6.5", "7.3", "11.1")
    assert (judgement.verdict is Verdict.INDETERMINATE) is needed

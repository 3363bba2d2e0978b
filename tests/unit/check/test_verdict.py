"""Proves verifier/check/verdict.py, step 14: the truth table (docs/spec/verification.md §5)."""

from __future__ import annotations

import re
from itertools import combinations, product
from pathlib import Path

import pytest

from verifier.check.rows import Result, Row, Verdict
from verifier.check.verdict import EXIT, EXIT_USAGE, FLOOR, judge, required_rows
from verifier.format.statement import Kind

PAGE = (Path(__file__).parents[3] / "docs" / "spec" / "verification.md").read_text("utf-8")

# Three rows show every rule: results are independent of which rows they are.
ROWS = (Row.CONTAINER, Row.ORDER, Row.TIME)


def test_every_combination_of_results_and_required_rows() -> None:
    seen = dict.fromkeys(Verdict, 0)
    for results in product(Result, repeat=len(ROWS)):
        rows = dict(zip(ROWS, results, strict=True))
        for count in range(1, len(ROWS) + 1):
            for required in combinations(ROWS, count):
                if Result.FAIL in results:
                    wanted = Verdict.INVALID
                elif all(rows[row] is Result.PASS for row in required):
                    wanted = Verdict.VALID
                else:
                    wanted = Verdict.INDETERMINATE
                assert judge(rows, required) is wanted, (rows, required)
                seen[wanted] += 1
    assert all(seen[one] for one in Verdict if one is not Verdict.ERROR)


@pytest.mark.parametrize("kind", list(Kind))
def test_no_policy_can_drop_a_row_of_the_floor(kind: Kind) -> None:
    passing = dict.fromkeys(Row, Result.PASS)
    assert judge(passing, required_rows(kind, ())) is Verdict.VALID
    for row in FLOOR[kind]:
        for result in (Result.NOT_CHECKED, Result.NOT_APPLICABLE):
            assert judge(passing | {row: result}, required_rows(kind, ())) is Verdict.INDETERMINATE
        missing = {one: result for one, result in passing.items() if one is not row}
        assert judge(missing, required_rows(kind, ())) is Verdict.INDETERMINATE


@pytest.mark.parametrize("kind", list(Kind))
def test_a_policy_adds_rows(kind: Kind) -> None:
    passing = dict.fromkeys(Row, Result.PASS)
    for row in set(Row) - FLOOR[kind]:
        results = passing | {row: Result.NOT_APPLICABLE}
        assert judge(results, required_rows(kind, ())) is Verdict.VALID
        assert judge(results, required_rows(kind, {row})) is Verdict.INDETERMINATE


def test_a_failing_row_that_is_not_required_is_invalid() -> None:
    passing = dict.fromkeys(Row, Result.PASS)
    for row in Row:
        assert judge(passing | {row: Result.FAIL}, [Row.CONTAINER]) is Verdict.INVALID


def test_nothing_required_is_a_mistake_and_never_valid() -> None:
    with pytest.raises(ValueError, match="at least the floor"):
        judge(dict.fromkeys(Row, Result.PASS), ())


def test_the_floor_is_the_specification_s() -> None:
    text = PAGE.split("The floor is always required: ")[1].split("A policy adds")[0]
    of_records, of_absence = text.split("; of\nan absent package ")
    words = re.compile(r"`([a-z]+)`")
    assert FLOOR[Kind.COMPLETE] == FLOOR[Kind.EXTRACT] == set(words.findall(of_records))
    assert FLOOR[Kind.ABSENT] == set(words.findall(of_absence))


def test_exit_codes_are_the_specification_s() -> None:
    table = re.findall(r"^\| (ERROR|INVALID|INDETERMINATE|VALID) \| (\d) \|", PAGE, re.MULTILINE)
    assert {Verdict(word): int(code) for word, code in table} == EXIT
    assert len(set(EXIT.values())) == len(Verdict)
    assert 1 not in EXIT.values()
    assert EXIT_USAGE not in EXIT.values()
    assert f"exit {EXIT_USAGE} is wrong usage" in PAGE


def test_rows_stand_in_the_specification_s_order() -> None:
    text = PAGE.split("In this order: ")[1].split(".")[0]
    assert re.findall(r"`([a-z]+)`", text) == [row.value for row in Row]

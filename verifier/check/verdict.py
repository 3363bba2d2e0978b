"""Owns the truth table: from rows to a verdict (docs/spec/verification.md §5, step 14).

Proved by tests/unit/check/test_verdict.py over every combination of results.
"""

from collections.abc import Collection, Mapping

from verifier.check.rows import Result, Row, Verdict
from verifier.format.statement import Kind

EXIT: Mapping[Verdict, int] = {
    Verdict.VALID: 0,
    Verdict.INVALID: 2,
    Verdict.INDETERMINATE: 3,
    Verdict.ERROR: 4,
}
EXIT_USAGE = 64  # sysexits.h EX_USAGE; 1 is what a crash gives and never a verdict

_RECORDS_FLOOR = frozenset(
    {Row.CONTAINER, Row.INTEGRITY, Row.INCLUSION, Row.ANCHOR, Row.CHECKPOINT, Row.FINALITY}
)
# What no policy can drop. A package without records has no integrity of records.
FLOOR: Mapping[Kind, frozenset[Row]] = {
    Kind.COMPLETE: _RECORDS_FLOOR,
    Kind.EXTRACT: _RECORDS_FLOOR,
    Kind.ABSENT: _RECORDS_FLOOR - {Row.INTEGRITY} | {Row.COMPLETENESS},
}


def required_rows(kind: Kind, added: Collection[Row]) -> frozenset[Row]:
    """The rows that must PASS: the floor, and what the policy adds."""
    return FLOOR[kind] | frozenset(added)


def judge(results: Mapping[Row, Result], required: Collection[Row]) -> Verdict:
    """The verdict over all rows.

    A required row without a result counts as NOT CHECKED: what nobody looked at is no PASS.
    `required` must not be empty: the floor never is.
    """
    if not required:
        raise ValueError("want the required rows, at least the floor, got none")
    if Result.FAIL in results.values():
        return Verdict.INVALID
    for row in required:
        if results.get(row, Result.NOT_CHECKED) is not Result.PASS:
            return Verdict.INDETERMINATE
    return Verdict.VALID

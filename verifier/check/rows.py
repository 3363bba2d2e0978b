"""Owns the words of a judgement: rows, results, troubles (docs/spec/verification.md §3, §4).

Proved by tests/unit/check/test_verdict.py.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple, TypeVar

from verifier.format.errors import FormatError

T = TypeVar("T")


class Row(StrEnum):
    """The rows of a report, in their order."""

    CONTAINER = "container"
    INTEGRITY = "integrity"
    INCLUSION = "inclusion"
    ORDER = "order"
    COMPLETENESS = "completeness"
    HISTORY = "history"
    ANCHOR = "anchor"
    FINALITY = "finality"
    TIME = "time"
    TIMESTAMP = "timestamp"
    CHECKPOINT = "checkpoint"
    SIGNATURES = "signatures"
    EVENTS = "events"
    RECEIPTS = "receipts"
    WITHHELD = "withheld"
    SOURCES = "sources"


class Result(StrEnum):
    """What a row says. Four words that are never mixed."""

    PASS = "PASS"  # noqa: S105 - a result, no password
    FAIL = "FAIL"
    NOT_CHECKED = "NOT CHECKED"
    NOT_APPLICABLE = "NOT APPLICABLE"


class Verdict(StrEnum):
    """What the whole says."""

    VALID = "VALID"
    INVALID = "INVALID"
    INDETERMINATE = "INDETERMINATE"
    ERROR = "ERROR"


BLOCKED = "BLOCKED"


class Trouble(NamedTuple):
    """Why a step does not hold: FAIL or NOT CHECKED, a code, and what in particular."""

    result: Result
    code: str
    detail: str


def failed(code: str, detail: str) -> Trouble:
    """The evidence contradicts itself or what the person knows."""
    return Trouble(Result.FAIL, code, detail)


def not_checked(code: str, detail: str) -> Trouble:
    """Nothing contradicts, and something that would be needed to say more is not there."""
    return Trouble(Result.NOT_CHECKED, code, detail)


class Blocked(Exception):
    """A step's material is not there, because an earlier step failed or the file is missing."""

    def __init__(self, missing: str) -> None:
        super().__init__(missing)
        self.missing = missing


def or_none(ask: Callable[[], T]) -> T | None:
    """What `ask` gives, or None where its material is missing or can't be read."""
    try:
        return ask()
    except (Blocked, FormatError):
        return None


class CannotJudge(Exception):
    """The inputs could not be judged: verdict ERROR, which says nothing about the evidence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

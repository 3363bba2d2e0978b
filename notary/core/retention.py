"""The operator's rules of how long records are kept: the policy file, and what follows from it.

Pure. Spec: docs/spec/erasure.md §6. Test: tests/unit/core/test_retention.py.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from notary.core.erasures import MAX_STATED, NEVER_ERASED
from notary.errors import CallerError
from verifier.format.kinds import KINDS

FORMAT = "notary-retention/1"
RETENTION_NAME = "retention.toml"
MAX_BYTES = 2**20
MAX_YEARS = 1000  # a longer span is a slip of the pen
EVENT, ACTIVITY = "event", "activity"
EVERY = "*"
NO_ACTIVITY = NEVER_ERASED  # what is written about records is no dealing with anybody


@dataclass(frozen=True)
class Rule:
    """How long records of some kinds are kept, counted from their event or the matter's last one."""

    kinds: tuple[str, ...]
    counted_from: str
    keep_years: int
    erase_years: int | None
    basis: str


class Moments(NamedTuple):
    """A record's kind, its event's time or its recording's, and the newest such time of the matter."""

    kind: str
    event: datetime
    activity: datetime


@dataclass(frozen=True)
class Policy:
    """The rules. A kind without one is kept by none and due by none."""

    rules: tuple[Rule, ...] = ()

    def rule_of(self, kind: str) -> Rule | None:
        """The rule of a kind: the one that names it, else the one for every other."""
        if kind in NEVER_ERASED:
            return None
        named = [rule for rule in self.rules if kind in rule.kinds]
        return next(iter([*named, *[rule for rule in self.rules if EVERY in rule.kinds]]), None)

    def kept_until(self, one: Moments) -> tuple[datetime, Rule] | None:
        """Until when the record is kept at least, and by which rule."""
        rule = self.rule_of(one.kind)
        return None if rule is None else (years_after(_start(rule, one), rule.keep_years), rule)

    def due_from(self, one: Moments) -> tuple[datetime, Rule] | None:
        """From when on it is due to be erased; None if it never is."""
        rule = self.rule_of(one.kind)
        if rule is None or rule.erase_years is None:
            return None
        return years_after(_start(rule, one), rule.erase_years), rule


def years_after(start: datetime, years: int) -> datetime:
    """The same moment of a later year; 29 February of a year without one is 1 March."""
    try:
        return start.replace(year=start.year + years)
    except ValueError:
        return start.replace(year=start.year + years, month=3, day=1)


def parse(content: bytes, where: str) -> Policy:
    """The policy of a file. Raises CallerError RETENTION_INVALID naming the rule and the member."""
    if len(content) > MAX_BYTES:
        raise _invalid(where, f"it has more than {MAX_BYTES} bytes")
    try:
        told = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _invalid(where, f"it is no TOML: {error}") from error
    if told.pop("format", None) != FORMAT:
        raise _invalid(where, f'format: want "{FORMAT}"')
    tables = told.pop("rule", [])
    if told:
        raise _invalid(where, f"unknown member {min(told)!r}")
    if not isinstance(tables, list):
        raise _invalid(where, "rule: want [[rule]] tables")
    rules = [_rule(table, f"{where}, rule {place}") for place, table in enumerate(tables, 1)]
    seen: set[str] = set()
    for rule in rules:
        for kind in rule.kinds:
            if kind in seen:
                raise _invalid(where, f"kind {kind!r} stands in two rules")
            seen.add(kind)
    return Policy(tuple(rules))


def _rule(table: Mapping[str, Any], where: str) -> Rule:
    if not isinstance(table, dict):
        raise _invalid(where, "want a table")
    rest = dict(table)
    kinds = rest.pop("kinds", None)
    if not isinstance(kinds, list) or not kinds or not all(isinstance(one, str) for one in kinds):
        raise _invalid(where, "kinds: want a list of kinds")
    for kind in kinds:
        if kind != EVERY and kind not in KINDS:
            raise _invalid(where, f"kinds: {kind!r} is no kind")
        if kind in NEVER_ERASED:
            raise _invalid(where, f"kinds: a record of kind {kind} is never erased")
    counted_from = rest.pop("from", None)
    if counted_from not in (EVENT, ACTIVITY):
        raise _invalid(where, f'from: want "{EVENT}" or "{ACTIVITY}"')
    keep = rest.pop("keep_years", None)
    erase = rest.pop("erase_years", None)
    for name, years in (("keep_years", keep), ("erase_years", erase)):
        if years is None and name == "erase_years":
            continue
        if type(years) is not int or not 0 <= years <= MAX_YEARS:
            raise _invalid(where, f"{name}: want whole years from 0 to {MAX_YEARS}")
    if erase is not None and erase < keep:
        raise _invalid(where, "erase_years: it is before keep_years is over")
    basis = rest.pop("basis", None)
    if not isinstance(basis, str) or not 1 <= len(basis) <= MAX_STATED or not basis.isprintable():
        raise _invalid(where, f"basis: want the rule's source, 1 to {MAX_STATED} characters")
    if rest:
        raise _invalid(where, f"unknown member {min(rest)!r}")
    return Rule(tuple(kinds), counted_from, keep, erase, basis)


def _start(rule: Rule, one: Moments) -> datetime:
    return one.event if rule.counted_from == EVENT else one.activity


def _invalid(where: str, what: str) -> CallerError:
    return CallerError("RETENTION_INVALID", f"{where}: {what}. See docs/spec/erasure.md §6.")

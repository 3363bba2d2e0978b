"""What the numbers and times of a source show: gaps, lateness, a clock that runs back, silence. Pure.

Spec: docs/spec/format.md §16; the codes are those of docs/operations.md. Test:
tests/unit/core/test_source_findings.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from notary.core.moments import moment
from notary.core.source_edge import MAX_MISSED_DAYS, SourceState, end_of
from verifier.format import times
from verifier.format.source_count import Range
from verifier.format.source_log import Profile

GAP, LATE, BACK = "SOURCE_GAP", "SOURCE_LATE", "SOURCE_CLOCK_BACK"
CONFLICT, SILENT, CLOCK = "SOURCE_CONFLICT", "SOURCE_SILENT", "SOURCE_CLOCK_FAR"
CODES = (GAP, LATE, BACK, CONFLICT, SILENT, CLOCK)

MAX_NAMED = 5  # ranges that a sentence names; the rest is counted


class SourceFinding(NamedTuple):
    """One thing to know of a source, in a sentence."""

    code: str
    text: str


def unexplained(state: SourceState) -> list[Range]:
    """The missing numbers that nobody has said anything of."""
    return without(state.count.missing, state.explained)


def without(ranges: Iterable[Range], taken: Sequence[Range]) -> list[Range]:
    """The numbers of `ranges` that are not in `taken`; both ascend."""
    left: list[Range] = []
    for first, last in ranges:
        for low, high in taken:
            if high < first or low > last:
                continue
            if low > first:
                left.append((first, low - 1))
            first = high + 1
        if first <= last:
            left.append((first, last))
    return left


def findings(profile: Profile, state: SourceState, now: datetime) -> list[SourceFinding]:
    """What stands of a source now; late, back and conflicts are those since its last closing."""
    found = []
    gaps = unexplained(state)
    if gaps:
        found.append(SourceFinding(GAP, f"{count_of(gaps)} numbers are missing: {said(gaps)}"))
    if state.late:
        limit = f"more than {profile.late_s} s after the event"
        found.append(
            SourceFinding(LATE, f"{state.late} records came {limit}, since the last closing")
        )
    if state.back:
        found.append(
            SourceFinding(
                BACK, f"{state.back} records are of a time before that of a smaller number"
            )
        )
    if state.conflicts:
        found.append(
            SourceFinding(CONFLICT, f"{state.conflicts} offers for numbers that have their record")
        )
    silent = _silent(profile, state, now)
    if silent is not None:
        found.append(SourceFinding(SILENT, silent))
    if now - end_of(state.next_day, profile.zone) > timedelta(days=MAX_MISSED_DAYS):
        found.append(
            SourceFinding(
                CLOCK,
                f"no day since {state.next_day} is closed, since the clock is more than "
                f"{MAX_MISSED_DAYS} days ahead; set it right, or run `notary source close`",
            )
        )
    return found


def _silent(profile: Profile, state: SourceState, now: datetime) -> str | None:
    if profile.silent_s is None or state.received_ms is None:
        return None
    last = moment(state.received_ms)
    if now - last <= timedelta(seconds=profile.silent_s):
        return None
    return f"no record since {times.format_time(last)}"


def count_of(ranges: Iterable[Range]) -> int:
    """How many numbers ranges hold."""
    return sum(last - first + 1 for first, last in ranges)


def said(ranges: Sequence[Range]) -> str:
    """Ranges of numbers for people."""
    named = [str(a) if a == b else f"{a} to {b}" for a, b in ranges[:MAX_NAMED]]
    more = len(ranges) - MAX_NAMED
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")

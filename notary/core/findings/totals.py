"""Totals of a day, as a carrier bills them or a dialler reports them, against the calls themselves. Pure.

Spec: docs/spec/findings.md §8. Test: tests/unit/core/test_findings_totals.py.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from notary.core.findings.finding import TOTALS, Finding, finding
from notary.core.findings.lateness import day_of, start_of, zone_of
from notary.core.findings.seen import Seen

DAYS_LEAST = 7  # of a week: fewer can agree by chance
AGREE_PERCENT = (
    60  # of the days agree, else the totals are of other calls, or counted in another way
)


class _Day(NamedTuple):
    """A day with totals, and the calls of a stream in it that the agency placed."""

    total: Seen
    name: str
    calls: Sequence[Seen]


def _answered(one: Seen) -> bool:
    return bool(one.talk) or (one.talk is None and one.disposition in ("answered", "voicemail"))


# What a total may count. Of several readings, the one that agrees on most days is meant.
_READINGS: Mapping[str, Sequence[Callable[[Sequence[Seen]], int]]] = {
    "calls": (len,),
    "connected": (
        lambda calls: sum(_answered(one) for one in calls),
        lambda calls: sum(one.disposition == "answered" for one in calls),
    ),
    "seconds": (
        lambda calls: sum(one.talk or 0 for one in calls),
        lambda calls: sum((one.duration or 0) for one in calls if _answered(one)),
        lambda calls: sum(one.duration or 0 for one in calls),
    ),
}
_WORDS = {"calls": "calls", "connected": "calls that were taken", "seconds": "seconds"}


def total_findings(streams: Mapping[str, Sequence[Seen]]) -> Iterator[Finding]:
    """Each list of totals against each stream of calls that it counts."""
    for source, totals in sorted(streams.items()):
        billed = [one for one in totals if one.facts.get("totals") and one.at is not None]
        if len(billed) < DAYS_LEAST:
            continue
        for name, stream in sorted(streams.items()):
            calls = sorted(
                (one for one in stream if one.kind == "call" and one.at is not None),
                key=lambda one: one.at or 0,
            )
            if calls:
                yield from _compared(source, name, _days(billed, calls))


def _days(billed: Sequence[Seen], calls: Sequence[Seen]) -> list[_Day]:
    """The days with totals between the first call and the last, in the zone of the totals."""
    zone = zone_of(billed)
    starts = [one.at or 0 for one in calls]
    own = [one for one in calls if not one.facts.get("inbound")]
    placed = [one.at or 0 for one in own]
    found = []
    for one in sorted(billed, key=lambda one: one.at or 0):
        day = day_of(one.at, zone)
        first, last = start_of(day, zone), start_of(day + timedelta(days=1), zone)
        if last <= starts[0] or first > starts[-1]:
            continue
        found.append(
            _Day(one, str(day), own[bisect_left(placed, first) : bisect_left(placed, last)])
        )
    return found


def _compared(source: str, name: str, days: Sequence[_Day]) -> Iterator[Finding]:
    if len(days) < DAYS_LEAST:
        return
    wrong: dict[str, list[str]] = {}
    for what, readings in _READINGS.items():
        told = [(day, value) for day in days if isinstance(value := _total(day.total, what), int)]
        if len(told) < DAYS_LEAST:
            continue
        best = max(readings, key=lambda read: sum(read(day.calls) == value for day, value in told))
        differs = [(day, value, best(day.calls)) for day, value in told if best(day.calls) != value]
        if (len(told) - len(differs)) * 100 < AGREE_PERCENT * len(told):
            continue
        for day, value, counted in differs:
            wrong.setdefault(day.name, []).append(f"{value} {_WORDS[what]}, the records {counted}")
    for day in days:
        if day.name in wrong:
            said = "; ".join(wrong[day.name])
            text = f"of {day.name}, {source} says {said}. The records are those of {name}"
            yield finding(TOTALS, name, text, [day.total])


def _total(one: Seen, what: str) -> object:
    totals = one.facts.get("totals")
    return totals.get(what) if isinstance(totals, dict) else None

"""Owns when the events of a package's records took place, as the records say (docs/spec/verification.md §6).

Nothing proves these times; the report counts and compares them. Proved by
tests/unit/check/test_report.py.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from verifier.check.case import Case
from verifier.format.errors import FormatError
from verifier.format.times import parse_time


class EventTimes(NamedTuple):
    """What the disclosed `occurred_at` of a package's records say, in order of position."""

    moments: tuple[datetime, ...]
    delay: timedelta | None
    after_record: int
    undisclosed: int
    null: int
    without: int
    unreadable: int


def event_times(case: Case) -> EventTimes:
    """What the leaves and their disclosures say. Raises Blocked where they can't be read."""
    moments = []
    delay = None
    after_record = undisclosed = null = without = unreadable = 0
    for position, line in case.evidence.leaves.items():
        leaf = line.leaf
        disclosure = case.disclosed.get(position, {}).get("occurred_at")
        if "occurred_at" not in leaf.claims:
            without += 1
        elif disclosure is None:
            undisclosed += 1
        elif disclosure.value is None:
            null += 1
        else:
            try:
                moment = parse_time(disclosure.value if isinstance(disclosure.value, str) else "")
            except FormatError:
                unreadable += 1
                continue
            moments.append(moment)
            passed = leaf.recorded_at - moment
            after_record += passed < timedelta()
            delay = passed if delay is None else max(delay, passed)
    if delay is not None:
        delay = max(delay, timedelta())
    return EventTimes(tuple(moments), delay, after_record, undisclosed, null, without, unreadable)

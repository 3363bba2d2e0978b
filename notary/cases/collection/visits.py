"""Owns the visits: by two people, once a day at most, with recordings in segments.

GB/T 45251-2025 wants two staff and at most one visit a day. Test: tests/unit/cases/test_collection_rules.py.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import date, timedelta

from notary.cases.collection import hours
from notary.cases.collection.model import DAY, Habit, Visit
from notary.cases.collection.plan import Plan
from notary.cases.draws import Draws

_VISITED = frozenset({Habit.NEVER, Habit.BROKEN_PROMISE, Habit.DISPUTES})
_AFTER_DAYS = 4  # after the second letter
_LEAST_S, _SPREAD_S = 8 * 60, 25 * 60
_SEGMENTS = 3  # at most
_GAP_S = 45  # what one visit's recorder missed between two segments
_STAFF = ("Ronda Checkworth", "Milo Witnessby", "Tessa Checkworth", "Ubald Witnessby")

_SAMPLE_RATE = 8_000  # Hz, as a telephone's
_SAMPLES = 400  # a twentieth of a second: what is recorded is noise, and shall cost no room


def visits_of(draws: Draws, plan: Plan, end: date) -> Iterator[Visit]:
    """The visits of a matter, up to the end of the case."""
    debtor = plan.debtor
    if debtor.habit not in _VISITED or debtor.zone is hours.NEW_YORK or len(plan.stages) < 2:
        return
    day = hours.working_day(plan.stages[1] + _AFTER_DAYS * DAY)
    if not plan.contacted_on(day) or day >= end:
        return
    reference = f"V-{debtor.accounts[0]}"
    at = hours.office_time(draws, reference, day, debtor.zone)
    length = _LEAST_S + draws.below(f"{reference}/length", _SPREAD_S)
    count = 1 + draws.below(f"{reference}/segments", _SEGMENTS)
    gap = _GAP_S if count > 1 and draws.below(f"{reference}/gap", 3) == 0 else 0
    part = length // count
    segments = tuple(
        (
            at + timedelta(seconds=n * part),
            (part if n < count - 1 else length - part * (count - 1)) - (gap if n == 0 else 0),
        )
        for n in range(count)
    )
    first = draws.below(f"{reference}/staff", len(_STAFF))
    yield Visit(
        reference=reference,
        **hours.row_of(debtor, at),
        ended_at=at + timedelta(seconds=length),
        place=debtor.place,
        staff=(_STAFF[first], _STAFF[(first + 1) % len(_STAFF)]),
        segments=segments,
    )


def missed_seconds(visit: Visit) -> int:
    """How much of a visit no segment covers."""
    whole = int((visit.ended_at - visit.at).total_seconds())
    return whole - sum(seconds for _, seconds in visit.segments)


def recording(draws: Draws, name: str) -> bytes:
    """A WAV of 8-bit samples (RIFF, PCM, mono) that stands for a recording; each name has its own noise."""
    samples = bytes.fromhex("".join(draws.hexes(f"{name}/{n}") for n in range(_SAMPLES // 32 + 1)))[
        :_SAMPLES
    ]
    form = struct.pack("<HHIIHH", 1, 1, _SAMPLE_RATE, _SAMPLE_RATE, 1, 8)
    return (
        struct.pack("<4sI4s4sI", b"RIFF", 36 + len(samples), b"WAVE", b"fmt ", len(form))
        + form
        + struct.pack("<4sI", b"data", len(samples))
        + samples
    )

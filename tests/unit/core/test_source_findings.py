"""What the numbers and times of a source show."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from notary.core import source_findings
from notary.core.moments import milliseconds
from notary.core.source_edge import SourceState
from notary.core.source_findings import findings, without
from verifier.format.source_count import Range, SourceCount
from verifier.format.source_log import Profile

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
PROFILE = Profile("pbx", "source", 0, "Europe/Berlin", None, late_s=60, silent_s=3600)


def state(**more: object) -> SourceState:
    made = SourceState(SourceCount(0), date(2026, 11, 26))
    for name, value in more.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, []),
        (
            {"count": SourceCount(0, 9, [(1, 1), (3, 6)])},
            [("SOURCE_GAP", "5 numbers are missing: 1, 3 to 6")],
        ),
        ({"count": SourceCount(0, 9, [(1, 4)]), "explained": [(1, 4)]}, []),
        (
            {"late": 2},
            [("SOURCE_LATE", "2 records came more than 60 s after the event, since the last closing")],
        ),
        ({"back": 1}, [("SOURCE_CLOCK_BACK", "1 records are of a time before that of a smaller number")]),
        ({"conflicts": 3}, [("SOURCE_CONFLICT", "3 offers for numbers that have their record")]),
        ({"received_ms": milliseconds(NOW - timedelta(hours=1))}, []),
        (
            {"received_ms": milliseconds(NOW - timedelta(hours=2))},
            [("SOURCE_SILENT", "no record since 2026-11-26T10:00:00.000Z")],
        ),
    ],
)  # fmt: skip
def test_each_finding_is_a_sentence(more: dict[str, object], found: list[tuple[str, str]]) -> None:
    assert findings(PROFILE, state(**more), NOW) == found


def test_every_code_is_one_of_the_list() -> None:
    everything = state(
        count=SourceCount(0, 9, [(1, 4)]), late=1, back=1, conflicts=1, received_ms=0,
        next_day=date(2020, 1, 1),
    )  # fmt: skip
    said = [one.code for one in findings(PROFILE, everything, NOW)]
    assert sorted(said) == sorted(source_findings.CODES)


def test_a_sentence_names_some_ranges_and_counts_the_rest() -> None:
    gaps = [(2 * i, 2 * i) for i in range(9)]
    assert source_findings.said(gaps) == "0, 2, 4, 6, 8 and 4 more"


@pytest.mark.parametrize(
    ("ranges", "taken", "left"),
    [
        ([(0, 9)], [], [(0, 9)]),
        ([(0, 9)], [(0, 9)], []),
        ([(0, 9)], [(2, 3), (7, 20)], [(0, 1), (4, 6)]),
        ([(0, 1), (5, 6)], [(1, 5)], [(0, 0), (6, 6)]),
    ],
)
def test_ranges_without_others(ranges: list[Range], taken: list[Range], left: list[Range]) -> None:
    assert without(ranges, taken) == left

"""Rows of another day, days without a row, files whose hours are shifted."""

from __future__ import annotations

from notary.core.findings.days import day_findings, hour_findings
from notary.core.findings.seen import Seen
from tests.simulators.sightings import HOUR, MINUTE, call

DAY = 24 * HOUR


def weeks(count: int, *, without: int | None = None) -> list[Seen]:
    """Ten calls a day in a file for each day, from 08:00 on, an hour apart."""
    return [
        call(day * 100 + n, at=day * DAY + (8 + n) * HOUR, file=f"{day:064}")
        for day in range(count * 7)
        if day != without
        for n in range(10)
    ]


def test_rows_of_another_day_are_named() -> None:
    records = [*weeks(4), call(9999, at=3 * DAY + 10 * HOUR, file=f"{9:064}")]
    [found] = day_findings("s", records)
    assert (found.code, found.places[0].reference) == ("DAY_OTHER", "D9999")
    assert "2026-03-11" in found.text
    assert "2026-03-05" in found.text


def test_a_file_that_closes_after_midnight_is_no_other_day() -> None:
    records = [*weeks(4), call(9999, at=10 * DAY + 90 * MINUTE, file=f"{9:064}")]
    assert list(day_findings("s", records)) == []


def test_a_file_of_a_month_has_no_other_days() -> None:
    records = [one._replace(place=one.place._replace(file="a")) for one in weeks(4)]
    assert list(day_findings("s", records)) == []


def test_a_day_without_a_file_is_named_by_its_date() -> None:
    [found] = day_findings("s", weeks(4, without=9))
    assert found.code == "DAY_EMPTY"
    assert "2026-03-11" in found.text


def test_what_comes_in_bursts_has_no_empty_days() -> None:
    records = [one for one in weeks(6) if (one.at or 0) // DAY % 14 < 7]
    assert list(day_findings("s", records)) == []


def test_a_file_at_other_hours_is_named_and_the_others_are_not() -> None:
    moved = 9
    records = []
    for day in range(28):
        for n in range(40):
            late = 3 * HOUR if day == moved else 0
            at = day * DAY + 8 * HOUR + n % 13 * HOUR + n * MINUTE + late
            records.append(call(day * 100 + n, at=at, file=f"{day:064}"))
    [found] = hour_findings("s", records)
    assert found.code == "HOURS_SHIFTED"
    assert {place.file for place in found.places} == {f"{moved:064}"}
    assert "3 h later" in found.text

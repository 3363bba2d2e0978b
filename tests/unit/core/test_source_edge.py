"""A source's log while it grows: days over changes of the clock, and what the state remembers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from notary.core.intake import Incoming
from notary.core.source_edge import MAX_GAPS, SourceEdge, StoredSource, end_of, read_state
from verifier.format import source_log
from verifier.format.source_count import SourceCount
from verifier.format.source_log import Closing, Profile
from verifier.format.times import format_time

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)


def edge(zone: str = "Europe/Berlin", now: datetime = NOON, **more: object) -> SourceEdge:
    profile = Profile("pbx", "source", 0, zone, None)._replace(**more)  # type: ignore[arg-type]
    return SourceEdge.new(1, bytes(32), profile, now)


def call(number: int | None, occurred_at: datetime | None = None) -> Incoming:
    claims = {} if occurred_at is None else {"occurred_at": format_time(occurred_at)}
    return Incoming(bytes(32), "call", claims, "key", (), bytes(32), number)


def take(
    into: SourceEdge, number: int, occurred: datetime | None = None, now: datetime = NOON
) -> None:
    item = call(number, occurred)
    assert into.refusal(number) is None
    into.take(item, number, b"leaf", now)


def closings(of: SourceEdge) -> list[Closing]:
    found = [source_log.parse(one) for one in of.entries]
    return [one for one in found if isinstance(one, Closing)]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Europe/Berlin", date(2026, 6, 1), 24),
        ("Asia/Kolkata", date(2026, 6, 1), 24),
        ("Africa/Cairo", date(2026, 4, 23), 24),
        ("Pacific/Apia", date(2011, 12, 30), 0),
    ],
)
def test_a_day_is_as_long_as_its_zone_says(zone: str, day: date, hours: int) -> None:
    lasts = end_of(day, zone) - end_of(day - timedelta(days=1), zone)
    assert lasts == timedelta(hours=hours)


def test_days_are_closed_at_the_midnights_of_the_zone_over_a_change_of_time() -> None:
    source = edge()
    assert source.close_due(datetime(2026, 3, 28, 22, 59, 59, tzinfo=UTC)) == 0
    assert source.close_due(datetime(2026, 3, 28, 23, tzinfo=UTC)) == 1
    assert source.close_due(datetime(2026, 3, 29, 21, 59, 59, tzinfo=UTC)) == 0
    assert source.close_due(datetime(2026, 3, 29, 22, tzinfo=UTC)) == 1
    assert [(one.day.day, one.ends.hour) for one in closings(source)] == [(28, 23), (29, 22)]


def test_a_closing_after_downtime_says_when_it_was_made() -> None:
    source, later = edge(), NOON + timedelta(days=3)
    assert source.close_due(later) == 3
    assert {one.at for one in closings(source)} == {later}
    assert [one.ends for one in closings(source)] == sorted({one.ends for one in closings(source)})


def test_a_record_later_than_the_profile_allows_is_counted_until_the_closing() -> None:
    source = edge(late_s=60)
    take(source, 0, NOON - timedelta(seconds=60))
    take(source, 1, NOON - timedelta(seconds=61))
    take(source, 2)
    source.close_due(NOON + timedelta(days=1))
    assert [one.late for one in closings(source)] == [1]
    assert source.state.late == 0


def test_a_clock_that_runs_back_against_the_numbers_is_counted() -> None:
    source = edge()
    take(source, 0, NOON)
    take(source, 5, NOON - timedelta(seconds=1))
    # A late number of an earlier time is no clock that runs back.
    take(source, 3, NOON - timedelta(hours=1))
    take(source, 6, NOON)
    assert source.state.back == 1


def test_ten_thousand_gaps_are_the_most_and_what_fills_one_still_comes() -> None:
    source = edge()
    source.state.count = SourceCount(0, 2 * MAX_GAPS + 1, [(2 * i, 2 * i) for i in range(MAX_GAPS)])
    refused = source.refusal(2 * MAX_GAPS + 5)
    assert refused is not None
    assert refused.code == "SOURCE_GAPS"
    assert source.refusal(4) is None


def test_the_state_is_what_was_stored_of_it() -> None:
    source = edge(late_s=1)
    take(source, 0, NOON - timedelta(days=1))
    take(source, 4, NOON)
    source.close_due(NOON + timedelta(days=1))
    take(source, 2)
    source.explain(1, 1, "test call", NOON)
    again = read_state(source.state.to_json())
    assert again.to_json() == source.state.to_json()
    assert again.count.missing == [(1, 1), (3, 3)]
    stored = StoredSource(1, bytes(32), source.frontier.to_bytes(), source.profile, again)
    more = SourceEdge(stored)
    take(more, 3)
    assert more.state.count.close() == (2, 3, {"call": 2})
    assert more.old_size == source.frontier.size

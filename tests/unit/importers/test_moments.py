"""Source times: nothing is guessed, and every doubt is noted."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary.importers.moments import (
    NAMED_FORMATS,
    DateReader,
    Moment,
    TimeReader,
    find_zone,
    utc_text,
)
from notary.importers.rows import BadRow
from verifier.format.times import format_time

BERLIN = ZoneInfo("Europe/Berlin")


def read(text: str | None, format_: str = "iso8601", zone: ZoneInfo | None = BERLIN) -> Moment:
    return TimeReader("at", format_, zone).read(text)


@given(
    st.datetimes(
        min_value=datetime(1900, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
        max_value=datetime(2200, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
        timezones=st.sampled_from([UTC, BERLIN, timezone(timedelta(hours=-9, minutes=-30))]),
    )
)
def test_the_text_of_a_moment_is_the_formats(moment: datetime) -> None:
    assert utc_text(moment) == format_time(moment)


def test_a_local_time_is_led_through_its_zone() -> None:
    assert read("2026-07-01T12:00:00") == Moment(
        "2026-07-01T10:00:00.000Z", "2026-07-01T12:00:00", "Europe/Berlin", 0, None
    )
    assert read("2026-01-01T12:00:00").at == "2026-01-01T11:00:00.000Z"


def test_an_hour_that_came_twice_is_flagged_with_both_moments() -> None:
    moment = read("2026-10-25 02:30:00", "%Y-%m-%d %H:%M:%S")
    assert moment.at == "2026-10-25T00:30:00.000Z"
    assert moment.fold == 0
    assert moment.note is not None
    assert "2026-10-25T01:30:00.000Z" in moment.note


def test_an_hour_that_never_came_is_null_with_the_reason() -> None:
    moment = read("2026-03-29 02:30:00", "%Y-%m-%d %H:%M:%S")
    assert moment.at is None
    assert moment.note is not None
    assert "never showed this time" in moment.note


@pytest.mark.parametrize("text", [None, ""])
def test_a_missing_time_is_null_with_the_reason(text: str | None) -> None:
    moment = read(text)
    assert (moment.at, moment.note) == (None, "the source gives no time")


def test_without_zone_a_local_time_is_refused_and_one_with_offset_is_not() -> None:
    with pytest.raises(BadRow, match="no zone is declared") as caught:
        read("2026-07-01T12:00:00", zone=None)
    assert caught.value.code == "ROW_ZONE"
    moment = read("2026-07-01T12:00:00+05:30", zone=None)
    assert (moment.at, moment.zone, moment.fold) == ("2026-07-01T06:30:00.000Z", "+05:30", None)


@pytest.mark.parametrize(
    ("format_", "text", "at"),
    [
        ("iso8601", "2026-07-01T12:00:00.123456789z", "2026-07-01T12:00:00.123Z"),
        ("iso8601", "2026-07-01 12:00", "2026-07-01T10:00:00.000Z"),
        ("rfc2822", "Wed, 01 Jul 2026 12:00:00 +0200", "2026-07-01T10:00:00.000Z"),
        ("epoch_s", "1782900000", "2026-07-01T10:00:00.000Z"),
        ("epoch_ms", "1782900000123", "2026-07-01T10:00:00.123Z"),
        ("epoch_s", "-1", "1969-12-31T23:59:59.000Z"),
        ("%d/%m/%y %I:%M %p", "01/07/26 12:05 am", "2026-06-30T22:05:00.000Z"),
        ("%d/%m/%y %I:%M %p", "01/07/26 12:05 PM", "2026-07-01T10:05:00.000Z"),
        ("%d-%b-%Y %H:%M:%S.%f", "1-Jul-2026 12:00:00.5", "2026-07-01T10:00:00.500Z"),
        ("%Y%%%m%d %H%M %z", "2026%0701 1200 -03:30", "2026-07-01T15:30:00.000Z"),
    ],
)
def test_formats(format_: str, text: str, at: str) -> None:
    assert read(text, format_).at == at


@pytest.mark.parametrize(
    ("format_", "text"),
    [
        ("iso8601", "2026-W27-3"),
        ("iso8601", "20260701T120000"),
        ("iso8601", "2026-02-29T12:00:00"),
        ("iso8601", "2026-07-01T24:00:00"),
        ("iso8601", "2026-07-01T12:00:60Z"),
        ("iso8601", "0001-01-01T00:00:00+14:00"),
        ("iso8601", "9999-12-31T23:59:59-12:00"),
        ("iso8601", "٢٠٢٦-07-01T12:00:00"),
        ("rfc2822", "yesterday"),
        ("epoch_s", "999999999999999"),
        ("epoch_ms", "1.5"),
        ("%Y-%m-%d %H:%M:%S", "2026-07-01 12:00"),
        ("%d/%m/%y %I:%M %p", "01/07/26 13:05 PM"),
        ("%d-%b-%Y", "1-Jux-2026"),
    ],
)
def test_what_can_not_be_read_is_refused(format_: str, text: str) -> None:
    with pytest.raises(BadRow) as caught:
        read(text, format_)
    assert caught.value.code == "ROW_TIME"
    assert caught.value.remedy


@given(st.sampled_from([*NAMED_FORMATS, "%Y-%m-%d %H:%M:%S", "%d.%m.%y %I%p %z"]), st.text())
def test_any_text_gives_a_moment_or_a_bad_row(format_: str, text: str) -> None:
    with suppress(BadRow):
        assert read(text, format_).text == text


@pytest.mark.parametrize(
    "format_", ["%Y-%m", "%Y-%j", "%d %d %m %Y", "%I %d %m %Y", "%p %d %m %Y", "%", "%Q"]
)
def test_a_format_that_does_not_name_a_moment_is_refused(format_: str) -> None:
    with pytest.raises(ValueError, match="format"):
        TimeReader("at", format_, None)


def test_dates() -> None:
    assert DateReader("due", "%d.%m.%Y").read("1.7.2026") == "2026-07-01"
    assert DateReader("due", "%Y-%m-%d").read("0999-07-01") == "0999-07-01"
    with pytest.raises(BadRow, match="no date of the format"):
        DateReader("due", "%Y-%m-%d").read("2026-7-1")


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "CET/"])
def test_what_is_no_zone_is_none(name: str) -> None:
    assert find_zone(name) is None

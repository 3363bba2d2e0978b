"""The one text form of a time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.reference.refusal import refused
from verifier.format.times import MAX_BLOCK_TIME, format_block_time, format_time, parse_time


@pytest.mark.parametrize(
    "text",
    ["2026-11-23T20:35:00.001Z", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z",
     "2024-02-29T00:00:00.000Z"],
)  # fmt: skip
def test_a_time_comes_back(text: str) -> None:
    moment = parse_time(text)
    assert moment.tzinfo is UTC
    assert moment.microsecond == int(text[20:23]) * 1000
    assert format_time(moment) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-23T20:35:00Z",
        "2026-11-23T20:35:00.00Z",
        "2026-11-23T20:35:00.0000Z",
        "2026-11-23 20:35:00.000Z",
        "2026-11-23t20:35:00.000z",
        "2026-11-23T20:35:00.000+00:00",
        "2026-11-23T20:35:00.000Z\n",
        "2026-11-23T20:35:60.000Z",
        "2026-11-23T24:00:00.000Z",
        "2026-13-01T00:00:00.000Z",
        "2026-02-29T00:00:00.000Z",
        "0000-01-01T00:00:00.000Z",
        "２026-11-23T20:35:00.000Z",
        "02026-11-23T20:35:00.000Z",
    ],
)
def test_any_other_form_is_refused(text: str) -> None:
    with refused("TIME_FORM"):
        parse_time(text)


def test_what_is_finer_than_a_millisecond_is_cut_off() -> None:
    assert format_time(datetime(2026, 1, 1, 0, 0, 0, 999_999, UTC)) == "2026-01-01T00:00:00.999Z"


def test_another_zone_is_written_in_utc() -> None:
    east = timezone(timedelta(hours=8))
    assert format_time(datetime(2026, 1, 1, 7, tzinfo=east)) == "2025-12-31T23:00:00.000Z"


def test_a_moment_without_zone_is_refused() -> None:
    with refused("TIME_ZONE"):
        format_time(datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_block_time_is_seconds_since_1970() -> None:
    assert format_block_time(0) == "1970-01-01T00:00:00.000Z"
    assert format_block_time(1_740_508_595) == "2025-02-25T18:36:35.000Z"
    assert format_block_time(MAX_BLOCK_TIME) == "9999-12-31T23:59:59.000Z"


@pytest.mark.parametrize("seconds", [-1, MAX_BLOCK_TIME + 1, 2**64])
def test_a_block_time_that_years_cannot_name_is_refused(seconds: int) -> None:
    with refused("BLOCK_TIME_RANGE"):
        format_block_time(seconds)

"""Moments pass through the store to the millisecond."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from notary.core.moments import has_passed, milliseconds, moment


@pytest.mark.parametrize(
    ("at", "wanted"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (datetime(2026, 3, 1, 8, 0, 0, 123999, tzinfo=UTC), 1772352000123),
        (datetime(2026, 3, 1, 9, 0, 0, 0, timezone(timedelta(hours=1))), 1772352000000),
        (datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), 253402300799999),
    ],
)
def test_a_moment_is_cut_to_milliseconds(at: datetime, wanted: int) -> None:
    assert milliseconds(at) == wanted
    assert milliseconds(moment(wanted)) == wanted
    assert timedelta(0) <= at - moment(wanted) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("later", "passed"),
    [
        (-86_400, True),
        (-60, True),
        (-59, False),
        (0, False),
        (59, False),
        (60, True),
        (86_400, True),
    ],
)
def test_a_span_is_over_too_when_the_clock_was_set_back_by_as_much(
    later: int, passed: bool
) -> None:
    since = datetime(2026, 3, 1, tzinfo=UTC)
    now = since + timedelta(seconds=later)
    assert has_passed(timedelta(seconds=60), since, now) is passed

"""Moments as the store keeps them: whole milliseconds since 1970-01-01T00:00:00Z.

Test: tests/unit/core/test_moments.py.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def has_passed(span: timedelta, since: datetime, now: datetime) -> bool:
    """Whether a span of local time is over.

    Also if `since` lies ahead by as much: the clock was set back, and waiting for it to catch up could take
    years. A clock that is only corrected by a little makes the wait a little longer, at most twice the span.
    """
    return abs(now - since) >= span


def doubled(first: timedelta, tries: int, longest: timedelta) -> timedelta:
    """How long to wait after so many failures, at least one: `first`, then twice as long each time."""
    # From the tenth on it is the longest anyway, and no number grows without end.
    return min(first * (1 << min(tries - 1, 10)), longest)


def milliseconds(moment: datetime) -> int:
    """Milliseconds of an aware moment; what is finer is cut off, as the format's times do."""
    return (moment - _EPOCH) // _MILLISECOND


def moment(milliseconds: int) -> datetime:
    """The aware moment, UTC."""
    return _EPOCH + timedelta(milliseconds=milliseconds)

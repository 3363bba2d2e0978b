"""Owns the agency's clock: its calendar day, the hours at which it reaches people, and its doubled hour.

People are reached from 08:00 to 21:00 by their own clock (12 CFR 1006.6(b)(1)(i)), from desks that keep the
hours of the zone which they call. So a local time of a person is never one that a clock has twice; a time
of the agency's switch can be. Test: tests/unit/cases/test_collection_rules.py.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TypedDict
from zoneinfo import ZoneInfo

from notary.cases.collection.model import DAY, Debtor
from notary.cases.draws import Draws

AGENCY_ZONE = ZoneInfo("Europe/London")
LONDON = AGENCY_ZONE
SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")

LAST_START_MINUTE = 45  # of the hour before 21:00, so that the conversation ends before it too
_LAST_HOUR = 20
_SATURDAY = 5  # as date.weekday() counts

# How the calls of a day spread over the hours of the person's place. Shanghai has a desk in its afternoon and
# a small one in its morning, which is night at the agency; New York is called until the agency closes.
_PROFILES = {
    LONDON: {
        8: 3,
        9: 8,
        10: 12,
        11: 12,
        12: 7,
        13: 7,
        14: 9,
        15: 9,
        16: 9,
        17: 11,
        18: 10,
        19: 6,
        20: 3,
    },
    SHANGHAI: {8: 2, 9: 2, 14: 8, 15: 10, 16: 10, 17: 8, 18: 9, 19: 9, 20: 4},
    NEW_YORK: {8: 4, 9: 9, 10: 11, 11: 11, 12: 8, 13: 8, 14: 10, 15: 10, 16: 6},
}


def agency_day(at: datetime) -> date:
    """The day of the agency's calendar on which a moment falls."""
    return at.astimezone(AGENCY_ZONE).date()


class RowFields(TypedDict):
    """What every row of a debtor's matter says of itself, its reference apart (model.Event)."""

    account: str
    matter: str
    at: datetime
    zone: ZoneInfo
    exported_on: date


def row_of(debtor: Debtor, at: datetime, *, dialled: bool = False) -> RowFields:
    """A row at that moment, in the next export; the dialler and the SMS gateway spell accounts their way."""
    return {
        "account": debtor.accounts[-1 if dialled else 0],
        "matter": debtor.matter,
        "at": at,
        "zone": debtor.zone,
        "exported_on": agency_day(at),
    }


def moment(day: date, seconds: int, zone: ZoneInfo) -> datetime:
    """The moment in UTC at that many seconds after midnight by the wall clock of the zone."""
    local = datetime.combine(day, time()) + timedelta(seconds=seconds)
    return local.replace(tzinfo=zone).astimezone(UTC)


def call_start(draws: Draws, what: str, day: date, zone: ZoneInfo) -> datetime:
    """When a call of that day starts, by the profile of the place."""
    hour = draws.weighed(f"{what}/hour", _PROFILES[zone])
    minutes = LAST_START_MINUTE if hour == _LAST_HOUR else 60
    return moment(day, hour * 3600 + draws.below(f"{what}/second", minutes * 60), zone)


def office_time(
    draws: Draws, what: str, day: date, zone: ZoneInfo, first_hour: int = 10, hours: int = 6
) -> datetime:
    """A moment of the day within hours in which people read and receive things."""
    return moment(day, first_hour * 3600 + draws.below(what, hours * 3600), zone)


def weekend(day: date) -> bool:
    """Whether a day is a Saturday or a Sunday."""
    return day.weekday() >= _SATURDAY


def working_day(day: date) -> date:
    """The day itself, or the Monday after it."""
    while weekend(day):
        day += DAY
    return day


def doubled_hour(first: date, days: int) -> datetime | None:
    """When the agency's clock shows an hour again, in UTC; None if it does not in these days."""
    for n in range(days):
        day = first + n * DAY
        for hour in range(24):
            local = datetime.combine(day, time(hour), tzinfo=AGENCY_ZONE)
            late = local.replace(fold=1)
            # PEP 495: a later offset that is smaller means that the clocks were set back.
            if _offset(late) < _offset(local):
                return late.astimezone(UTC)
    return None


def _offset(at: datetime) -> timedelta:
    return at.utcoffset() or timedelta()

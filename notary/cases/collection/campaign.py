"""Owns the dialler's other calls: campaigns for other portfolios, whose accounts no register knows.

An agency's export holds them all, so they wait in `unassigned`. Each zone has its accounts, which are
called one after the other; they are so many that none comes again within eight days. This module also gives
every call of the dialler its number and its agent. Test: tests/unit/cases/test_collection_rules.py.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from notary.cases.collection import hours
from notary.cases.collection.dialling import ending
from notary.cases.collection.model import Call
from notary.cases.collection.people import AGENCY_PHONE, CAMPAIGN_UK, CAMPAIGN_US
from notary.cases.draws import Draws

_ZONES = {hours.SHANGHAI: 73, hours.LONDON: 25, hours.NEW_YORK: 2}
_ACCOUNTS = {
    hours.SHANGHAI: 9_000,
    hours.LONDON: 1_000 - CAMPAIGN_UK - 10,
    hours.NEW_YORK: 100 - CAMPAIGN_US,
}
_PORTFOLIO = {hours.SHANGHAI: "P7", hours.LONDON: "P3", hours.NEW_YORK: "P5"}
_SPREAD_PERCENT = 15  # by which the calls of two like days differ
_SATURDAY_PERCENT = 35
_SUNDAY_PERCENT = 8
_DOUBLED_CALLS = 3  # in each of the two passes of the doubled hour
_WRAP_UP = timedelta(seconds=30)  # before an agent takes the next conversation


@dataclass(frozen=True)
class Load:
    """How many calls of campaigns there are on an ordinary working day, and on the peak day."""

    working_day: int
    peak_day: int


def campaign_calls(
    draws: Draws, calendar: Iterable[date], peak_day: date, load: Load, doubled: datetime | None
) -> Iterator[Call]:
    """The calls to other portfolios, without numbers and agents."""
    turns = dict.fromkeys(_ACCOUNTS, 0)
    for day in calendar:
        planned: list[tuple[datetime, ZoneInfo]] = []
        for n in range(_count(draws, day, peak_day, load)):
            what = f"campaign/{day}/{n}"
            zone = draws.weighed(f"{what}/zone", _ZONES)
            planned.append((hours.call_start(draws, what, day, zone), zone))
        if doubled is not None and day == hours.agency_day(doubled):
            for n in range(2 * _DOUBLED_CALLS):
                start = doubled - timedelta(hours=n % 2)
                after = timedelta(seconds=draws.below(f"campaign/doubled/{n}", 3600))
                planned.append((start + after, hours.SHANGHAI))
        for at, zone in sorted(planned, key=lambda one: (one[0], one[1].key)):
            yield _call(draws, at, zone, turns[zone])
            turns[zone] += 1


def numbered(calls: Iterable[Call]) -> tuple[Call, ...]:
    """The dialler's calls in the order of their starts, counted from 1, each conversation with an agent."""
    result = []
    free: list[tuple[datetime, int]] = []
    agents = 0
    ordered = sorted(calls, key=lambda one: (one.at, one.account, one.person_phone))
    for number, call in enumerate(ordered, start=1):
        agent = ""
        if call.conversation:
            if free and free[0][0] <= call.at:
                place = heapq.heappop(free)[1]
            else:
                agents += 1
                place = agents
            heapq.heappush(free, (call.ended_at + _WRAP_UP, place))
            agent = f"A{place:02}"
        result.append(replace(call, number=number, reference=f"D{number:07}", agent=agent))
    return tuple(result)


def _count(draws: Draws, day: date, peak_day: date, load: Load) -> int:
    if day == peak_day:
        return load.peak_day
    count = load.working_day * (
        100 - _SPREAD_PERCENT + draws.below(f"campaign/{day}", 2 * _SPREAD_PERCENT + 1)
    )
    if day.weekday() == 6:
        count = count * _SUNDAY_PERCENT // 100
    elif hours.weekend(day):
        count = count * _SATURDAY_PERCENT // 100
    return count // 100


def _call(draws: Draws, at: datetime, zone: ZoneInfo, turn: int) -> Call:
    index = turn % _ACCOUNTS[zone]
    phone = _phone(zone, index)
    end = ending(draws, f"campaign/{zone.key}/{turn}")
    return Call(
        reference="",
        account=f"{_PORTFOLIO[zone]}-{index + 100_000}",
        matter=None,
        at=at,
        zone=zone,
        exported_on=hours.agency_day(at),
        number=0,
        outbound=True,
        caller=AGENCY_PHONE,
        callee=phone,
        role="debtor",
        disposition=end.disposition,
        ring_s=end.ring_s,
        talk_s=end.talk_s,
        masked=zone is hours.SHANGHAI and index % 4 == 0,
    )


def _phone(zone: ZoneInfo, index: int) -> str:
    if zone is hours.LONDON:
        return f"+447700900{CAMPAIGN_UK + index:03}"
    if zone is hours.NEW_YORK:
        return f"+120255501{CAMPAIGN_US + index:02}"
    # 48271 has no divisor in common with 10^8, so no number comes twice; 120 belongs to the debtors.
    return f"+8612{1 + index % 9}{index * 48_271 % 10**8:08}"

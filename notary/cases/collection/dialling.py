"""Owns the calls to the debtors: planned day by day so that the conduct rules hold.

12 CFR 1006.14(b)(2): at most 7 calls placed in 7 consecutive days, and none within 7 days after a
conversation, whose date is day 1; calls from the debtor don't count to the 7, but any conversation starts
the second limit. Here both are kept more strictly, so that they hold however days are counted: the windows
are one day longer, and a matter's guarantor counts as the debtor does. Test:
tests/unit/cases/test_collection_rules.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from notary.cases.collection import hours
from notary.cases.collection.model import DAY, Call, Disposition, Person
from notary.cases.collection.people import AGENCY_PHONE
from notary.cases.collection.plan import Plan
from notary.cases.draws import Draws

MAX_ATTEMPTS = 7  # in seven consecutive days
WINDOW_DAYS = 7  # before a day, so that with the day itself it has eight
QUIET_DAYS = 7  # after the day of a conversation
MIN_GAP = timedelta(minutes=30)  # between two attempts of a day
START_DAYS = 2  # after the first letter, so that it has arrived before anyone calls

ENDINGS = {
    Disposition.ANSWERED: 15,
    Disposition.NO_ANSWER: 44,
    Disposition.VOICEMAIL: 24,
    Disposition.BUSY: 11,
    Disposition.FAILED: 6,
}
_WORKDAY_ATTEMPTS = {0: 35, 1: 45, 2: 20}
_SATURDAY_ATTEMPTS = {0: 75, 1: 25}
_SUNDAY_ATTEMPTS = {0: 94, 1: 6}
_GUARANTOR = {False: 3, True: 1}  # who is called once the second letter is out
# Least and spread of the seconds that it rings, and that people or a machine then speak.
_RINGING = {
    Disposition.ANSWERED: (6, 24),
    Disposition.NO_ANSWER: (30, 15),
    Disposition.VOICEMAIL: (18, 10),
    Disposition.BUSY: (1, 3),
    Disposition.FAILED: (0, 3),
}
_TALKING = {Disposition.ANSWERED: (35, 560), Disposition.VOICEMAIL: (8, 25)}


@dataclass(frozen=True)
class Ending:
    """How a call ended and how long it took, in seconds."""

    disposition: Disposition
    ring_s: int
    talk_s: int


def ending(draws: Draws, what: str, disposition: Disposition | None = None) -> Ending:
    """How a call ends; with the disposition given, only its seconds are drawn."""
    if disposition is None:
        disposition = draws.weighed(f"{what}/ending", ENDINGS)
    ring, ring_spread = _RINGING[disposition]
    talk, talk_spread = _TALKING.get(disposition, (0, 1))
    return Ending(
        disposition,
        ring + draws.below(f"{what}/ring", ring_spread),
        talk + draws.below(f"{what}/talk", talk_spread),
    )


def calls_of(draws: Draws, plan: Plan, doubled: datetime | None) -> tuple[Call, ...]:
    """The calls of one matter, without numbers and agents.

    `doubled` is given for a matter that is called in the hour that the switch's clock shows twice.
    """
    return tuple(_Dialler(draws, plan, doubled).calls())


def can_call_in(plan: Plan, doubled: datetime) -> bool:
    """Whether the matter may be called in that hour, with nothing before it that forbids."""
    day = hours.agency_day(doubled)
    free = plan.promised_on is None or not day - WINDOW_DAYS * DAY <= plan.promised_on <= day
    return (
        plan.debtor.zone is hours.SHANGHAI
        and free
        and plan.contacted_on(day)
        and plan.first_letter + START_DAYS * DAY <= day
    )


class _Dialler:
    """Places the calls of one matter and remembers what forbids the next."""

    def __init__(self, draws: Draws, plan: Plan, doubled: datetime | None) -> None:
        self._draws = draws
        self._plan = plan
        self._doubled = doubled
        self._placed: list[date] = []
        self._quiet_until = date.min

    def calls(self) -> Iterator[Call]:
        plan = self._plan
        day = plan.first_letter + START_DAYS * DAY
        while day < plan.contact_until:
            if day == plan.promised_on:
                yield self._call_from(day)
            elif self._doubled is not None and day == hours.agency_day(self._doubled):
                yield self._call_at(self._doubled + timedelta(minutes=20), day, watched=True)
            elif day > self._quiet_until:
                yield from self._calls_to(day)
            day += DAY

    def _call_from(self, day: date) -> Call:
        """The debtor calls, and makes the promise of the day."""
        self._quiet_until = day + QUIET_DAYS * DAY
        debtor = self._plan.debtor
        what = f"{debtor.matter}/{day}/inbound"
        at = hours.call_start(self._draws, what, day, debtor.zone)
        end = ending(self._draws, what, Disposition.ANSWERED)
        return self._call(at, debtor.person, "debtor", end, outbound=False)

    def _calls_to(self, day: date) -> Iterator[Call]:
        what = f"{self._plan.debtor.matter}/{day}"
        weights = (
            _SUNDAY_ATTEMPTS
            if day.weekday() == 6
            else _SATURDAY_ATTEMPTS
            if hours.weekend(day)
            else _WORKDAY_ATTEMPTS
        )
        window = [one for one in self._placed if one >= day - WINDOW_DAYS * DAY]
        count = min(self._draws.weighed(f"{what}/attempts", weights), MAX_ATTEMPTS - len(window))
        watched = self._before_doubled(day)
        if watched:
            # One attempt must be left for the hour itself.
            count = min(count, MAX_ATTEMPTS - 1 - len(window))
        starts = sorted(
            hours.call_start(self._draws, f"{what}/{n}", day, self._plan.debtor.zone)
            for n in range(count)
        )
        last = None
        for at in starts:
            if last is not None and at - last < MIN_GAP:
                continue
            last = at
            call = self._call_at(at, day, watched=watched)
            yield call
            if call.conversation:
                self._quiet_until = day + QUIET_DAYS * DAY
                return

    def _call_at(self, at: datetime, day: date, *, watched: bool) -> Call:
        self._placed.append(day)
        debtor = self._plan.debtor
        what = f"{debtor.matter}/{at.isoformat()}"
        person, role = debtor.person, "debtor"
        second_letter_out = sum(one < day for one in self._plan.stages) > 1
        guarantor = debtor.guarantor if second_letter_out else None
        if guarantor is not None and self._draws.weighed(f"{what}/guarantor", _GUARANTOR):
            person, role = guarantor, "guarantor"
        end = ending(self._draws, what, Disposition.NO_ANSWER if watched else None)
        return self._call(at, person, role, end, outbound=True)

    def _call(
        self, at: datetime, person: Person, role: str, end: Ending, *, outbound: bool
    ) -> Call:
        debtor = self._plan.debtor
        return Call(
            reference="",
            **hours.row_of(debtor, at, dialled=True),
            number=0,
            outbound=outbound,
            caller=AGENCY_PHONE if outbound else person.phone,
            callee=person.phone if outbound else AGENCY_PHONE,
            role=role,
            disposition=end.disposition,
            ring_s=end.ring_s,
            talk_s=end.talk_s,
            masked=debtor.masked,
        )

    def _before_doubled(self, day: date) -> bool:
        """Whether the doubled hour comes within a window of the day: then nobody answers."""
        if self._doubled is None:
            return False
        return timedelta(0) <= hours.agency_day(self._doubled) - day <= WINDOW_DAYS * DAY

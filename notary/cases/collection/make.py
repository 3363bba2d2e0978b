"""Makes the model of the collection case from a seed.

Test: tests/unit/cases/test_collection_model.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from notary.cases.collection import campaign, dialling, hours
from notary.cases.collection.letters import letters_of
from notary.cases.collection.messages import messages_of
from notary.cases.collection.model import DAY, Call, Collection, Event, Sms
from notary.cases.collection.money import money_of, promise_of
from notary.cases.collection.people import make_debtors
from notary.cases.collection.plan import make_plan
from notary.cases.collection.visits import visits_of
from notary.cases.draws import Draws

# A Monday. On 26 October the clocks of London go back, so the agency's switch shows one hour twice; those of
# New York go back after the case's end.
FIRST_DAY = date(2025, 9, 1)
_PEAK_PART = (5, 8)  # of the days lie before the peak
_WEDNESDAY = 2


@dataclass(frozen=True)
class Size:
    """How large a case is: debtors, days, and the campaigns' calls on a working day and on the peak day."""

    debtors: int = 40
    days: int = 60
    working_day_calls: int = 170
    peak_day_calls: int = 2_050


FULL = Size()


def make(seed: int = 1, size: Size = FULL) -> Collection:
    """The case of a seed. Raises ValueError unless it has 7 days or more, and debtors for the numbers."""
    if size.days < 7:
        raise ValueError(f"want 7 days or more, got {size.days}")
    draws = Draws(seed)
    debtors = make_debtors(draws, size.debtors, FIRST_DAY, size.days)
    end = FIRST_DAY + size.days * DAY
    peak = _peak(size.days)
    doubled = hours.doubled_hour(FIRST_DAY, size.days)
    plans = [make_plan(draws, debtor, FIRST_DAY, size.days) for debtor in debtors]
    # One matter is called in the hour that the switch's clock shows twice.
    chosen = next(
        (plan for plan in plans if doubled is not None and dialling.can_call_in(plan, doubled)),
        None,
    )
    events: list[Event] = []
    calls: list[Call] = []
    for plan in plans:
        events += letters_of(draws, plan, end)
        events += messages_of(draws, plan, end)
        events += visits_of(draws, plan, end)
        events += money_of(draws, plan)
        own = [
            call
            for call in dialling.calls_of(draws, plan, doubled if plan is chosen else None)
            if call.exported_on < end
        ]
        calls += own
        promise = promise_of(plan, own)
        if promise is not None:
            events.append(promise)
    calendar = [FIRST_DAY + n * DAY for n in range(size.days)]
    load = campaign.Load(size.working_day_calls, size.peak_day_calls)
    calls += campaign.campaign_calls(draws, calendar, peak, load, doubled)
    events += campaign.numbered(calls)
    events.sort(key=lambda event: (event.exported_on, event.at, event.reference))
    return Collection(seed, FIRST_DAY, size.days, peak, debtors, tuple(_counted(events)))


def _counted(events: Iterable[Event]) -> Iterator[Event]:
    """The events, the text messages among them with the gateway's numbers."""
    number = 0
    for event in events:
        if isinstance(event, Sms):
            number += 1
            yield replace(event, number=number)
        else:
            yield event


def _peak(days: int) -> date:
    before, parts = _PEAK_PART
    day = FIRST_DAY + days * before // parts * DAY
    while day.weekday() != _WEDNESDAY:
        day -= DAY
    return day

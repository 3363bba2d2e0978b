"""The collection case keeps the rules of conduct, for whatever seed; and nothing in it reaches a person."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache

import pytest

from notary.cases.collection import hours
from notary.cases.collection.campaign import numbered
from notary.cases.collection.make import Size, make
from notary.cases.collection.model import (
    DAY,
    Call,
    Collection,
    Email,
    Event,
    Filing,
    Habit,
    Letter,
    Payment,
    PostEvent,
    Reversal,
    Sms,
    Visit,
)
from notary.cases.collection.plan import add_months

SEEDS = range(20)
# The campaigns follow the same code at every size; few calls keep the twenty seeds quick.
QUIET = Size(working_day_calls=12, peak_day_calls=60)
RESERVED = re.compile(r"\+447700900\d{3}|\+120255501\d{2}|\+8612\d{9}")
WEEK = timedelta(days=7)


@cache
def case_of(seed: int) -> Collection:
    return make(seed, QUIET)


@cache
def full() -> Collection:
    return make(1)


def of_matters(case: Collection) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = defaultdict(list)
    for event in case.events:
        if event.matter is not None:
            found[event.matter].append(event)
    return found


def placed_too_often(starts: Iterable[date]) -> list[date]:
    """The days on which the eighth call in seven consecutive days was placed."""
    days = sorted(starts)
    return [last for first, last in zip(days, days[7:], strict=False) if last - first < WEEK]


@pytest.mark.parametrize("seed", SEEDS)
def test_people_are_reached_from_eight_to_nine_by_their_own_clock(seed: int) -> None:
    for event in case_of(seed).events:
        if isinstance(event, Call):
            # The end too: nobody is kept on the line after nine.
            ends = event.ended_at.astimezone(event.zone)
            assert event.local.date() == ends.date()
            assert event.local.hour >= 8
            assert (ends.hour, ends.minute, ends.second) <= (21, 0, 0), event
        if isinstance(event, Email | Sms | Letter | Visit | PostEvent):
            assert 8 <= event.local.hour < 21, event


@pytest.mark.parametrize("seed", SEEDS)
def test_at_most_seven_calls_are_placed_in_seven_days(seed: int) -> None:
    for events in of_matters(case_of(seed)).values():
        calls = [event for event in events if isinstance(event, Call) and event.outbound]
        assert placed_too_often(call.local.date() for call in calls) == []
        starts = [call.at for call in calls]
        assert all(last - first > WEEK for first, last in zip(starts, starts[7:], strict=False))


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_is_called_within_seven_days_after_a_conversation(seed: int) -> None:
    for events in of_matters(case_of(seed)).values():
        calls = [event for event in events if isinstance(event, Call)]
        for index, call in enumerate(calls):
            if call.conversation:
                later = [one for one in calls[index + 1 :] if one.outbound]
                assert all(one.at - call.at > WEEK for one in later)
                assert all(one.local.date() - call.local.date() > WEEK for one in later)


@pytest.mark.parametrize("seed", SEEDS)
def test_letters_keep_their_stages_and_legal_action_waits(seed: int) -> None:
    case = case_of(seed)
    debtors = {debtor.matter: debtor for debtor in case.debtors}
    for matter, events in of_matters(case).items():
        due = debtors[matter].due
        letters = [event for event in events if isinstance(event, Letter)]
        stages = [letter.stage for letter in letters]
        assert stages == sorted(stages)
        assert set(stages) == set(range(1, max(stages) + 1))
        first = letters[0].local.date()
        assert first - due >= 15 * DAY
        if due + 15 * DAY > case.first_day:
            assert first - due == 15 * DAY
        for filing in (event for event in events if isinstance(event, Filing)):
            assert stages[-1] == 3
            assert filing.local.date() >= add_months(due, 3)
            assert filing.at > letters[-1].at


@pytest.mark.parametrize("seed", SEEDS)
def test_the_post_delivers_after_the_dispatch_and_only_what_was_posted(seed: int) -> None:
    for events in of_matters(case_of(seed)).values():
        letters = {event.reference: event for event in events if isinstance(event, Letter)}
        sent: dict[str, PostEvent] = {}
        for scan in (event for event in events if isinstance(event, PostEvent)):
            assert letters[scan.letter].posted
            assert letters[scan.letter].at < scan.at
            if scan.act == "dispatch":
                sent[scan.letter] = scan
            else:
                assert sent[scan.letter].at < scan.at
        assert sent.keys() == {name for name, letter in letters.items() if letter.posted}


@pytest.mark.parametrize("seed", SEEDS)
def test_demands_are_for_what_is_open_and_end_when_it_is_paid(seed: int) -> None:
    case = case_of(seed)
    matters = of_matters(case)
    over = []
    for debtor in case.debtors:
        owed = debtor.principal
        payments: dict[str, int] = {}
        for event in matters[debtor.matter]:
            if isinstance(event, Letter):
                assert event.amount == owed > 0
            if isinstance(event, Call | Visit | Sms):
                assert owed > 0, "who has paid is left alone"
            if isinstance(event, Payment):
                payments[event.reference] = event.amount
                owed -= event.amount
            if isinstance(event, Reversal):
                assert payments.pop(event.payment) == event.amount
                owed += event.amount
        assert owed == debtor.principal - sum(payments.values())
        if owed < 0:
            over.append(debtor.habit)
        if debtor.habit in (Habit.PAYS_EARLY, Habit.PAYS_LATE):
            assert owed == 0
    assert over == [Habit.OVERPAYS]


@pytest.mark.parametrize("seed", SEEDS)
def test_accounts_are_in_the_register_or_meant_to_wait(seed: int) -> None:
    case = case_of(seed)
    register = {account: debtor.matter for debtor in case.debtors for account in debtor.accounts}
    assert len(register) == sum(len(debtor.accounts) for debtor in case.debtors)
    for event in case.events:
        assert register.get(event.account) == event.matter
    waiting = [event for event in case.events if event.matter is None]
    assert waiting
    assert all(isinstance(event, Call) for event in waiting)


@pytest.mark.parametrize("seed", SEEDS)
def test_numbers_are_reserved_and_each_belongs_to_one_account(seed: int) -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    case = case_of(seed)
    for debtor in case.debtors:
        for person in (debtor.person, debtor.guarantor):
            if person is not None:
                assert RESERVED.fullmatch(person.phone)
                assert person.email.endswith("@example.com")
                owners[person.phone].add(f"{debtor.matter} {person.name}")
    for call in case.calls:
        assert RESERVED.fullmatch(call.caller)
        assert RESERVED.fullmatch(call.callee)
        if call.matter is None:
            owners[call.person_phone].add(call.account)
        else:
            assert call.person_phone in owners
    assert [phone for phone, found in owners.items() if len(found) > 1] == []


@pytest.mark.parametrize("seed", SEEDS)
def test_visits_are_by_two_people_once_a_day_and_after_the_second_letter(seed: int) -> None:
    for events in of_matters(case_of(seed)).values():
        visits = [event for event in events if isinstance(event, Visit)]
        assert len({visit.local.date() for visit in visits}) == len(visits)
        for visit in visits:
            assert len(set(visit.staff)) == 2
            second = [one for one in events if isinstance(one, Letter) and one.stage == 2]
            assert second[0].at < visit.at
            assert visit.segments[0][0] == visit.at
            start, seconds = visit.segments[-1]
            assert start + timedelta(seconds=seconds) == visit.ended_at or len(visit.segments) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_the_hour_that_the_switch_shows_twice_has_calls_in_both_passes(seed: int) -> None:
    case = case_of(seed)
    second = hours.doubled_hour(case.first_day, case.days)
    assert second is not None
    assert second.isoformat() == "2025-10-26T01:00:00+00:00"
    hour = timedelta(hours=1)
    early = [call for call in case.calls if second - hour <= call.at < second]
    late = [call for call in case.calls if second <= call.at < second + hour]
    assert early
    assert len([call for call in late if call.matter is not None]) == 1


def test_all_zones_habits_and_spellings_occur() -> None:
    case = full()
    assert len(case.debtors) == 40
    assert {debtor.habit for debtor in case.debtors} == set(Habit)
    assert len({debtor.zone.key for debtor in case.debtors}) == 3
    assert any(len(debtor.accounts) == 2 for debtor in case.debtors)
    assert any(debtor.guarantor is not None for debtor in case.debtors)
    assert any(call.masked for call in case.calls if call.matter is not None)
    kinds = {event.kind for event in case.events}
    assert kinds >= {"letter", "act", "message", "call", "visit", "payment", "correction", "filing"}
    assert {call.role for call in case.calls} == {"debtor", "guarantor"}
    assert {call.outbound for call in case.calls} == {True, False}


def test_the_peak_day_has_2000_calls_and_weekends_are_thin() -> None:
    case = full()
    days = Counter(call.exported_on for call in case.calls)
    assert days[case.peak_day] >= 2_000
    assert sorted(days) == list(case.calendar)
    ordinary = [days[day] for day in case.calendar if day.weekday() < 5 and day != case.peak_day]
    weekends = [days[day] for day in case.calendar if day.weekday() >= 5]
    assert max(weekends) < min(ordinary)


def test_a_day_of_calls_rises_falls_and_rises() -> None:
    by_hour = Counter(call.local.hour for call in full().calls if call.zone.key == "Europe/London")
    assert by_hour[10] > by_hour[12] > by_hour[8]
    assert by_hour[17] > by_hour[13]
    assert set(by_hour) == set(range(8, 21))


def test_campaigns_call_no_account_again_within_eight_days() -> None:
    last: dict[str, date] = {}
    for call in full().calls:
        if call.matter is None:
            before = last.get(call.account)
            assert before is None or call.exported_on - before > 8 * DAY
            last[call.account] = call.exported_on


def test_the_dialler_counts_without_gaps_in_the_order_of_starts() -> None:
    calls = sorted(full().calls, key=lambda call: call.number)
    assert [call.number for call in calls] == list(range(1, len(calls) + 1))
    assert [call.at for call in calls] == sorted(call.at for call in calls)
    assert numbered(calls) == tuple(calls)


def test_an_agent_has_one_conversation_at_a_time() -> None:
    busy: dict[str, Call] = {}
    for call in sorted(full().calls, key=lambda one: one.number):
        assert bool(call.agent) == call.conversation
        if call.agent:
            before = busy.get(call.agent)
            assert before is None or before.ended_at <= call.at
            busy[call.agent] = call

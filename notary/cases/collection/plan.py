"""Owns the course of one matter: on which days it has letters, promises, payments, and legal action.

The other modules write the events of these days. Letters: the first 15 days after the due date or later, the
stages in order, legal action not before due + 3 months. Test: tests/unit/cases/test_collection_rules.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from notary.cases.collection.hours import working_day
from notary.cases.collection.model import DAY, Debtor, Habit
from notary.cases.collection.people import FIRST_LETTER_DAYS
from notary.cases.draws import Draws

STAGES = 3
STAGE_DAYS = 14  # between two letters, and from the last one to legal action
LEGAL_MONTHS = 3  # after the due date
TAKE_OVER_DAYS = 4  # within so many days the agency writes to the debtors that are long in arrears
INSTALMENTS = 3
INSTALMENT_DAYS = 14
BROKEN_DAYS = 10  # a promise of all is to be kept within so many days


@dataclass(frozen=True)
class Paid:
    """Money on a day; `reversed_on` is the day on which the bank took it back."""

    day: date
    amount: int
    reversed_on: date | None = None


@dataclass(frozen=True)
class Plan:
    """The days of one matter, all within the case. `contact_until` is the first day without contact."""

    debtor: Debtor
    stages: tuple[date, ...]
    promised_on: date | None
    instalments: tuple[tuple[date, int], ...]
    paid: tuple[Paid, ...]
    filed_on: date | None
    contact_until: date

    @property
    def first_letter(self) -> date:
        """The day of the first demand."""
        return self.stages[0]

    def open_on(self, day: date) -> int:
        """What is owed when the day begins, in minor units; below 0 if too much was paid."""
        return _open(self.debtor.principal, self.paid, day)

    def contacted_on(self, day: date) -> bool:
        """Whether the agency still turns to the debtor on that day."""
        return self.first_letter <= day < self.contact_until


def make_plan(draws: Draws, debtor: Debtor, first_day: date, days: int) -> Plan:
    """The course of a debtor's matter within the case's days."""
    end = first_day + days * DAY
    first = debtor.due + FIRST_LETTER_DAYS * DAY
    if first < first_day:
        late = draws.below(f"{debtor.matter}/first", TAKE_OVER_DAYS)
        first = working_day(first_day + late * DAY)
    letters = [first]
    while len(letters) < STAGES:
        letters.append(working_day(letters[-1] + STAGE_DAYS * DAY))
    promised_on, instalments = _promise(draws, debtor, first)
    if promised_on is not None and promised_on >= end:
        promised_on, instalments = None, ()
    paid = tuple(
        Paid(one.day, one.amount, one.reversed_on if (one.reversed_on or end) < end else None)
        for one in _paid(draws, debtor, letters, instalments)
        if one.day < end
    )
    settled = next(
        (one.day for one in paid if _open(debtor.principal, paid, one.day + DAY) <= 0), end
    )
    legal = working_day(max(letters[-1] + STAGE_DAYS * DAY, add_months(debtor.due, LEGAL_MONTHS)))
    filed_on = legal if legal < settled else None
    until = min(settled, legal)
    return Plan(
        debtor,
        tuple(day for day in letters if day < until),
        promised_on,
        instalments,
        paid,
        filed_on,
        until,
    )


def add_months(day: date, months: int) -> date:
    """The same day so many months later, or that month's last day."""
    months += day.year * 12 + day.month - 1
    first = date(months // 12, months % 12 + 1, 1)
    following = date((months + 1) // 12, (months + 1) % 12 + 1, 1)
    return min(first + (day.day - 1) * DAY, following - DAY)


def _open(principal: int, paid: tuple[Paid, ...], day: date) -> int:
    for one in paid:
        if one.day < day and not (one.reversed_on is not None and one.reversed_on < day):
            principal -= one.amount
    return principal


def _promise(
    draws: Draws, debtor: Debtor, first: date
) -> tuple[date | None, tuple[tuple[date, int], ...]]:
    if debtor.habit not in (Habit.INSTALMENTS, Habit.BROKEN_PROMISE):
        return None, ()
    day = first + (6 + draws.below(f"{debtor.matter}/promise", 4)) * DAY
    if debtor.habit is Habit.BROKEN_PROMISE:
        return day, ((working_day(day + BROKEN_DAYS * DAY), debtor.principal),)
    part = debtor.principal // INSTALMENTS
    amounts = [part] * (INSTALMENTS - 1) + [debtor.principal - part * (INSTALMENTS - 1)]
    return day, tuple(
        (working_day(day + (7 + n * INSTALMENT_DAYS) * DAY), amount)
        for n, amount in enumerate(amounts)
    )


def _paid(
    draws: Draws,
    debtor: Debtor,
    letters: list[date],
    instalments: tuple[tuple[date, int], ...],
) -> list[Paid]:
    """What the debtor would pay if the case went on for ever, in order."""
    owed = debtor.principal

    def day(after: date, least: int, spread: int) -> date:
        drawn = draws.below(f"{debtor.matter}/paid/{least}", spread)
        return working_day(after + (least + drawn) * DAY)

    match debtor.habit:
        case Habit.PAYS_EARLY:
            return [Paid(day(letters[0], 4, 5), owed)]
        case Habit.PAYS_LATE:
            return [Paid(day(letters[1], 3, 7), owed)]
        case Habit.INSTALMENTS:
            return [Paid(due, amount) for due, amount in instalments]
        case Habit.BROKEN_PROMISE:
            part = owed * (15 + draws.below(f"{debtor.matter}/part", 11)) // 100
            return [Paid(day(letters[0], 26, 5), part)]
        case Habit.REVERSED:
            part = owed * 2 // 5
            early = day(letters[0], 5, 4)
            return [
                Paid(early, part, reversed_on=working_day(early + 4 * DAY)),
                Paid(day(letters[1], 6, 4), part),
            ]
        case Habit.OVERPAYS:
            half = owed // 2
            over = 1_000 + draws.below(f"{debtor.matter}/over", 4_000)
            return [
                Paid(day(letters[0], 8, 1), half),
                Paid(day(letters[1], 4, 1), owed - half + over),
            ]
        case Habit.NEVER | Habit.DISPUTES:
            return []

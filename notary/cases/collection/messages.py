"""Owns the messages of a matter: reminders by SMS, statements and answers by e-mail.

Test: tests/unit/cases/test_collection_rules.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from notary.cases.collection import hours
from notary.cases.collection.model import DAY, Email, Habit, Sms
from notary.cases.collection.people import AGENCY_EMAIL, AGENCY_PHONE
from notary.cases.collection.plan import Plan
from notary.cases.draws import Draws

_REMINDER_DAYS = 3  # after a letter
_STATEMENT_DAYS = 6  # after the first letter
_DISPUTE_DAYS = 4  # after the first letter
_REMINDER = {
    hours.LONDON: "Northway Example: a letter about {} is on its way to you. Questions: {}",
    hours.SHANGHAI: "示例机构：关于{}的函件已寄出。如有疑问请致电{}",
    hours.NEW_YORK: "Northway Example, a debt collector: a letter about {} is on its way. Questions: {}",
}


def messages_of(draws: Draws, plan: Plan, end: date) -> Iterator[Sms | Email]:
    """The messages of a matter, up to the end of the case."""
    writer = _Writer(draws, plan)
    contract = plan.debtor.contract
    for stage, letter in enumerate(plan.stages, start=1):
        day = letter + _REMINDER_DAYS * DAY
        if plan.contacted_on(day) and day < end:
            yield writer.sms(f"S{stage}", day)
    day = plan.first_letter + _STATEMENT_DAYS * DAY
    if plan.contacted_on(day) and day < end:
        yield writer.email(
            "statement",
            day,
            f"Statement, {contract}",
            "The statement is in your account with us.\n",
        )
    if plan.debtor.habit is Habit.DISPUTES:
        first = plan.first_letter + _DISPUTE_DAYS * DAY
        if first + DAY < end:
            subject = f"{contract} is not mine"
            yield writer.email(
                "dispute",
                first,
                subject,
                "I never signed this. Send me the contract.\n",
                outbound=False,
                label="dispute",
            )
            yield writer.email(
                "answer", first + DAY, f"Re: {subject}", "We asked the creditor for the contract.\n"
            )
    for index, paid in enumerate(plan.paid):
        # The day after: by then the bank has booked it. Nobody is thanked twice for the same money.
        if paid.day + DAY < end:
            yield writer.email(
                f"receipt{index}", paid.day + DAY, f"Received, {contract}", "Thank you. 谢谢。\n"
            )


class _Writer:
    """Writes the messages of one matter."""

    def __init__(self, draws: Draws, plan: Plan) -> None:
        self._draws = draws
        self._debtor = plan.debtor

    def sms(self, what: str, day: date) -> Sms:
        debtor = self._debtor
        return Sms(
            reference=f"{what}-{debtor.accounts[-1]}",
            **hours.row_of(debtor, self._at(what, day), dialled=True),
            outbound=True,
            sender=AGENCY_PHONE,
            recipient=debtor.person.phone,
            text=_REMINDER[debtor.zone].format(debtor.contract, AGENCY_PHONE),
        )

    def email(
        self,
        what: str,
        day: date,
        subject: str,
        text: str,
        *,
        outbound: bool = True,
        label: str = "",
    ) -> Email:
        debtor = self._debtor
        return Email(
            reference=f"<{what}.{debtor.accounts[0]}@example.com>",
            **hours.row_of(debtor, self._at(what, day)),
            outbound=outbound,
            sender=AGENCY_EMAIL if outbound else debtor.person.email,
            recipient=debtor.person.email if outbound else AGENCY_EMAIL,
            subject=subject,
            text=text,
            label=label,
        )

    def _at(self, what: str, day: date) -> datetime:
        return hours.office_time(
            self._draws, f"{self._debtor.matter}/{what}", day, self._debtor.zone, 9, 10
        )

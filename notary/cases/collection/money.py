"""Owns what came in, what the bank took back, and what was promised.

Test: tests/unit/cases/test_collection_rules.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from notary.cases.collection import hours
from notary.cases.collection.model import Call, Payment, Promise, Reversal
from notary.cases.collection.plan import Paid, Plan
from notary.cases.draws import Draws

# The bank books in the afternoon, after the letters of the day: a letter demands what is open that morning.
_BOOKED_HOUR, _BOOKED_HOURS = 13, 4
NOTE_SECONDS = 90  # after the call in which it was given, a promise is written down


def money_of(draws: Draws, plan: Plan) -> Iterator[Payment | Reversal]:
    """The payments of a matter, and their reversals."""
    for index, paid in enumerate(plan.paid):
        reference = f"TRF{draws.below(f'{plan.debtor.matter}/bank/{index}', 10**10):010}"
        yield _payment(draws, plan, paid, reference)
        if paid.reversed_on is not None:
            yield _reversal(draws, plan, paid, paid.reversed_on, reference)


def promise_of(plan: Plan, calls: Sequence[Call]) -> Promise | None:
    """The promise of a matter, given in the call that the debtor made."""
    call = next((one for one in calls if not one.outbound), None)
    if call is None:
        return None
    debtor = plan.debtor
    at = call.ended_at + timedelta(seconds=NOTE_SECONDS)
    return Promise(
        reference=f"PR-{debtor.accounts[0]}",
        **hours.row_of(debtor, at),
        currency=debtor.currency,
        instalments=plan.instalments,
    )


def _payment(draws: Draws, plan: Plan, paid: Paid, reference: str) -> Payment:
    debtor = plan.debtor
    at = _booked(draws, reference, plan, paid.day)
    return Payment(
        reference=reference,
        **hours.row_of(debtor, at),
        amount=paid.amount,
        currency=debtor.currency,
        payer=debtor.person.name,
        payee=debtor.creditor,
    )


def _reversal(draws: Draws, plan: Plan, paid: Paid, day: date, payment: str) -> Reversal:
    debtor = plan.debtor
    at = _booked(draws, f"{payment}/reversed", plan, day)
    return Reversal(
        reference=f"REV{payment.removeprefix('TRF')}",
        **hours.row_of(debtor, at),
        payment=payment,
        amount=paid.amount,
        currency=debtor.currency,
    )


def _booked(draws: Draws, what: str, plan: Plan, day: date) -> datetime:
    return hours.office_time(draws, what, day, plan.debtor.zone, _BOOKED_HOUR, _BOOKED_HOURS)

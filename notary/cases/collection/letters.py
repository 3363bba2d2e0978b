"""Owns the letters of a matter, what the mail house reports of them, and the application to the court.

Test: tests/unit/cases/test_collection_rules.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from notary.cases.collection import hours
from notary.cases.collection.model import DAY, Filing, Letter, PostEvent
from notary.cases.collection.plan import Plan
from notary.cases.draws import Draws

_EMAIL_FIRST = 2  # one in so many debtors gets the first letter by e-mail; later ones go by post
_DELIVERY_DAYS = {hours.LONDON: (1, 2), hours.SHANGHAI: (3, 3), hours.NEW_YORK: (4, 3)}
_RETURNED = {False: 11, True: 1}
CARRIER = "Example Post"
_COURT = {
    hours.LONDON: "Example County Court",
    hours.SHANGHAI: "示例区人民法院",
    hours.NEW_YORK: "Example Civil Court",
}


def letters_of(draws: Draws, plan: Plan, end: date) -> Iterator[Letter | PostEvent | Filing]:
    """The letters of a matter and what follows from them, up to the end of the case."""
    debtor = plan.debtor
    for stage, day in enumerate(plan.stages, start=1):
        if day >= end:
            return
        people = [debtor.person]
        if debtor.guarantor is not None and stage > 1:
            people.append(debtor.guarantor)
        for copy, person in enumerate(people):
            reference = f"L-{debtor.accounts[0]}-{stage}" + ("G" if copy else "")
            at = hours.office_time(draws, f"{reference}/at", day, debtor.zone, hours=2)
            # The export writes minutes.
            at = at.replace(second=0)
            posted = stage > 1 or draws.below(f"{reference}/channel", _EMAIL_FIRST) == 0
            yield Letter(
                reference=reference,
                **hours.row_of(debtor, at),
                stage=stage,
                amount=plan.open_on(day),
                currency=debtor.currency,
                due=debtor.due,
                addressee=f"{person.name}, {debtor.place if posted else person.email}",
                posted=posted,
            )
            if posted:
                yield from _posted(draws, plan, reference, day, person.name, end)
    if plan.filed_on is not None and plan.filed_on < end:
        yield _filing(draws, plan, plan.filed_on)


def _posted(
    draws: Draws, plan: Plan, letter: str, day: date, name: str, end: date
) -> Iterator[PostEvent]:
    zone = plan.debtor.zone
    least, spread = _DELIVERY_DAYS[zone]
    arrival = hours.working_day(day + (least + draws.below(f"{letter}/days", spread)) * DAY)
    came_back = draws.weighed(f"{letter}/returned", _RETURNED)
    for act, signer, on, hour in (
        ("dispatch", CARRIER, day, 16),
        ("return" if came_back else "delivery", CARRIER if came_back else name, arrival, 9),
    ):
        if on >= end:
            return
        at = hours.office_time(draws, f"{letter}/{act}", on, zone, first_hour=hour, hours=3)
        yield PostEvent(
            reference=f"{letter}/{act}",
            **hours.row_of(plan.debtor, at),
            letter=letter,
            act=act,
            signer=signer,
        )


def _filing(draws: Draws, plan: Plan, day: date) -> Filing:
    debtor = plan.debtor
    reference = f"F-{debtor.accounts[0]}"
    at = hours.office_time(draws, reference, day, debtor.zone)
    return Filing(
        reference=reference,
        **hours.row_of(debtor, at),
        court=_COURT[debtor.zone],
        amount=plan.open_on(day),
        currency=debtor.currency,
    )

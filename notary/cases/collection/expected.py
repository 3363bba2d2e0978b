"""Owns the answer: what a right import of the case's exports gives, counted on the model alone.

Nothing here reads an export or an importer's result, so the two can be compared.
Test: tests/scenarios/ingest/test_collection_case.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import timedelta
from typing import TypeAlias, TypeVar

from notary.cases.collection import exports
from notary.cases.collection.hours import AGENCY_ZONE
from notary.cases.collection.mails import mailed
from notary.cases.collection.model import (
    Call,
    Collection,
    Debtor,
    Event,
    Letter,
    Payment,
    Reversal,
)
from notary.cases.collection.switch import Switch, path_of
from notary.cases.collection.switches import SWITCHES

Answer: TypeAlias = dict[str, object]
K = TypeVar("K", bound=Hashable)
E = TypeVar("E", bound=Event)

FORMAT = "notary-collection-case/1"
DOCUMENTS = 1  # of each matter: the contract


def expected(case: Collection) -> Answer:
    """The answer as JSON values: in total, by matter, by day and by file; and for each switch's logs.

    `mails` are the messages of the mail server, which are records beside those of the days; `billed_days` the
    rows of the carrier's bills, which wait.
    """
    matters = _grouped(case.events, lambda event: event.matter)
    days = _grouped(case.events, lambda event: event.exported_on)
    mails = mailed(case)
    return {
        "format": FORMAT,
        "seed": case.seed,
        "first_day": str(case.first_day),
        "last_day": str(case.calendar[-1]),
        "peak_day": str(case.peak_day),
        **_counts(case.events),
        "documents": DOCUMENTS * len(case.debtors),
        "mails": len(mails),
        "billed_days": len({call.exported_on for call in case.calls if call.outbound}),
        "matters": {
            debtor.matter: _matter(debtor, matters.get(debtor.matter, []))
            for debtor in case.debtors
        },
        "days": {str(day): _day(days.get(day, [])) for day in case.calendar},
        "switches": {switch.name: _switch(switch, case.calls) for switch in SWITCHES},
    }


def recorded_at(event: Event) -> str:
    """The time that a right import gives, in UTC as format.md writes it.

    A time of an hour that the agency's clock shows twice gives the earlier moment (docs/spec/column-map.md
    §3), where the export has no offset.
    """
    at = event.at
    if _doubled(event):
        at -= timedelta(hours=1) if at.astimezone(AGENCY_ZONE).fold else timedelta(0)
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _counts(events: Sequence[Event], *, local: bool = True) -> Answer:
    known = [event for event in events if event.matter is not None]
    return {
        "records": len(known),
        "by_kind": _tally(event.kind for event in known),
        "unassigned": len(events) - len(known),
        "doubled_times": sum(_doubled(event) for event in known) if local else 0,
    }


def _matter(debtor: Debtor, events: Sequence[Event]) -> Answer:
    calls = [event for event in events if isinstance(event, Call)]
    paid = sum(event.amount for event in events if isinstance(event, Payment))
    back = sum(event.amount for event in events if isinstance(event, Reversal))
    return {
        **_counts(events),
        "title": debtor.title,
        "accounts": list(debtor.accounts),
        "stages": sorted({event.stage for event in events if isinstance(event, Letter)}),
        "calls": _tally(f"{call.role}, {call.disposition.value}" for call in calls),
        "masked": sum(call.masked for call in calls),
        "currency": debtor.currency,
        "principal": debtor.principal,
        "paid": paid,
        "taken_back": back,
        "open": debtor.principal - paid + back,
    }


def _day(events: Sequence[Event]) -> Answer:
    numbers = [event.number for event in events if isinstance(event, Call)]
    return {
        **_counts(events),
        "first_call": min(numbers, default=None),
        "last_call": max(numbers, default=None),
        "files": _files(events, exports.file_of),
    }


def _switch(switch: Switch, calls: Sequence[Call]) -> Answer:
    logged = [call for call in calls if switch.holds(call)]
    endings = [switch.endings(call.disposition) for call in logged if call.matter is not None]
    return {
        **_counts(logged, local=switch.local),
        "endings": _tally(word for word in endings if word is not None),
        "files": _files(logged, lambda call: path_of(switch, call), local=switch.local),
    }


def _files(events: Sequence[E], path: Callable[[E], str], *, local: bool = True) -> Answer:
    files = _grouped(events, path)
    return {name: _counts(files[name], local=local) for name in sorted(files)}


def _grouped(events: Sequence[E], key: Callable[[E], K]) -> dict[K, list[E]]:
    groups: dict[K, list[E]] = {}
    for event in events:
        groups.setdefault(key(event), []).append(event)
    return groups


def _tally(words: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))


def _doubled(event: Event) -> bool:
    """Whether the export gives a time that its clock showed twice."""
    if not isinstance(event, Call | Letter):
        return False
    local = event.at.astimezone(AGENCY_ZONE)
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()

"""Owns the carrier's itemised bills: for each day how many calls the agency placed, and how long they were.

The carrier counts for itself. So a call that is taken out of a log which has no numbers of its own is still
in the day's total. Calls that came in cost nothing and are in no bill. Test: tests/unit/cases/test_bills.py.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from notary.cases import case_folder
from notary.cases.collection.model import Call, Collection

CUSTOMER = "CARRIER-4711"  # the agency's number at its carrier: no account of a debtor
_COLUMNS = ("bill_no", "customer", "day", "calls", "connected", "seconds", "amount", "currency")
_PENCE_A_MINUTE = 2


def bills(case: Collection) -> dict[str, bytes]:
    """The bills of a case by their paths, one a month."""
    placed: dict[date, list[Call]] = {day: [] for day in case.calendar}
    for call in case.calls:
        if call.outbound:
            placed[call.exported_on].append(call)
    months: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    for day, calls in placed.items():
        if calls:
            months[f"{day:%Y-%m}"].append(_row(day, calls))
    return {
        f"bills/bill-{month}.csv": case_folder.table(_COLUMNS, rows)
        for month, rows in months.items()
    }


def _row(day: date, calls: list[Call]) -> tuple[object, ...]:
    seconds = sum(call.talk_s for call in calls)
    pence = -(-seconds * _PENCE_A_MINUTE // 60)
    connected = sum(call.answered_at is not None for call in calls)
    amount = f"{pence // 100}.{pence % 100:02}"
    return (f"B-{day}", CUSTOMER, day, len(calls), connected, seconds, amount, "GBP")

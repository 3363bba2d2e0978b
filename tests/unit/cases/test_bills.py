"""The carrier's bills count what the agency placed."""

from __future__ import annotations

import csv
import io

from notary.cases.collection.bills import bills
from notary.cases.collection.make import Size, make


def test_the_bills_of_all_months_count_each_placed_call_once() -> None:
    case = make(4, Size(debtors=5, days=40, working_day_calls=10, peak_day_calls=20))
    files = bills(case)
    assert sorted(files) == ["bills/bill-2025-09.csv", "bills/bill-2025-10.csv"]
    rows = [
        row
        for data in files.values()
        for row in csv.DictReader(io.StringIO(data.decode(), newline=""))
    ]
    placed = [call for call in case.calls if call.outbound]
    assert len({row["day"] for row in rows}) == len(rows)
    assert sum(int(row["calls"]) for row in rows) == len(placed) < len(case.calls)
    assert sum(int(row["seconds"]) for row in rows) == sum(call.talk_s for call in placed)
    assert sum(int(row["connected"]) for row in rows) == sum(call.talk_s > 0 for call in placed)

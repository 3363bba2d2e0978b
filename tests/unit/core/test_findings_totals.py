"""Totals of a day against the calls: a carrier's bill, a dialler's report."""

from __future__ import annotations

import pytest

from notary.core.findings.seen import Seen, seen
from notary.core.findings.totals import total_findings
from tests.simulators.sightings import HOUR, call, text_of
from verifier.format.jsonc import Json

DAY = 24 * HOUR
DAYS, A_DAY = 14, 10


def calls() -> list[Seen]:
    """Each day ten calls, of which two are not taken, and one that came in."""
    found = []
    for number in range(DAYS * A_DAY):
        day, n = divmod(number, A_DAY)
        found.append(
            call(
                number,
                at=day * DAY + (8 + n) * HOUR,
                direction="inbound" if n == 5 else "outbound",
                disposition="answered" if n > 1 else "no answer",
                talk_s=80 if n > 1 else 0,
                duration_s=100 if n > 1 else 20,
            )
        )
    return found


def bill(**changed: int) -> list[Seen]:
    rows = []
    for day in range(DAYS):
        says = {"total_calls": 9, "total_connected": 7, "total_seconds": 560}
        rows.append(total(day, {**says, **(changed if day == 6 else {})}))
    return rows


def total(day: int, says: dict[str, int]) -> Seen:
    said: dict[str, Json] = {
        "occurred_at": text_of(day * DAY),
        "occurred_at_source": {"text": "", "zone": "UTC", "fold": None, "note": None},
        "reference": f"B-{day}",
        "import": {"importer": "csv/bill", "file_sha256": "b" * 64, "row": day + 2},
        "fields": {**says},
    }
    return seen("document", said)


def texts(stream: list[Seen], totals: list[Seen]) -> list[str]:
    found = list(total_findings({"calls": stream, "bill": totals}))
    assert {one.code for one in found} <= {"TOTALS_DIFFER"}
    return [one.text for one in found]


def test_a_bill_that_agrees_has_no_finding() -> None:
    assert texts(calls(), bill()) == []


def test_a_call_that_was_taken_out_is_missing_in_the_days_total() -> None:
    gone = 6 * A_DAY + 7
    [text] = texts([one for one in calls() if one.number != gone], bill())
    assert text.startswith(
        "of 2026-03-08, bill says 9 calls, the records 8; 7 calls that were taken"
    )
    assert "560 seconds, the records 480" in text


@pytest.mark.parametrize("what", ["total_calls", "total_connected", "total_seconds"])
def test_each_total_is_compared(what: str) -> None:
    [text] = texts(calls(), bill(**{what: 3}))
    assert "says 3 " in text


def test_a_call_that_came_in_is_in_no_bill() -> None:
    gone = 6 * A_DAY + 5
    assert texts([one for one in calls() if one.number != gone], bill()) == []


def test_a_bill_of_other_calls_is_not_compared() -> None:
    others = [total(day, {"total_calls": 40 + day}) for day in range(DAYS)]
    assert texts(calls(), others) == []


def test_days_before_the_first_call_and_after_the_last_are_not_compared() -> None:
    longer = [*bill(), total(-3, {"total_calls": 4}), total(DAYS + 3, {"total_calls": 4})]
    assert texts(calls(), longer) == []


def test_a_report_of_some_totals_alone_is_compared_in_these() -> None:
    report = [total(day, {"total_calls": 9}) for day in range(DAYS)]
    [text] = texts([one for one in calls() if one.number != 67], report)
    assert text == "of 2026-03-08, bill says 9 calls, the records 8. The records are those of calls"

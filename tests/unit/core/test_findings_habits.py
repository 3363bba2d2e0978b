"""What never changes within an account, but once."""

from __future__ import annotations

from notary.core.findings.habits import habit_findings
from notary.core.findings.seen import Seen, seen
from tests.simulators.sightings import call, text_of
from verifier.format.jsonc import Json


def letter(account: str, number: int, due: str, reference: str | None = None) -> Seen:
    said: dict[str, Json] = {
        "occurred_at": text_of(number),
        "reference": reference or f"L-{account}-{number}",
        "account": account,
        "due_date": due,
    }
    return seen("letter", said, matter=account, position=number)


RULE = [letter(f"A{n}", stage, f"2026-0{n}-01") for n in range(1, 6) for stage in range(3)]


def test_a_due_date_that_changes_in_one_letter_of_one_account_is_named() -> None:
    odd = [letter("B", 0, "2026-01-01"), letter("B", 1, "2026-01-01"), letter("B", 2, "2026-02-01")]
    assert list(habit_findings("s", RULE)) == []
    # Five accounts that keep it are too few for one that does not, nine are enough.
    assert list(habit_findings("s", [*RULE, *odd])) == []
    more = [letter(f"C{n}", stage, "2026-03-01") for n in range(5) for stage in range(3)]
    [found] = habit_findings("s", [*RULE, *more, *odd])
    assert (found.code, found.places[0].reference) == ("VALUE_OTHER", "L-B-2")
    assert "2026-02-01, where the other 2 records of account B have 2026-01-01" in found.text


def test_where_due_dates_follow_the_letter_nothing_is_named() -> None:
    each = [letter(f"A{n}", s, f"2026-0{n}-0{s + 1}") for n in range(1, 9) for s in range(3)]
    assert list(habit_findings("s", each)) == []


def test_a_debtors_number_that_changes_once_is_named_and_a_guarantors_is_not() -> None:
    def to(account: str, number: int, phone: str, role: str = "debtor") -> Seen:
        callee: Json = {"number": phone, "masked": False}
        return call(number, at=number, account=account, callee=callee, party_role=role)

    records = [to(f"A{n}", n * 10 + k, f"+4477009000{n:02}") for n in range(10) for k in range(4)]
    records.append(to("A1", 900, "+447700900777", "guarantor"))
    assert list(habit_findings("s", records)) == []
    [found] = habit_findings("s", [*records, to("A1", 901, "+447700900778")])
    assert [place.reference for place in found.places] == ["D0901"]


def test_a_reference_that_is_made_of_another_account_is_named() -> None:
    moved = letter("A1", 9, "2026-01-01", "L-A4-9")
    [found] = habit_findings("s", [*RULE, moved])
    assert [place.reference for place in found.places] == ["L-A4-9"]

"""Letters, post, payments and reversals against each other."""

from __future__ import annotations

from notary.core.findings.finding import Finding
from notary.core.findings.papers import paper_findings
from notary.core.findings.seen import Seen, seen
from tests.simulators.sightings import HOUR, text_of
from verifier.format.jsonc import Json

DAY = 24 * HOUR


def paper(kind: str, reference: str, day: int, **claims: Json) -> Seen:
    said: dict[str, Json] = {"occurred_at": text_of(day * DAY), "reference": reference, **claims}
    return seen(kind, said, matter="nm1a", position=day)


def euros(minor: int) -> Json:
    return {"minor": minor, "currency": "EUR"}


def letter(stage: int, day: int, minor: int, channel: str = "post") -> Seen:
    return paper("letter", f"L-{stage}", day, stage=stage, amount=euros(minor), channel=channel)


def scan(name: str, act: str, day: int) -> Seen:
    return paper("act", f"{name}/{act}", day, milestone=name, act=act)


CASE = [
    letter(1, 0, 10_000),
    scan("L-1", "dispatch", 0),
    scan("L-1", "delivery", 2),
    paper("payment", "P1", 5, amount=euros(4_000), value_date="2026-03-07"),
    paper("payment", "P2", 6, amount=euros(1_000)),
    paper("correction", "P2", 7, text="EUR 10.00"),
    letter(2, 14, 6_000),
    scan("L-2", "dispatch", 14),
    scan("L-2", "delivery", 30),
]


def found(*more: Seen, without: str = "") -> list[Finding]:
    kept = [one for one in CASE if one.place.reference != without]
    return list(paper_findings([*kept, *more]))


def codes(findings: list[Finding]) -> list[str]:
    return sorted(one.code for one in findings)


def test_papers_that_agree_have_no_finding() -> None:
    assert found() == []


def test_a_letter_that_is_gone_leaves_a_stage_and_its_scans() -> None:
    assert codes(found(without="L-1")) == ["REFERENCE_MISSING", "REFERENCE_MISSING"]


def test_a_payment_that_is_gone_leaves_a_sum_that_nothing_explains() -> None:
    [one] = found(without="P1")
    assert one.code == "BALANCE_DIFFERS"
    assert "L-2 claims EUR 6000" in one.text
    assert "EUR 10000 in minor units are open" in one.text


def test_a_reversal_of_no_payment_is_named() -> None:
    assert "REFERENCE_MISSING" in codes(found(paper("correction", "P9", 8, text="EUR 0.00")))


def test_a_letter_that_is_dated_before_the_post_took_it_is_named() -> None:
    [one] = found(scan("L-3", "dispatch", 60), letter(3, 48, 6_000))
    assert one.code == "CLOCKS_DIFFER"
    assert "L-3 is dated" in one.text


def test_a_letter_that_the_post_never_scanned_is_named_once_later_ones_were() -> None:
    late = letter(3, 28, 6_000)
    assert found(late) == []
    [one] = found(late, scan("L-2", "return", 40))
    assert (one.code, one.places[0].reference) == ("REFERENCE_MISSING", "L-3")


def test_a_value_date_far_from_the_booking_is_named() -> None:
    [one] = found(paper("payment", "P3", 40, amount=euros(1), value_date="2026-03-20"))
    assert (one.code, one.places[0].reference) == ("CLOCKS_DIFFER", "P3")

"""Steps of a delivery: their order, those that are missing, and their acts."""

from __future__ import annotations

from notary.core.findings.finding import Finding
from notary.core.findings.seen import Seen, seen
from notary.core.findings.steps import step_findings
from tests.simulators.sightings import HOUR, text_of

DAY = 24 * HOUR


def step(node: str, day: int) -> Seen:
    said = {"occurred_at": text_of(day * DAY), "reference": f"N-{node}", "node": node}
    return seen("milestone", {**said, "status": "actual"}, matter="nm1t", position=day)


def act(node: str, day: int) -> Seen:
    said = {"occurred_at": text_of(day * DAY), "reference": f"A-{node}", "milestone": node}
    return seen("act", {**said, "act": "acceptance"}, matter="nm1t", position=day)


CASE = [
    *(step(f"{c}.{n:02}", c * 20 + n) for c in range(1, 5) for n in range(1, 6)),
    *(act(f"{c}.04", c * 20 + 5) for c in range(1, 5)),
]


def found(*more: Seen, without: str = "") -> list[Finding]:
    kept = [one for one in CASE if one.place.reference != without]
    return list(step_findings([*kept, *more]))


def test_steps_in_their_order_have_no_finding() -> None:
    assert found() == []


def test_a_step_that_is_dated_against_the_order_is_named() -> None:
    [one] = found(step("2.03", 30), without="N-2.03")
    assert (one.code, one.places[0].reference) == ("TIME_OUT_OF_ORDER", "N-2.03")


def test_a_step_that_one_consignment_lacks_is_named_unless_it_is_still_to_come() -> None:
    [one] = found(without="N-2.03")
    assert one.code == "REFERENCE_MISSING"
    assert "there is no step 2.03, as all other consignments have" in one.text
    assert found(without="N-4.05") == []


def test_an_act_that_one_consignment_lacks_is_named() -> None:
    [one] = found(without="A-2.04")
    assert one.code == "REFERENCE_MISSING"
    assert "there is no act of step 2.04 (acceptance, None)" in one.text


def test_an_act_of_a_step_that_is_not_there_or_not_yet_is_named() -> None:
    assert [one.code for one in found(act("9.04", 90))] == ["REFERENCE_MISSING"]
    [one] = found(act("3.05", 62))
    assert (one.code, one.places[0].reference) == ("CLOCKS_DIFFER", "A-3.05")


def test_steps_without_an_order_are_not_named() -> None:
    mixed = [step(f"{c}.{n:02}", c * 20 + n * 7 % 5) for c in range(1, 5) for n in range(1, 6)]
    assert list(step_findings(mixed)) == []

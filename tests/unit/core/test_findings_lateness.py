"""What entered out of turn: within its stream, beside other systems, and after a dispute."""

from __future__ import annotations

from notary.core.findings.analysis import analyse
from notary.core.findings.finding import Finding
from notary.core.findings.lateness import lateness_findings
from notary.core.findings.seen import Seen, seen
from tests.simulators.sightings import HOUR, call, text_of
from verifier.format.jsonc import Json

DAY = 24 * HOUR


def found(*streams: list[Seen]) -> list[Finding]:
    named = {stream[0].stream: stream for stream in streams}
    return list(lateness_findings(named, frozenset()))


def test_what_entered_after_younger_records_is_late_and_the_younger_are_not() -> None:
    records = [call(n, at=n * DAY, entered=n) for n in range(30)]
    records.append(call(99, at=5 * DAY, entered=40))
    [late] = found(records)
    assert late.code == "ENTERED_LATE"
    assert [place.reference for place in late.places] == ["D0099"]


def test_a_stream_in_no_order_of_entry_has_no_late_records() -> None:
    assert found([call(n, at=n * DAY, entered=-n) for n in range(30)]) == []


def paper(name: str, day: float, entered: int, **claims: Json) -> Seen:
    """A row of a system's daily export, entered at so many thousandths after the first day."""
    said: dict[str, Json] = {
        "occurred_at": text_of(int(day * DAY)),
        "reference": f"{name}-{day}",
        "import": {"importer": f"csv/{name}", "file_sha256": f"{entered:064}", "row": 2},
        **claims,
    }
    return seen("message", said, matter="nm1a", position=entered, entered=entered)


CALLS = [call(n, at=n * 12 * HOUR + HOUR, entered=n // 2 * 1000, fields={}) for n in range(60)]
MAILS = [paper("mails", day + 0.5, day * 1000 + 100) for day in range(30)]


def test_a_day_late_beside_other_systems_is_named() -> None:
    few = [paper("visits", day + 0.4, day * 1000 + 200) for day in (3, 20)]
    assert found(CALLS, MAILS, few) == []
    [late] = found(CALLS, MAILS, [*few, paper("visits", 9.4, 10_200)])
    assert (late.code, late.places[0].reference) == ("ENTERED_LATE", "visits-9.4")


def test_what_is_dated_after_its_day_is_named() -> None:
    [early] = found(CALLS, MAILS, [paper("visits", 14.4, 9_200)])
    assert (early.code, early.places[0].reference) == ("TIME_OUT_OF_ORDER", "visits-14.4")


def test_a_system_that_is_taken_in_once_a_month_is_not_late() -> None:
    month = [paper("bank", day + 0.6, 29_500) for day in range(0, 30, 4)]
    assert found(CALLS, MAILS, month) == []


def test_a_file_that_closes_after_midnight_is_not_early() -> None:
    assert found(CALLS, MAILS, [paper("visits", 10 + 0.05, 9_200)]) == []


def test_what_came_late_and_after_the_dispute_is_named_as_such() -> None:
    dispute = paper("mails", 15.5, 15_101, fields={"dispute": "yes"})
    mails = sorted([*MAILS, dispute], key=lambda one: one.entered or 0)
    codes = [one.code for one in found(CALLS, mails, [paper("visits", 13.4, 18_200)])]
    assert codes == ["ENTERED_LATE", "ENTERED_AFTER_DISPUTE"]
    # Late, but in time for the debtor; and what tells of the time after.
    assert "ENTERED_AFTER_DISPUTE" not in {
        one.code for one in found(CALLS, mails, [paper("visits", 11.4, 13_200)])
    }
    assert "ENTERED_AFTER_DISPUTE" not in {
        one.code for one in found(CALLS, mails, [paper("visits", 16.4, 18_200)])
    }


def test_an_act_or_a_call_can_be_the_dispute() -> None:
    for kind, claims in (
        ("act", {"act": "objection"}),
        ("call", {"disposition": "disputed"}),
        ("filing", {"filing": "dispute"}),
    ):
        assert seen(kind, {**claims}).facts["dispute"] is True
    assert "dispute" not in seen("act", {"act": "delivery"}).facts


def test_documents_given_by_hand_are_not_late() -> None:
    by_hand = [
        one._replace(stream="document") for one in (paper("x", 3.5, 99_000), paper("x", 1, 99_001))
    ]
    assert analyse([*CALLS[:0], *MAILS, *by_hand]) == []

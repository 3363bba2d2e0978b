"""Two logs of the same calls, compared."""

from __future__ import annotations

from notary.core.findings.finding import Finding
from notary.core.findings.seen import Seen
from notary.core.findings.twins import twin_findings
from tests.simulators.sightings import HOUR, MINUTE, call, stream


def compared(other: list[Seen]) -> list[Finding]:
    return list(twin_findings({"a": stream(40), "b": other}))


def test_two_logs_that_say_the_same_have_no_finding() -> None:
    assert compared([call(n, at=n * 10 * MINUTE + 3_000) for n in range(40)]) == []


def test_each_difference_is_named_with_both_records() -> None:
    other = stream(40)
    other[5] = call(5, at=50 * MINUTE, duration_s=160, talk_s=140)
    other[6] = call(6, at=60 * MINUTE, disposition="no answer", talk_s=0)
    other[7] = call(7, at=70 * MINUTE + 3 * HOUR)
    found = compared(other)
    assert {one.code for one in found} == {"SOURCES_DIFFER"}
    assert [one.places[0].reference for one in found] == ["D0005", "D0006", "D0007"]
    assert "lasted 100 s and 160 s" in found[0].text
    assert "answered and no answer" in found[1].text
    assert "3 h apart" in found[2].text


def test_a_call_that_one_log_does_not_have_is_named() -> None:
    [found] = compared([one for n, one in enumerate(stream(40)) if n != 11])
    assert (found.code, found.places[0].reference) == ("SOURCE_LACKS", "D0011")


def test_logs_of_other_calls_are_not_compared() -> None:
    assert compared([call(n + 500, at=n * 10 * MINUTE) for n in range(40)]) == []

"""What one record says twice."""

from __future__ import annotations

from typing import Any

import pytest

from notary.core.findings.rows import clock_findings, figure_findings, seal_findings
from notary.core.findings.seen import Seen, seen
from tests.simulators.sightings import BEGIN, HOUR, MINUTE, call, text_of
from verifier.format.jsonc import Json


def at(ms: int) -> Json:
    return {"at": text_of(ms), "text": "", "zone": "UTC", "fold": None, "note": None}


def figures(**claims: Any) -> list[str]:
    return [one.text for one in figure_findings("s", [call(1, at=0, **claims)])]


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"fields": {"ended_at": at(200_000)}}, "it lasts 100 s, but 3 min 20 s lie between"),
        (
            {"fields": {"answered_at": at(60_000), "ended_at": at(100_000)}},
            "80 s were talked, but 40 s lie",
        ),
        ({"talk_s": 120}, "120 s were talked in a call of 100 s"),
        ({"fields": {"ring_s": "30"}}, "30 s of ringing and 80 s of talk are not 100 s"),
        ({"disposition": "no answer"}, "it is called no answer, but 80 s were talked"),
        (
            {"disposition": "busy", "talk_s": 0, "fields": {"answered_at": at(20_000)}},
            "it is called busy, but has a time at which it was answered",
        ),
    ],
)
def test_figures_that_contradict_each_other_are_named(claims: dict[str, Json], says: str) -> None:
    [text] = figures(**claims)
    assert says in text


def test_what_is_rounded_to_seconds_is_no_contradiction() -> None:
    assert (
        figures(fields={"answered_at": at(21_000), "ended_at": at(101_000), "ring_s": "20"}) == []
    )


def test_an_attempt_that_an_agent_held_is_named() -> None:
    records = [call(n, at=n * MINUTE, fields={"agent": "A1"}) for n in range(30)]
    records.append(call(99, at=0, disposition="no answer", talk_s=0, fields={"agent": "A1"}))
    [found] = figure_findings("s", records)
    assert "D0099" in found.text
    assert "an agent held it" in found.text


def channel(number: int, beside: int) -> Seen:
    born = int(BEGIN.timestamp()) + number * 600
    return call(number, at=number * 600_000 + beside, reference=f"{born}.{number}")


def test_a_record_that_is_beside_its_channel_is_named() -> None:
    [found] = clock_findings(
        "s", [channel(1, 0), channel(2, -90 * MINUTE + 7_000), channel(3, 2_000)]
    )
    assert (found.code, found.places[0].position) == ("CLOCKS_DIFFER", 2)


def test_a_file_that_is_hours_beside_its_channels_is_one_finding() -> None:
    [found] = clock_findings("s", [channel(n, -8 * HOUR) for n in range(30)])
    assert (found.code, found.records) == ("HOURS_SHIFTED", 30)
    assert "8 h before" in found.text


def test_a_doubled_hour_is_no_other_clock() -> None:
    source: Json = {"text": "", "zone": "UTC", "fold": 0, "note": "the clock shows it twice"}
    born = int(BEGIN.timestamp()) + 3600
    record = call(1, at=0, reference=f"{born}.1", occurred_at_source=source)
    assert record.doubled
    assert list(clock_findings("s", [record])) == []


def test_a_later_record_of_a_channel_may_begin_later() -> None:
    born = int(BEGIN.timestamp())
    records = [
        call(n, at=n * HOUR, reference=f"{born}.1", fields={"sequence": str(n)}) for n in (0, 1)
    ]
    assert list(clock_findings("s", records)) == []


def message(**fields: Json) -> Seen:
    said: dict[str, Json] = {"occurred_at": text_of(0), "reference": "<1@x>", "fields": fields}
    return seen("message", said, matter="nm1a", position=0)


@pytest.mark.parametrize(("hop", "count"), [(-2 * HOUR, 1), (6 * 24 * HOUR, 1), (MINUTE, 0)])
def test_a_message_against_the_first_server_that_got_it(hop: int, count: int) -> None:
    hops: Json = [{"text": "last", "at": None}, {"text": "first", "at": text_of(hop)}]
    found = list(clock_findings("s", [message(received=hops)]))
    assert [one.code for one in found] == ["CLOCKS_DIFFER"] * count


def test_a_message_whose_signature_fails_is_named() -> None:
    says: Json = [
        {"domain": "a.example", "result": "PASS"},
        {"domain": "b.example", "result": "FAIL: body"},
    ]
    [found] = seal_findings("s", [message(dkim=says)])
    assert found.code == "SEAL_BROKEN"
    assert "b.example" in found.text

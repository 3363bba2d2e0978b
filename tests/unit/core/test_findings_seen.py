"""What the findings look at of a record, whatever stands in it."""

from __future__ import annotations

import base64
import json

import pytest

from notary.core.findings.analysis import analyse
from notary.core.findings.rows import clock_findings
from notary.core.findings.seen import seen
from tests.simulators.sightings import BEGIN, HOUR, call, text_of
from verifier.format.jsonc import Json


@pytest.mark.parametrize(
    ("reference", "prefix", "number"),
    [
        ("D0001702", "D", 1702),
        ("1756712345.88", "uniqueid ", 88),
        ("pbx-1756712345.88", "uniqueid ", 88),
        ("L-NW-10001-2", "", None),
        ("883f6cdc-3901-4cbd-83e6-495281597766", "", None),
        (None, "", None),
    ],
)
def test_a_counter_is_read_from_the_reference(
    reference: str | None, prefix: str, number: int | None
) -> None:
    found = seen("call", {} if reference is None else {"reference": reference})
    assert (found.prefix, found.number) == (prefix, number)


def test_the_number_of_the_source_counts_before_every_other() -> None:
    found = seen("call", {"reference": "D0001", "fields": {"sequence": "7"}}, number=3)
    assert (found.prefix, found.number) == ("#", 3)
    assert seen("call", {"reference": "D0001", "fields": {"sequence": "7"}}).number == 7


def test_what_the_service_files_itself_makes_no_record_of_others_late() -> None:
    # Each day somebody reads; now and then a letter comes by REST, ten days after it was sent.
    records = []
    for day in range(40):
        now: dict[str, Json] = {"occurred_at": text_of(day * 24 * HOUR)}
        records.append(seen("custody", now, entered=2 * day))
        if day % 15 == 14:
            sent: dict[str, Json] = {"occurred_at": text_of((day - 10) * 24 * HOUR)}
            records.append(seen("letter", sent, entered=2 * day + 1))
    assert analyse(records) == []


def test_a_record_of_any_shape_is_looked_at() -> None:
    strange: dict[str, Json] = {
        "occurred_at": 7,
        "occurred_at_source": [],
        "import": None,
        "fields": {"ended_at": "x", "parties": [{"stir": "a.b"}, 3, {"stir": "a.!.c"}]},
        "callee": "123",
        "duration_s": True,
    }
    found = seen("call", strange)
    assert (found.at, found.outside, found.duration, found.ended) == (None, None, None, None)


def test_a_carriers_signature_holds_the_time_of_the_call() -> None:
    body = base64.urlsafe_b64encode(json.dumps({"iat": int(BEGIN.timestamp())}).encode())
    token = f"e30.{body.decode().rstrip('=')}.c2ln"
    record = call(1, at=3 * HOUR, fields={"parties": [{"stir": token}]})
    [found] = clock_findings("s", [record])
    assert "the carrier signed the call at 2026-03-02 00:00:00 UTC" in found.text

"""Edits by hand in files of other systems: JSON of Twilio and FreeSWITCH, vCon, mail, by the shipped maps."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from notary.core.findings.analysis import analyse
from notary.core.findings.finding import Finding
from notary.core.findings.seen import Seen, seen
from notary.importers.document import document_row, document_source
from notary.importers.original import Original
from notary.importers.recognise import open_rows, recognise
from notary.importers.rows import ImportedRow, Reject
from tests.simulators.case_records import SECRET

BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)
CALLS = 40


def read(path: Path) -> list[Seen]:
    """The records of a file, by the shipped maps alone."""
    with Original(path) as original:
        found = recognise(original, (), alone=True)
        assert not isinstance(found, Reject)
        if found.map is None:
            row = document_row(original, document_source(original, SECRET), bytes(32))
            assert isinstance(row, ImportedRow)
            return [seen(row.kind, row.claims, matter="nm1a", position=0)]
        rows = list(open_rows(original, found.map, SECRET))
    result = []
    for position, item in enumerate(rows):
        assert isinstance(item, ImportedRow)
        result.append(
            seen(item.kind, item.claims, matter="nm1a", position=position, entered=position)
        )
    return result


def at(minutes: int) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


def twilio() -> list[dict[str, Any]]:
    """A page as the service lists it: the newest call first, each of a minute, ten minutes apart."""
    return [
        {
            "sid": f"CA{n:032x}",
            "account_sid": "AC" + "0" * 32,
            "parent_call_sid": None,
            "from": "+447700900990",
            "to": f"+4477009000{n:02}",
            "status": "completed",
            "direction": "outbound-api",
            "start_time": at(10 * n).strftime("%a, %d %b %Y %H:%M:%S +0000"),
            "end_time": at(10 * n + 1).strftime("%a, %d %b %Y %H:%M:%S +0000"),
            "duration": "60",
        }
        for n in reversed(range(CALLS))
    ]


def of_twilio(folder: Path, calls: list[dict[str, Any]]) -> list[Finding]:
    path = folder / "Calls.json"
    path.write_text(json.dumps({"calls": calls}))
    return analyse(read(path))


def test_a_page_of_twilio_that_nobody_touched_has_no_finding(tmp_path: Path) -> None:
    assert of_twilio(tmp_path, twilio()) == []


def test_a_length_that_was_typed_over_in_twilios_list(tmp_path: Path) -> None:
    calls = twilio()
    calls[7]["duration"] = "20"
    [found] = of_twilio(tmp_path, calls)
    assert (found.code, found.places[0].reference) == ("FIGURES_DIFFER", calls[7]["sid"])


@pytest.mark.parametrize("counted", ["0", None])
def test_a_call_that_rang_unanswered_may_count_no_seconds(
    tmp_path: Path, counted: str | None
) -> None:
    calls = twilio()
    calls[7] |= {"status": "no-answer", "duration": counted}
    assert of_twilio(tmp_path, calls) == []
    calls[7]["status"] = "completed"
    assert [found.code for found in of_twilio(tmp_path, calls)] == (
        ["FIGURES_DIFFER"] if counted else []
    )


@pytest.mark.parametrize("hours", [-3, 2])
def test_a_time_that_was_typed_over_in_twilios_list(tmp_path: Path, hours: int) -> None:
    calls = twilio()
    for name in ("start_time", "end_time"):
        then = datetime.strptime(calls[20][name], "%a, %d %b %Y %H:%M:%S %z")
        moved = then + timedelta(hours=hours)
        calls[20][name] = moved.strftime("%a, %d %b %Y %H:%M:%S %z")
    [found] = of_twilio(tmp_path, calls)
    assert (found.code, found.places[0].reference) == ("TIME_OUT_OF_ORDER", calls[20]["sid"])
    assert "from the last start to the first" in found.text


def test_a_call_that_was_cut_into_two_in_twilios_list(tmp_path: Path) -> None:
    calls = twilio()
    second = {**calls[9], "sid": f"CA{'f' * 32}"}
    end = datetime.strptime(calls[9]["end_time"], "%a, %d %b %Y %H:%M:%S %z")
    for name, seconds in (("start_time", 5), ("end_time", 65)):
        second[name] = (end + timedelta(seconds=seconds)).strftime("%a, %d %b %Y %H:%M:%S %z")
    calls.insert(9, second)
    [found] = of_twilio(tmp_path, calls)
    assert found.code == "SPLIT"
    assert {place.reference for place in found.places} == {calls[9]["sid"], calls[10]["sid"]}


def leg(folder: Path, **changed: str) -> list[Finding]:
    start = int(BEGIN.timestamp()) * 1_000_000
    variables = {
        "uuid": "883f6cdc-3901-4cbd-83e6-495281597766",
        "bridge_uuid": "983f6cdc-3901-4cbd-83e6-495281597766",
        "accountcode": "A-1",
        "direction": "outbound",
        "start_uepoch": str(start),
        "answer_uepoch": str(start + 10_000_000),
        "end_uepoch": str(start + 70_000_000),
        "duration": "70",
        "billsec": "60",
        "hangup_cause": "NORMAL_CLEARING",
        **changed,
    }
    profile = {"caller_id_number": "+447700900990", "destination_number": "+447700900001"}
    path = folder / "a.cdr.json"
    path.write_text(json.dumps({"variables": variables, "callflow": [{"caller_profile": profile}]}))
    return analyse(read(path))


def test_a_length_that_was_typed_over_in_freeswitchs_json(tmp_path: Path) -> None:
    assert leg(tmp_path) == []
    [found] = leg(tmp_path, billsec="600", duration="610")
    assert found.code == "FIGURES_DIFFER"
    assert "it lasts 610 s, but 1 min 10 s lie between its start and its end" in found.text


def conversation(folder: Path, start: datetime) -> list[Finding]:
    body = base64.urlsafe_b64encode(json.dumps({"iat": int(BEGIN.timestamp())}).encode())
    vcon = {
        "vcon": "0.3.0",
        "uuid": "018f1c5e-0000-8000-8000-000000000001",
        "created_at": BEGIN.isoformat(),
        "parties": [
            {"tel": "+447700900990", "stir": f"e30.{body.decode().rstrip('=')}.c2ln"},
            {"tel": "+447700900001"},
        ],
        "dialog": [
            {"type": "incomplete", "start": start.isoformat(), "parties": [0, 1], "duration": 0}
        ],
        "analysis": [],
        "attachments": [],
    }
    path = folder / "call.vcon.json"
    path.write_text(json.dumps(vcon))
    return analyse(read(path))


def test_a_vcon_that_is_dated_before_the_carriers_signature(tmp_path: Path) -> None:
    assert conversation(tmp_path, BEGIN + timedelta(seconds=2)) == []
    [found] = conversation(tmp_path, BEGIN - timedelta(days=2))
    assert found.code == "CLOCKS_DIFFER"
    assert "the carrier signed the call at 2026-03-02 09:00:00 UTC" in found.text


def mail(folder: Path, date: str) -> list[Finding]:
    path = folder / "letter.eml"
    path.write_text(
        "Received: from a by b.example; Mon, 2 Mar 2026 10:00:07 +0000\r\n"
        "Received: from c by a.example; Mon, 2 Mar 2026 10:00:03 +0000\r\n"
        f"From: office@example.com\r\nTo: p@example.com\r\nDate: {date}\r\n"
        "Message-ID: <1@example.com>\r\nSubject: Demand\r\n\r\nPay.\r\n",
        newline="",
    )
    return analyse(read(path))


def test_a_message_that_is_dated_weeks_before_its_first_hop(tmp_path: Path) -> None:
    assert mail(tmp_path, "Mon, 02 Mar 2026 10:00:00 +0000") == []
    [found] = mail(tmp_path, "Mon, 09 Feb 2026 10:00:00 +0000")
    assert found.code == "CLOCKS_DIFFER"
    assert "the first server got it at 2026-03-02 10:00:03 UTC" in found.text

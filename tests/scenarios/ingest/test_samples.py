"""Files that others published, as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from notary.importers.map_file import load_map
from notary.usecases.import_report import FileReport
from tests.simulators.intake import SAMPLES, IntakeWorld, counts

EVENTS = {
    "AggregationEvent.json": 1,
    "Combination_of_different_event.json": 6,
    "ObjectEvent.json": 2,
    "ObjectEvent_with_error_declaration.json": 2,
    "SensorData_with_combined_events.json": 13,
    "TransactionEvent.json": 2,
    "TransactionEvent_all_possible_fields.json": 1,
    "TransformationEvent_with_error_declaration.json": 2,
}


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_a_valid_document_enters_whole_and_is_rebuilt(world: IntakeWorld, name: str) -> None:
    path = SAMPLES / "epcis" / "valid" / name
    report = world.take(path, matter=world.matter)
    assert report.importer == "epcis/epcis"
    assert report.problems == ()
    assert counts(report) == (EVENTS[name], 0, 0, 0, 0)
    assert world.rebuilt(path) == path.read_bytes()
    again = world.take(path, matter=world.matter)
    assert counts(again) == (0, EVENTS[name], 0, 0, 0)


def test_every_valid_document_enters_together(world: IntakeWorld) -> None:
    reports = world.take_all(SAMPLES / "epcis" / "valid", matter=world.matter)
    assert [report.path.name for report in reports] == sorted(EVENTS)
    assert sum(report.rejected for report in reports) == 0
    # One event stands in two of the documents.
    repeated = sum(report.replayed for report in reports)
    assert repeated == 1
    assert sum(report.accepted for report in reports) == sum(EVENTS.values()) - repeated
    assert sum(report.conflicts for report in reports) == 0


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        (
            "Combination_of_events_with_missing_mandatory_fields.json",
            [
                ("ROW_EVENT", "event 1, action", "action is missing"),
                ("ROW_EVENT", "event 2, action", "action is missing"),
            ],
        ),
        (
            "EPCISDocument_without_context.json",
            [("ROW_EVENT", "", "the document has no @context of EPCIS")],
        ),
        (
            "ObjectEvent_with_invalid_action.json",
            [("ROW_EVENT", "event 1, action", "want ADD, OBSERVE, DELETE, got 'CREATE'")],
        ),
        (
            "ObjectEvent_with_invalid_eventTime_format.json",
            [
                (
                    "ROW_EVENT",
                    "event 1, eventTime",
                    "want a time such as 2026-07-22T06:45:00+02:00, got '22-07-2026'",
                )
            ],
        ),
        (
            "ObjectEvent_without_action_and_eventTime.json",
            [("ROW_EVENT", "event 1, action", "action is missing")],
        ),
    ],
)
def test_an_invalid_document_is_refused_with_its_reason(
    world: IntakeWorld, tmp_path: Path, name: str, reasons: list[tuple[str, str, str]]
) -> None:
    report = world.take(SAMPLES / "epcis" / "invalid" / name, matter=world.matter, rejects=tmp_path)
    assert report.accepted == 0
    assert len(report.problems) == len(reasons)
    for problem, (code, field, reason) in zip(report.problems, reasons, strict=True):
        assert (problem.code, problem.field) == (code, field)
        assert problem.reason.startswith(reason)
        assert problem.remedy
    assert world.size() == 0


def test_calls_without_a_zone_are_refused_row_by_row(world: IntakeWorld, tmp_path: Path) -> None:
    path = tmp_path / "cdr-import.csv"
    path.write_bytes((SAMPLES / "calls" / "cdr-import.csv").read_bytes())
    report = world.take(path)
    assert report.importer == "csv/call-export"
    assert counts(report) == (0, 0, 5, 0, 0)
    for row, problem in enumerate(report.problems, start=2):
        assert (problem.row, problem.code) == (row, "ROW_ZONE")
        assert problem.field == "starting_date"
        assert "declare the source's IANA zone" in problem.remedy
    # They may be fed again as they stand, once a map says the zone.
    assert report.rejects_file is not None
    world.store.register.add_accounts(world.agency_id, world.matter.key, ["1000"])
    map_ = load_map(SAMPLES / "calls" / "cdr-import.map.toml")
    assert counts(world.take(report.rejects_file, maps=[map_])) == (5, 0, 0, 0, 0)
    assert counts(world.take(path, maps=[map_])) == (0, 5, 0, 0, 0)


def test_calls_with_a_zone_wait_for_their_account_and_then_enter(world: IntakeWorld) -> None:
    folder = SAMPLES / "calls"

    def take() -> FileReport:
        [report] = world.take_all(folder)
        return report

    report = take()
    assert report.importer == "csv/sample-exchange"
    assert counts(report) == (0, 0, 0, 5, 0)
    world.store.register.add_accounts(world.agency_id, world.matter.key, ["1000"])
    assert counts(take()) == (5, 0, 0, 0, 0)
    first = world.claims()[0]
    assert first["kind"] == "call"
    assert first["account"] == "1000"
    assert first["caller"] == {"number": "+447700900100", "masked": False}
    assert (first["duration_s"], first["talk_s"]) == (55, 50)
    # 12:13:10 in Madrid, in summer.
    assert first["occurred_at"] == "2015-10-21T10:13:10.000Z"
    assert first["occurred_at_source"] == {
        "text": "2015-10-21 12:13:10",
        "zone": "Europe/Madrid",
        "fold": 0,
        "note": None,
    }
    assert world.rebuilt(folder / "cdr-import.csv") == (folder / "cdr-import.csv").read_bytes()


TWILIO = Path("tests/samples/calls/twilio-calls.json")


def test_a_page_of_calls_enters_its_matter_and_is_rebuilt(world: IntakeWorld) -> None:
    shown = world.take(TWILIO, matter=world.matter, dry_run=True)
    assert [row.kind for row in shown.preview] == ["call", "call"]
    assert world.size() == 0
    report = world.take(TWILIO, matter=world.matter)
    assert report.importer == "json/twilio"
    assert counts(report) == (2, 0, 0, 0, 0)
    assert world.rebuilt(TWILIO) == TWILIO.read_bytes()
    assert counts(world.take(TWILIO, matter=world.matter)) == (0, 2, 0, 0, 0)
    assert world.claims()[0]["duration_s"] == 15


def test_calls_without_an_account_want_a_matter(world: IntakeWorld, tmp_path: Path) -> None:
    report = world.take(TWILIO, rejects=tmp_path)
    assert [problem.code for problem in report.problems] == ["ROW_ACCOUNT"] * 2
    assert "--matter" in report.problems[0].remedy
    # The refused rows are a page again, which enters as it stands.
    assert report.rejects_file is not None
    again = world.take(report.rejects_file, matter=world.matter, rejects=tmp_path)
    assert counts(again) == (2, 0, 0, 0, 0)
    assert counts(world.take(TWILIO, matter=world.matter)) == (0, 2, 0, 0, 0)


def test_a_call_that_changed_since_is_a_conflict_and_late_calls_enter(world: IntakeWorld) -> None:
    world.take(TWILIO, matter=world.matter)
    changed = world.file(
        "page.json", TWILIO.read_bytes().replace(b'"duration": "15"', b'"duration": "16"')
    )
    report = world.take(changed, matter=world.matter)
    assert counts(report) == (0, 1, 0, 0, 1)
    assert report.problems[0].code == "ROW_CONFLICT"
    late = world.file("late.json", TWILIO.read_bytes().replace(b"CAaaaa", b"CAcccc"))
    assert counts(world.take(late, matter=world.matter)) == (1, 1, 0, 0, 0)


def test_published_conversations_enter_or_are_refused_by_element(
    world: IntakeWorld, tmp_path: Path
) -> None:
    folder = Path("tests/samples/vcon")
    reports = world.take_all(folder, matter=world.matter, rejects=tmp_path)
    assert [counts(report) for report in reports] == [
        (4, 0, 1, 0, 0),
        (8, 0, 0, 0, 0),
        (9, 0, 0, 0, 0),
    ]
    [problem] = reports[0].problems
    assert (problem.code, problem.field) == ("ROW_ZONE", "dialog[0].start")
    for path in folder.iterdir():
        assert world.rebuilt(path) == path.read_bytes()


def test_a_long_recording_inside_a_conversation_is_kept_and_rebuilt(world: IntakeWorld) -> None:
    text = (Path("tests/samples/vcon") / "call-2.vcon.json").read_text()
    long = text.replace('"dialog": [', '"dialog": [' + _LONG + ",", 1)
    assert long != text
    path = world.file("long.vcon.json", long)
    report = world.take(path, matter=world.matter)
    assert counts(report) == (9, 0, 0, 0, 0)
    assert world.rebuilt(path) == path.read_bytes()
    assert "raw" not in world.claims()[0]
    again = world.take(path, matter=world.matter)
    assert counts(again) == (0, 9, 0, 0, 0)
    assert world.rebuilt(path) == path.read_bytes()


_LONG = (
    '{"type": "recording", "start": "2025-03-07T15:00:00-05:00", "parties": [0, 1], '
    '"encoding": "base64url", "body": "' + "AAAA" * 500_000 + '"}'
)


def test_a_message_enters_its_matter_once_and_wants_one(world: IntakeWorld) -> None:
    path = world.file(
        "reminder.eml",
        "From: a@example.com\r\nDate: Mon, 2 Feb 2026 10:00:00 +0100\r\nSubject: Pay\r\n\r\nPlease.\r\n",
    )
    [problem] = world.take(path).problems
    assert (problem.code, "--matter" in problem.remedy) == ("ROW_MATTER", True)
    assert [row.kind for row in world.take(path, matter=world.matter, dry_run=True).preview] == [
        "message"
    ]
    report = world.take(path, matter=world.matter)
    assert (report.importer, counts(report)) == ("mail", (1, 0, 0, 0, 0))
    assert counts(world.take(path, matter=world.matter)) == (0, 1, 0, 0, 0)
    [record] = world.claims()
    assert (record["subject"], record["occurred_at"]) == ("Pay", "2026-02-02T09:00:00.000Z")
    assert isinstance(record["attachment-0"], dict)


def test_a_switch_log_without_a_zone_comes_back_and_enters_with_one(
    world: IntakeWorld, tmp_path: Path
) -> None:
    line = (
        '"C-1","+447700900100","+447700900101","out","","PJSIP/7-1","","Dial","x","2026-02-02 09:00:00",,'
        '"2026-02-02 09:01:00",60,0,"NO ANSWER","DOCUMENTATION"\n'
    )
    path = world.file("Master.csv", line * 2)
    report = world.take(path, rejects=tmp_path)
    assert (report.importer, counts(report)) == ("csv/asterisk", (0, 0, 2, 0, 0))
    assert {problem.code for problem in report.problems} == {"ROW_ZONE"}
    assert report.rejects_file is not None
    map_ = world.file(
        "own.map.toml",
        'base = "asterisk"\nid = "own"\nversion = 1\noccurred_at.zone = "Europe/London"\n',
    )
    # Equal rows without an identifier are two calls, also when they come back from the rejects.
    again = world.take(report.rejects_file, maps=[load_map(map_)], rejects=tmp_path)
    assert counts(again) == (2, 0, 0, 0, 0)
    assert counts(world.take(path, maps=[load_map(map_)])) == (0, 2, 0, 0, 0)

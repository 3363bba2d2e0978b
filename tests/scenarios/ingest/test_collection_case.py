"""The collection case arrives day by day through the real use case, and gives exactly what its model says."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from notary.cases.collection.expected import recorded_at
from notary.cases.collection.files import CollectionFiles, generate
from notary.cases.collection.make import FULL, Size
from notary.cases.collection.model import Call, Visit
from notary.cases.collection.switch import Switch
from notary.cases.collection.switches import SWITCHES
from notary.ports import Matter
from notary.usecases.import_report import FileReport
from tests.simulators.intake import IntakeWorld
from verifier.format.jsonc import Json

SMALL = Size(debtors=12, days=21, working_day_calls=12, peak_day_calls=60)
Claims = Mapping[str, Json]


def register(world: IntakeWorld, case: CollectionFiles) -> dict[str, Matter]:
    """A matter for each of the register's, by the register's own name."""
    accounts: dict[tuple[str, str], list[str]] = {}
    with (case.folder / "accounts.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            accounts.setdefault((row["matter"], row["title"]), []).append(row["account"])
    return {
        name: world.store.open_matter(title, *spellings)
        for (name, title), spellings in accounts.items()
    }


def counts(report: FileReport) -> dict[str, int]:
    return {"records": report.accepted, "unassigned": report.unassigned}


def wanted(answer: Mapping[str, Any]) -> dict[str, int]:
    return {name: answer[name] for name in ("records", "unassigned")}


def take_days(world: IntakeWorld, case: CollectionFiles) -> dict[str, FileReport]:
    """Each day's export by itself, as a watch would do; the reports by path."""
    reports = {}
    for folder in case.day_folders():
        for report in world.take_all(case.maps, folder):
            assert report.problems == (), report.path
            reports[report.path.relative_to(case.folder).as_posix()] = report
    return reports


def take_documents(
    world: IntakeWorld, case: CollectionFiles, matters: Mapping[str, Matter]
) -> None:
    for debtor in case.case.debtors:
        world.take(case.documents(debtor), matter=matters[debtor.matter])


def check_matter(claims: list[dict[str, Json]], answer: Mapping[str, Any]) -> None:
    """Everything that the answer says of a matter, read from its records."""
    of_days = [record for record in claims if record["kind"] != "document"]
    assert len(of_days) == answer["records"]
    assert Counter(record["kind"] for record in of_days) == answer["by_kind"]
    stages = {record["stage"] for record in of_days if record["kind"] == "letter"}
    assert sorted(map(int, map(str, stages))) == answer["stages"]
    calls = [record for record in of_days if record["kind"] == "call"]
    assert (
        Counter(f"{call['party_role']}, {call['disposition']}" for call in calls) == answer["calls"]
    )
    assert sum(masked(call) for call in calls) == answer["masked"]
    notes = [note(record) for record in of_days]
    assert sum("twice" in (one or "") for one in notes) == answer["doubled_times"]
    paid = [record["amount"] for record in of_days if record["kind"] == "payment"]
    assert {one["currency"] for one in paid if isinstance(one, dict)} <= {answer["currency"]}
    sums = sum(int(str(one["minor"])) for one in paid if isinstance(one, dict))
    assert sums == answer["paid"]
    back = sum(
        int(str(record["text"]).split()[1].replace(".", ""))
        for record in of_days
        if record["kind"] == "correction"
    )
    assert back == answer["taken_back"]
    assert answer["principal"] - sums + back == answer["open"]


def masked(call: Claims) -> bool:
    outside = call["callee" if call["direction"] == "outbound" else "caller"]
    assert isinstance(outside, dict)
    return outside["masked"] is True


def note(record: Claims) -> str | None:
    source = record["occurred_at_source"]
    assert isinstance(source, dict)
    return source["note"] if isinstance(source["note"], str) else None


@pytest.mark.slow
def test_the_whole_case_gives_what_its_model_says(world: IntakeWorld, tmp_path: Path) -> None:
    case = generate(tmp_path / "case", seed=1)
    matters = register(world, case)
    answer: Any = json.loads((case.folder / "expected.json").read_text("utf-8"))
    reports = take_days(world, case)
    take_documents(world, case, matters)
    # Every file, every day, and all of them.
    files = {name: one for day in answer["days"].values() for name, one in day["files"].items()}
    assert {name: counts(report) for name, report in reports.items()} == {
        name: wanted(one) for name, one in files.items()
    }
    assert sum(report.accepted for report in reports.values()) == answer["records"]
    assert sum(report.unassigned for report in reports.values()) == answer["unassigned"]
    assert world.imports.waiting_count(world.agency_id) == answer["unassigned"]
    assert world.size() == answer["records"] + answer["documents"]
    kinds: Counter[str] = Counter()
    for name, matter in matters.items():
        claims = world.claims(matter)
        check_matter(claims, answer["matters"][name])
        kinds.update(str(record["kind"]) for record in claims)
    assert kinds.pop("document") == answer["documents"]
    assert kinds == answer["by_kind"]
    # One matter was called in the hour that the switch's clock showed twice.
    assert answer["doubled_times"] == 1
    peak = answer["days"][answer["peak_day"]]
    assert peak["last_call"] - peak["first_call"] + 1 >= 2_000
    assert FULL.days == len(answer["days"])


def test_each_record_has_the_time_and_the_text_of_its_event(
    world: IntakeWorld, tmp_path: Path
) -> None:
    case = generate(tmp_path / "case", seed=2, size=SMALL)
    matters = register(world, case)
    take_days(world, case)
    events = {
        (event.matter, event.reference): event
        for event in case.case.events
        if event.matter is not None
    }
    for name, matter in matters.items():
        for record in world.claims(matter):
            if record["kind"] == "correction":
                continue  # its reference is that of the payment which it corrects
            event = events.pop((name, str(record["reference"])))
            assert record["kind"] == event.kind
            assert record["occurred_at"] == recorded_at(event)
            assert record["account"] == event.account
            if isinstance(event, Call):
                assert record["duration_s"] == event.ring_s + event.talk_s
            if isinstance(event, Visit):
                assert record["staff"] == list(event.staff)
                segments = [one for one in record if one.startswith("attachment-")]
                assert len(segments) == len(event.segments)
    assert {event.kind for event in events.values()} <= {"correction"}


def test_the_case_again_adds_nothing(world: IntakeWorld, tmp_path: Path) -> None:
    case = generate(tmp_path / "case", seed=3, size=SMALL)
    matters = register(world, case)
    take_days(world, case)
    take_documents(world, case, matters)
    size = world.size()
    waiting = world.imports.waiting_count(world.agency_id)
    again = take_days(world, case)
    take_documents(world, case, matters)
    assert sum(report.accepted for report in again.values()) == 0
    assert sum(report.replayed for report in again.values()) == case.answer["records"]
    assert world.size() == size
    assert world.imports.waiting_count(world.agency_id) == waiting == case.answer["unassigned"]


def test_a_call_taken_out_of_an_export_shows_against_the_answer(
    world: IntakeWorld, tmp_path: Path
) -> None:
    case = generate(tmp_path / "case", seed=8, size=SMALL)
    matters = register(world, case)
    call = next(one for one in case.case.calls if one.matter is not None)
    assert call.matter is not None
    path = case.folder / "days" / str(call.exported_on) / "calls.csv"
    rows = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(row for row in rows if not row.startswith(call.reference.encode())))
    take_days(world, case)
    answer: Any = case.answer
    for name, matter in matters.items():
        claims = world.claims(matter)
        if name == call.matter:
            assert len(claims) == answer["matters"][name]["records"] - 1
            with pytest.raises(AssertionError):
                check_matter(claims, answer["matters"][name])
        else:
            check_matter(claims, answer["matters"][name])


def test_every_export_of_a_day_is_rebuilt(world: IntakeWorld, tmp_path: Path) -> None:
    case = generate(tmp_path / "case", seed=4, size=SMALL)
    register(world, case)
    for report in take_days(world, case).values():
        assert world.rebuilt(report.path) == report.path.read_bytes()


def test_days_in_another_order_give_the_same_records(world: IntakeWorld, tmp_path: Path) -> None:
    case = generate(tmp_path / "case", seed=5, size=SMALL)
    matters = register(world, case)
    for folder in reversed(case.day_folders()):
        for report in world.take_all(case.maps, folder):
            assert report.problems == ()
    answer: Any = case.answer
    for name, matter in matters.items():
        check_matter(world.claims(matter), answer["matters"][name])


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: switch.name)
def test_a_switch_logs_the_same_calls(world: IntakeWorld, tmp_path: Path, switch: Switch) -> None:
    case = generate(tmp_path / "case", seed=6, size=SMALL)
    matters = register(world, case)
    answer: Any = case.answer
    found = answer["switches"][switch.name]
    reports = {
        report.path.relative_to(case.folder).as_posix(): report
        for report in world.take_all(case.switch(switch.name))
    }
    assert [problem for report in reports.values() for problem in report.problems] == []
    assert {path: counts(report) for path, report in reports.items()} == {
        path: wanted(one) for path, one in found["files"].items()
    }
    records = [record for matter in matters.values() for record in world.claims(matter)]
    assert len(records) == found["records"] > 0
    endings = (record.get("disposition") for record in records)
    assert Counter(word for word in endings if word is not None) == found["endings"]
    calls = [call for call in case.case.calls if call.matter is not None and switch.holds(call)]
    told = sorted((str(r["occurred_at"]), number(r), str(r["account"])) for r in records)
    assert told == sorted((begun(switch, call), call.callee, call.account) for call in calls)
    if switch.name == "vcon":
        digests = [contents(record)["digest"] for record in records]
        assert digests == ["PASS"] * len(records)
    if not switch.name.startswith("twilio"):
        # Of a vCon the recording, which is as long as people spoke.
        name = "duration_s" if switch.name == "vcon" else "talk_s"
        assert sorted(call.talk_s for call in calls) == sorted(int(str(r[name])) for r in records)
    else:
        lengths = [call.ring_s + call.talk_s for call in calls if call.talk_s]
        assert sorted(lengths) == sorted(
            int(str(r["duration_s"])) for r in records if "duration_s" in r
        )


def test_a_demand_by_e_mail_is_a_message_of_the_letters_page(
    world: IntakeWorld, tmp_path: Path
) -> None:
    case = generate(tmp_path / "case", seed=6, size=SMALL)
    matters = register(world, case)
    take_days(world, case)
    answer: Any = case.answer
    mailed = 0
    for debtor in case.case.debtors:
        if not case.mails(debtor).exists():
            continue
        for path in sorted(case.mails(debtor).iterdir()):
            report = world.take(path, matter=matters[debtor.matter])
            assert (report.accepted, report.problems) == (1, ())
            mail = world.claims(matters[debtor.matter])[-1]
            letter = next(one for one in case.case.events if one.reference == path.stem)
            [page] = sequence(mail, "attachments")
            bytes_ = case.folder / "days" / str(letter.exported_on) / "pages" / f"{path.stem}.pdf"
            assert page["sha256"] == hashlib.sha256(bytes_.read_bytes()).hexdigest()
            assert (mail["kind"], mail["channel"]) == ("message", "e-mail")
            assert mail["occurred_at"] == recorded_at(letter)
            mailed += 1
    assert mailed == answer["mails"] > 0


def begun(switch: Switch, call: Call) -> str:
    """When the switch says that the call was: a recording begins when the line is taken."""
    if switch.name == "vcon":
        assert call.answered_at is not None
        return call.answered_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return recorded_at(call)


def contents(record: Claims) -> Claims:
    fields = record["fields"]
    assert isinstance(fields, dict)
    content = fields["content"]
    assert isinstance(content, dict)
    return content


def sequence(record: Claims, name: str) -> list[Claims]:
    fields = record["fields"]
    assert isinstance(fields, dict)
    found = fields[name]
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, dict)]


def number(record: Claims) -> str:
    callee = record["callee"]
    assert isinstance(callee, dict)
    return str(callee["number"])

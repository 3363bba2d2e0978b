"""Corrections of events point to what they correct; rejects of documents are documents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.simulators.intake import IntakeWorld, counts

pytestmark = pytest.mark.usefixtures("chunks")

EVENT: dict[str, Any] = {
    "eventID": "urn:uuid:0c9a0c4e-0000-4000-8000-000000000001",
    "type": "ObjectEvent",
    "action": "OBSERVE",
    "bizStep": "urn:epcglobal:cbv:bizstep:shipping",
    "readPoint": {"id": "urn:epc:id:sgln:9521321.00001.0"},
    "epcList": ["urn:epc:id:sgtin:9521321.107346.2017"],
    "quantityList": [{"epcClass": "urn:epc:class:lgtin:9521321.011111.4444", "quantity": 10.5}],
    "eventTime": "2026-02-03T20:33:31.116987-06:00",
    "eventTimeZoneOffset": "-05:00",
    "bizTransactionList": [
        {"type": "inv", "bizTransaction": "INV-9"},
        {"type": "https://ref.gs1.org/cbv/BTT-po", "bizTransaction": "C-1"},
    ],
}
DECLARATION = {
    "declarationTime": "2026-02-05T10:00:00+01:00",
    "reason": "incorrect_data",
    "correctiveEventIDs": ["urn:uuid:0c9a0c4e-0000-4000-8000-000000000002"],
}


def document(*events: Any, head: str = "EPCISDocument", **members: Any) -> str:
    context = ["https://ref.gs1.org/standards/epcis/epcis-context.jsonld"]
    body: dict[str, Any] = {"eventList": list(events)}
    if head == "EPCISQueryDocument":
        body = {"queryResults": {"queryName": "q", "resultsBody": body}}
    # The context stands last, where a reader in a hurry has taken the events already.
    return json.dumps(
        {
            "type": head,
            "schemaVersion": "2.0",
            "epcisBody": body,
            **members,
            "@context": context,
        },
        indent=1,
    )


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in EVENT.items() if key != name}


def test_time_and_zone_are_two_facts_and_the_order_leads_to_the_matter(
    world: IntakeWorld,
) -> None:
    path = world.file("events.json", document(EVENT))
    assert counts(world.take(path)) == (1, 0, 0, 0, 0)
    [record] = world.claims()
    assert record["kind"] == "milestone"
    assert record["occurred_at"] == "2026-02-04T02:33:31.116Z"
    assert record["occurred_at_source"] == {
        "text": "2026-02-03T20:33:31.116987-06:00",
        "zone": "-05:00",
        "fold": None,
        "note": None,
    }
    assert record["account"] == "C-1"
    assert record["status"] == "actual"
    assert record["label"] == "shipping"
    assert record["reference"] == EVENT["eventID"]
    # What another claim says, its identifier and its times, stands there alone.
    assert record["event"] == {
        "type": "ObjectEvent",
        "action": "OBSERVE",
        "step": EVENT["bizStep"],
        "read_point": "urn:epc:id:sgln:9521321.00001.0",
    }
    raw = record["raw"]
    assert isinstance(raw, dict)
    assert json.loads(str(raw["text"])) == EVENT


def test_a_query_document_gives_the_same_records(world: IntakeWorld) -> None:
    world.take(world.file("events.json", document(EVENT)))
    other = world.file("query.json", document(EVENT, head="EPCISQueryDocument"))
    assert counts(world.take(other)) == (0, 1, 0, 0, 0)
    assert world.rebuilt(other) == other.read_bytes()


def test_an_unknown_order_waits(world: IntakeWorld) -> None:
    text = document(EVENT).replace('"C-1"', '"C-9"')
    path = world.file("events.json", text)
    assert counts(world.take(path)) == (0, 0, 0, 1, 0)
    world.store.open_matter("Nine", "C-9")
    [report] = world.ingest.run_unassigned(world.agency_id).files
    assert counts(report) == (1, 0, 0, 0, 0)
    assert world.rebuilt(path) == text.encode()


def test_an_event_without_order_needs_the_matter_named(world: IntakeWorld) -> None:
    path = world.file("events.json", document(without("bizTransactionList")))
    report = world.take(path)
    assert [(p.code, p.field) for p in report.problems] == [("ROW_ACCOUNT", "account")]
    assert counts(world.take(path, matter=world.matter)) == (1, 0, 0, 0, 0)


@pytest.mark.parametrize("identified", [True, False])
@pytest.mark.parametrize("together", [True, False])
def test_a_correction_points_to_the_event_that_it_repeats(
    world: IntakeWorld, identified: bool, together: bool
) -> None:
    event = EVENT if identified else without("eventID")
    wrong = {**event, "errorDeclaration": DECLARATION}
    if together:
        world.take(world.file("both.json", document(event, wrong)))
    else:
        world.take(world.file("first.json", document(event)))
        world.take(world.file("second.json", document(wrong)))
    first, second = world.claims()
    assert second["kind"] == "correction"
    [original, _] = world.store.reader.of_matter(world.agency_id, world.matter.key, 0, 2)
    assert second["corrects"] == {"position": 0, "leaf": original.leaf_hash.hex()}
    assert second["reason"] == {
        "declared_at": "2026-02-05T10:00:00+01:00",
        "reason": "incorrect_data",
        "corrective_events": DECLARATION["correctiveEventIDs"],
    }
    assert second["occurred_at"] == "2026-02-05T09:00:00.000Z"
    assert first["kind"] == "milestone"
    assert first["occurred_at"] == "2026-02-04T02:33:31.116Z"


def test_a_correction_that_came_before_its_event_is_the_same_ever_after(
    world: IntakeWorld,
) -> None:
    correction = world.file("second.json", document({**EVENT, "errorDeclaration": DECLARATION}))
    assert counts(world.take(correction)) == (1, 0, 0, 0, 0)
    assert counts(world.take(world.file("first.json", document(EVENT)))) == (1, 0, 0, 0, 0)
    assert counts(world.take(correction)) == (0, 1, 0, 0, 0)
    assert "corrects" not in world.claims()[0]


def test_an_event_of_another_matter_is_not_pointed_to(world: IntakeWorld) -> None:
    other = world.store.open_matter("Other")
    world.take(world.file("first.json", document(without("bizTransactionList"))), matter=other)
    wrong = {**without("bizTransactionList"), "errorDeclaration": DECLARATION}
    world.take(world.file("second.json", document(wrong)), matter=world.matter)
    assert "corrects" not in world.claims()[0]


def test_a_changed_event_under_the_same_identifier_is_a_conflict(world: IntakeWorld) -> None:
    world.take(world.file("first.json", document(EVENT)))
    changed = world.file("second.json", document({**EVENT, "disposition": "damaged"}))
    report = world.take(changed)
    assert counts(report) == (0, 0, 0, 0, 1)
    assert report.rejects_file is not None


def test_good_events_enter_and_bad_ones_can_be_mended(world: IntakeWorld) -> None:
    good = {**EVENT, "eventID": "urn:uuid:0c9a0c4e-0000-4000-8000-000000000003"}
    bad = {**EVENT, "action": "CREATE", "note": 'braces } and " quotes'}
    path = world.file("events.json", document(bad, good, 7, id="urn:doc:1"))
    report = world.take(path)
    assert counts(report) == (1, 0, 2, 0, 0)
    assert [problem.field for problem in report.problems] == ["event 1, action", "event 3"]
    assert world.rebuilt(path) == path.read_bytes()
    rejects = report.rejects_file
    assert rejects is not None
    mended = json.loads(rejects.read_text())
    assert mended["id"] == "urn:doc:1"
    first, second = mended["epcisBody"]["eventList"]
    assert first["_reject"]["field"] == "event 1, action"
    assert second["_raw"] == "7"
    # As it stands it is refused again, once more in a form that can be mended.
    again = world.take(rejects)
    assert counts(again) == (0, 0, 2, 0, 0)
    assert again.rejects_file is not None
    assert again.rejects_file.read_text().count('"_reject"') == 2
    text = rejects.read_text().replace("CREATE", "ADD")
    rejects.write_text(text)
    assert counts(world.take(rejects)) == (1, 0, 1, 0, 0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (document(EVENT)[:-2], "the document ends at byte"),
        (document(EVENT) + "{}", "something follows the document"),
        (document(EVENT).replace('"schemaVersion": "2.0",', '"a": 1, "a": 2,'), "stands twice"),
        (document(EVENT).replace("EPCISDocument", "EPCISMasterDataDocument"), "want type"),
        (document(EVENT).replace("eventList", "eventlist"), "no epcisBody.eventList"),
        (
            document(EVENT).replace('"epcisBody": {', '"epcisBody": [{', 1),
            "brackets that don't match",
        ),
    ],
)
def test_a_document_that_can_not_be_followed_is_refused_whole(
    world: IntakeWorld, text: str, reason: str
) -> None:
    report = world.take(world.file("events.json", text), matter=world.matter)
    assert counts(report) == (0, 0, 1, 0, 0)
    assert reason in report.problems[0].reason
    assert report.problems[0].whole
    assert world.size() == 0

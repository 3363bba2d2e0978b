"""What a report says of foreign events beside the verdict (docs/spec/verification.md §6, §7)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.hostile import events
from tests.hostile.attacks import events as attacks
from tests.hostile.case import Case
from verifier.check import report_json
from verifier.check.inputs import read_inputs
from verifier.check.judge import check
from verifier.check.policy import read_policy
from verifier.check.report import Report
from verifier.check.rows import BLOCKED
from verifier.format.identity import source_digest


def report_of(case: Case, folder: Path) -> dict[str, Any]:
    package, policy, inputs = case.write(folder)
    judgement = check(package, read_policy(policy), read_inputs(inputs))
    report: dict[str, Any] = json.loads(report_json.write(Report(judgement, source_digest())))
    return report


def row_of(report: dict[str, Any]) -> dict[str, Any]:
    return next(one for one in report["rows"] if one["row"] == "events")


def findings_of(report: dict[str, Any]) -> dict[str, str]:
    return {one["code"]: one["en"] for one in report["findings"]}


def test_the_row_says_how_many_events_and_on_which_chains(tmp_path: Path) -> None:
    report = report_of(events.event_case(), tmp_path)
    row = row_of(report)
    assert row["en"] == (
        '1 contract events stand in blocks that your sources confirm, as their records say, on "foreign" '
        "(public); the emitter's code is shown for 1 of them. What they mean is the service's reading."
    )
    block = events.foreign_chain().tip
    said = {"chain_id": events.FOREIGN_ID, "number": 2, "hash": "0x" + block.hash.hex(), "level": 1}
    (rests_on,) = row["rests_on"]
    assert rests_on.items() >= said.items()
    assert rests_on | {"used_for": "event"} in report["blocks_to_compare"]
    assert not {code for code in findings_of(report) if code.startswith("EVENT_")}


def test_two_records_of_one_event_are_counted_once(tmp_path: Path) -> None:
    report = report_of(attacks.one_event_in_two_records(), tmp_path)
    assert row_of(report)["en"].startswith("1 contract events ")
    assert findings_of(report)["EVENT_TWICE"].endswith(": record 1 and record 2")


@pytest.mark.parametrize("stated", ["2026-10-01T00:00:00.000Z", None, 12])
def test_another_time_than_the_block_s_is_said(stated: Any, tmp_path: Path) -> None:
    case = events.event_case(lambda c: c.update(occurred_at=stated))
    said = findings_of(report_of(case, tmp_path))["EVENT_TIME_DIFFERS"]
    assert said.endswith(": record 1: the block has 2026-09-30T16:00:00.000Z")


def test_a_record_without_a_proof_is_said_and_not_judged(tmp_path: Path) -> None:
    chain = events.foreign_chain()
    bare = events.claims_of(chain)
    bare.pop("proof")
    world = events.world_with(events.claims_of(chain), bare)
    package = world.complete(withheld={}, erased={})
    report = report_of(events.judged_by(world, package, chain), tmp_path)
    assert row_of(report)["result"] == "PASS"
    assert findings_of(report)["EVENT_WITHOUT_PROOF"].endswith(": records 2")


def test_without_any_proof_the_row_is_not_applicable(tmp_path: Path) -> None:
    chain = events.foreign_chain()
    bare = events.claims_of(chain)
    bare.pop("proof")
    world = events.world_with(bare)
    package = world.complete(withheld={}, erased={})
    report = report_of(events.judged_by(world, package, chain), tmp_path)
    assert (row_of(report)["result"], row_of(report)["code"]) == ("NOT APPLICABLE", "NO_EVENTS")
    assert report["verdict"] == "INDETERMINATE"


def test_trouble_with_one_event_keeps_no_other_from_being_asked(tmp_path: Path) -> None:
    """The first event is of a chain that nobody listed; the second contradicts its proof."""
    unlisted, listed = events.foreign_chain(7), events.foreign_chain()
    second = events.claims_of(listed) | {"log_data": "0x"}
    world = events.world_with(events.claims_of(unlisted), second)
    package = world.complete(withheld={}, erased={})
    row = row_of(report_of(events.judged_by(world, package, listed), tmp_path))
    assert (row["result"], row["code"]) == ("FAIL", "EVENT_DIFFERS")
    assert [one["code"] for one in row["failures"]] == ["EVENT_CHAIN_NOT_LISTED", "EVENT_DIFFERS"]


def test_a_step_that_could_not_ask_an_event_is_blocked(tmp_path: Path) -> None:
    """Its proof is withheld: no step but that of the event's name passes."""
    package, policy, inputs = events.event_case(withheld=["proof"]).write(tmp_path)
    found = check(package, read_policy(policy), read_inputs(inputs)).case.found
    steps = [f"17.{i}" for i in range(3, 10)]
    blocked = [step for step in steps if [one.code for one in found[step]] == [BLOCKED]]
    assert blocked == [step for step in steps if step != "17.7"]

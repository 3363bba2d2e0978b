"""What a report says of sources (docs/spec/verification.md §6, §7): no more than is shown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.hostile import persons
from tests.hostile.asides import waited
from tests.hostile.sources import (
    PROFILE,
    Edit,
    Entry,
    Source,
    files,
    nothing,
    packed,
    told,
)
from tests.hostile.world import World
from verifier.check import report_json, report_text, row_texts
from verifier.check.inputs import read_inputs
from verifier.check.judge import check
from verifier.check.policy import read_policy
from verifier.check.report import Report
from verifier.format.identity import source_digest

PAGE = (Path(__file__).parents[3] / "docs" / "spec" / "verification.md").read_text("utf-8")


def report_of(folder: Path, world: World, more: dict[str, bytes]) -> Report:
    package = packed(world, more)
    judgement = check(
        package.write_zip(folder / "package.zip"),
        read_policy(persons.write(world.policy(), folder / "policy.toml")),
        read_inputs(persons.write(world.inputs(), folder / "inputs.toml")),
    )
    return Report(judgement, source_digest())


def judged(
    folder: Path, edit: Edit = nothing, tail: Edit = nothing
) -> tuple[dict[str, Any], dict[str, str]]:
    """The row, and the findings of sources with their English sentences, by code."""
    world, source = told(edit, tail)
    document = json.loads(report_json.write(report_of(folder, world, files(world, source))))
    [row] = [one for one in document["rows"] if one["row"] == "sources"]
    found = {one["code"]: one["en"] for one in document["findings"]}
    return row, {code: said for code, said in found.items() if code.startswith("SOURCE_")}


def test_the_row_says_what_is_shown_and_what_is_not(tmp_path: Path) -> None:
    row, _ = judged(tmp_path)
    assert row["result"] == "PASS"
    assert row["en"] == (
        "3 records have their numbers in the logs of their sources, as of the same batch. Sources: 1; "
        "numbers missing, as their last closings list them: 2; numbers set aside for rows of accounts "
        "without a matter: 0; "
        "records that came after a closing that missed them: 0; records that name no source: 0. A record "
        "that got no number leaves no gap; earlier removal is not excluded."
    )


def test_the_words_are_those_of_the_specification() -> None:
    [said] = re.findall(r"- sources, PASS: `(.*?)`", PAGE, re.DOTALL)
    words = re.sub(r"<\w>", "{}", " ".join(said.split()))
    assert re.sub(r"\{\w+\}", "{}", row_texts.SOURCES[0]) == words


def test_missing_numbers_and_settings_that_hide_are_findings(tmp_path: Path) -> None:
    _, found = judged(tmp_path)
    assert found["SOURCE_GAPS"].endswith("'pbx-1': 4, 8")
    assert found["SOURCE_HIDES"].endswith("'pbx-1': 'unanswered=no'")
    # The closings of this story are made days ahead of the chain.
    assert set(found) == {"SOURCE_GAPS", "SOURCE_HIDES", "SOURCE_CLOSED_EARLY"}


def test_a_stated_reason_stands_beside_the_gap(tmp_path: Path) -> None:
    gap: Entry = {
        "entry": "gap", "at": "2026-10-05T00:00:00.000Z", "first": 4, "last": 4, "reason": "test call",
    }  # fmt: skip
    _, found = judged(tmp_path, tail=lambda entries: entries.append(gap))
    assert found["SOURCE_GAPS"].endswith("'pbx-1': 4, 8 (stated: 4: 'test call')")


def test_numbers_that_the_service_gave_are_said_to_be(tmp_path: Path) -> None:
    def edit(entries: list[Entry]) -> None:
        for at in (0, 10):
            entries[at]["profile"].update(numbering="service")

    _, found = judged(tmp_path, edit)
    assert "nothing of records that never came" in found["SOURCE_NUMBERED_BY_SERVICE"]


def test_a_record_that_came_after_the_closing_that_missed_it_is_named(tmp_path: Path) -> None:
    world = World()
    world.wait()
    source = Source(world.log)
    source.call("case", 1)
    source.call("other", 3)
    source.close()
    source.call("case", 2)
    source.enter()
    world.log.seal()
    world.wait()
    world.log.anchor(1)
    world.wait()
    document = json.loads(
        report_json.write(report_of(tmp_path, world, files(world, source, batch=0)))
    )
    found = {one["code"]: one["en"] for one in document["findings"]}
    assert found["SOURCE_CAME_LATE"].endswith("'pbx-1': records 1")
    [row] = [one for one in document["rows"] if one["row"] == "sources"]
    assert "after a closing that missed them: 1;" in row["en"]


@pytest.mark.parametrize("name", ["pbx\n\x1b[2J", "源" * 200, "'; --"])
def test_a_name_can_not_write_on_the_report(tmp_path: Path, name: str) -> None:
    def edit(entries: list[Entry]) -> None:
        for at in (0, 10):
            entries[at]["profile"] = {**PROFILE, "name": name}

    world, source = told(edit)
    text = report_text.write(report_of(tmp_path, world, files(world, source)))
    assert "\x1b" not in text
    assert not [line for line in text.splitlines() if len(line) > 2_000]


def test_of_a_row_that_fails_nothing_is_found(tmp_path: Path) -> None:
    row, found = judged(tmp_path, lambda entries: entries[3].update(counts={"call": 1}))
    assert row["result"] == "FAIL"
    assert found == {}


def test_numbers_that_are_set_aside_are_told_and_not_missing(tmp_path: Path) -> None:
    world, source = waited()
    document = json.loads(report_json.write(report_of(tmp_path, world, files(world, source))))
    [row] = [one for one in document["rows"] if one["row"] == "sources"]
    # The call 5 still waits; 2, 4 and 8 came into matters.
    assert (
        "numbers missing, as their last closings list them: 0; numbers set aside for rows"
        in row["en"]
    )
    assert "without a matter: 1; records" in row["en"]
    assert "SOURCE_GAPS" not in {one["code"] for one in document["findings"]}


def test_a_row_that_waits_over_a_closing_does_not_come_late(tmp_path: Path) -> None:
    """It was set aside before the closing; that its record came after is no delay of the source."""
    world, source = waited()
    document = json.loads(report_json.write(report_of(tmp_path, world, files(world, source))))
    assert "SOURCE_CAME_LATE" not in {one["code"] for one in document["findings"]}


def test_a_row_set_aside_after_a_closing_that_missed_it_comes_late(tmp_path: Path) -> None:
    world = World()
    world.wait()
    source = Source(world.log)
    source.call("case", 1)
    source.call("other", 3)
    source.close()
    source.moved("case", 2, source.aside(2, b"row"), {"raw": {"text": "row"}})
    source.enter()
    world.log.seal()
    world.wait()
    world.log.anchor(1)
    world.wait()
    document = json.loads(
        report_json.write(report_of(tmp_path, world, files(world, source, batch=0)))
    )
    found = {one["code"]: one["en"] for one in document["findings"]}
    assert found["SOURCE_CAME_LATE"].endswith("records 1")

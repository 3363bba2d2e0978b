"""Frauds that the generator plants are each named by the findings, from the files alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from notary.cases.collection.files import generate
from notary.cases.collection.make import Size
from notary.cases.frauds.plant import KINDS, parse_kinds, plant
from notary.errors import CallerError
from tests.simulators.fraud_key import findings_of, unexplained, unnamed

SIZE = Size(debtors=12, days=35, working_day_calls=60, peak_day_calls=200)
FORMATS = {
    *("dialler", "asterisk", "freeswitch", "freeswitch-json", "twilio", "twilio-csv", "vcon"),
    *("mail", "letters", "visits", "sms"),
}


BILLED = {"freeswitch", "freeswitch-json", "twilio", "twilio-csv"}


@pytest.mark.parametrize("seed", [101])
def test_a_clean_case_has_no_finding_and_each_planted_fraud_has_one(
    tmp_path: Path, seed: int
) -> None:
    case = tmp_path / "case"
    generate(case, seed, SIZE)
    assert findings_of(case) == []
    key = plant(case, seed)
    assert {one.kind for one in key} == set(KINDS)
    assert {one.format for one in key} == FORMATS
    found = findings_of(case)
    assert unnamed(key, found, case) == []
    assert unexplained(key, found, case) == []
    # Of a file that holds one event, that event itself is named.
    dated = {p.reference for one in found if one.code == "CLOCKS_DIFFER" for p in one.places}
    alone = [one for one in key if one.kind == "backdated" and one.format in ("vcon", "mail")]
    assert len(alone) == 2
    assert all(set(one.references) <= dated for one in alone)
    # Where nothing counts, the carrier's bill tells of the day on which calls are missing.
    uncounted = [one for one in key if one.kind == "dropped" and one.format in BILLED]
    billed = [one.text for one in found if one.code == "TOTALS_DIFFER"]
    assert {one.format for one in uncounted} == BILLED
    assert all(any(one.file.split("/")[2] in text for text in billed) for one in uncounted)
    assert "ENTERED_AFTER_DISPUTE" in {one.code for one in found}


def test_the_key_says_what_stands_in_the_files_and_what_stood_there(tmp_path: Path) -> None:
    size = Size(debtors=7, days=21, working_day_calls=40, peak_day_calls=100)
    before = tmp_path / "before"
    generate(before, 5, size)
    cases = [tmp_path / "one", tmp_path / "two"]
    for case in cases:
        generate(case, 5, size)
        plant(case, 5, ("edited",))
    one, two = (_bytes(case) for case in cases)
    assert one == two
    key = json.loads((cases[0] / "frauds.json").read_text("utf-8"))
    changed = {name for name, data in one.items() if data != _bytes(before).get(name)}
    assert changed == {"frauds.json", *(fraud["file"] for fraud in key["frauds"])}
    dialler = next(fraud for fraud in key["frauds"] if fraud["format"] == "dialler")
    [row], [change] = dialler["rows"], dialler["changed"]
    lines = [
        (case / dialler["file"]).read_text().splitlines()[row - 1] for case in (before, cases[0])
    ]
    talk = change["talk_s"]
    assert [line.split(",")[3] for line in lines] == [talk["from"], talk["to"]]


def test_an_unknown_fraud_is_refused_by_name() -> None:
    with pytest.raises(CallerError, match="'theft' is none of backdated, dropped"):
        parse_kinds("dropped,theft")


def _bytes(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }

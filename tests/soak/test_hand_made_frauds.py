"""Edits by hand in all exported files are named; cases at other times of the year are clean."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import pytest

from notary.cases.collection import make
from notary.cases.collection.files import generate
from notary.cases.collection.make import FULL
from notary.core.findings.analysis import analyse
from notary.core.findings.finding import Finding
from tests.simulators.case_records import bills_of, days_of, mails_of, switch_of
from tests.simulators.fraud_key import findings_of
from tests.simulators.hand_edits import LISTS, PAPERS, VCONS, Desk, names_one

SEEDS = range(1_001, 1_007)
# Days of the case in which a clock goes forward, a leap day and a year's turn.
FIRST_DAYS = (date(2026, 2, 2), date(2028, 1, 31), date(2025, 11, 24))


def found_in(case: Path, name: str) -> list[Finding]:
    if name == "days":
        return analyse([*days_of(case), *mails_of(case), *bills_of(case)])
    return analyse([*switch_of(case, name), *bills_of(case)])


@pytest.mark.soak
@pytest.mark.parametrize("seed", SEEDS)
def test_each_edit_by_hand_is_named(tmp_path: Path, seed: int) -> None:
    case = tmp_path / "case"
    generate(case, seed, FULL)
    groups = {"days": PAPERS, "vcon": VCONS, **LISTS}
    missed = []
    for group, edits in groups.items():
        for name, edit in edits.items():
            desk = Desk(case, random.Random(f"{seed}/{name}"))
            names = edit(desk)
            if names is not None and not names_one(found_in(case, group), names):
                missed.append((group, name, sorted(names)))
            desk.put_back()
    assert missed == []


@pytest.mark.soak
@pytest.mark.parametrize("first", FIRST_DAYS, ids=str)
def test_a_case_at_another_time_of_the_year_is_clean(
    tmp_path: Path, first: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "FIRST_DAY", first)
    generate(tmp_path / "case", 1, FULL)
    assert findings_of(tmp_path / "case") == []

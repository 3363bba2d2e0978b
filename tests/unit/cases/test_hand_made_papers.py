"""Frauds made by hand in letters, post, money, visits, messages, vCons and lists of calls: each is named.

The edits are those of tests/simulators/hand_edits.py, here in one case, in the soak in many.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from notary.cases.collection.files import generate
from notary.cases.collection.make import Size
from notary.core.findings.analysis import analyse
from notary.core.findings.finding import Finding
from notary.core.findings.seen import Seen
from tests.simulators.case_records import bills_of, days_of, mails_of, switch_of
from tests.simulators.hand_edits import LISTS, PAPERS, VCONS, Desk, Edit, names_one

SEED = 77


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean") / "case"
    generate(folder, SEED, Size(debtors=20, days=60, working_day_calls=12, peak_day_calls=40))
    # Calls are edited by hand beside this; the papers are read without them, which takes a tenth of the time.
    for path in folder.glob("days/*/calls.csv"):
        path.unlink()
    return folder


def check(case: Path, name: str, edit: Edit, read: list[str]) -> None:
    desk = Desk(case, random.Random(f"{SEED}/{name}"))
    try:
        names = edit(desk)
        assert names is not None, "the case has no such row"
        found = found_in(case, read)
    finally:
        desk.put_back()
    assert names_one(found, names), (name, names, [(one.code, one.text) for one in found])


def found_in(case: Path, read: list[str]) -> list[Finding]:
    records: list[Seen] = [*days_of(case), *mails_of(case)] if not read else []
    for name in read:
        records += [*switch_of(case, name), *bills_of(case)]
    return analyse(records)


@pytest.mark.parametrize("read", [[], ["vcon"], ["twilio"], ["twilio-csv"]], ids=str)
def test_the_case_itself_has_no_finding(case: Path, read: list[str]) -> None:
    assert found_in(case, read) == []


@pytest.mark.parametrize("name", sorted(PAPERS), ids=" ".join)
def test_an_edited_paper_is_named(case: Path, name: tuple[str, str]) -> None:
    check(case, str(name), PAPERS[name], [])


@pytest.mark.parametrize("name", sorted(VCONS), ids=" ".join)
def test_an_edited_vcon_is_named(case: Path, name: tuple[str, str]) -> None:
    check(case, str(name), VCONS[name], ["vcon"])


@pytest.mark.parametrize("list_", sorted(LISTS))
def test_each_edit_of_a_list_of_calls_is_named(case: Path, list_: str) -> None:
    for name, edit in LISTS[list_].items():
        check(case, str(name), edit, [list_])

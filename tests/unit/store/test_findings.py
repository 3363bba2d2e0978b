"""The findings over a real store: what they name is there, and what was erased is said."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from notary.adapters.store.sources import StoredSources
from notary.cases.collection.files import CollectionFiles, generate
from notary.cases.collection.make import Size
from notary.cases.frauds.plant import plant
from notary.core.findings.analysis import analyse
from notary.usecases.findings import FindFindings, Report, said, shown
from notary.usecases.sources import Sources
from tests.simulators.case_records import bills_of, days_of
from tests.simulators.intake import IntakeWorld, make_intake_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[IntakeWorld]:
    world = make_intake_world(tmp_path)
    yield world
    world.store.close()


def take(world: IntakeWorld, folder: Path, *, frauds: bool = True) -> CollectionFiles:
    case = generate(folder, 3, Size(debtors=7, days=21, working_day_calls=40, peak_day_calls=90))
    if frauds:
        plant(folder, 3, ("backdated", "dropped", "masked"))
    accounts: dict[str, list[str]] = {}
    with (folder / "accounts.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            accounts.setdefault(row["title"], []).append(row["account"])
    for title, spellings in accounts.items():
        world.store.open_matter(title, *spellings)
    for day in case.day_folders():
        if day.exists():
            world.take_all(case.maps, day)
    # The carrier's account is nobody's: its rows wait.
    bills = world.take_all(folder / "bills")
    assert sum(report.unassigned for report in bills) == case.answer["billed_days"]
    return case


def run(world: IntakeWorld, matter: str | None = None) -> Report:
    store = world.store
    sources = Sources(
        StoredSources(store.database, store.keys, store.clock, store.entropy, store.identity)
    )
    use_case = FindFindings(store.reader, store.register, world.imports, sources)
    return use_case.run(store.agency_id, matter=matter)


def test_the_store_gives_what_the_files_give_and_names_its_records(
    world: IntakeWorld, tmp_path: Path
) -> None:
    take(world, tmp_path / "case")
    report = run(world)
    found = sorted((one.code, one.text) for one in report.findings)
    read = [*days_of(tmp_path / "case"), *bills_of(tmp_path / "case")]
    wanted = [(one.code, one.text) for one in analyse(read)]
    # Matters have other names there, which stand in no text of these findings.
    assert found == sorted(wanted)
    codes = {code for code, _ in found}
    assert {"TIME_OUT_OF_ORDER", "NUMBER_MISSING", "NUMBER_MASKED", "TOTALS_DIFFER"} <= codes
    assert report.waiting == world.imports.waiting_count(world.agency_id) > 0
    by_number = {one.number: one for one in world.store.register.all(world.agency_id)}
    named = [place for one in report.findings for place in one.places if place.matter is not None]
    assert named
    for place in named:
        claims = world.claims(by_number[place.matter or ""])[place.position or 0]
        assert claims["reference"] == place.reference
        came = claims["import"]
        assert isinstance(came, dict)
        assert (came["file_sha256"], came["row"]) == (place.file, place.row)


def test_of_a_matter_only_what_names_its_records_is_told(
    world: IntakeWorld, tmp_path: Path
) -> None:
    take(world, tmp_path / "case")
    whole = run(world).findings
    matters = {place.matter for one in whole for place in one.places} - {None}
    for matter in matters:
        some = run(world, matter).findings
        assert some == tuple(
            one for one in whole if matter in {place.matter for place in one.places}
        )


def test_a_clean_store_has_no_finding(world: IntakeWorld, tmp_path: Path) -> None:
    take(world, tmp_path / "case", frauds=False)
    report = run(world)
    assert report.findings == ()
    assert said(report).startswith("0 findings in ")


def test_an_empty_store_has_no_finding(world: IntakeWorld) -> None:
    assert run(world) == Report((), 0, 0, 0)


def test_erased_records_are_counted_and_said(world: IntakeWorld, tmp_path: Path) -> None:
    take(world, tmp_path / "case", frauds=False)
    with world.store.database.transaction() as connection:
        erase = "UPDATE records SET wrapped_secret = NULL, sealed_values = NULL WHERE id = 5"
        connection.execute(text(erase))
    report = run(world)
    assert report.erased == 1
    assert "1 records were erased and not looked at" in said(report)
    assert shown(report)["erased"] == 1

"""Killed at any place of taking in a source's calls and closing its days: a day is closed once, a number
entered once, and what waits is what was set aside.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL

import pytest

from notary.adapters.store.audit import check_rows
from notary.adapters.store.snapshot import opened_live
from notary.core.waiting import Waiting
from tests.postgres import Server
from tests.simulators import waiting as calls
from tests.simulators.store import START, StoreWorld, copied_world, make_world, reopen_world, scrap
from tests.simulators.store_process import Forks, Say
from verifier.format import asides
from verifier.format.digests import Digest
from verifier.format.source_log import AsideEntry, Closing, RecordEntry

DAY = 86_400  # seconds
ROWS = [calls.row(0, "A"), calls.row(1, "B"), calls.row(3, "A"), calls.row(4, "C")]
LATER = [calls.row(2, "C"), calls.row(5, "A")]


def work(world: StoreWorld, say: Say) -> None:
    """A day's calls, two of which wait; three days are closed; one row moves in; more calls; a batch."""
    calls.ingest(world, ROWS)
    world.clock.advance(3 * DAY - (world.clock.now() - START).total_seconds())
    calls.store_of(world).close_due(world.clock.now())
    if len(world.register.all(world.agency_id)) == 1:
        world.open_matter("Found", "B")
    if calls.waiting(world):
        calls.move_in(world)
    calls.ingest(world, LATER, "later.csv")
    world.seal()


def check_log(world: StoreWorld) -> None:
    """Holds at any moment: one entry a number but an aside's record, one closing a day, each row opens."""
    entries = calls.entries(world)
    records = Counter(one.number for one in entries if isinstance(one, RecordEntry))
    asides_of = Counter(one.number for one in entries if isinstance(one, AsideEntry))
    assert set(records.values()) | set(asides_of.values()) <= {1}
    for one in entries:
        if isinstance(one, RecordEntry):
            assert (one.number in asides_of) == (one.aside is not None)
            if one.aside is not None:
                aside = entries[one.aside]
                assert isinstance(aside, AsideEntry)
                assert aside.number == one.number
    days = [one.day for one in entries if isinstance(one, Closing)]
    assert len(days) == len(set(days))
    waits = {row.number: row for row in calls.waiting(world) if row.number not in records}
    # Whatever is set aside waits with what opens it, and what waits is set aside.
    assert waits.keys() == asides_of.keys() - records.keys()
    for entry in entries:
        if isinstance(entry, AsideEntry) and entry.number in waits:
            assert entry.row == opened(world, waits[entry.number])
    with opened_live(world.database) as connection:
        check_rows(connection, world.identity, lambda done, total: None)


def opened(world: StoreWorld, row: Waiting) -> bytes:
    assert row.salt is not None
    assert row.number is not None
    content = asides.row_bytes("raw", row.claims["raw"])
    return asides.row_digest(Digest(calls.now(world).key), row.number, row.salt, content)


def check_done(world: StoreWorld) -> None:
    check_log(world)
    entries = calls.entries(world)
    count = calls.now(world).state.count
    assert (count.next, count.missing, count.aside) == (6, [], 2)
    assert calls.now(world).state.conflicts == 0
    assert sum(isinstance(one, Closing) for one in entries) == 3
    assert sum(one.size for one in world.register.all(world.agency_id)) == 4
    assert [one.number for one in calls.waiting(world)] == [4, 2]


def made(home: Path, uri: str | None = None) -> Path:
    world = make_world(home, uri=uri)
    world.open_matter("Known", "A")
    calls.make(world)
    world.close()
    return home


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one matter and one source."""
    return made(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="module")
def postgres_template(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: Server
) -> Iterator[Path]:
    """The same in PostgreSQL."""
    uri = postgres_server.migrated()
    yield made(tmp_path_factory.mktemp("template"), uri)
    postgres_server.drop(uri)


def places_of(forks: Forks, template: Path, tmp_path: Path) -> list[str]:
    """What a whole run passes."""
    run = forks.run(work, copied_world(template, tmp_path / "whole"), "whole")
    assert run.status == 0, run.said
    for effect in ("insert source_entries", "insert unassigned", "update unassigned", "commit"):
        assert f"before {effect}" in run.places
    scrap(tmp_path / "whole")
    return run.places


def survive(forks: Forks, template: Path, home: Path, at: int) -> None:
    copied_world(template, home)
    run = forks.run(work, home, "struck", at)
    assert run.status == -SIGKILL, run.said
    world = reopen_world(home, "again")
    try:
        check_log(world)
        work(world, lambda _: None)
        check_done(world)
    finally:
        world.close()
        scrap(home)


def test_a_kill_after_each_commit_leaves_each_day_closed_once_and_each_number_entered_once(
    forks: Forks, template: Path, tmp_path: Path
) -> None:
    # Before a commit a store is what it was after the one before.
    for at, place in enumerate(places_of(forks, template, tmp_path)):
        if place == "after commit":
            survive(forks, template, tmp_path / "struck", at)


@pytest.mark.soak
def test_a_kill_anywhere_does(forks: Forks, template: Path, tmp_path: Path) -> None:
    for at in range(len(places_of(forks, template, tmp_path))):
        survive(forks, template, tmp_path / "struck", at)


@pytest.mark.soak
def test_a_kill_around_each_commit_does_on_postgresql(
    forks: Forks, postgres_template: Path, tmp_path: Path
) -> None:
    # Between statements the server knows of one state only.
    for at, place in enumerate(places_of(forks, postgres_template, tmp_path)):
        if place.endswith(" commit"):
            survive(forks, postgres_template, tmp_path / "struck", at)


def test_killed_again_and_again_it_still_ends(forks: Forks, template: Path, tmp_path: Path) -> None:
    """Each life ends some statements after the one before."""
    home = shutil.copytree(template, tmp_path / "home")
    for at in range(5, 200, 25):
        if forks.run(work, home, f"life {at}", at).status == 0:
            break
    world = reopen_world(home, "last")
    work(world, lambda _: None)
    check_done(world)
    world.close()

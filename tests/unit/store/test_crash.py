"""Killed, without power, out of disk, or told of an error at any place: nothing that was acknowledged is
lost, nothing is there twice, and the same calls again finish the work.
"""

from __future__ import annotations

import os
import random
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGKILL
from typing import Any
from unittest.mock import patch

import pytest

from notary.adapters.objects.folder import ObjectFolder
from notary.core.intake import Accepted, IncomingFile
from notary.errors import NothingHappened, OutcomeUnknown
from notary.usecases.accept import RecordAcceptor
from notary.usecases.originals import sweep_orphans
from tests.postgres import Server
from tests.simulators.check_store import check_world
from tests.simulators.places import Places
from tests.simulators.store import (
    CANARY,
    StoreWorld,
    copied_world,
    make_world,
    offer,
    reopen_world,
    scrap,
)
from tests.simulators.store_faults import FILE_EFFECTS, cut, disk_full, full_after, watched
from tests.simulators.store_process import Forks, Run, Say, Voice

RECORDS = 4  # of the small scenario
SCAN = "scan"
KILLS = 8
LONGEST_LIFE = 400  # places: some dozens of commits


def small(world: StoreWorld, say: Say) -> None:
    """Take in four records of two matters, one with a file, and seal. Says what was promised."""
    first, second = world.register.all(world.agency_id)
    scan = IncomingFile(world.folder / SCAN, "scan.pdf", "application/pdf")
    for items in (
        [offer(first, "one", scan), offer(first, "two"), offer(second, "three")],
        [offer(second, "four")],
    ):
        for outcome in world.accept(items):
            assert isinstance(outcome, Accepted), outcome
            say(f"receipt {outcome.receipt.decode()}")
    world.seal()
    say(f"checkpoint {world.published[-1].encode().hex()}")


def endless(world: StoreWorld, say: Say) -> None:
    """Take in and seal until killed."""
    matters = world.register.all(world.agency_id)
    scan = IncomingFile(world.folder / SCAN, "scan.pdf", "application/pdf")
    for count in range(10_000):
        items = [
            offer(matters[i % 2], f"{world.entropy.token(8).hex()}", *[scan] * (i % 5 == 0))
            for i in range(1 + count % 7)
        ]
        for outcome in world.accept(items):
            assert isinstance(outcome, Accepted), outcome
            say(f"receipt {outcome.receipt.decode()}")
        if count % 3 == 2:
            world.seal()
            say(f"checkpoint {world.published[-1].encode().hex()}")


def silent(_: str) -> None:
    """For a run in the test's own process, which keeps the promises itself."""


def remember(world: StoreWorld, run: Run) -> None:
    """Hold the store to what the process was promised."""
    for line in run.promised:
        what, _, rest = line.partition(" ")
        if what == "receipt":
            world.promised.append(rest.encode())
        else:
            assert what == "checkpoint", line
            world.published.append(bytes.fromhex(rest).decode())


def finish(world: StoreWorld) -> None:
    """Clean up and do everything again: each call answers for what is there, and adds what is not."""
    sweep_orphans(world.named_originals, world.objects, datetime.now(UTC) + timedelta(days=2))
    small(world, silent)
    check_world(world)
    assert sum(matter.size for matter in world.register.all(world.agency_id)) == RECORDS
    assert world.sealer.unsealed() == 0


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two matters and no record."""
    return made(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="module")
def postgres_template(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: Server
) -> Iterator[Path]:
    """The same in PostgreSQL."""
    uri = postgres_server.migrated()
    yield made(tmp_path_factory.mktemp("template"), uri)
    postgres_server.drop(uri)


def made(home: Path, uri: str | None = None) -> Path:
    world = make_world(home, uri=uri)
    world.open_matter(f"First {CANARY}")
    world.open_matter(f"Second {CANARY}")
    world.close()
    (home / SCAN).write_bytes(CANARY.encode() * 1000)
    return home


def copied(template: Path, tmp_path: Path, name: str) -> Path:
    return copied_world(template, tmp_path / name)


def places_of(forks: Forks, template: Path, tmp_path: Path) -> list[str]:
    run = forks.run(small, copied(template, tmp_path, "whole"), "whole")
    assert run.status == 0, run.said
    return run.places


def survive(
    forks: Forks, template: Path, home: Path, at: int, strike: str, plant: Any = None
) -> None:
    """Strike a process at that place; the store must hold together at once, and after recovery."""
    copied_world(template, home)
    run = forks.run(small, home, "struck", at, strike=strike, plant=plant)
    assert run.status == -SIGKILL, run.said
    world = reopen_world(home, "again")
    try:
        remember(world, run)
        check_world(world, crashed=True)
        finish(world)
    finally:
        world.close()
        scrap(home)


@pytest.mark.soak
def test_a_loss_of_power_anywhere_costs_nothing_that_was_acknowledged(
    forks: Forks, template: Path, tmp_path: Path
) -> None:
    places = places_of(forks, template, tmp_path)
    for effect in (
        *("make folder", "create part", "write part", "force part", "rename object"),
        *("force folder", "begin", "insert receipt_groups", "insert records"),
        *("insert attachments", "update matters", "insert pending_heads", "insert batches"),
        *("insert delta_files", "insert map_pages", "insert heads", "delete pending_heads"),
        *("update pending_heads", "commit"),
    ):
        assert f"before {effect}" in places
        assert f"after {effect}" in places
    for at in range(len(places)):
        survive(forks, template, tmp_path / "struck", at, "power")


@pytest.mark.slow
def test_a_kill_around_each_change_of_a_file_costs_nothing(
    forks: Forks, template: Path, tmp_path: Path
) -> None:
    # At any other place nothing is unforced, and a kill is what a loss of power is.
    places = places_of(forks, template, tmp_path)
    struck = [at for at, place in enumerate(places) if place.split()[1] in FILE_EFFECTS]
    # What follows one change precedes the next, so it is struck once.
    for at in [at for at in struck if places[at].startswith("before") or at + 1 not in struck]:
        survive(forks, template, tmp_path / "struck", at, "kill")


@pytest.mark.slow
def test_an_error_at_any_place_is_told_for_what_it_is_and_costs_nothing(
    template: Path, tmp_path: Path
) -> None:
    """A full disk at each change of a file, a failing one at each statement; a commit that fails, and
    one whose acknowledgement is lost.
    """
    at = 0
    while True:
        home = copied(template, tmp_path, "struck")
        world = reopen_world(home, "struck")
        places = Places(at, disk_full)
        raised: Exception | None = None
        with watched(world.database, home, places):
            try:
                small(world, silent)
            except (NothingHappened, OutcomeUnknown) as error:
                raised = error
        if at == len(places.passed):
            world.close()
            return
        place = places.passed[at]
        # A folder that is there counts as made, whatever the call said.
        assert (raised is None) == (place == "after make folder"), place
        assert isinstance(raised, OutcomeUnknown) == place.endswith(" commit"), place
        assert raised is None or "disk" in str(raised) or "device" in str(raised)
        check_world(world, crashed=True)
        finish(world)
        world.close()
        shutil.rmtree(home)
        at += 1


# On PostgreSQL. What happens to files is the same; what is the server's own is tried here.


@pytest.mark.slow
def test_a_kill_around_commits_and_statements_costs_nothing_on_postgresql(
    forks: Forks, postgres_template: Path, tmp_path: Path
) -> None:
    places = places_of(forks, postgres_template, tmp_path)
    for effect in (
        *("begin", "insert receipt_groups", "insert records", "insert attachments"),
        *("update matters", "insert pending_heads", "insert batches", "insert delta_files"),
        *("insert map_pages", "insert heads", "delete pending_heads", "commit"),
    ):
        assert f"before {effect}" in places
        assert f"after {effect}" in places
    for at, place in enumerate(places):
        # Between statements the server knows of one state only: it need not be tried at each.
        if place.endswith(" commit") or place in ("after begin", "after insert records"):
            survive(forks, postgres_template, tmp_path / "struck", at, "kill")


@pytest.mark.slow
def test_a_server_that_goes_away_at_any_statement_is_told_for_what_it_is_and_costs_nothing(
    forks: Forks, postgres_template: Path, tmp_path: Path
) -> None:
    """Before a commit was asked for, nothing happened; from there on nobody knows, and asking again tells."""
    for at, place in enumerate(places_of(forks, postgres_template, tmp_path)):
        # What follows one statement precedes the next; the changes of files are tried elsewhere.
        if place.split()[1] in FILE_EFFECTS or not place.startswith("before"):
            continue
        home = copied(postgres_template, tmp_path, "struck")
        world = reopen_world(home, "struck")
        raised: Exception | None = None
        with watched(world.database, home, Places(at, cut(str(world.database.place)))):
            try:
                small(world, silent)
            except (NothingHappened, OutcomeUnknown) as error:
                raised = error
        # A line that is idle is opened anew without a word.
        assert (raised is None) == (place == "before begin"), place
        assert isinstance(raised, OutcomeUnknown) == (place == "before commit"), place
        check_world(world, crashed=True)
        finish(world)
        world.close()
        scrap(home)


@pytest.mark.parametrize("pages", [0, 1, 2, 4])
def test_a_disk_that_sqlite_finds_full_takes_in_nothing_and_goes_on_with_room(
    template: Path, tmp_path: Path, pages: int
) -> None:
    world = reopen_world(copied(template, tmp_path, "full"), "full")
    [matter, _] = world.register.all(world.agency_id)
    said: list[str] = []
    with full_after(world.database, pages):
        for number in range(20):
            try:
                world.take(matter, f"{number}", text=CANARY * 500)
            except NothingHappened as error:
                said.append(str(error))
                check_world(world)
    assert said
    assert all("database or disk is full" in one for one in said)
    for number in range(20):
        world.take(matter, f"{number}", text=CANARY * 500)
    assert world.register.all(world.agency_id)[0].size == 20
    check_world(world)
    world.close()


# That these tests can fail: each planted bug is found.


def acknowledged_before_the_commit() -> AbstractContextManager[Any]:
    """The answer leaves while the transaction is still open."""
    append = RecordAcceptor._append

    def hasty(self: RecordAcceptor, *arguments: Any) -> None:
        append(self, *arguments)
        for outcome in arguments[-1]:
            if isinstance(outcome, Accepted):
                Voice.say(f"receipt {outcome.receipt.decode()}")

    return patch.object(RecordAcceptor, "_append", hasty)


def committed_before_the_names_are_forced() -> AbstractContextManager[Any]:
    """The record is durable before the names of its originals are."""
    return patch.object(ObjectFolder, "make_durable", lambda *_: None)


def committed_before_the_content_is_forced() -> AbstractContextManager[Any]:
    """The record is durable before the bytes of its originals are."""
    force = os.fsync

    def lazy(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            force(descriptor)

    return patch.object(os, "fsync", lazy)


def test_an_acknowledgement_before_the_commit_is_found(
    forks: Forks, template: Path, tmp_path: Path
) -> None:
    at = places_of(forks, template, tmp_path).index("before commit")
    with pytest.raises(
        AssertionError, match="acknowledged at position 0 of matter 1 is lost"
    ) as found:
        survive(
            *(forks, template, tmp_path / "struck", at, "kill"),
            plant=acknowledged_before_the_commit,
        )
    assert len(str(found.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (
            committed_before_the_names_are_forced,
            "an attachment of record 1 is not in the object folder",
        ),
        (committed_before_the_content_is_forced, "position 0 of matter 1: attachment 0: "),
    ],
)
def test_a_commit_before_the_files_are_forced_is_found(
    forks: Forks,
    template: Path,
    tmp_path: Path,
    plant: Callable[[], AbstractContextManager[Any]],
    said: str,
) -> None:
    run = forks.run(small, copied(template, tmp_path, "planted"), "planted", plant=plant)
    at = run.places.index("after commit")
    with pytest.raises(AssertionError, match=said):
        survive(*(forks, template, tmp_path / "struck", at, "power"), plant=plant)


@pytest.mark.slow
@pytest.mark.parametrize("begun", ["template", "postgres_template"])
def test_killed_at_random_moments_it_keeps_what_it_promised(
    forks: Forks, begun: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """More than the small scenario has: large groups, many batches, one store through many kills."""
    template = request.getfixturevalue(begun)
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    home = copied(template, tmp_path, "store")
    world = reopen_world(home, "promises")
    for number in range(KILLS):
        run = forks.run(endless, home, f"life {number}", chance.randrange(LONGEST_LIFE))
        assert run.status == -SIGKILL, run.said
        remember(world, run)
        check_world(world, crashed=True)
    assert len(world.promised) > KILLS
    sweep_orphans(world.named_originals, world.objects, datetime.now(UTC) + timedelta(days=2))
    world.seal()
    check_world(world)
    world.close()

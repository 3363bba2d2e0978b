"""Without power or killed at any place of taking files in, the same command again finishes: every good
row exactly once, every byte accounted for.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGKILL
from unittest.mock import patch

import pytest

from notary.adapters.store.dkim_checks import StoredDkimChecks
from notary.adapters.store.imports import StoredImports
from notary.importers.map_file import parse_map
from notary.usecases import import_file
from notary.usecases.ingest import Ingest
from notary.usecases.originals import sweep_orphans
from tests.simulators.check_store import check_world
from tests.simulators.intake import LETTERS
from tests.simulators.store import CANARY, StoreWorld, make_world, reopen_world
from tests.simulators.store_faults import FILE_EFFECTS
from tests.simulators.store_process import Forks, Say

ROWS = 9
ROWS_PER_COMMIT = 4
WAITING = [3]
REFUSED = [5]
GOOD = [n for n in range(ROWS) if n not in WAITING + REFUSED]


def table() -> str:
    """Letters of one account; one of another that leads nowhere, and one without a time."""
    lines = ["id,contract,sent,amount,subject\n"]
    for number in range(ROWS):
        account = "C-9" if number in WAITING else "C-1"
        time = "never" if number in REFUSED else "2026-02-01 09:00"
        lines.append(f"L{number},{account},{time},100.50,{CANARY} {number}\n")
    return "".join(lines)


def command(world: StoreWorld) -> tuple[Ingest, StoredImports]:
    imports = StoredImports(world.database, world.keys, world.entropy)
    return Ingest(
        world.acceptor, world.register, imports, StoredDkimChecks(world.database), world.clock
    ), imports


def take_in(world: StoreWorld, say: Say) -> None:
    """What the operator types: a table, then a document for the matter."""
    use_case, _ = command(world)
    [matter] = world.register.all(world.agency_id)
    files = world.folder / "in"
    with patch.object(import_file, "ROWS_PER_COMMIT", ROWS_PER_COMMIT):
        [report] = use_case.run(
            world.agency_id, [files / "letters.csv"], maps=[parse_map(LETTERS, "letters")]
        ).files
        use_case.run(world.agency_id, [files / "scan.pdf"], matter_key=matter.key)
    say(f"accounted for {report.accepted + report.replayed} {report.rejected} {report.unassigned}")


def finish(world: StoreWorld) -> None:
    """The same command again, and everything is there once."""
    said: list[str] = []
    take_in(world, said.append)
    assert said == [f"accounted for {len(GOOD)} {len(REFUSED)} {len(WAITING)}"]
    sweep_orphans(world.named_originals, world.objects, datetime.now(UTC) + timedelta(days=2))
    check_world(world)
    use_case, imports = command(world)
    [matter] = world.register.all(world.agency_id)
    contents = [
        world.reader.content(world.agency_id, view.record_id).values
        for view in world.reader.of_matter(world.agency_id, matter.key, 0, matter.size)
    ]
    subjects = Counter(str(one["subject"]) for one in contents if "subject" in one)
    assert subjects == Counter(f"{CANARY} {number}" for number in GOOD)
    assert matter.size == len(GOOD) + 1
    assert imports.waiting_count(world.agency_id) == len(WAITING)
    # Every byte of the table comes back, of the rows that were refused as well.
    original = (world.folder / "in" / "letters.csv").read_bytes()
    digest = hashlib.sha256(original).digest()
    assert b"".join(use_case.rebuild(world.agency_id, digest)) == original
    assert sorted(found.name for found in (world.folder / "in").iterdir()) == [
        *("letters.csv", "letters.rejects.csv", "scan.pdf")
    ]
    rejects = (world.folder / "in" / "letters.rejects.csv").read_text()
    assert rejects.count("never") == 2 * len(REFUSED)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one matter, and the files that are to be taken in."""
    home = tmp_path_factory.mktemp("template")
    world = make_world(home)
    world.open_matter(f"Contract {CANARY}", "C-1")
    world.close()
    (home / "in").mkdir()
    (home / "in" / "letters.csv").write_text(table())
    (home / "in" / "scan.pdf").write_bytes(b"%PDF-1.4\n" + CANARY.encode() * 500)
    return home


@pytest.mark.slow
def test_a_run_that_was_struck_anywhere_is_finished_by_the_same_command(
    forks: Forks, template: Path, tmp_path: Path
) -> None:
    whole = forks.run(take_in, shutil.copytree(template, tmp_path / "whole"), "whole")
    assert whole.status == 0, whole.said
    # A statement that is not committed leaves nothing, wherever it is cut off: intake tries them all.
    durable = {"commit", *FILE_EFFECTS}
    struck = [at for at, place in enumerate(whole.places) if place.split()[1] in durable]
    assert {whole.places[at].split()[1] for at in struck} == durable
    # What one of these leaves is what the next finds, so it is struck once; and after the last.
    for at in [at for at in struck if whole.places[at].startswith("before")] + struck[-1:]:
        home = shutil.copytree(template, tmp_path / "struck")
        run = forks.run(take_in, home, "struck", at, strike="power")
        assert run.status == -SIGKILL, run.said
        world = reopen_world(home, "again")
        check_world(world, crashed=True)
        finish(world)
        world.close()
        shutil.rmtree(home)


def test_killed_again_and_again_it_still_ends(forks: Forks, template: Path, tmp_path: Path) -> None:
    """Each life ends a few commits after the one before."""
    home = shutil.copytree(template, tmp_path / "home")
    for at in range(2, 60, 6):
        run = forks.run(take_in, home, f"life {at}", at)
        if run.status == 0:
            break
    world = reopen_world(home, "last")
    finish(world)
    world.close()

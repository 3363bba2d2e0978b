"""Killed at any moment, the same command again finishes with every good row exactly once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from notary.adapters.store.imports import StoredImports
from notary.importers.column_map import ColumnMap, parse_map
from notary.usecases import ingest
from notary.usecases.ingest import Ingest
from tests.simulators.intake import LETTERS, IntakeWorld, counts
from tests.simulators.store import StoreWorld, reopen_world

ROWS = 60
ROWS_PER_COMMIT = 10
# What changes the store in a run of six commits, in order.
STEPS = ("accept", "begin", "write", *("accept", "write") * 5, "write", "finish")


def table() -> str:
    lines = ["id,contract,sent,amount,subject\n"]
    for number in range(ROWS):
        account = "C-9" if number % 7 == 3 else "C-1"
        time = "never" if number % 11 == 5 else "2026-02-01 09:00"
        lines.append(f"L{number},{account},{time},100.50,Reminder {number}\n")
    return "".join(lines)


GOOD = [n for n in range(ROWS) if n % 7 != 3 and n % 11 != 5]
WAITING = [n for n in range(ROWS) if n % 7 == 3 and n % 11 != 5]
REFUSED = [n for n in range(ROWS) if n % 11 == 5]


def child(home: Path, file: Path, step: int, when: str) -> None:
    """Take the file in and die by SIGKILL before or after the step with that number."""
    store = reopen_world(home, f"child-{step}-{when}")
    ingest.ROWS_PER_COMMIT = ROWS_PER_COMMIT
    done = 0

    def deadly(name: str, effect: Callable[..., object]) -> Callable[..., object]:
        def run(*arguments: object) -> object:
            nonlocal done
            assert STEPS[done] == name, (done, name)
            if done == step and when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = effect(*arguments)
            if done == step and when == "after":
                os.kill(os.getpid(), signal.SIGKILL)
            done += 1
            return result

        return run

    imports = StoredImports(store.database, store.keys, store.entropy)
    acceptor = store.acceptor
    for target, name in (
        (imports, "begin"),
        (imports, "write"),
        (imports, "finish"),
        (acceptor, "accept"),
    ):
        setattr(target, name, deadly(name, getattr(target, name)))
    Ingest(acceptor, store.register, imports).run(
        store.agency_id, [file], maps=[parse_map(LETTERS, "letters")]
    )
    os._exit(3)  # the step never came


def run_child(store: StoreWorld, file: Path, step: int, when: str) -> int:
    code = (
        "from pathlib import Path; from tests.scenarios.ingest.test_crash import child; "
        f"child(Path({str(store.folder)!r}), Path({str(file)!r}), {step}, {when!r})"
    )
    return subprocess.run([sys.executable, "-c", code], check=False).returncode


@pytest.mark.parametrize(
    ("step", "when"),
    [
        (0, "before"),
        (0, "after"),
        (1, "after"),
        (2, "before"),
        (2, "after"),
        (7, "before"),
        (7, "after"),
        (12, "after"),
        (13, "before"),
        (14, "before"),
        (14, "after"),
    ],
)
def test_a_run_that_was_killed_is_finished_by_the_same_command(
    world: IntakeWorld,
    letters: ColumnMap,
    monkeypatch: pytest.MonkeyPatch,
    step: int,
    when: str,
) -> None:
    path = world.file("letters.csv", table())
    assert run_child(world.store, path, step, when) == -signal.SIGKILL
    monkeypatch.setattr(ingest, "ROWS_PER_COMMIT", ROWS_PER_COMMIT)
    entered = world.size()
    report = world.take(path, maps=[letters])
    assert counts(report) == (len(GOOD) - entered, entered, len(REFUSED), len(WAITING), 0)
    subjects = Counter(claims["subject"] for claims in world.claims())
    assert subjects == Counter(f"Reminder {number}" for number in GOOD)
    assert world.imports.waiting_count(world.agency_id) == len(WAITING)
    assert world.rebuilt(path) == path.read_bytes()
    assert report.rejects_file is not None
    assert report.rejects_file.read_text().count("never") == 2 * len(REFUSED)
    assert sorted(found.name for found in world.folder.iterdir()) == [
        "letters.csv",
        "letters.rejects.csv",
    ]


def test_killed_again_and_again_it_still_ends(world: IntakeWorld, letters: ColumnMap) -> None:
    path = world.file("letters.csv", table())
    for step in (3, 5, 9, 11, 14):
        assert run_child(world.store, path, step, "after") == -signal.SIGKILL
    world.take(path, maps=[letters])
    assert world.size() == len(GOOD)
    assert world.imports.waiting_count(world.agency_id) == len(WAITING)
    assert world.rebuilt(path) == path.read_bytes()

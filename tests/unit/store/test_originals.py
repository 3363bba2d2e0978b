"""Originals are kept before the commit and taken away when nothing entered, whatever the place answers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from notary.adapters.objects.folder import ObjectFolder
from notary.adapters.store import restorations
from notary.core.intake import Accepted, IncomingFile
from notary.errors import Contradiction, NothingHappened
from notary.usecases.originals import compared, copy_all, sealed_length, sweep_orphans, try_out
from tests.simulators.store import CANARY, SeededEntropy, StoreWorld, make_world, offer

NAMES = [bytes([number]) * 16 for number in range(5)]


class Unwilling(ObjectFolder):
    """A place that refuses some acts after, or before, they applied."""

    def __init__(self, folder: Path, *refuses: str) -> None:
        super().__init__(folder)
        self.refuses = set(refuses)

    def write(self, name: bytes, chunks: Iterable[bytes]) -> None:
        super().write(name, chunks)
        self._refuse("write")

    def remove(self, names: Iterable[bytes]) -> None:
        self._refuse("remove")
        super().remove(names)

    def _refuse(self, act: str) -> None:
        if act in self.refuses:
            raise NothingHappened("OBJECTS_UNREADABLE", "of the test")


@pytest.fixture
def world(tmp_path: Path) -> StoreWorld:
    return make_world(tmp_path / "store")


@pytest.fixture
def scan(tmp_path: Path) -> IncomingFile:
    path = tmp_path / "scan"
    path.write_text(f"{CANARY} scan", "utf-8")
    return IncomingFile(path, "scan.pdf", "application/pdf")


def held(objects: ObjectFolder) -> list[bytes]:
    return [one.name for one in objects.listed()]


def test_a_removal_that_fails_changes_no_answer(world: StoreWorld, scan: IncomingFile) -> None:
    world.objects = Unwilling(world.objects.folder, "remove")
    matter = world.open_matter()
    # The second of equal offers of one call keeps an original that no record comes to name.
    outcomes = world.accept([offer(matter, "one", scan), offer(matter, "one", scan)])
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert len(held(world.objects)) == 2
    later = datetime.now(UTC) + timedelta(days=2)
    assert sweep_orphans(world.named_originals, ObjectFolder(world.objects.folder), later) == 1


def test_a_write_that_applied_and_is_refused_leaves_nothing(
    world: StoreWorld, scan: IncomingFile
) -> None:
    world.objects = Unwilling(world.objects.folder, "write")
    matter = world.open_matter()
    with pytest.raises(NothingHappened):
        world.accept([offer(matter, "one", scan)])
    assert held(world.objects) == []


def test_what_is_kept_is_sealed(world: StoreWorld, scan: IncomingFile) -> None:
    world.take(world.open_matter(), "one", scan)
    [name] = held(world.objects)
    content = b"".join(world.objects.read(name))
    assert CANARY.encode() not in content
    assert len(content) == sealed_length(scan.path.stat().st_size)


def test_a_restored_store_takes_nothing_away_that_came_after_its_backup(world: StoreWorld) -> None:
    """The store that was backed up may have gone on, in the same bucket."""
    world.objects.write(NAMES[0], [b"of a record that only the other store has"])
    now = datetime.now(UTC)
    with world.database.transaction() as connection:
        restorations.add_restoration(connection, now, now - timedelta(hours=1), 0)
    assert sweep_orphans(world.named_originals, world.objects, now + timedelta(days=30)) == 0
    with world.database.transaction() as connection:
        restorations.add_restoration(connection, now, now + timedelta(days=2), 0)
    assert sweep_orphans(world.named_originals, world.objects, now + timedelta(days=30)) == 1


def test_each_wanted_object_is_compared_with_what_is_there(tmp_path: Path) -> None:
    objects = ObjectFolder(tmp_path / "objects")
    for name in (NAMES[0], NAMES[2], NAMES[3]):
        objects.write(name, [b"1234"])
    wanted = [(NAMES[1], 4), (NAMES[2], 4), (NAMES[3], 5), (NAMES[4], 4)]
    assert list(compared(wanted, objects.listed())) == [
        (NAMES[1], 4, None),
        (NAMES[2], 4, 4),
        (NAMES[3], 5, 4),
        (NAMES[4], 4, None),
    ]


def test_a_copy_takes_what_is_missing_and_goes_on(tmp_path: Path) -> None:
    source, target = ObjectFolder(tmp_path / "source"), ObjectFolder(tmp_path / "target")
    for name in NAMES:
        source.write(name, [name])
    target.write(NAMES[1], [NAMES[1]])
    wanted = [(name, 16) for name in NAMES]
    seen: list[tuple[int, int]] = []
    plan = copy_all(wanted, source, target, lambda *at: seen.append(at), dry_run=True)
    assert (plan.there, plan.copied, plan.copied_bytes) == (1, 4, 64)
    assert held(target) == [NAMES[1]]
    assert copy_all(wanted, source, target, lambda *_: None, dry_run=False) == plan
    assert copy_all(wanted, source, target, lambda *_: None, dry_run=False).there == 5
    assert seen == [(at, 5) for at in range(1, 6)]
    assert [b"".join(target.read(name)) for name in NAMES] == NAMES


def test_a_copy_of_a_cut_object_is_refused_and_not_kept(tmp_path: Path) -> None:
    source, target = ObjectFolder(tmp_path / "source"), ObjectFolder(tmp_path / "target")
    source.write(NAMES[0], [b"123"])
    with pytest.raises(Contradiction, match="has 3 bytes, its record wants 4") as caught:
        copy_all([(NAMES[0], 4)], source, target, lambda *_: None, dry_run=False)
    assert caught.value.code == "OBJECT_LENGTH"
    assert held(target) == []


def test_a_place_that_gives_other_bytes_back_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = ObjectFolder(tmp_path / "source"), ObjectFolder(tmp_path / "target")
    source.write(NAMES[0], [b"1234"])
    monkeypatch.setattr(target, "read", lambda _: iter([b"1235"]))
    with pytest.raises(Contradiction) as caught:
        copy_all([(NAMES[0], 4)], source, target, lambda *_: None, dry_run=False)
    assert caught.value.code == "COPY_DIFFERS"
    with pytest.raises(Contradiction) as caught:
        try_out(target, SeededEntropy("x"))
    assert caught.value.code == "COPY_DIFFERS"


def test_a_place_that_is_tried_out_is_left_as_it_was(tmp_path: Path) -> None:
    objects = ObjectFolder(tmp_path / "objects")
    try_out(objects, SeededEntropy("x"))
    assert held(objects) == []

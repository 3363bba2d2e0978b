"""What is erased is gone from every file, says so in the log, and takes nothing else with it."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from signal import SIGKILL

import pytest

from notary.adapters.objects.folder import ObjectFolder
from notary.core.erasures import Order, Reason, State, standings
from notary.core.intake import Accepted, IncomingFile
from notary.errors import CallerError, NothingHappened
from notary.ports import Matter
from notary.usecases import erase
from tests.simulators.check_store import check_world
from tests.simulators.store import CANARY, StoreWorld, make_world, offer, reopen_world
from tests.simulators.store_faults import FILE_EFFECTS
from tests.simulators.store_process import Forks, Say

ORDER = Order(Reason.SUBJECT_REQUEST, "privacy office, 2026-17")
SCAN = "scan"
SAMPLE = 6  # places at which a mere kill is tried


def no_progress(done: int, total: int) -> None:
    """Nobody looks."""


@pytest.fixture
def matter(world: StoreWorld) -> Matter:
    return filled(world)


def filled(world: StoreWorld) -> Matter:
    """A matter of three records, the second with an original."""
    matter = world.open_matter()
    (world.folder / SCAN).write_bytes(CANARY.encode() * 1000)
    scan = IncomingFile(world.folder / SCAN, f"{CANARY}.pdf", "application/pdf")
    world.take(matter, "one")
    world.take(matter, "two", scan, text=f"{CANARY} owes 100", sender="+49 40 1234567")
    world.take(matter, "three")
    return matter


def secrets_of(world: StoreWorld) -> dict[int, list[bytes]]:
    """By position, the bytes by which a record's content could come back: secret, values, originals."""
    with closing(sqlite3.connect(f"file:{world.database.path}?mode=ro", uri=True)) as rows:
        found = {
            position: [wrapped, sealed]
            for position, wrapped, sealed in rows.execute(
                "SELECT position, wrapped_secret, sealed_values FROM records"
            )
        }
        for position, name in rows.execute(
            "SELECT r.position, a.name FROM attachments a JOIN records r ON r.id = a.record_id"
        ):
            found[position].append(b"".join(world.objects.read(name))[30:90])
    return found


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_the_content_goes_and_everything_else_stays(sqlite_world: StoreWorld) -> None:
    world, matter = sqlite_world, filled(sqlite_world)
    before = [world.reader.at(world.agency_id, matter.key, position) for position in range(3)]
    secrets = secrets_of(world)
    held = everything(world.data)
    assert all(one in held for of in secrets.values() for one in of)
    world.eraser().erase(matter, [1], ORDER, no_progress)
    after = [world.reader.at(world.agency_id, matter.key, position) for position in range(4)]
    for old, new in zip(before, after, strict=False):
        assert (new.leaf, new.receipt, new.kind) == (old.leaf, old.receipt, old.kind)
        assert new.erased is (old.position == 1)
    with pytest.raises(CallerError, match="was erased"):
        world.reader.content(world.agency_id, after[1].record_id)
    assert after[1].attachments == ()
    assert list(world.objects.folder.glob("??/*")) == []
    # Not only gone from the rows: from the pages, from the write-ahead log, from every file of the store.
    held = everything(world.data)
    assert [one for one in secrets[1] if one in held] == []
    assert all(one in held for position in (0, 2) for one in secrets[position])
    # And the log says so.
    stone = world.reader.content(world.agency_id, after[3].record_id).values
    assert (after[3].kind, stone["reason"]) == ("erasure", "subject_request")
    assert stone["authority"] == "privacy office, 2026-17"
    assert stone["target"] == {"position": 1, "leaf": after[1].leaf_hash.hex()}
    [known] = standings(world.erasures.lines()).values()
    assert (known.state, known.target.position) == (State.DESTROYED, 1)
    world.seal()
    check_world(world)


def test_a_deletion_that_does_not_write_over_would_be_seen(sqlite_world: StoreWorld) -> None:
    """The test of the test: without the store's pragma the bytes stay in the file."""
    world = sqlite_world
    filled(world)
    secrets = secrets_of(world)
    with closing(sqlite3.connect(world.database.path)) as careless:
        careless.execute("PRAGMA secure_delete=OFF")
        careless.execute(
            "UPDATE records SET wrapped_secret = NULL, sealed_values = NULL WHERE position = 1"
        )
        careless.commit()
        careless.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    held = everything(world.data)
    assert any(one in held for one in secrets[1][:2])


def test_erasing_again_adds_nothing(world: StoreWorld, matter: Matter) -> None:
    eraser = world.eraser()
    eraser.erase(matter, [1, 1, 0], ORDER, no_progress)
    [again, _] = eraser.erase(
        world.register.all(world.agency_id)[0],
        [1, 0],
        Order(Reason.MISTAKE, "another office"),
        no_progress,
    )
    assert (again.has_content, again.tombstone) == (False, 3)
    assert world.register.all(world.agency_id)[0].size == 5
    assert len(world.erasures.lines()) == 6


def test_a_plan_names_what_goes_and_writes_nothing(world: StoreWorld, matter: Matter) -> None:
    copy = IncomingFile(world.folder / SCAN, "copy.pdf", "application/pdf")
    world.take(matter, "copy", copy)
    matter = world.register.all(world.agency_id)[0]
    before = everything(world.folder)
    [one] = world.planner.plan(matter, [1], None)
    assert (one.kind, one.originals, one.kept) == ("message", (len(CANARY) * 1000,), 0)
    assert one.claims == ("attachment-0", "sender", "text")
    # The same file at another record would stay.
    assert one.also == (3,)
    assert (one.has_content, one.tombstone, one.refused) == (True, None, None)
    assert everything(world.folder) == before


@pytest.mark.parametrize(
    ("authority", "code"),
    [
        ("", "STATED_TEXT"),
        ("officer@agency.example", "STATED_PERSONAL"),
        ("call +49 40 7654321", "STATED_PERSONAL"),
        ("asked from +49 40 1234567", "STATED_PERSONAL"),
        (f"{CANARY} owes 100, so", "STATED_PERSONAL"),
    ],
)
def test_an_authority_with_a_person_in_it_is_refused_and_nothing_goes(
    world: StoreWorld, matter: Matter, authority: str, code: str
) -> None:
    with pytest.raises(CallerError) as caught:
        world.eraser().erase(matter, [1], Order(Reason.OTHER, authority), no_progress)
    assert caught.value.code == code
    assert authority[:10] not in str(caught.value) or not authority
    assert world.erasures.lines() == []
    assert not world.reader.at(world.agency_id, matter.key, 1).erased


def test_unknown_positions_and_records_of_erasures_are_refused(
    world: StoreWorld, matter: Matter
) -> None:
    eraser = world.eraser()
    for positions, code in (([], "POSITIONS_WANTED"), ([0, 3], "RECORD_UNKNOWN")):
        with pytest.raises(CallerError) as caught:
            eraser.erase(matter, positions, ORDER, no_progress)
        assert caught.value.code == code
    eraser.erase(matter, [0], ORDER, no_progress)
    with pytest.raises(CallerError) as caught:
        eraser.erase(world.register.all(world.agency_id)[0], [1, 3], ORDER, no_progress)
    assert caught.value.code == "ERASURE_KIND"
    # One that may not be erased keeps all of them from being begun.
    assert not world.reader.at(world.agency_id, matter.key, 1).erased


def test_a_reader_that_keeps_old_bytes_in_the_log_is_told_and_the_next_call_ends_it(
    world: StoreWorld, matter: Matter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy() -> bool:
        raise NothingHappened("STORE_BUSY", "a reader is at work")

    with monkeypatch.context() as patched:
        patched.setattr(world.database, "forget_deleted", busy)
        with pytest.raises(NothingHappened, match="a reader is at work"):
            world.eraser().erase(matter, [1], ORDER, no_progress)
    [left] = world.eraser().unfinished()
    assert left.state is State.RECORDED
    assert world.eraser().finish().destroyed == 1
    assert world.eraser().unfinished() == []


def test_a_store_that_was_put_back_by_hand_loses_it_again(
    sqlite_world: StoreWorld, tmp_path: Path
) -> None:
    world, matter = sqlite_world, filled(sqlite_world)
    world.close()
    shutil.copytree(world.data, tmp_path / "copy")
    world.eraser().erase(matter, [1], ORDER, no_progress)
    world.close()
    shutil.rmtree(world.data)
    shutil.copytree(tmp_path / "copy", world.data)
    again = reopen_world(world.folder, "again")
    assert not again.reader.at(again.agency_id, matter.key, 1).erased
    assert again.eraser().enforce() == 1
    assert again.reader.at(again.agency_id, matter.key, 1).erased
    assert list(again.objects.folder.glob("??/*")) == []
    # The copy had no tombstone: the next call adds it, and nothing twice.
    assert again.register.all(again.agency_id)[0].size == 3
    assert again.eraser().finish().destroyed == 1
    assert again.reader.at(again.agency_id, matter.key, 3).kind == "erasure"
    assert again.eraser().enforce() == 0
    assert again.eraser().finish().destroyed == 0
    assert again.register.all(again.agency_id)[0].size == 4
    check_world(again)
    again.close()


# Stopped anywhere.


def erase_two(world: StoreWorld, say: Say) -> None:
    """Erase two of three records."""
    [matter] = world.register.all(world.agency_id)
    world.eraser().erase(matter, [0, 1], ORDER, no_progress)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a matter of three records."""
    home = tmp_path_factory.mktemp("template")
    world = make_world(home)
    filled(world)
    world.close()
    return home


def places_of(forks: Forks, template: Path, tmp_path: Path) -> list[str]:
    home = Path(shutil.copytree(template, tmp_path / "whole"))
    run = forks.run(erase_two, home, "whole")
    assert run.status == 0, run.said
    return run.places


def tombstones(world: StoreWorld, matter: Matter) -> set[object]:
    views = world.reader.of_matter(world.agency_id, matter.key, 0, matter.size + 10)
    stones = [view for view in views if view.kind == "erasure"]
    found: set[object] = set()
    for view in stones:
        target = world.reader.content(world.agency_id, view.record_id).values["target"]
        assert isinstance(target, dict)
        found.add(target["position"])
    return found


@pytest.mark.slow
@pytest.mark.parametrize("strike", ["kill", pytest.param("power", marks=pytest.mark.soak)])
def test_stopped_anywhere_nothing_is_gone_without_its_tombstone_and_the_next_call_ends_it(
    forks: Forks, template: Path, tmp_path: Path, strike: str
) -> None:
    places = places_of(forks, template, tmp_path)
    # At any other place nothing is unforced, and a kill is what a loss of power is.
    wanted = [
        at
        for at, place in enumerate(places)
        if strike == "power" or place.split()[1] in FILE_EFFECTS
    ]
    if strike == "kill":
        wanted = wanted[:: len(wanted) // SAMPLE]  # a loss of power is a kill that takes more away
    for effect in ("write txt", "force txt", "insert records", "update records", "commit"):
        assert f"before {effect}" in places
    home = tmp_path / "struck"
    for at in wanted:
        shutil.copytree(template, home)
        run = forks.run(erase_two, home, "struck", at, strike=strike)
        assert run.status == -SIGKILL, run.said
        world = reopen_world(home, "again")
        try:
            [matter] = world.register.all(world.agency_id)
            gone = {p for p in (0, 1, 2) if world.reader.at(1, matter.key, p).erased}
            assert gone <= tombstones(world, matter), places[at]
            before = world.erasures.lines()
            world.eraser().finish()
            if before:
                # Whatever was begun is ended by a call that knows nothing of it.
                assert world.register.all(world.agency_id)[0].size == 5, places[at]
            world.eraser().erase(matter, [0, 1], ORDER, no_progress)
            assert tombstones(world, matter) == {0, 1}
            assert world.register.all(world.agency_id)[0].size == 5
            assert world.eraser().unfinished() == []
            assert list(world.objects.folder.glob("??/*")) == []
            check_world(world, crashed=True)
        finally:
            world.close()
            shutil.rmtree(home)


def test_a_destruction_before_its_tombstone_would_be_found(
    world: StoreWorld, matter: Matter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test of the test above: destroy first, and fail to record it."""
    eraser = world.eraser()

    class Refusing:
        def accept(self, *_: object) -> list[Accepted]:
            raise NothingHappened("AWAY", "the log is away")

    with pytest.raises(NothingHappened):
        world.eraser(Refusing()).erase(matter, [0], ORDER, no_progress)  # type: ignore[arg-type]
    # As it is: what could not be recorded is not gone.
    assert not world.reader.at(world.agency_id, matter.key, 0).erased
    assert [one.state for one in eraser.unfinished()] == [State.BEGUN]
    assert eraser.finish().destroyed == 1
    assert tombstones(world, matter) == {0}


def test_an_original_that_could_not_be_removed_is_removed_by_the_next_call(
    world: StoreWorld, matter: Matter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: ObjectFolder, names: object) -> None:
        raise NothingHappened("OBJECT_STAYS", "the disk refuses")

    with monkeypatch.context() as patched:
        patched.setattr(ObjectFolder, "remove", refused)
        with pytest.raises(NothingHappened):
            world.eraser().erase(matter, [1], ORDER, no_progress)
    assert not world.reader.at(world.agency_id, matter.key, 1).erased
    world.eraser().finish()
    assert world.reader.at(world.agency_id, matter.key, 1).erased
    assert list(world.objects.folder.glob("??/*")) == []


def test_many_records_go_in_parts(world: StoreWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erase, "AT_A_TIME", 10)
    matter = world.open_matter()
    world.accept([offer(matter, f"{number}") for number in range(25)])
    matter = world.register.all(world.agency_id)[0]
    seen: list[tuple[int, int]] = []
    wanted = random.Random(1).sample(range(25), 23)
    world.eraser().erase(matter, wanted, ORDER, lambda done, total: seen.append((done, total)))
    assert seen == [(10, 23), (20, 23), (23, 23)]
    matter = world.register.all(world.agency_id)[0]
    assert matter.size == 48
    assert tombstones(world, matter) == set(wanted)
    assert world.planner.with_content(matter) == sorted(set(range(25)) - set(wanted))
    check_world(world)

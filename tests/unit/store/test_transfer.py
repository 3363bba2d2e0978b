"""A store moves between the databases whole, row by row, or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from notary.adapters.store import transfer
from notary.adapters.store.database import Database
from notary.adapters.store.migrations import require_current
from notary.adapters.store.notices import StoredNotices
from notary.adapters.store.schema import METADATA
from notary.adapters.store.snapshot import (
    copy_database,
    facts,
    named_objects,
    opened_copy,
    opened_live,
)
from notary.core.intake import IncomingFile
from notary.errors import CallerError, NothingHappened
from notary.notice_ports import Stand
from tests.postgres import Server
from tests.simulators.check_store import check_world
from tests.simulators.store import URI, StoreWorld, make_world, offer, reopen_world

Contents = dict[str, list[tuple[object, ...]]]


@pytest.fixture
def world(tmp_path: Path, store_uri: str | None) -> Iterator[StoreWorld]:
    """A store with something of most kinds in it."""
    world = make_world(tmp_path / "home", uri=store_uri)
    matter = world.open_matter("First", "account 1")
    other = world.open_matter("Second")
    (tmp_path / "scan").write_bytes(b"content")
    scan = IncomingFile(tmp_path / "scan", "scan.pdf", "application/pdf")
    world.accept([offer(matter, "1", scan), offer(other, "2"), offer(matter, "3")])
    world.seal()
    world.take(other, "4")
    world.clock.advance(60)
    world.seal()
    world.take(matter, "5")
    notices = StoredNotices(world.database, world.entropy)
    notices.keep({"HELD": Stand("funds", world.clock.now())}, ["ops"], world.clock.now())
    yield world
    world.close()


@pytest.fixture
def target(postgres_server: Server) -> Iterator[Database]:
    """An empty database of PostgreSQL."""
    found = Database(postgres_server.empty())
    yield found
    found.close()
    postgres_server.drop(str(found.place))


def no_bar(done: int, total: int) -> None:
    pass


def contents(database: Database) -> Contents:
    """Every row of every table, as the library gives it."""
    with database.reading() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in METADATA.sorted_tables
        }


def test_a_copy_holds_every_row_and_is_whole(world: StoreWorld, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    copy_database(world.database, tmp_path / "copy.db", lambda *step: steps.append(step))
    assert steps[-1][0] == steps[-1][1] > 0
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("copy")] == ["copy.db"]
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    copy = Database(tmp_path / "copy.db")
    require_current(copy)
    before = contents(world.database)
    assert contents(copy) == before
    assert {"records", "heads", "attachments", "alarm_events", "notices"} <= {
        name for name, rows in before.items() if rows
    }
    copy.close()


def test_a_copy_is_one_moment_while_others_write(world: StoreWorld, tmp_path: Path) -> None:
    """What enters while the copy is made is in none of its tables."""
    [matter, _] = world.register.all(world.agency_id)

    def meanwhile(done: int, total: int) -> None:
        world.take(matter, f"meanwhile {done}")

    copy_database(world.database, tmp_path / "copy.db", meanwhile)
    with opened_copy(tmp_path / "copy.db") as copied, opened_live(world.database) as live:
        assert facts(copied).records == 5 < facts(live).records
        groups = copied.execute("SELECT count(DISTINCT group_id) FROM records").fetchone()
        assert groups == copied.execute("SELECT count(*) FROM receipt_groups").fetchone()
        assert list(named_objects(copied)) == list(named_objects(live))


def test_what_is_loaded_is_the_same_and_goes_on(
    world: StoreWorld, target: Database, tmp_path: Path
) -> None:
    copy_database(world.database, tmp_path / "copy.db", no_bar)
    transfer.load(tmp_path / "copy.db", target, no_bar)
    assert contents(target) == contents(world.database)
    # The same folder, with its keys and originals, over the other database.
    world.close()
    (world.folder / URI).write_text(str(target.place))
    moved = reopen_world(world.folder, "moved")
    moved.promised, moved.published = world.promised, world.published
    moved.clock.advance(3600)
    check_world(moved)
    [first, second] = moved.register.all(moved.agency_id)
    assert moved.take(first, "5").replayed
    third = moved.open_matter("Third", "account 3")
    assert third.matter_id == second.matter_id + 1
    moved.take(third, "6")
    moved.seal()
    notices = StoredNotices(moved.database, moved.entropy)
    notices.keep({}, ["ops"], moved.clock.now() + timedelta(days=1))
    check_world(moved)
    moved.close()


def test_nothing_is_loaded_over_a_store(
    world: StoreWorld, target: Database, tmp_path: Path
) -> None:
    copy_database(world.database, tmp_path / "copy.db", no_bar)
    transfer.load(tmp_path / "copy.db", target, no_bar)
    before = contents(target)
    with pytest.raises(CallerError, match="holds a store already") as caught:
        transfer.load(tmp_path / "copy.db", target, no_bar)
    assert caught.value.code == "STORE_NOT_EMPTY"
    with pytest.raises(CallerError, match="holds a store already"):
        transfer.require_vacant(target)
    assert contents(target) == before
    # Only who says that what is there is his own.
    world.open_matter("Fourth")
    (tmp_path / "copy.db").unlink()
    copy_database(world.database, tmp_path / "copy.db", no_bar)
    transfer.load(tmp_path / "copy.db", target, no_bar, over=True)
    assert contents(target) == contents(world.database) != before


@pytest.mark.parametrize("store_uri", ["sqlite"], indirect=True)
def test_a_load_that_is_cut_leaves_an_empty_store(
    world: StoreWorld, target: Database, tmp_path: Path
) -> None:
    copy_database(world.database, tmp_path / "copy.db", no_bar)

    def cut(done: int, total: int) -> None:
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transfer.load(tmp_path / "copy.db", target, cut)
    transfer.require_vacant(target)
    transfer.load(tmp_path / "copy.db", target, no_bar)
    assert contents(target) == contents(world.database)


@pytest.mark.parametrize("store_uri", ["postgresql"], indirect=True)
def test_a_copy_onto_a_disk_that_refuses_is_told(
    world: StoreWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(sqlite3.Connection):
        def executemany(self, *_: object) -> sqlite3.Cursor:
            raise sqlite3.OperationalError("database or disk is full")

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **more: connect(*a, factory=Full, **more))
    with pytest.raises(NothingHappened, match="disk is full") as caught:
        copy_database(world.database, tmp_path / "copy.db", no_bar)
    assert caught.value.code == "COPY_FAILED"
    assert not (tmp_path / "copy.db").exists()

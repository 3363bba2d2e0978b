"""The mark beside the keys: never above a store that lost nothing, never below what was signed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from notary.adapters.keys.mark import MARK, MarkFile
from notary.adapters.store import batches as rows
from notary.adapters.store.sealing import SealingRows
from notary.core import sealing
from notary.core.mark import Mark
from notary.errors import CallerError, Contradiction, NothingHappened
from tests.simulators.store import StoreWorld, copied_world, reopen_world

ONE, OTHER = Mark(1, b"\x01" * 32), Mark(1, b"\x02" * 32)


class Crash(BaseException):
    """The process ends here."""


@pytest.fixture
def mark(tmp_path: Path) -> MarkFile:
    return MarkFile(tmp_path, "notary.example/log")


def test_it_only_grows(mark: MarkFile, tmp_path: Path) -> None:
    assert mark.read() is None
    mark.raise_to(ONE)
    mark.raise_to(ONE)
    mark.raise_to(Mark(3, b"\x03" * 32))
    for lower in (ONE, Mark(3, b"\x04" * 32), Mark(2, b"\x03" * 32)):
        with pytest.raises(Contradiction) as caught:
            mark.raise_to(lower)
        assert caught.value.code == "STORE_BEHIND_SIGNED"
    assert mark.read() == Mark(3, b"\x03" * 32)
    assert (tmp_path / MARK).stat().st_mode & 0o777 == 0o600


def test_a_damaged_or_foreign_mark_is_refused(mark: MarkFile, tmp_path: Path) -> None:
    mark.raise_to(ONE)
    whole = (tmp_path / MARK).read_bytes()
    for content in (b"", whole[:-1], whole + b"\n", whole.replace(b"\n1 ", b"\n01 ")):
        (tmp_path / MARK).write_bytes(content)
        with pytest.raises(CallerError) as caught:
            mark.read()
        assert caught.value.code == "MARK_FORM"
    (tmp_path / MARK).write_bytes(whole)
    with pytest.raises(CallerError) as caught:
        MarkFile(tmp_path, "other.example/log").read()
    assert caught.value.code == "MARK_OF_OTHER_LOG"


def test_after_each_sealing_it_is_the_stores_end(world: StoreWorld) -> None:
    for size in (1, 2, 3):
        world.sealer.seal(world.clock.now(), None)
        with world.database.reading() as connection:
            assert world.mark.read() == rows.mark_at(connection, size)


def crash_in(patch: pytest.MonkeyPatch, owner: object, name: str, *, after: bool) -> None:
    act: Callable[..., object] = getattr(owner, name)

    def crash(*args: object) -> None:
        if after:
            act(*args)
        raise Crash

    patch.setattr(owner, name, crash)


PLACES = [
    (SealingRows, "append"),
    (MarkFile, "raise_to"),
    (sealing, "sign_checkpoint"),
    (SealingRows, "keep_checkpoint"),
]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("place", range(len(PLACES)))
def test_a_crash_anywhere_in_sealing_leaves_one_history(
    world: StoreWorld, monkeypatch: pytest.MonkeyPatch, place: int, after: bool
) -> None:
    world.take(world.open_matter(), "1")
    world.sealer.seal(world.clock.now(), None)
    signed: dict[int, set[bytes]] = {}
    sign = sealing.sign_checkpoint

    def watched(header: object, frontier: object, keys: object) -> str:
        signed.setdefault(frontier.size, set()).add(bytes(frontier.root()))  # type: ignore[attr-defined]
        return sign(header, frontier, keys)  # type: ignore[arg-type]

    monkeypatch.setattr(sealing, "sign_checkpoint", watched)
    with monkeypatch.context() as patch:
        crash_in(patch, *PLACES[place], after=after)
        with pytest.raises(Crash):
            world.sealer.seal(world.clock.now(), None)
    # Nobody is shown a batch without a checkpoint, and the store opens as it is.
    again = reopen_world(world.folder, "again")
    assert again.batch_log.size() == 1
    for ask in (again.batch_log.batch, again.batch_log.delta):
        with pytest.raises(CallerError):
            ask(1)
    with pytest.raises(CallerError):
        again.batch_log.checkpoint(2)
    # A record and an hour later: the same size is signed with the same root, or for the first time.
    again.take(again.open_matter("later"), "2")
    again.clock.advance(3601)
    assert again.sealer.due(again.clock.now())
    assert again.sealer.seal(again.clock.now(), None).index == 1
    again.sealer.seal(again.clock.now(), None)
    assert all(len(roots) == 1 for roots in signed.values()), "two roots of one size were signed"
    with again.database.reading() as connection:
        assert again.mark.read() == rows.mark_at(connection, 3)
    again.close()


def backed_up(world: StoreWorld, folder: Path) -> Path:
    """The store as it is now, beside the keys as they will be."""
    world.close()
    copy = copied_world(world.folder, folder)
    shutil.rmtree(copy / "keys")
    (copy / "keys").symlink_to(world.folder / "keys")
    return copy


@pytest.mark.parametrize("lost", [1, 2])
def test_an_older_store_seals_nothing_beside_its_newer_mark(
    world: StoreWorld, tmp_path: Path, lost: int
) -> None:
    world.sealer.seal(world.clock.now(), None)
    copy = backed_up(world, tmp_path.with_name(f"{tmp_path.name}-copy"))
    for _ in range(lost):
        world.sealer.seal(world.clock.now(), None)
    kept = world.mark.read()
    old = reopen_world(copy, "back")
    for _ in range(2):
        with pytest.raises(NothingHappened) as caught:
            old.sealer.seal(old.clock.now(), None)
        assert caught.value.code == "STORE_BEHIND_SIGNED"
    assert (old.batch_log.size(), old.mark.read()) == (1, kept)
    old.close()


def test_an_older_store_that_was_at_work_already_is_found_out_before_it_signs(
    world: StoreWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.sealer.seal(world.clock.now(), None)
    old = reopen_world(backed_up(world, tmp_path.with_name(f"{tmp_path.name}-copy")), "copy")
    old.clock.advance(60)

    # The other copy seals after this one looked, and before it writes.
    make = sealing.make_batch

    def meanwhile(*args: object) -> object:
        monkeypatch.undo()
        world.sealer.seal(world.clock.now(), None)
        return make(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(sealing, "make_batch", meanwhile)
    with pytest.raises(Contradiction) as caught:
        old.sealer.seal(old.clock.now(), None)
    assert caught.value.code == "STORE_BEHIND_SIGNED"
    assert old.batch_log.size() == 1
    old.close()


def test_without_a_mark_the_next_sealing_makes_one(world: StoreWorld) -> None:
    world.sealer.seal(world.clock.now(), None)
    (world.folder / "keys" / MARK).unlink()
    world.sealer.seal(world.clock.now(), None)
    with world.database.reading() as connection:
        assert world.mark.read() == rows.mark_at(connection, 2)

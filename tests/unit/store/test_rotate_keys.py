"""Keys are handed over in one commit: killed or without power anywhere, the log has the old keys or the
new ones, the same call again finishes the work, and no process signs with others.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from signal import SIGKILL
from typing import cast

import pytest

from notary.adapters.keys.folder import add_set, destroy_sets, load_sets
from notary.adapters.store.log import StoredKeyUses, key_uses, keys_in_force
from notary.core.keyring import KeysInForce
from notary.core.mark import Mark
from notary.errors import NothingHappened
from notary.ports import Anchor, AnchorBook
from notary.usecases.rotate_keys import HandedOver, KeyRotation
from notary.usecases.seal import Sealer
from tests.simulators.check_store import check_world
from tests.simulators.store import StoreWorld, make_world, reopen_world
from tests.simulators.store_faults import FILE_EFFECTS
from tests.simulators.store_process import Forks, Say
from verifier.format import batches, key_sets, notes, receipts
from verifier.format.digests import ZERO
from verifier.format.fold import Link

ANCHORED = 4  # the size at which the world's last anchor stands, where it has one


class Book:
    """An anchor book whose newest anchor has that size; 0 for none."""

    def __init__(self, size: int) -> None:
        self.size = size

    def anchors(self) -> list[Anchor]:
        if not self.size:
            return []
        return [Anchor(0, bytes(32), Link(ZERO, self.size, 1), bytes(32))]


def rotation_of(world: StoreWorld, anchored: int = 0) -> KeyRotation:
    folder = world.folder / "keys"
    return KeyRotation(
        StoredKeyUses(world.database),
        world.keys,
        world.sealer,
        cast(AnchorBook, Book(anchored)),
        lambda: add_set(folder, world.entropy),
        lambda numbers: destroy_sets(folder, numbers),
    )


def rotate(world: StoreWorld, anchored: int = 0) -> HandedOver:
    return rotation_of(world, anchored).rotate(world.clock.now(), None)


def in_force(world: StoreWorld) -> KeysInForce:
    with world.database.reading() as connection:
        return keys_in_force(connection)


def numbers(world: StoreWorld) -> list[int]:
    return [keys.number for keys in load_sets(world.folder / "keys")]


def test_the_hand_over_is_sealed_with_the_set_that_was_committed_to(world: StoreWorld) -> None:
    world.seal()
    before = in_force(world)
    done = rotate(world)
    after = in_force(world)
    assert (done.batch, done.now) == (1, True)
    assert after == (done.keys, done.next_keys)
    assert after.keys == before.next_keys
    assert after.next_keys not in before
    assert numbers(world) == [1, 2, 3]
    header = batches.parse_header(world.batch_log.batch(1).header_bytes)
    assert (header.keys, header.next_keys) == after
    # format.md §10: the last checkpoint of the old keys is the one before the hand-over's.
    for size, digest in ((1, before.keys), (2, after.keys)):
        note = notes.parse_note(world.batch_log.checkpoint(size))
        key_sets.check_checkpoint(note, key_sets.parse(world.batch_log.key_set(digest)))
    assert world.batch_log.hand_overs(2) == [0]
    assert world.batch_log.hand_overs(1) == []
    check_world(world)


def test_a_log_can_begin_with_a_hand_over(world: StoreWorld) -> None:
    """Its first batch is then the second key set's, and no package carries a hand-over."""
    first = in_force(world)
    done = rotate(world)
    assert (done.batch, done.keys) == (0, first.next_keys)
    assert world.batch_log.hand_overs(1) == []
    check_world(world)


def test_a_second_call_before_the_anchor_changes_nothing(world: StoreWorld) -> None:
    world.seal()
    done = rotate(world)
    again = rotate(world, anchored=done.batch)
    assert (again.batch, again.keys, again.next_keys) == (done.batch, done.keys, done.next_keys)
    assert not again.now
    assert world.batch_log.size() == 2
    assert rotate(world, anchored=done.batch + 1).batch == 2


def test_old_keys_are_destroyed_when_the_hand_over_is_anchored_and_not_before(
    world: StoreWorld,
) -> None:
    world.seal()
    assert rotation_of(world, ANCHORED).retire() == []
    done = rotate(world)
    assert rotation_of(world).retire() == []
    assert rotation_of(world, done.batch).retire() == []
    assert numbers(world) == [1, 2, 3]
    assert rotation_of(world, done.batch + 1).retire() == [1]
    assert numbers(world) == [2, 3]
    assert rotation_of(world, done.batch + 1).retire() == []
    # The log goes on, and opens without the old keys.
    world.seal()
    world.close()
    again = reopen_world(world.folder, "again")
    again.seal()
    check_world(again)
    again.close()


def test_a_set_that_a_crash_left_half_destroyed_is_destroyed_by_the_next_call(
    world: StoreWorld,
) -> None:
    world.seal()
    done = rotate(world)
    keys = world.folder / "keys"
    (keys / "set-1").rename(keys / "set-1.gone")
    (keys / "set-1.gone" / "receipt.ed25519").unlink()
    assert rotation_of(world, done.batch + 1).retire() == []
    assert not list(keys.glob("*.gone"))
    assert numbers(world) == [2, 3]


def test_a_prepared_set_is_never_destroyed_and_is_taken_up(world: StoreWorld) -> None:
    world.seal()
    left = add_set(world.folder / "keys", world.entropy)
    done = rotate(world)
    assert numbers(world) == [1, 2, left]
    assert done.next_keys == world.keys.signers.all()[-1].digest
    more = add_set(world.folder / "keys", world.entropy)
    assert rotation_of(world, done.batch + 1).retire() == [1]
    assert numbers(world) == [2, left, more]


def test_a_process_that_runs_since_before_takes_the_new_keys(world: StoreWorld) -> None:
    matter = world.open_matter()
    world.take(matter, "before")
    world.seal()
    old = world.key_set
    other = reopen_world(world.folder, "other")
    rotate(other)
    other.close()
    # `world` was opened before: it reads the new set from the folder when the store names it.
    record = world.take(matter, "after")
    body = receipts.check_receipt(receipts.parse(record.receipt), [world.key_set.receipt])
    assert body.keys == (world.key_set.receipt,)
    assert world.key_set != old
    world.seal()
    header = batches.parse_header(world.batch_log.batch(2).header_bytes)
    assert header.keys == key_sets.digest(world.key_set)
    check_world(world)


def test_a_batch_that_was_made_before_a_hand_over_is_not_stored_after_it(
    world: StoreWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between computing and storing, another process hands over: no two headers at one index."""
    world.seal()
    other = reopen_world(world.folder, "other")
    stored = Sealer._sign_newest

    def first_the_other(self: Sealer) -> object:
        if self is late:
            monkeypatch.setattr(Sealer, "_sign_newest", stored)
            rotate(other)
        return stored(self)

    late = world.sealer
    monkeypatch.setattr(Sealer, "_sign_newest", first_the_other)
    sealed = late.seal(world.clock.now(), None)
    assert sealed.header.keys == in_force(other).keys
    old = in_force(world)._replace(keys=ZERO).keys
    with pytest.raises(NothingHappened, match="handed the keys over meanwhile"):
        late.seal(world.clock.now(), None, hand_over=(old, in_force(world).next_keys))
    other.close()
    check_world(world)


def test_a_batch_without_signature_is_signed_by_its_own_keys_before_the_hand_over(
    world: StoreWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.seal()
    with monkeypatch.context() as patch:
        patch.setattr(Sealer, "_sign_newest", lambda _: None)
        world.sealer.seal(world.clock.now(), None)
    assert world.batch_log.size() == 1
    done = rotate(world)
    assert done.batch == 2
    check_world(world)


def test_nothing_is_handed_over_by_a_store_that_is_behind(world: StoreWorld) -> None:
    world.seal()
    world.mark.raise_to(Mark(9, bytes(32)))
    with pytest.raises(NothingHappened) as caught:
        rotate(world)
    assert caught.value.code == "STORE_BEHIND_SIGNED"
    assert numbers(world) == [1, 2, 3]  # prepared, and used when the store is mended
    assert world.batch_log.size() == 1


# ---------------------------------------------------------------------- struck anywhere


def handing_over(world: StoreWorld, say: Say) -> None:
    """Hand over, have it anchored, destroy the old keys, go on. Says what was promised."""
    done = rotate(world, anchored=1)
    say(f"handed over in batch {done.batch}")
    rotation_of(world, done.batch + 1).retire()
    say("destroyed")
    matter = world.register.all(world.agency_id)[0]
    world.take(matter, "after")
    world.seal()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a matter, a record and a batch."""
    home = tmp_path_factory.mktemp("template")
    world = make_world(home)
    world.take(world.open_matter(), "before")
    world.seal()
    world.close()
    return home


@pytest.mark.slow
@pytest.mark.parametrize("strike", ["kill", pytest.param("power", marks=pytest.mark.soak)])
def test_struck_anywhere_the_log_has_one_key_set_and_the_call_again_finishes(
    forks: Forks, template: Path, tmp_path: Path, strike: str
) -> None:
    whole = forks.run(handing_over, shutil.copytree(template, tmp_path / "whole"), "whole")
    assert whole.status == 0, whole.said
    for effect in ("make folder", "force ml-dsa-44", "rename object", "insert key_sets", "commit"):
        assert f"before {effect}" in whole.places, whole.places
    assert len(whole.places) > 60
    for at, place in enumerate(whole.places):
        # At any other place nothing is unforced, and a kill is what a loss of power is.
        if strike == "kill" and place.split()[1] not in FILE_EFFECTS:
            continue
        home = shutil.copytree(template, tmp_path / "struck")
        run = forks.run(handing_over, home, "struck", at, strike=strike)
        assert run.status == -SIGKILL, run.said
        world = reopen_world(home, "again")
        check_world(world, crashed=True)
        if "handed over in batch 1" in run.said:
            assert in_force(world).keys == _second(world)
        done = rotate(world, anchored=1)
        assert done.batch == 1  # once, however often the call is made
        rotation_of(world, done.batch + 1).retire()
        world.seal()
        check_world(world)
        assert numbers(world) == [2, 3]
        with world.database.reading() as connection:
            assert [use.first_batch for use in key_uses(connection)] == [0, 1]
        world.close()
        shutil.rmtree(home)


def _second(world: StoreWorld) -> bytes:
    with world.database.reading() as connection:
        return key_uses(connection)[1].digest

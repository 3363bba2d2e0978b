"""A hold stands in the log, keeps what it covers, and goes by a release alone."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from notary.core.erasures import Order, Reason, State, standings
from notary.core.intake import Incoming
from notary.errors import CallerError, NothingHappened
from notary.ports import Matter
from tests.simulators.check_store import check_world
from tests.simulators.store import StoreWorld
from verifier.format.jsonc import Json

ORDER = Order(Reason.SUBJECT_REQUEST, "privacy office, 2026-17")
WHY = ("pending suit, 12 C 3", "legal department")


def no_progress(done: int, total: int) -> None:
    """Nobody looks."""


@pytest.fixture
def matter(world: StoreWorld) -> Matter:
    matter = world.open_matter()
    for number in range(3):
        world.take(matter, f"{number}")
    return again(world)


def again(world: StoreWorld) -> Matter:
    return world.register.all(world.agency_id)[0]


def refusal(world: StoreWorld, position: int) -> CallerError:
    with pytest.raises(CallerError) as caught:
        world.eraser().erase(again(world), [position], ORDER, no_progress)
    return caught.value


def test_a_hold_of_a_matter_keeps_every_record_and_is_named(
    world: StoreWorld, matter: Matter
) -> None:
    told = world.holds.set(matter, None, *WHY)
    assert told.position == 3
    world.take(matter, "later")
    for position in (0, 4):
        found = refusal(world, position)
        assert found.code == "ERASURE_HELD"
        assert "under the hold that record 3 set" in str(found)
        assert "pending suit, 12 C 3 (legal department)" in str(found)
        assert f"notary hold release {matter.number} 3" in str(found)
    [planned] = world.planner.plan(again(world), [0], ORDER)
    assert planned.refused is not None
    assert planned.refused.code == "ERASURE_HELD"
    world.holds.release(again(world), 3, "suit withdrawn", "legal department")
    world.eraser().erase(again(world), [0, 4], ORDER, no_progress)
    check_world(world)


def test_a_hold_of_a_record_keeps_that_one_alone(world: StoreWorld, matter: Matter) -> None:
    world.holds.set(matter, 1, *WHY)
    assert refusal(world, 1).code == "ERASURE_HELD"
    world.eraser().erase(again(world), [0], ORDER, no_progress)
    assert [hold.held for hold in world.holds.standing(again(world))] == [1]


def test_of_two_holds_each_is_released_by_itself(world: StoreWorld, matter: Matter) -> None:
    first, second = (world.holds.set(matter, one, *WHY) for one in (1, None))
    world.holds.release(again(world), first.position, "over", "legal department")
    assert [hold.position for hold in world.holds.standing(again(world))] == [second.position]
    assert refusal(world, 1).code == "ERASURE_HELD"
    with pytest.raises(CallerError, match=r"no hold of nm1.* stands at position 3"):
        world.holds.release(again(world), first.position, "over", "legal department")


def test_the_records_of_holds_are_never_erased(world: StoreWorld, matter: Matter) -> None:
    world.holds.set(matter, 1, *WHY)
    world.holds.release(again(world), 3, "over", "legal department")
    for position in (3, 4):
        assert refusal(world, position).code == "ERASURE_KIND"


@pytest.mark.parametrize("place", [0, 1])
def test_a_hold_with_a_person_in_it_is_refused(
    world: StoreWorld, matter: Matter, place: int
) -> None:
    words = list(WHY)
    words[place] = "asked by clerk@court.example"
    with pytest.raises(CallerError) as caught:
        world.holds.set(matter, None, words[0], words[1])
    assert caught.value.code == "STATED_PERSONAL"
    assert again(world).size == 3


def test_nothing_is_left_to_hold_of_an_erased_record(world: StoreWorld, matter: Matter) -> None:
    world.eraser().erase(matter, [1], ORDER, no_progress)
    with pytest.raises(CallerError) as caught:
        world.holds.set(again(world), 1, *WHY)
    assert caught.value.code == "ERASED"


def test_a_word_of_a_hold_in_another_record_is_no_hold(world: StoreWorld, matter: Matter) -> None:
    claims: dict[str, Json] = {"text": '"kind":"hold"', "fields": {"action": "set"}}
    world.acceptor.accept(
        world.agency_id, [Incoming(matter.key, "message", claims, "a message about a hold")]
    )
    assert world.holds.standing(again(world)) == []


def test_a_hold_waits_for_an_erasure_that_has_begun_on_whatever_machine(
    world: StoreWorld, matter: Matter, tmp_path: Path
) -> None:
    done = threading.Event()

    def hold() -> None:
        world.holds.set(matter, None, *WHY)
        done.set()

    lock = world.folder / "erasing.lock"
    if not isinstance(world.database.place, Path):
        # Another machine has files of its own; the database is one.
        lock = tmp_path / "of another machine.lock"
    with world.database.alone(lock):
        thread = threading.Thread(target=hold)
        thread.start()
        assert not done.wait(0.2)
    thread.join(30)
    assert done.is_set()


def test_a_hold_that_comes_before_the_tombstone_stops_what_was_begun(
    world: StoreWorld, matter: Matter
) -> None:
    class Away:
        def accept(self, *_: object) -> list[object]:
            raise NothingHappened("AWAY", "the log is away")

    with pytest.raises(NothingHappened):
        world.eraser(Away()).erase(matter, [1], ORDER, no_progress)  # type: ignore[arg-type]
    world.holds.set(matter, 1, *WHY)
    done = world.eraser().finish()
    assert (done.destroyed, done.dropped) == (0, 1)
    [known] = standings(world.erasures.lines()).values()
    assert known.state is State.DROPPED
    assert world.eraser().unfinished() == []
    assert not world.reader.at(world.agency_id, matter.key, 1).erased
    # Released, it can be ordered again.
    world.holds.release(again(world), 3, "over", "legal department")
    world.eraser().erase(again(world), [1], ORDER, no_progress)
    assert world.reader.at(world.agency_id, matter.key, 1).erased
    check_world(world)


def test_a_hold_that_comes_after_the_tombstone_does_not_unmake_it(
    world: StoreWorld, matter: Matter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy() -> bool:
        raise NothingHappened("STORE_BUSY", "a reader is at work")

    with monkeypatch.context() as patched:
        patched.setattr(world.database, "forget_deleted", busy)
        with pytest.raises(NothingHappened):
            world.eraser().erase(matter, [1], ORDER, no_progress)
    world.holds.set(matter, None, *WHY)
    done = world.eraser().finish()
    assert (done.destroyed, done.dropped) == (1, 0)

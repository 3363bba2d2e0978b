"""The last batch of a log: nothing enters after it, nothing before it is lost, a crash leaves it signed."""

from __future__ import annotations

import pytest

from notary.core import sealing
from notary.errors import CallerError, NothingHappened
from notary.usecases.succession import retire
from tests.simulators.check_store import check_world
from tests.simulators.store import StoreWorld, offer, reopen_world
from verifier.format.errors import FormatError

NEXT = "notary.example/next"


def retired(world: StoreWorld) -> int:
    sealed = retire(world.sealer, world.identity.name, NEXT, world.clock.now(), None)
    assert sealed.header.successor == NEXT
    return sealed.index


def assert_closed(world: StoreWorld) -> None:
    matter = world.register.all(world.agency_id)[0]
    with pytest.raises(NothingHappened, match=f"{NEXT} follows it") as caught:
        world.accept([offer(matter, "late")])
    assert caught.value.code == "LOG_RETIRED"
    with pytest.raises(NothingHappened) as caught:
        world.sealer.seal(world.clock.now(), None)
    assert caught.value.code == "LOG_RETIRED"
    world.clock.advance(10**6)
    assert not world.sealer.due(world.clock.now())


def test_the_last_batch_holds_what_came_before_and_closes_the_log(world: StoreWorld) -> None:
    matter = world.open_matter()
    world.take(matter, "1")
    world.seal()
    first = world.take(matter, "2")
    assert retired(world) == 1
    assert world.sealer.unsealed() == 0
    assert_closed(world)
    # What was acknowledged is answered as before.
    assert world.accept([offer(matter, "2")])[0] == first.__class__(
        **{**vars(first), "replayed": True}
    )
    check_world(world)


def test_a_record_that_enters_meanwhile_puts_the_last_batch_off(
    world: StoreWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    matter = world.open_matter()
    make = sealing.make_batch
    entered: list[object] = []

    def slow(*args: object) -> sealing.NewBatch:
        made = make(*args)  # type: ignore[arg-type]
        if not entered:
            entered.append(world.take(matter, "meanwhile"))
        return made

    monkeypatch.setattr(sealing, "make_batch", slow)
    assert retired(world) == 0
    assert entered
    assert world.sealer.unsealed() == 0
    assert_closed(world)
    check_world(world)


def test_without_end_of_records_the_log_stays_open(
    world: StoreWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    matter, make = world.open_matter(), sealing.make_batch

    def slow(*args: object) -> sealing.NewBatch:
        made = make(*args)  # type: ignore[arg-type]
        world.take(matter, f"{world.entropy.token(8).hex()}")
        return made

    monkeypatch.setattr(sealing, "make_batch", slow)
    with pytest.raises(NothingHappened) as caught:
        retired(world)
    assert caught.value.code == "RETIRE_STARVED"
    assert world.batch_log.size() == 0
    monkeypatch.undo()
    assert retired(world) == 0


def test_a_last_batch_that_a_crash_left_unsigned_is_signed(
    world: StoreWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.take(world.open_matter(), "1")

    def crash(*args: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(sealing, "sign_checkpoint", crash)
    with pytest.raises(KeyboardInterrupt):
        retired(world)
    monkeypatch.undo()
    again = reopen_world(world.folder, "again")
    assert again.batch_log.size() == 0
    assert again.sealer.due(again.clock.now())
    assert again.sealer.seal(again.clock.now(), None).header.successor == NEXT
    assert_closed(again)
    again.close()


def test_a_log_does_not_follow_itself(world: StoreWorld) -> None:
    with pytest.raises(CallerError) as caught:
        retire(world.sealer, world.identity.name, world.identity.name, world.clock.now(), None)
    assert caught.value.code == "SUCCESSOR_ITSELF"
    with pytest.raises(FormatError):
        retire(world.sealer, world.identity.name, "No Name", world.clock.now(), None)

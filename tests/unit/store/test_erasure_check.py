"""Neither the register of erasures nor the log says of an erasure what the other does not know."""

from __future__ import annotations

import pytest

from notary.core.erasures import Line, Order, Reason, State, Target, standings
from notary.errors import CallerError, Contradiction, NothingHappened
from notary.ports import Matter
from notary.usecases.erasure_check import ErasureCheck, take_from_log, unknown
from notary.usecases.erasure_store import StoredContent
from tests.simulators.store import StoreWorld
from verifier.format.digests import Digest

ORDER = Order(Reason.SUBJECT_REQUEST, "privacy office, 2026-17")


def no_progress(done: int, total: int) -> None:
    """Nobody looks."""


@pytest.fixture
def matter(world: StoreWorld) -> Matter:
    """A matter of three records, of which the first two were erased."""
    matter = world.open_matter()
    for key in ("one", "two", "three"):
        world.take(matter, key)
    world.eraser().erase(matter, [0], ORDER, no_progress)
    world.eraser().erase(matter, [1], Order(Reason.ORDER, "court, 12 C 3"), no_progress)
    return matter


def check_of(world: StoreWorld) -> ErasureCheck:
    return ErasureCheck(world.stored_erasures, world.reader, world.erasures)


def cut(world: StoreWorld, lines: int) -> None:
    """Whole lines go from the end, as an operator cuts them or an old copy lacks them."""
    path = world.erasures.path
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-lines]))


def test_what_the_service_wrote_holds(world: StoreWorld, matter: Matter) -> None:
    check_of(world).lines()
    check_of(world).store()
    assert [(one.target.position, one.order) for one in check_of(world).stones()] == [
        (0, ORDER),
        (1, Order(Reason.ORDER, "court, 12 C 3")),
    ]


def test_an_erasure_that_was_cut_off_is_missed_by_the_log(
    world: StoreWorld, matter: Matter
) -> None:
    cut(world, 3)
    check_of(world).lines()
    with pytest.raises(Contradiction) as caught:
        check_of(world).store()
    assert caught.value.code == "ERASURES_BEHIND"
    assert f"record 1 of matter {matter.key.hex()} was erased" in str(caught.value)
    assert "--erasures" in str(caught.value)


@pytest.mark.parametrize("lines", [1, 2])
def test_the_end_of_an_erasure_that_was_cut_off_is_healed_by_the_next_call(
    world: StoreWorld, matter: Matter, lines: int
) -> None:
    # The erasure itself stands there: what its last lines said is found out and written again.
    whole = [(one.state, one.target) for one in world.erasures.lines()]
    cut(world, lines)
    check_of(world).store()
    assert world.eraser().finish().destroyed == 1
    assert [(one.state, one.target) for one in world.erasures.lines()] == whole


def test_a_line_that_the_log_knows_nothing_of_is_drift(world: StoreWorld, matter: Matter) -> None:
    view = world.reader.at(world.agency_id, matter.key, 2)
    target = Target(matter.key, 2, view.leaf_hash)  # type: ignore[arg-type]
    now = world.clock.now()
    world.erasures.append([Line(now, State.BEGUN, target, ORDER)])
    # An erasure that was begun needs no tombstone yet.
    check_of(world).lines()
    world.erasures.append([Line(now, State.DESTROYED, target)])
    with pytest.raises(
        Contradiction, match=r"record 2 of matter .* and the log does not"
    ) as caught:
        check_of(world).lines()
    assert caught.value.code == "ERASURES_UNSAID"


def test_content_that_went_without_a_word_is_drift(world: StoreWorld, matter: Matter) -> None:
    view = world.reader.at(world.agency_id, matter.key, 2)
    content = StoredContent(
        view.record_id, world.agency_id, b"", Digest(view.leaf_hash), has_content=True
    )
    world.stored_erasures.empty([content])
    check_of(world).lines()
    with pytest.raises(Contradiction, match=r"record 2 of matter .* has no content") as caught:
        check_of(world).store()
    assert caught.value.code == "CONTENT_GONE"


def test_a_lost_register_is_written_anew_from_the_log(world: StoreWorld, matter: Matter) -> None:
    whole = [(one.state, one.target, one.order) for one in world.erasures.lines()]
    world.erasures.path.unlink()
    with pytest.raises(CallerError, match=r"there is no .*erasures\.txt"):
        check_of(world).store()
    world.erasures.create()
    check = check_of(world)
    missing = unknown(check.stones(), standings(world.erasures.lines()))
    take_from_log(world.erasures, world.clock, missing)
    check.store()
    world.eraser().finish()
    again = [(one.state, one.target, one.order) for one in world.erasures.lines()]
    assert sorted(again, key=repr) == sorted(whole, key=repr)


def test_an_erasure_that_waits_for_the_write_ahead_log_is_no_drift(
    world: StoreWorld, matter: Matter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy() -> bool:
        raise NothingHappened("STORE_BUSY", "a reader is at work")

    monkeypatch.setattr(world.database, "forget_deleted", busy)
    with pytest.raises(NothingHappened):
        world.eraser().erase(world.register.all(world.agency_id)[0], [2], ORDER, no_progress)
    check_of(world).lines()
    check_of(world).store()

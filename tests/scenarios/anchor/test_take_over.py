"""A sender that stands still, is taken over, and goes on: at every place, it writes and signs nothing more.

What a paused process does when it wakes up is played by a sender that stops inside a step, while another
one on the same store takes the lease and does the work to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import pytest

from notary.adapters.store.anchors import AnchorStore
from notary.adapters.store.database import Database
from notary.adapters.store.leases import StoredLeases, require
from notary.errors import NothingHappened
from notary.usecases.anchor import Anchorer
from notary.usecases.lease import LEASE_LOST
from tests.scenarios.anchor.conftest import MakeWorld
from tests.simulators.chain_world import POLL, World
from tests.simulators.places import Places

EFFECTS = (
    "seal",
    "advance Reserve",
    "sign",
    "advance Sign",
    "send",
    "advance Sent",
    "advance Included",
    "add_as_of",
    "advance Final",
    "check",
    "advance Proved",
)
# The others are before the next effect.
AFTERWARDS = ("after sign", "after advance Sign", "after send")
# After the fence and before the effect no code can look again: these bytes are seen by nobody. Those that are
# about to be sent are the stored ones, which any sender may send at any time; here the node refuses them.
ALREADY_DECIDED = {"before sign": ["after sign"], "before check": ["after check"]}
MOST_STEPS = 40


@contextmanager
def process(world: World) -> Iterator[Database]:
    """The store as another process has it, with the lease in its hand."""
    database = Database(world.database.path)
    lease = StoredLeases(database, world.store.clock).take(
        "a process", timedelta(minutes=1), lambda _: True
    )
    assert lease is not None
    database.guard = partial(require, lease=lease)
    try:
        yield database
    finally:
        database.close()


def sender(world: World, database: Database, places: Places | None = None) -> Anchorer:
    return world.new_sender(places, book=AnchorStore(database), fence=database.check_guard)


def work(world: World, one: Anchorer) -> None:
    """Step and mine until nothing is under way."""
    for _ in range(MOST_STEPS):
        world.pass_time(POLL)
        if one.step(world.now).idle:
            return
        world.mine()
    raise AssertionError("not done")


def taken_over(world: World) -> None:
    """Another process takes the lease, and brings everything to its end."""
    with process(world) as database:
        work(world, sender(world, database))


def paused(world: World, place: str, meanwhile: Callable[[], None]) -> Places:
    """Run a sender up to a place, let others work, and let it go on until it is refused.

    What it passed by since is returned.
    """
    after: list[int] = []

    def strike(_: str) -> None:
        meanwhile()
        after.append(len(places.passed))

    places = Places(on=place, strike=strike)
    with process(world) as database:
        one = sender(world, database, places)
        try:
            work(world, one)
        except NothingHappened as error:
            # Refused at its next write; one that finds nothing to do is not.
            assert error.code == LEASE_LOST  # noqa: PT017
    assert after, f"{place} was not reached; {places.passed}"
    del places.passed[: after[0]]
    return places


@pytest.mark.slow
def test_a_sender_that_wakes_up_after_it_was_taken_over_does_no_harm(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    wanted = [*[f"before {effect}" for effect in EFFECTS], *AFTERWARDS]
    for place in wanted:
        world.seal()
        places = paused(world, place, lambda: taken_over(world))
        applied = [name for name in places.passed if name.startswith("after ")]
        assert applied == ALREADY_DECIDED.get(place, []), place
    world.check(settled=True)
    # Each batch once, by one anchor each: nothing was anchored twice or left out.
    assert len(world.on_chain()) == world.log.size() == len(wanted)


def test_a_sender_without_the_lease_signs_and_sends_nothing(make_world: MakeWorld) -> None:
    world = make_world()
    world.seal()
    places = Places()
    with process(world) as database:
        one = sender(world, database, places)
        with process(world):
            pass
        with pytest.raises(NothingHappened) as caught:
            one.step(world.now)
    assert caught.value.code == LEASE_LOST
    assert not [name for name in places.passed if name.startswith("after ") or "sign" in name]
    assert world.intents() == []

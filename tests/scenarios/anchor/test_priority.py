"""While somebody waits for the chain, fees are raised sooner, and never past the caps."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from notary.adapters.store.priority import StoredPriority
from notary.core.budget import worst_case
from notary.core.intent import Cause, State
from notary.usecases.priority import PriorityLane
from tests.scenarios.anchor.conftest import MakeWorld
from tests.simulators.chain_world import SETTINGS, World

SOONER = timedelta(seconds=10)


def hurried(world: World, cap: int | None = None) -> PriorityLane:
    """A sender with a lane of priority, which nobody has asked for yet."""
    world.settings = replace(SETTINGS, bump_sooner=SOONER, spend_per_day=cap)
    lane = PriorityLane(
        StoredPriority(world.database),
        world.book,
        every=timedelta(seconds=300),
        spend_per_day=cap,
    )
    world.sender = world.new_sender(hurry=lane)
    return lane


def test_fees_are_raised_sooner_while_somebody_waits(make_world: MakeWorld) -> None:
    world = make_world()
    lane = hurried(world)
    world.seal()
    world.step()
    world.step(SOONER)
    assert len(world.youngest().attempts) == 1
    lane.ask(world.now)
    world.step()
    first, second = world.youngest().attempts
    assert second.max_fee * 8 >= first.max_fee * 9
    world.step(SOONER)
    assert len(world.youngest().attempts) == 3
    world.mine()
    world.run_to(State.MINED)
    assert not lane.hurried()
    world.settle()
    assert len(world.on_chain()) == 1


def test_an_older_intent_that_stands_before_it_is_hurried_too(make_world: MakeWorld) -> None:
    world = make_world()
    lane = hurried(world)
    world.seal()
    world.step()
    world.seal()
    lane.ask(world.now)
    world.step(SOONER)
    assert len(world.youngest().attempts) == 2
    assert world.youngest().size == 1
    world.settle()
    assert [one.link.size for one in world.on_chain()] == [1, 2]


def test_priority_passes_neither_the_fee_cap_nor_the_days(make_world: MakeWorld) -> None:
    world = make_world()
    lane = hurried(world)
    world.seal()
    world.step()
    lane.ask(world.now)
    (attempt,) = world.youngest().attempts
    hurried(world, cap=worst_case(attempt))
    world.step(SOONER)
    held = world.youngest()
    assert (held.cause, held.attempts) == (Cause.BUDGET, (attempt,))
    hurried(world)
    for _ in range(60):
        world.step(SOONER)
    assert len(world.youngest().attempts) > 10
    assert all(one.max_fee <= SETTINGS.max_fee_cap for one in world.youngest().attempts)
    world.mine()
    world.settle()

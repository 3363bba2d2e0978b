"""A crash at every place where one can come: before and after each durable write and each effect.

After each crash a new sender on the same store goes on, and in the end every batch is on chain once.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from notary.adapters.chain.web3_chain import Web3Chain
from notary.core.intent import State
from notary.usecases.anchor_plan import Reservation
from tests.scenarios.anchor.conftest import MakeWorld
from tests.simulators.chain_faults import OF_REPEATED, REPEATED
from tests.simulators.chain_world import GWEI, World
from tests.simulators.places import Crash, Places
from verifier.format import contract as anchors


def until_crash(world: World, point: Places, between: Callable[[int], None]) -> bool:
    """Run a sender that crashes at the point; tells whether it came to it before all was done."""
    world.sender = world.new_sender(point)
    for number in range(40):
        try:
            step = world.step()
        except Crash:
            return True
        if step.idle:
            return False
        between(number)
    raise AssertionError(f"neither crashed nor done; {world.told()}")


def sweep(
    world: World,
    between: Callable[[int], None],
    of_repeated: int = 0,
    since: str | None = None,
) -> list[str]:
    """Crash at the first place, then at the next, and so on; returns the places of a whole run.

    `since` is the effect that makes this run another than the plain one, which tries what is before it.
    """
    at = 0
    if since is not None:
        world.seal()
        whole = Places(repeated=REPEATED, of_repeated=of_repeated)
        assert not until_crash(world, whole, between)
        at = whole.passed.index(f"before {since}")
    while True:
        world.seal()
        point = Places(at, repeated=REPEATED, of_repeated=of_repeated)
        crashed = until_crash(world, point, between)
        if crashed:
            # What the crash left is consistent as it stands, before anything goes on.
            world.check(crashed=True)
            world.restart()
        # Whatever made the run hard is over.
        world.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
        world.settle()
        assert world.book.alarms() == {}
        if not crashed:
            return point.passed
        at += 1


@pytest.mark.slow
def test_a_crash_anywhere_costs_nothing(make_world: MakeWorld) -> None:
    world = make_world()
    places = sweep(world, lambda _: world.mine(), OF_REPEATED)
    for place in (
        "seal",
        "advance Reserve",
        "sign",
        "advance Sign",
        "send",
        "advance Sent",
        "advance Included",
        "add_as_of",
        "advance Final",
        "release_as_of",
        "check",
        "advance Proved",
    ):
        assert f"before {place}" in places
        assert f"after {place}" in places
    # One anchor for each place: a crash doubles none and loses none.
    assert len(world.on_chain()) == len(world.intents()) == len(places) + 1
    assert len(world.store.promised) == len(places) + 1


@pytest.mark.slow
def test_a_crash_anywhere_while_fees_are_raised_costs_nothing(make_world: MakeWorld) -> None:
    world = make_world()

    def expensive_then_cheap(number: int) -> None:
        if number < 2:
            base_fee = int(
                world.anvil.rpc("eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16
            )
            # Above what the first attempt offers, whatever that was.
            world.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(3 * base_fee + 2 * GWEI))
            world.pass_time(world.settings.bump)
        else:
            world.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
        world.mine()

    places = sweep(world, expensive_then_cheap, since="advance Bump")
    assert "after advance Bump" in places


@pytest.mark.slow
def test_a_crash_anywhere_around_a_reorganisation_costs_nothing(make_world: MakeWorld) -> None:
    world = make_world()
    replaced: set[int] = set()

    def reorganised_once(_: int) -> None:
        youngest = world.youngest()
        if youngest.state is State.MINED and youngest.id not in replaced:
            replaced.add(youngest.id)
            world.anvil.rpc("anvil_reorg", 1, [])
        else:
            world.mine()

    places = sweep(world, reorganised_once, since="advance Vanished")
    assert "after advance Vanished" in places


def test_the_check_of_the_world_sees_a_batch_that_is_anchored_twice(
    make_world: MakeWorld,
) -> None:
    """The bug that everything here is against, planted: a fresh nonce after a send that failed."""
    world = make_world()
    world.seal()
    world.step()
    # It forgets what it sent, takes the next nonce and the head of that time, and sends anew.
    with world.database.transaction() as connection:
        connection.exec_driver_sql("UPDATE intents SET state = 'SUPERSEDED', closed = 1")
    world.mine()
    chain = Web3Chain(world.url, anchors.ADDRESS, world.account)
    sender = world.new_sender()
    sender._planner.reservation = lambda: Reservation(  # type: ignore[method-assign]
        chain.transaction_count(), chain.prove_head().head
    )
    world.sender = sender
    world.run_to(State.BROADCAST)
    world.mine()
    assert [one.link.size for one in world.on_chain()] == [1, 1]
    with pytest.raises(AssertionError, match="a batch is on chain twice"):
        world.check()

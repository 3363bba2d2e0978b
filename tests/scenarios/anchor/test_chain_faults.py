"""Whatever befalls a call, and whatever the node says: the world holds together at each step, and when it
is over every batch is on chain once. Spec: docs/spec/sender.md §1.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from notary.core.intent import Event, Intent
from notary.errors import OutcomeUnknown
from notary.usecases.anchor_plan import GIVE_UP_BUMPS, Reservation
from tests.scenarios.anchor.conftest import MakeWorld
from tests.simulators.chain_faults import METHODS, PATIENCE_S, TRANSPORT, Once, closed_after, lies
from tests.simulators.chain_proxy import Rule
from tests.simulators.chain_world import World

# Asked for only when something is missing, so a run with few faults may do without.
SELDOM = {
    "eth_getLogs",
    "eth_getTransactionByHash",
    "eth_getTransactionReceipt",
    "eth_getBlockReceipts",
}


@pytest.mark.parametrize("fault", TRANSPORT, ids=lambda rule: rule.__name__)
def test_a_fault_at_the_first_call_of_each_method_costs_nothing(
    make_world: MakeWorld, fault: Rule
) -> None:
    world = make_world(proxied=True, timeout_s=PATIENCE_S)
    strikes = {method: Once(fault) for method in METHODS}
    with ExitStack() as rules:
        for method, rule in strikes.items():
            rules.enter_context(world.proxy.rule(method, rule))
        for _ in range(2):
            world.seal()
            for _ in range(20):
                idle = world.step().idle
                world.check()
                if idle:
                    break
                world.mine()
    world.settle()
    assert {method for method, once in strikes.items() if not once.strikes} <= SELDOM
    assert [one.link.size for one in world.on_chain()] == [1, 2]
    assert world.book.alarms() == {}


@pytest.mark.parametrize("lie", lies())
@pytest.mark.parametrize("begun", [False, True], ids=["from the start", "after the send"])
def test_a_lie_is_outlived(make_world: MakeWorld, lie: str, begun: bool) -> None:
    world = make_world(proxied=True)
    world.seal()
    world.settle()
    world.seal()
    if begun:
        world.step()
    with ExitStack() as rules:
        for method, rule in lies()[lie].items():
            rules.enter_context(world.proxy.rule(method, rule))
        for _ in range(4):
            world.step()
            world.check()
            world.mine()
    # By then what waits behind a gap of nonces is given up.
    world.step(GIVE_UP_BUMPS * world.settings.bump)
    world.settle()
    assert [one.link.size for one in world.on_chain()] == [1, 2]


def forgetful(world: World) -> None:
    """The bug that all of this is against: after a send that failed, a fresh nonce."""
    sender = world.sender
    send, chain = sender._send, sender._chain

    def forget(intent: Intent, *rest: Any) -> Event | None:
        told = rest[-1]
        event = send(intent, *rest)
        if any("send unclear" in line for line in told.happened):
            with world.database.transaction() as connection:
                connection.exec_driver_sql("UPDATE intents SET state = 'SUPERSEDED', closed = 1")
            raise OutcomeUnknown("FORGOTTEN", "it makes another transaction next time")
        return event

    sender._send = forget  # type: ignore[method-assign,assignment]
    sender._planner.reservation = lambda: Reservation(  # type: ignore[method-assign]
        chain.transaction_count(), chain.prove_head().head
    )


def test_a_fresh_nonce_after_a_lost_acknowledgement_is_found(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    forgetful(world)
    world.seal()
    with (
        world.proxy.rule("eth_sendRawTransaction", closed_after),
        pytest.raises(OutcomeUnknown, match="another transaction"),
    ):
        world.step()
    world.mine()
    world.check()
    world.step()
    world.mine()
    with pytest.raises(AssertionError) as found:
        world.check()
    assert str(found.value) == (
        "anchor 1 on chain is of 1 batches when 1 were anchored already: a batch is on chain twice"
    )

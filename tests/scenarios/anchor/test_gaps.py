"""A nonce that was reserved above the account's count. Spec: docs/spec/sender.md §3 `gap`, §5 NONCE_GAP."""

from __future__ import annotations

import pytest

from notary.core.intent import Cause, Intent, State
from notary.usecases.anchor_plan import GIVE_UP_BUMPS
from tests.scenarios.anchor.conftest import MakeWorld
from tests.simulators.chain_proxy import answered
from tests.simulators.chain_world import World


def behind_a_gap(make_world: MakeWorld, count: int = 2) -> tuple[World, Intent]:
    """Nonce 0 is consumed, and the next intent was told a count that is too high."""
    world = make_world(proxied=1)
    world.seal()
    world.settle()
    world.seal()
    with world.proxy.rule("eth_getTransactionCount", lambda *_: answered(hex(count))):
        world.step()
    waiting = world.youngest()
    assert (waiting.state, waiting.nonce) == (State.BROADCAST, count)
    return world, waiting


@pytest.mark.parametrize("count", [2, 3, 10**6])
def test_a_gap_is_an_alarm_then_given_up_and_the_batch_anchored(
    make_world: MakeWorld, count: int
) -> None:
    world, waiting = behind_a_gap(make_world, count)
    for _ in range(3):
        world.mine()
        world.step()
    assert world.book.alarms() == {}, "a count may lag for a moment"
    world.step(world.settings.bump)
    held = world.intent(waiting.id)
    assert (held.state, held.cause) == (State.HELD, Cause.NONCE_GAP)
    assert len(held.attempts) == 1, "a higher fee brings it no nearer"
    text = "the account's transaction count is 1, and nothing of ours has the nonces up to "
    assert f"{text}{count}:" in world.book.alarms()["NONCE_GAP"].text
    world.check()
    world.step(GIVE_UP_BUMPS * world.settings.bump)
    given_up = world.intent(waiting.id)
    assert (given_up.state, given_up.closed) == (State.SUPERSEDED, True)
    assert (world.youngest().nonce, world.youngest().state) == (1, State.BROADCAST)
    assert world.book.alarms() == {}
    world.settle()
    assert [one.link.size for one in world.on_chain()] == [1, 2]


def test_what_was_given_up_runs_later_and_anchors_nothing_twice(make_world: MakeWorld) -> None:
    world, waiting = behind_a_gap(make_world)
    world.step(GIVE_UP_BUMPS * world.settings.bump)
    # The pool kept it: once the gap is filled it is mined, and fails on its prev.
    world.mine()
    world.settle()
    receipt = world.anvil.rpc("eth_getTransactionReceipt", "0x" + waiting.attempts[0].hash.hex())
    assert receipt is not None
    assert receipt["status"] == "0x0"
    world.seal()
    world.settle()
    assert [one.link.size for one in world.on_chain()] == [1, 2, 3]
    assert "FOREIGN_NONCE" not in world.told()


def test_a_successor_that_loses_its_nonce_to_what_was_given_up_is_no_foreign_matter(
    make_world: MakeWorld,
) -> None:
    world, waiting = behind_a_gap(make_world)
    world.anvil.rpc("anvil_dropAllTransactions")
    world.step(GIVE_UP_BUMPS * world.settings.bump)
    world.mine()
    world.settle()
    # Another node kept the bytes, and is quicker than the next anchor with the same nonce.
    world.seal()
    world.step()
    rival = world.youngest()
    assert (rival.state, rival.nonce) == (State.BROADCAST, waiting.nonce)
    world.anvil.rpc("anvil_dropAllTransactions")
    world.anvil.rpc("eth_sendRawTransaction", "0x" + waiting.attempts[0].raw.hex())
    world.mine()
    world.step()
    assert world.intent(rival.id).state is State.SUPERSEDED
    world.settle()
    assert [one.link.size for one in world.on_chain()] == [1, 2, 3]
    assert "FOREIGN_NONCE" not in world.told()


def test_the_same_bytes_may_be_signed_again(make_world: MakeWorld) -> None:
    """A node that keeps to its lie: the same nonce, and the same fields give the same bytes."""
    world, waiting = behind_a_gap(make_world)
    before = len(world.intents())

    def once_true(*_: object) -> dict[str, object]:
        return answered("0x1" if len(world.intents()) == before else "0x2")

    with world.proxy.rule("eth_getTransactionCount", once_true):
        world.step(GIVE_UP_BUMPS * world.settings.bump)
    again = world.youngest()
    assert again.id != waiting.id
    assert again.attempts[0].hash == waiting.attempts[0].hash
    world.check()
    world.step(GIVE_UP_BUMPS * world.settings.bump)
    world.settle()
    assert [one.link.size for one in world.on_chain()] == [1, 2]


def test_older_intents_of_ours_below_make_no_gap(make_world: MakeWorld) -> None:
    world = make_world("--no-mining", "--slots-in-an-epoch", "4")
    for _ in range(2):
        world.seal()
        world.step()
        world.mine()
        world.step()
    # Both are live again, and the second waits for the first.
    world.anvil.rpc("anvil_reorg", 2, [])
    world.step()
    world.step(GIVE_UP_BUMPS * world.settings.bump)
    assert [one.state for one in world.intents()] == [State.BROADCAST] * 2
    world.settle()


def test_a_count_that_a_mined_anchor_contradicts_is_not_taken(make_world: MakeWorld) -> None:
    world = make_world(proxied=1)
    world.seal()
    world.settle()
    world.seal()
    with world.proxy.rule("eth_getTransactionCount", lambda *_: answered("0x0")):
        world.step()
        assert (world.youngest().state, world.youngest().nonce) == (State.SEALED, None)
        assert "anchor 0 consumed nonce 0" in world.book.alarms()["ENDPOINT_AWAY"].text
    world.settle()
    assert [one.nonce for one in world.intents()] == [0, 1]
    assert "FOREIGN_NONCE" not in world.told()

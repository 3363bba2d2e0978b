"""The cap per day on a real chain: what holds, what goes on by itself, and what was really paid.

Spec: docs/spec/sender.md §8. Each test ends with a check of the whole world, in which every stored cost is
compared with what the node says that the transaction cost.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from notary.core.budget import DAY, committed, worst_case
from notary.core.intent import Cause, State
from tests.scenarios.anchor.conftest import MakeWorld
from tests.simulators.chain_world import GWEI, SETTINGS, World

# A first anchor takes 48,000 gas, with the margin 72,000, at twice a base fee of 1 gwei and a tip of 1.
PLENTY = 10**16


def capped(world: World, wei: int) -> None:
    """Restart the sender under another cap."""
    world.settings = replace(world.settings, spend_per_day=wei)
    world.restart()


def spent(world: World) -> int:
    return sum(world.book.costs_since(world.now - DAY))


def test_what_was_paid_is_what_left_the_account(make_world: MakeWorld) -> None:
    world = make_world(settings=replace(SETTINGS, spend_per_day=PLENTY))
    before = world.sender.status(world.now).balance
    world.seal()
    world.settle()
    world.seal()
    world.settle()
    after = world.sender.status(world.now).balance
    assert before is not None
    assert after is not None
    assert spent(world) == before - after > 0
    assert len(world.book.newest_costs(10)) == 2
    assert world.book.newest_costs(1) == world.book.costs_since(world.now - DAY)[1:]


def test_an_anchor_that_could_pass_the_cap_is_not_signed_until_the_day_is_over(
    make_world: MakeWorld,
) -> None:
    world = make_world(proxied=True, settings=replace(SETTINGS, spend_per_day=PLENTY))
    world.seal()
    world.settle()
    # Enough for another one alone, and not beside what was paid.
    capped(world, 2 * spent(world))
    world.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
    world.mine()
    world.seal()
    world.step()
    held = world.youngest()
    assert (held.state, held.cause, held.attempts) == (State.HELD, Cause.BUDGET, ())
    assert world.proxy.count("eth_sendRawTransaction") == 1
    assert "the cap is" in world.book.alarms()["HELD"].text
    # Still held a moment before the payment is a day old.
    world.pass_time(DAY - timedelta(minutes=10))
    world.step()
    assert world.youngest().cause is Cause.BUDGET
    world.pass_time(timedelta(minutes=10))
    world.settle()
    assert "HELD" not in world.book.alarms()
    assert len(world.on_chain()) == 2


def test_the_cap_is_inclusive(make_world: MakeWorld) -> None:
    world = make_world(settings=replace(SETTINGS, spend_per_day=PLENTY))
    world.seal()
    world.step()
    (attempt,) = world.youngest().attempts
    cost = worst_case(attempt)
    world.anvil.rpc("anvil_dropTransaction", "0x" + attempt.hash.hex())
    with world.database.transaction() as connection:
        # The same once more, with nothing signed.
        connection.exec_driver_sql("DELETE FROM attempts")
        connection.exec_driver_sql("UPDATE intents SET state = 'RESERVED'")
    capped(world, cost - 1)
    world.step()
    assert world.youngest().cause is Cause.BUDGET
    capped(world, cost)
    world.step()
    assert world.youngest().state is State.BROADCAST
    world.mine()
    world.settle()


def test_a_raise_that_could_pass_the_cap_is_not_signed_and_the_sent_one_is_followed(
    make_world: MakeWorld,
) -> None:
    world = make_world(settings=replace(SETTINGS, spend_per_day=PLENTY))
    world.seal()
    world.step()
    (attempt,) = world.youngest().attempts
    capped(world, worst_case(attempt))
    world.step(world.settings.bump)
    held = world.youngest()
    assert (held.state, held.cause, held.resume) == (State.HELD, Cause.BUDGET, State.BROADCAST)
    assert held.attempts == (attempt,)
    world.mine()
    world.settle()
    assert world.youngest().tx_hash == attempt.hash


def test_a_held_one_that_the_pool_lost_is_sent_again_and_no_oftener_than_the_timer_says(
    make_world: MakeWorld,
) -> None:
    world = make_world(proxied=True, settings=replace(SETTINGS, spend_per_day=PLENTY))
    world.seal()
    world.step()
    (attempt,) = world.youngest().attempts
    capped(world, worst_case(attempt))
    world.step(world.settings.bump)
    assert world.youngest().cause is Cause.BUDGET
    sent = world.proxy.count("eth_sendRawTransaction")
    for _ in range(4):
        world.anvil.rpc("anvil_dropTransaction", "0x" + attempt.hash.hex())
        world.step()
    # One at once, the next not before the timer.
    assert world.proxy.count("eth_sendRawTransaction") == sent + 1
    assert world.youngest().cause is Cause.BUDGET
    world.step(world.settings.rebroadcast)
    assert world.proxy.count("eth_sendRawTransaction") == sent + 2
    world.mine()
    world.settle()
    assert world.youngest().tx_hash == attempt.hash


def test_what_others_may_still_cost_counts_before_it_is_paid(make_world: MakeWorld) -> None:
    """After a reorganisation two intents are live; the older one's bytes are counted for the younger."""
    world = make_world(
        "--no-mining",
        "--slots-in-an-epoch",
        "8",
        settings=replace(SETTINGS, spend_per_day=PLENTY),
    )
    world.seal()
    world.run_to(State.MINED)
    world.seal()
    world.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
    world.step()
    older, younger = world.intents()
    assert younger.state is State.BROADCAST
    assert len(world.book.newest_costs(9)) == 1
    world.anvil.rpc("anvil_reorg", 1, [])
    world.step()
    older, younger = world.intents()
    assert older.state is State.BROADCAST
    # The payment went with its block, and what it may cost anew is counted in its place.
    assert world.book.newest_costs(9) == []
    both = sum(worst_case(one.attempts[-1]) for one in world.intents())
    assert committed(world.intents()) == both
    # Each of them may be raised alone, and neither beside the other.
    capped(world, both)
    world.step(world.settings.bump)
    assert [one.cause for one in world.intents()] == [Cause.BUDGET, Cause.BUDGET]
    assert [len(one.attempts) for one in world.intents()] == [1, 1]
    capped(world, PLENTY)
    world.settle()
    assert len(world.on_chain()) == 2


def test_a_failed_transaction_was_paid_for_too(make_world: MakeWorld) -> None:
    world = make_world(settings=replace(SETTINGS, spend_per_day=PLENTY))
    world.seal()
    world.settle()
    paid = spent(world)
    world.seal()
    world.step()
    # The contract is gone while the transaction waits, so that it fails for want of gas or code.
    slot = world.anvil.rpc("eth_getCode", "0x" + world.identity.contract.hex(), "latest")
    world.anvil.rpc("anvil_setCode", "0x" + world.identity.contract.hex(), "0xfe")
    world.mine()
    world.anvil.rpc("anvil_setCode", "0x" + world.identity.contract.hex(), slot)
    world.mine()
    world.settle()
    assert [one.state for one in world.intents()][1] is State.SUPERSEDED
    receipt = world.anvil.rpc(
        "eth_getTransactionReceipt", "0x" + world.intents()[1].attempts[0].hash.hex()
    )
    failed = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    assert world.book.costs_since(world.now - DAY)[1] == failed
    assert spent(world) > paid + failed

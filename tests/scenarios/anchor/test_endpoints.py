"""Several endpoints, of which some lie, lag, are slow or away. Spec: docs/spec/sender.md §10.

One node stands behind proxies side by side: each is an endpoint of one chain, and what it does wrong is
a rule of its proxy. Every test ends with the whole world in order.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from notary.adapters.chain.compared import LAG_BLOCKS
from notary.adapters.chain.endpoint import LIE_REST, SETTLE
from notary.chain_ports import ChainAway, ChainContradiction, Condition, Unsettled
from notary.core.intent import Cause, State
from notary.errors import OutcomeUnknown
from tests.scenarios.anchor.conftest import MakeWorld
from tests.simulators.chain_faults import (
    METHODS,
    TRANSPORT,
    StaleBlocks,
    forging,
    lies,
    wrong_id,
)
from tests.simulators.chain_forger import Forger
from tests.simulators.chain_proxy import (
    ChainProxy,
    Dripped,
    Dropped,
    Forward,
    Raw,
    Rule,
    answered,
    refused,
)
from tests.simulators.chain_world import ETHER, SETTINGS, World
from verifier.format import evm

# Far enough that blocks can be forged and compared before they are final.
SLOW = ("--no-mining", "--slots-in-an-epoch", "4")


def away(params: list[Any], forward: Forward) -> Raw:
    """The connection ends without an answer."""
    raise Dropped


def all_of(stack: ExitStack, proxy: ChainProxy, rule: Rule) -> None:
    """Let the rule strike every call of one endpoint."""
    for method in METHODS:
        stack.enter_context(proxy.rule(method, rule))


def conditions(world: World) -> list[Condition]:
    """What each endpoint is taken for, as stored: another process sees the same."""
    return [one.condition for one in world.book.endpoints()]


def name(world: World, place: int) -> str:
    """The host of an endpoint."""
    return world.urls[place].removeprefix("http://")


def only_true_blocks(world: World) -> None:
    """No leg and no as-of proof in the store is of a block that the chain has not."""
    with world.database.reading() as connection:
        for table in ("legs", "as_ofs"):
            for (raw,) in connection.exec_driver_sql(f"SELECT header FROM {table}"):
                header = evm.parse_header(raw)
                block = world.anvil.rpc("eth_getBlockByNumber", hex(header.number), False)
                assert block is not None, f"{table} has a block above the chain"
                assert block["hash"] == "0x" + header.hash.hex(), table


def settled_twice(world: World) -> None:
    """Both batches are on chain, once each, and everything in the store is the chain's."""
    world.settle()
    assert [one.link.size for one in world.on_chain()] == [1, 2]
    only_true_blocks(world)


# All is well.


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_endpoints_that_agree_anchor_as_one_does(make_world: MakeWorld, count: int) -> None:
    world = make_world(proxied=count)
    world.seal()
    world.settle()
    world.seal()
    settled_twice(world)
    assert conditions(world) == [Condition.OK] * count
    assert world.book.alarms() == {}
    for proxy in world.proxies:
        assert proxy.count("eth_sendRawTransaction") == 2, "bytes go to all"


def test_an_anchors_whole_life_asks_for_nothing_that_only_a_test_chain_has(
    make_world: MakeWorld,
) -> None:
    world = make_world(proxied=3)
    world.seal()
    world.step()
    # Blocks that go, bytes that are lost, and a base fee that rises are in it.
    world.anvil.rpc("anvil_dropAllTransactions")
    world.step(world.settings.rebroadcast)
    world.mine()
    world.step()
    world.anvil.rpc("anvil_reorg", 1, [])
    world.settle()
    world.seal()
    settled_twice(world)
    world.sender.status(world.now)
    for proxy in world.proxies:
        assert proxy.methods <= {*METHODS, "eth_getRawTransactionByHash"}


# One of three is at fault.


@pytest.mark.parametrize("place", [0, pytest.param(2, marks=pytest.mark.soak)])
@pytest.mark.parametrize("fault", TRANSPORT, ids=lambda rule: rule.__name__)
def test_a_way_that_breaks_costs_two_others_nothing(
    make_world: MakeWorld, fault: Rule, place: int
) -> None:
    world = make_world(proxied=3)
    world.seal()
    world.settle()
    with ExitStack() as rules:
        all_of(rules, world.proxies[place], fault)
        world.seal()
        settled_twice(world)
    out = conditions(world)
    assert [one for at, one in enumerate(out) if at != place] == [Condition.OK] * 2
    if fault is wrong_id:
        # One connection carries one call at a time, so the number of the answer tells nothing.
        assert out[place] is Condition.OK
        return
    assert out[place] in (Condition.AWAY, Condition.LYING), world.book.endpoints()
    (alarm,) = world.book.alarms().items()
    assert alarm[0] in ("ENDPOINT_AWAY", "ENDPOINT_CONTRADICTS")
    assert name(world, place) in alarm[1].text


@pytest.mark.parametrize("lie", lies())
def test_a_lie_of_one_costs_two_others_nothing(make_world: MakeWorld, lie: str) -> None:
    world = make_world(proxied=3)
    world.seal()
    world.settle()
    world.seal()
    steps = len(world.steps)
    with ExitStack() as rules:
        for method, rule in lies()[lie].items():
            rules.enter_context(world.proxy.rule(method, rule))
        settled_twice(world)
    assert len(world.steps) - steps <= 6, "it took longer than without the lie"
    assert ": hold " not in world.told()
    loud = {"forged receipt", "forged header", "forged proof", "changed chain id"}
    assert conditions(world)[0] is (Condition.LYING if lie in loud else Condition.OK)
    if lie in loud:
        alarm = world.book.alarms()["ENDPOINT_CONTRADICTS"]
        assert name(world, 0) in alarm.text
        assert f"endpoint LYING: {name(world, 0)}" in world.told()


def test_an_anchor_in_a_block_of_ones_own_making_is_never_taken(make_world: MakeWorld) -> None:
    """One of three shows our transaction mined an hour ago; all that rule 7 asks for rebuilds."""
    world = make_world(*SLOW, proxied=3)
    world.seal()
    world.step()
    sent = world.youngest()
    assert sent.state is State.BROADCAST
    forger = Forger(world.anvil, world.proxy)
    forger.mine(sent, int(world.anvil.rpc("eth_blockNumber"), 16) + 1)
    with forger.lying():
        assert world.chain()._members[0].chain.inclusion(sent.attempts[0].hash) is not None
        for _ in range(3):
            world.step()
            assert world.youngest().state is State.BROADCAST
        world.mine()
        world.run_to(State.MINED)
        world.run(lambda: world.steps[-1].idle)
        assert conditions(world)[0] is Condition.LYING
    only_true_blocks(world)
    assert name(world, 0) in world.book.alarms()["ENDPOINT_CONTRADICTS"].text
    world.settle()


def test_alone_that_block_would_be_taken(make_world: MakeWorld) -> None:
    """What the limits of the README say of one endpoint; else the test before would prove nothing."""
    world = make_world(*SLOW, proxied=1)
    world.seal()
    world.step()
    forger = Forger(world.anvil, world.proxy)
    forger.mine(world.youngest(), int(world.anvil.rpc("eth_blockNumber"), 16) + 1)
    with forger.lying():
        world.step()
        assert world.youngest().state is State.MINED
    world.settle()


def test_another_block_where_the_majority_has_a_final_one_is_a_lie_at_once(
    make_world: MakeWorld,
) -> None:
    world = make_world(proxied=3)
    world.seal()
    world.run_to(State.MINED)
    (pending,) = world.book.pending_as_ofs()
    number = pending.as_of.block_number
    truth = world.anvil.rpc("eth_getBlockByNumber", hex(number), False)["hash"]
    forger = Forger(world.anvil, world.proxy)
    forged = forger.replace_time(number)["hash"]
    with forger.lying():
        world.run_to(State.PROVED)
        assert conditions(world) == [Condition.LYING, Condition.OK, Condition.OK]
        as_of = world.book.newest_as_of()
        assert as_of is not None
        assert as_of.block_number == number
        # The dissent is among what a package will say, with the host that it came from.
        first, *others = as_of.observed
        assert first.startswith(f"{name(world, 0)}: ")
        assert forged in first
        assert others == [f"{name(world, at)}: block {number} is {truth}" for at in (1, 2)]
    only_true_blocks(world)
    world.settle()


def test_another_block_where_nothing_is_final_is_a_lie_after_a_while(make_world: MakeWorld) -> None:
    world = make_world("--no-mining", "--slots-in-an-epoch", "32", proxied=3)
    world.seal()
    mined = world.run_to(State.MINED)
    assert mined.block is not None
    world.mine()
    forger = Forger(world.anvil, world.proxy)
    forger.replace_time(mined.block.number)
    with forger.lying():
        for _ in range(3):
            # Honest nodes differ for moments, and it agrees about all other blocks.
            world.step()
            assert conditions(world)[0] is Condition.OK
        world.step(SETTLE)
        assert conditions(world) == [Condition.LYING, Condition.OK, Condition.OK]
        assert world.youngest().state is State.MINED
    world.mine(64)
    world.settle()
    only_true_blocks(world)


def test_one_who_lied_comes_back_after_a_rest_and_only_by_agreeing(make_world: MakeWorld) -> None:
    world = make_world(proxied=3)
    world.seal()
    world.settle()
    number = int(world.anvil.rpc("eth_getBlockByNumber", "finalized", False)["number"], 16)
    forger = Forger(world.anvil, world.proxy)
    forger.replace_time(number)
    with forger.lying():
        world.step()
        assert conditions(world)[0] is Condition.LYING
        # It still lies when its rest is over: the next rest is longer.
        world.step(LIE_REST[0])
        assert conditions(world)[0] is Condition.LYING
        asked = len(world.proxy.calls)
        world.step(LIE_REST[0])
    world.step()
    assert len(world.proxy.calls) == asked, "it was asked during its rest"
    assert conditions(world)[0] is Condition.LYING
    world.step(2 * LIE_REST[0])
    assert conditions(world) == [Condition.OK] * 3
    assert f"endpoint OK: {name(world, 0)}" in world.told()
    assert world.book.alarms() == {}
    world.settle()


def test_one_who_lied_is_not_forgiven_for_being_away(make_world: MakeWorld) -> None:
    world = make_world(proxied=3)
    world.seal()
    world.settle()
    forger = Forger(world.anvil, world.proxy)
    forger.replace_time(
        int(world.anvil.rpc("eth_getBlockByNumber", "finalized", False)["number"], 16)
    )
    with forger.lying():
        world.step()
        assert conditions(world)[0] is Condition.LYING
    with ExitStack() as rules:
        all_of(rules, world.proxy, away)
        world.step(2 * LIE_REST[0])
        assert conditions(world)[0] is Condition.LYING
    world.step()
    assert conditions(world)[0] is Condition.LYING, "its rest began anew"
    world.step(4 * LIE_REST[0])
    assert conditions(world) == [Condition.OK] * 3
    world.settle()


def test_what_a_node_writes_is_short_and_plain_wherever_it_goes(make_world: MakeWorld) -> None:
    world = make_world(proxied=3)
    world.seal()
    world.run_to(State.MINED)

    def write(block: dict[str, Any]) -> None:
        block["hash"] = "line one\nline two\u2028\x1b[31m\ud800" + "x" * 100_000

    with world.proxy.rule("eth_getBlockByNumber", forging(write)):
        world.run_to(State.PROVED)
        as_of = world.book.newest_as_of()
        assert as_of is not None
        assert len(as_of.observed) == 3
        for text in (*as_of.observed, world.book.endpoints()[0].text):
            assert len(text) < 600
            assert text.isascii()
            assert text.isprintable()
    world.settle()


def test_one_who_is_away_for_a_moment_among_enough_is_no_alarm(make_world: MakeWorld) -> None:
    patience = timedelta(minutes=5)
    world = make_world(proxied=3, settings=replace(SETTINGS, endpoint_patience=patience))
    with ExitStack() as rules:
        all_of(rules, world.proxy, away)
        world.step()
        assert conditions(world)[0] is Condition.AWAY
        assert world.book.alarms() == {}
        step = world.step(patience)
        assert name(world, 0) in world.book.alarms()["ENDPOINT_AWAY"].text
        assert step.trouble is None, "all goes on without it"
        world.seal()
        with ExitStack() as blip:
            # A call that nobody answers holds nothing, however long that one has been away.
            for proxy in world.proxies[1:]:
                blip.enter_context(proxy.rule("eth_getProof", lambda *_: refused("busy")))
            world.step()
        assert world.youngest().state is State.SEALED
        world.settle()
        all_of(rules, world.proxies[1], away)
        step = world.step()
        assert step.trouble is not None
        assert name(world, 1) in step.trouble
    world.step(patience)
    world.step()
    assert world.book.alarms() == {}


def test_one_who_lags_has_no_vote_until_it_has_caught_up(make_world: MakeWorld) -> None:
    world = make_world(proxied=3)
    world.seal()
    world.settle()
    with world.proxy.rule("eth_getBlockByNumber", StaleBlocks()):
        world.step()
        world.mine(LAG_BLOCKS)
        world.step()
        assert conditions(world)[0] is Condition.OK
        world.mine()
        world.step()
        state = world.book.endpoints()[0]
        assert (state.condition, state.behind) == (Condition.LAGGING, LAG_BLOCKS + 1)
        assert name(world, 0) in world.book.alarms()["ENDPOINT_LAGS"].text
        world.seal()
        world.run_to(State.BROADCAST)
        assert world.proxy.count("eth_sendRawTransaction") == 2, "bytes go to it all the same"
        settled_twice(world)
    world.step()
    assert conditions(world) == [Condition.OK] * 3
    assert world.book.alarms() == {}


def test_a_wrong_chain_of_one_of_two_stops_and_names_both(make_world: MakeWorld) -> None:
    world = make_world(proxied=2)
    world.seal()
    with world.proxy.rule("eth_chainId", lambda *_: answered("0x1")):
        world.step()
        held = world.youngest()
        assert (held.state, held.cause, held.nonce) == (State.HELD, Cause.ENDPOINT, None)
        text = world.book.alarms()["HELD"].text
        assert f"{name(world, 0)} says 1," in text
        assert f"{name(world, 1)} says 31337," in text
    world.settle()
    assert world.book.alarms() == {}


# Two differ, and nobody can tell who is right.


def test_two_that_differ_about_a_final_block_stop_the_sender_and_are_both_named(
    make_world: MakeWorld,
) -> None:
    world = make_world(proxied=2)
    world.seal()
    world.settle()
    final = int(world.anvil.rpc("eth_getBlockByNumber", "finalized", False)["number"], 16)
    forger = Forger(world.anvil, world.proxy)
    forged = forger.replace_time(final)["hash"]
    truth = world.anvil.rpc("eth_getBlockByNumber", hex(final), False)["hash"]
    world.seal()
    with forger.lying():
        for _ in range(3):
            world.step()
            world.mine()
        alarm = world.book.alarms()["ENDPOINT_CONTRADICTS"].text
        assert f"{name(world, 0)} says {forged}" in alarm
        assert f"{name(world, 1)} says {truth}" in alarm
        assert world.proxies[1].count("eth_sendRawTransaction") == 1, "only the first batch's"
    settled_twice(world)
    assert world.book.alarms() == {}


def test_two_that_differ_about_the_tip_wait_and_then_say_so(make_world: MakeWorld) -> None:
    world = make_world(*SLOW, proxied=2)
    world.seal()
    world.step()
    forger = Forger(world.anvil, world.proxy)
    forger.mine(world.youngest(), int(world.anvil.rpc("eth_blockNumber"), 16) + 1)
    with forger.lying():
        world.step()
        # The one may be ahead of the other; nothing is decided, and nobody is alarmed.
        assert world.youngest().state is State.BROADCAST
        assert world.book.alarms() == {}
        world.step(SETTLE)
        held = world.youngest()
        assert (held.state, held.cause) == (State.HELD, Cause.ENDPOINT)
        assert "endpoints differ about transaction 0x" in world.book.alarms()["HELD"].text
    world.mine()
    world.settle()
    only_true_blocks(world)


def test_two_whose_chains_part_below_the_tip_are_both_named_in_time(make_world: MakeWorld) -> None:
    """Every new block is another question, and the difference is the same: one has no block in common."""
    world = make_world("--no-mining", "--slots-in-an-epoch", "32", proxied=2)
    world.seal()
    world.step()
    world.mine()
    world.step()
    assert world.youngest().state is State.MINED
    forger = Forger(world.anvil, world.proxy)
    with forger.lying():
        for _ in range(5):
            world.mine()
            forger.replace_time(int(world.anvil.rpc("eth_blockNumber"), 16))
            world.step(SETTLE / 3)
        world.step(world.settings.as_of_refresh)
        world.mine()
        forger.replace_time(int(world.anvil.rpc("eth_blockNumber"), 16))
        world.step(SETTLE)
        assert name(world, 0) in world.book.alarms()["ENDPOINT_CONTRADICTS"].text
    world.step()
    assert world.book.alarms() == {}


def test_one_of_two_that_outran_the_other_can_not_make_anything_final(
    make_world: MakeWorld,
) -> None:
    """It says that it is far ahead, so the other one has no vote; and then it shows our anchor."""
    world = make_world(proxied=2)
    world.mine(5)
    world.seal()
    world.step()
    sent = world.youngest()
    final = int(world.anvil.rpc("eth_getBlockByNumber", "finalized", False)["number"], 16)
    forger = Forger(world.anvil, world.proxy)
    forger.mine(sent, final - 1)
    forger.run_ahead(final + 1000)
    with forger.lying():
        for _ in range(4):
            world.step()
            assert world.youngest().state is not State.FINAL
            assert world.book.newest_as_of() is None
        assert conditions(world)[1] is Condition.LAGGING
        assert f"block {final - 1}, which is final" in str(world.book.alarms().values())
    world.mine()
    world.step()
    world.settle()
    only_true_blocks(world)


def test_one_that_denies_a_receipt_does_not_make_a_foreign_transaction_of_ours(
    make_world: MakeWorld,
) -> None:
    world = make_world(proxied=2)
    world.seal()
    world.step()
    with world.proxy.rule("eth_getTransactionReceipt", lambda *_: answered(None)):
        world.mine()
        for _ in range(3):
            world.step()
            assert world.youngest().state is State.BROADCAST
    world.settle()
    assert "FOREIGN" not in world.told()


def test_a_nonce_that_is_consumed_is_proved_by_a_majority(make_world: MakeWorld) -> None:
    world = make_world(proxied=3)
    chain = world.chain()
    world.seal()
    world.settle()
    with world.proxies[0].rule("eth_getBlockByNumber", StaleBlocks()):
        # It shows an older state, truly; the others have gone on.
        assert chain.prove_count().count == 1
        world.seal()
        world.run_to(State.MINED)
        proved = chain.prove_count()
    assert (proved.count, proved.head) == (2, world.on_chain()[-1].head)
    with world.proxies[0].rule("eth_getProof", lies()["forged proof"]["eth_getProof"]):
        assert chain.prove_count() == proved
        assert chain.endpoints()[0].condition is Condition.LYING
    world.settle()


# Some or all are away.


def test_with_too_few_in_reach_anchors_are_sent_and_mined_and_nothing_is_final(
    make_world: MakeWorld,
) -> None:
    world = make_world(proxied=3)
    world.seal()
    world.settle()
    with ExitStack() as rules:
        for proxy in world.proxies[:2]:
            all_of(rules, proxy, away)
        world.seal()
        for _ in range(12):
            world.step()
            world.check()
            world.mine()
        assert world.youngest().state is State.MINED
        assert conditions(world) == [Condition.AWAY, Condition.AWAY, Condition.OK]
        assert "ENDPOINT_AWAY" in world.book.alarms()
    world.step(timedelta(minutes=5))
    settled_twice(world)
    assert world.book.alarms() == {}


def test_one_of_three_alone_can_not_make_anything_final(make_world: MakeWorld) -> None:
    """The others are away, and the one left shows our anchor in a final block of its own."""
    world = make_world(proxied=3)
    world.seal()
    world.step()
    forger = Forger(world.anvil, world.proxy)
    number = int(world.anvil.rpc("eth_blockNumber"), 16) + 1
    forger.mine(world.youngest(), number)
    with ExitStack() as rules:
        rules.enter_context(forger.lying())
        for proxy in world.proxies[1:]:
            all_of(rules, proxy, away)
        for _ in range(8):
            world.step()
            world.anvil.rpc("evm_mine")
        assert world.youngest().state is State.MINED
        assert world.book.newest_as_of() is None
    world.step(timedelta(minutes=5))
    world.settle()
    only_true_blocks(world)


def test_all_are_away_and_come_back(make_world: MakeWorld) -> None:
    world = make_world(proxied=3)
    world.seal()
    world.settle()
    world.seal()
    world.step()
    assert world.youngest().state is State.BROADCAST
    with ExitStack() as rules:
        for proxy in world.proxies:
            all_of(rules, proxy, away)
        world.step()
        assert world.youngest().state is State.BROADCAST, "one lost call holds nothing"
        world.seal()
        world.step(world.settings.away_hold)
        held = world.youngest()
        assert (held.state, held.cause) == (State.HELD, Cause.ENDPOINT_AWAY)
        assert conditions(world) == [Condition.AWAY] * 3
        for place in range(3):
            assert name(world, place) in world.book.alarms()["HELD"].text
        world.check()
        world.restart()
        world.step()
        assert world.youngest().state is State.HELD
    world.settle()
    assert [one.link.size for one in world.on_chain()] == [1, 2, 3]
    assert world.book.alarms() == {}


# Time.


def test_a_slow_one_costs_its_limit_once_and_then_nothing(make_world: MakeWorld) -> None:
    world = make_world(proxied=3, timeout_s=20, grace_s=0.5)
    world.seal()
    world.settle()

    def drip(_: list[Any], forward: Forward) -> Raw:
        # A byte now and then is an answer under way to a limit that counts silence.
        return Dripped(200, b" " * 900 + b"{}", pause_s=0.1)

    with ExitStack() as rules:
        all_of(rules, world.proxy, drip)
        world.seal()
        begun = time.monotonic()
        settled_twice(world)
        took = time.monotonic() - begun
        assert conditions(world)[0] is Condition.AWAY
        assert "has not answered in time" in world.book.alarms()["ENDPOINT_AWAY"].text
        assert len(world.steps) > 6
        # The limit of one call is a minute: nobody waits for one whom a majority has outrun.
        assert took < 30


def test_an_endpoint_that_is_away_is_asked_less_and_less(make_world: MakeWorld) -> None:
    world = make_world(proxied=3)
    world.step()
    with ExitStack() as rules:
        all_of(rules, world.proxy, away)
        world.step()
        before = len(world.proxy.calls)
        for _ in range(60):
            world.step()
        # Five minutes: asked at each step it would be hundreds.
        assert len(world.proxy.calls) - before <= 8
    for _ in range(3):
        world.step(timedelta(minutes=5))
    assert conditions(world) == [Condition.OK] * 3
    world.seal()
    world.settle()


# Sending.


def test_a_send_counts_if_one_took_it(make_world: MakeWorld) -> None:
    world = make_world(proxied=3)
    world.seal()
    with ExitStack() as rules:
        for proxy in world.proxies[:2]:
            rules.enter_context(proxy.rule("eth_sendRawTransaction", lambda *_: refused("busy")))
        step = world.step()
    assert not any("unclear" in line for line in step.happened)
    world.settle()


def test_a_send_is_unclear_unless_nobody_was_reached(make_world: MakeWorld) -> None:
    world = make_world(proxied=3)
    chain = world.chain()
    with ExitStack() as rules:
        for proxy in world.proxies:
            rules.enter_context(proxy.rule("eth_sendRawTransaction", lambda *_: refused("no")))
        with pytest.raises(OutcomeUnknown, match=r"no; .*no; .*no"):
            chain.send(b"\x02")
    world.anvil.stop()
    for proxy in world.proxies:
        proxy.__exit__()
    with pytest.raises(ChainAway, match="no connection"):
        world.chain().send(b"\x02")
    for proxy in world.proxies:
        proxy.__enter__()


# Values that can't be proved.


@pytest.mark.parametrize("lie", ["0x0", "0xffff"])
def test_a_count_that_one_makes_up_changes_nothing(make_world: MakeWorld, lie: str) -> None:
    world = make_world(proxied=3)
    world.seal()
    world.settle()
    world.seal()
    with world.proxy.rule("eth_getTransactionCount", lambda *_: answered(lie)):
        world.step()
        assert world.youngest().nonce == 1
        settled_twice(world)


def test_balance_fees_and_gas_of_one_change_nothing(make_world: MakeWorld) -> None:
    world = make_world(proxied=3)
    world.seal()
    with ExitStack() as rules:
        for method, lie in (
            ("eth_getBalance", "0x0"),
            ("eth_maxPriorityFeePerGas", hex(ETHER)),
            ("eth_estimateGas", "0x1"),
        ):
            rules.enter_context(world.proxy.rule(method, lambda *_, lie=lie: answered(lie)))
        world.settle()
    assert world.intents()[0].state is State.PROVED
    with world.proxy.rule("eth_estimateGas", lambda *_: refused("execution reverted")):
        world.seal()
        settled_twice(world)


def test_a_hint_of_one_does_not_hide_the_true_one(make_world: MakeWorld) -> None:
    world = make_world(proxied=3)
    world.seal()
    world.settle()
    world.seal()
    world.settle()
    anchors = world.on_chain()
    chain = world.chain()

    def invented(_: list[Any], forward: Forward) -> dict[str, Any]:
        answer = forward()
        for log in answer["result"]:
            log["transactionHash"] = "0x" + "77" * 32
        return answer

    with world.proxy.rule("eth_getLogs", invented):
        second = anchors[1]
        found = chain.anchor_after(second.prev, 0)  # type: ignore[arg-type]
        assert found is not None
        assert found.tx_hash == second.tx_hash
        link = second.link
        assert chain.find_anchor(second.prev, link.root, link.size, 0) == second.tx_hash  # type: ignore[arg-type]


def test_without_a_majority_for_what_never_changes_nothing_is_told(make_world: MakeWorld) -> None:
    world = make_world(proxied=2)
    code = world.identity.contract
    with (
        world.proxy.rule("eth_getCode", lambda *_: answered("0x")),
        pytest.raises(ChainContradiction, match="endpoints differ about the code"),
    ):
        world.chain().code_hash(code)


def test_what_one_refuses_the_others_answer(make_world: MakeWorld) -> None:
    """A refusal is no lie and no absence: that endpoint goes on having a vote in all else."""
    world = make_world(proxied=3)
    with world.proxy.rule("eth_getProof", lambda *_: refused("no such method", -32601)):
        world.seal()
        world.settle()
        assert conditions(world) == [Condition.OK] * 3
        as_of = world.book.newest_as_of()
        assert as_of is not None
        assert all("is 0x" in said for said in as_of.observed)


def test_too_few_say_what_is_final(make_world: MakeWorld) -> None:
    world = make_world(proxied=3)
    chain = world.chain()
    with ExitStack() as rules:
        for proxy in world.proxies[:2]:
            all_of(rules, proxy, away)
        with pytest.raises(Unsettled, match="1 of 3 endpoints agree on what is final; 2 must"):
            chain.finalized()
        with pytest.raises(Unsettled, match="2 must"):
            chain.final_block(0)

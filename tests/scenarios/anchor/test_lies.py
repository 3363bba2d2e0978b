"""A node that lies: nothing that doesn't rebuild changes a state. Spec: docs/spec/sender.md §1 rule 7."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from notary.core.intent import Cause, State
from tests.scenarios.anchor.conftest import MakeWorld
from tests.simulators.chain_faults import another_digit, forging
from tests.simulators.chain_proxy import Forward, answered, refused
from tests.simulators.chain_world import World

Mend = Callable[[Any], None]


def broadcast(make_world: MakeWorld) -> World:
    world = make_world(proxied=True)
    world.seal()
    world.step()
    assert world.youngest().state is State.BROADCAST
    return world


def first_receipt(change: Callable[[dict[str, Any]], None]) -> Mend:
    return lambda receipts: change(receipts[0])


RECEIPTS: list[tuple[str, Callable[[dict[str, Any]], None]]] = [
    ("status", lambda one: one.update(status="0x0")),
    ("gas", lambda one: one.update(cumulativeGasUsed="0x1")),
    ("data", lambda one: one["logs"][0].update(data=another_digit(one["logs"][0]["data"]))),
    ("topic", lambda one: one["logs"][0]["topics"].pop()),
    ("emitter", lambda one: one["logs"][0].update(address="0x" + "11" * 20)),
    ("no logs", lambda one: one.update(logs=[])),
]


@pytest.mark.parametrize(("name", "change"), RECEIPTS, ids=[name for name, _ in RECEIPTS])
def test_a_forged_receipt_is_not_believed(
    make_world: MakeWorld, name: str, change: Callable[[dict[str, Any]], None]
) -> None:
    world = broadcast(make_world)
    world.mine()
    with world.proxy.rule("eth_getBlockReceipts", forging(first_receipt(change))):
        for _ in range(3):
            world.step()
            held = world.youngest()
            assert (held.state, held.cause, held.resume) == (
                State.HELD,
                Cause.ENDPOINT,
                State.BROADCAST,
            )
    assert "ENDPOINT_CONTRADICTS" in world.book.alarms()
    world.settle()
    assert world.book.alarms() == {}


def test_a_receipt_out_of_thin_air_is_not_believed(make_world: MakeWorld) -> None:
    world = broadcast(make_world)
    latest = world.anvil.rpc("eth_getBlockByNumber", "latest", False)
    tx_hash = "0x" + world.youngest().attempts[0].hash.hex()
    forged = {
        "transactionHash": tx_hash,
        "blockHash": latest["hash"],
        "blockNumber": latest["number"],
        "transactionIndex": "0x0",
        "status": "0x1",
        "type": "0x2",
        "cumulativeGasUsed": "0x5208",
        "logsBloom": "0x" + "00" * 256,
        "logs": [],
    }
    with world.proxy.rule("eth_getTransactionReceipt", lambda *_: answered(forged)):
        world.step()
    assert world.youngest().cause is Cause.ENDPOINT
    assert f"no transaction {tx_hash}" in world.book.alarms()["ENDPOINT_CONTRADICTS"].text
    world.settle()


HEADERS = ["timestamp", "stateRoot", "receiptsRoot", "transactionsRoot", "hash", "number"]


@pytest.mark.parametrize("member", HEADERS)
def test_a_forged_header_is_not_believed(make_world: MakeWorld, member: str) -> None:
    world = broadcast(make_world)
    world.mine()

    def change(block: dict[str, Any]) -> None:
        block[member] = another_digit(block[member])

    rule = forging(change)
    with world.proxy.rule("eth_getBlockByHash", rule):
        world.step()
    assert world.youngest().cause is Cause.ENDPOINT
    with world.proxy.rule("eth_getBlockByNumber", rule):
        world.step()
    assert world.youngest().cause is Cause.ENDPOINT
    world.settle()


def test_a_forged_transaction_is_not_believed(make_world: MakeWorld) -> None:
    world = broadcast(make_world)
    world.mine()

    def change(block: dict[str, Any]) -> None:
        block["transactions"][0]["gas"] = "0x1"

    # What doesn't give its own hash is asked for as bytes; those are honest here.
    with world.proxy.rule("eth_getBlockByHash", forging(change)):
        world.step()
    assert world.youngest().state is State.MINED
    world.settle()


def test_a_transaction_whose_bytes_lie_is_not_believed(make_world: MakeWorld) -> None:
    world = broadcast(make_world)
    world.mine()

    def change(block: dict[str, Any]) -> None:
        block["transactions"][0]["gas"] = "0x1"

    with (
        world.proxy.rule("eth_getBlockByHash", forging(change)),
        world.proxy.rule("eth_getRawTransactionByHash", lambda *_: answered("0x02c0")),
    ):
        world.step()
    assert world.youngest().cause is Cause.ENDPOINT
    world.settle()


@pytest.mark.parametrize("damage", ["account", "slot", "missing", "extra"])
def test_a_forged_state_proof_is_neither_kept_nor_believed(
    make_world: MakeWorld, damage: str
) -> None:
    world = make_world(proxied=True)
    world.seal()
    world.settle()
    world.mine()

    def change(proof: dict[str, Any]) -> None:
        nodes = proof["accountProof" if damage != "slot" else "storageProof"]
        if damage == "slot":
            nodes = nodes[0]["proof"]
        if damage == "missing":
            nodes.pop()
        elif damage == "extra":
            nodes.append(nodes[-1])
        else:
            nodes[-1] = another_digit(nodes[-1])

    kept = world.book.newest_taken()
    with world.proxy.rule("eth_getProof", forging(change)):
        world.step(world.settings.as_of_refresh)
        assert world.book.newest_taken() == kept
        assert "ENDPOINT_CONTRADICTS" in world.book.alarms()
        world.seal()
        world.step()
    held = world.youngest()
    assert (held.cause, held.nonce) == (Cause.ENDPOINT, None)
    world.settle()


def test_a_head_that_lags_reserves_nothing(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    world.seal()
    world.settle()
    older = world.anvil.rpc("eth_getBlockByNumber", "0x2", False)

    # The endpoint shows a block from before the first anchor as the latest.
    def lag(params: list[Any], forward: Forward) -> dict[str, Any]:
        return answered(older) if params[0] == "latest" else forward()

    world.seal()
    with world.proxy.rule("eth_getBlockByNumber", lag):
        world.step()
    assert (world.youngest().cause, world.youngest().nonce) == (Cause.HEAD_UNKNOWN, None)
    world.settle()


def test_a_nonce_that_lags_makes_a_reservation_that_goes_stale_or_waits(
    make_world: MakeWorld,
) -> None:
    world = make_world(proxied=True)
    world.seal()
    world.settle()
    world.seal()
    with world.proxy.rule("eth_getTransactionCount", lambda *_: answered("0x0")):
        world.step()
    world.settle()
    assert [one.link.size for one in world.on_chain()] == [1, 2]


MALFORMED: list[tuple[str, str, Any]] = [
    ("block is a list", "eth_getBlockByNumber", []),
    ("block is empty", "eth_getBlockByNumber", {}),
    ("count is a number", "eth_getTransactionCount", 1),
    ("count is negative", "eth_getTransactionCount", "0x-1"),
    ("balance is no hex", "eth_getBalance", "0xzz"),
    ("proof is empty", "eth_getProof", {}),
    ("proof has no slot", "eth_getProof", {"accountProof": [], "storageProof": []}),
    ("chain id is null", "eth_chainId", None),
    ("code is no hex", "eth_getCode", "0x0"),
    ("gas is null", "eth_estimateGas", None),
]


@pytest.mark.parametrize(
    ("method", "result"), [row[1:] for row in MALFORMED], ids=[row[0] for row in MALFORMED]
)
def test_an_answer_without_shape_holds_the_intent(
    make_world: MakeWorld, method: str, result: Any
) -> None:
    world = make_world(proxied=True)
    world.seal()
    with world.proxy.rule(method, lambda *_: answered(result)):
        world.step()
    held = world.youngest()
    assert (held.cause, held.attempts) == (Cause.ENDPOINT, ())
    world.settle()


def test_receipts_are_asked_for_one_by_one_where_the_node_has_no_other_way(
    make_world: MakeWorld,
) -> None:
    world = broadcast(make_world)
    with world.proxy.rule("eth_getBlockReceipts", lambda *_: refused("no such method", -32601)):
        world.mine()
        world.settle()
    assert world.proxy.count("eth_getTransactionReceipt") >= 2


def test_a_node_without_a_suggestion_for_the_priority_fee_will_do(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    world.seal()
    with world.proxy.rule("eth_maxPriorityFeePerGas", lambda *_: refused("no such method")):
        world.settle()

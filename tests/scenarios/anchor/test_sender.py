"""The sender on a real chain: what goes well, what breaks, and what lies.

Spec: docs/spec/sender.md. Each test ends with a check of the whole world.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from notary.adapters.chain.compared import ComparedChain
from notary.adapters.chain.keystore import KeystoreSigner, create_keystore
from notary.chain_ports import HeadProof, TransactionFields
from notary.core.intent import Cause, State
from notary.errors import CallerError, Contradiction, NothingHappened
from tests.scenarios.anchor.conftest import MakeWorld
from tests.simulators.chain_faults import StaleBlocks
from tests.simulators.chain_proxy import ChainProxy, Dropped, Forward, answered, refused
from tests.simulators.chain_world import (
    ANVIL_OPTIONS,
    ETHER,
    GWEI,
    InProcessProver,
    World,
    put_contract,
)
from tests.simulators.store import make_world as make_store
from verifier.format import contract as anchors
from verifier.format import evm
from verifier.format.digests import Digest


def no_more_than_asked(proxy: ChainProxy) -> None:
    """The product uses what every node has, and nothing that only a test chain has."""
    assert {method.partition("_")[0] for method in proxy.methods} == {"eth"}


def test_each_batch_is_anchored_proved_and_followed_by_an_as_of_proof(
    make_world: MakeWorld,
) -> None:
    world = make_world(proxied=True)
    world.seal()
    world.settle()
    world.seal(3)
    world.settle()
    assert [one.link.size for one in world.on_chain()] == [1, 4]
    assert [one.state for one in world.intents()] == [State.PROVED, State.PROVED]
    assert world.proxy.count("eth_sendRawTransaction") == 2
    no_more_than_asked(world.proxy)


def test_nothing_is_sent_while_no_batch_is_sealed(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    assert world.step().idle
    assert world.proxy.count("eth_sendRawTransaction") == 0
    assert world.intents() == []


def test_sealing_goes_on_while_an_intent_is_live_and_the_next_takes_it_all(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.seal()
    world.step()
    world.seal(2)
    world.step()
    world.seal(2)
    assert world.youngest().state is State.BROADCAST
    world.mine()
    world.settle()
    assert [one.link.size for one in world.on_chain()] == [1, 5]


def test_nothing_is_final_or_proved_before_the_chain_says_finalized(
    make_world: MakeWorld,
) -> None:
    world = make_world("--no-mining", "--slots-in-an-epoch", "32")
    world.seal()
    mined = world.run_to(State.MINED)
    assert mined.block is not None
    for _ in range(6):
        world.mine(10)
        world.step()
        assert world.youngest().state is State.MINED
        assert world.book.anchors() == []
        assert world.book.newest_as_of() is None
    world.mine(10)
    world.settle()
    assert world.youngest().state is State.PROVED


def test_an_acknowledgement_that_is_lost_costs_no_second_anchor(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)

    def lost(_: list[Any], forward: Forward) -> dict[str, Any]:
        assert "result" in forward()
        raise Dropped

    world.seal()
    with world.proxy.rule("eth_sendRawTransaction", lost):
        world.step()
    assert world.youngest().state is State.BROADCAST
    world.restart()
    world.settle()
    assert len(world.on_chain()) == 1


def test_a_node_that_refuses_what_it_has_taken_is_not_believed(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)

    def wrong(_: list[Any], forward: Forward) -> dict[str, Any]:
        forward()
        return refused("nonce too low")

    world.seal()
    with world.proxy.rule("eth_sendRawTransaction", wrong):
        world.step()
        world.mine()
        world.settle()
    assert world.proxy.count("eth_sendRawTransaction") == 1


def test_a_node_that_is_away_leaves_the_intent_as_it_is(make_world: MakeWorld) -> None:
    world = make_world()
    world.seal()
    world.anvil.stop()
    step = world.step()
    [said] = step.happened
    assert said.startswith("endpoint AWAY: 127.0.0.1:")
    assert "ENDPOINT_AWAY" in world.sender.status(world.now).alarms
    assert world.sender.status(world.now).balance is None
    assert world.intents() == []


def test_a_node_that_restarts_with_an_empty_pool_gets_the_same_bytes_again(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world(*ANVIL_OPTIONS, "--state", str(tmp_path / "state.json"))
    world.seal()
    world.step()
    sent = world.youngest()
    assert sent.state is State.BROADCAST
    world.anvil.stop()
    world.step()
    assert "ENDPOINT_AWAY" in world.sender.status(world.now).alarms
    world.anvil.start()
    assert world.anvil.rpc("txpool_status")["pending"] == "0x0"
    world.step(world.settings.rebroadcast)
    world.mine()
    world.settle()
    assert world.youngest().attempts[0].hash == sent.attempts[0].hash
    assert "ENDPOINT_AWAY" not in world.sender.status(world.now).alarms


def test_a_transaction_dropped_from_the_pool_is_sent_again(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    world.seal()
    world.step()
    (attempt,) = world.youngest().attempts
    world.anvil.rpc("anvil_dropTransaction", "0x" + attempt.hash.hex())
    world.settle()
    assert world.proxy.count("eth_sendRawTransaction") == 2
    assert [one.hash for one in world.youngest().attempts] == [attempt.hash]


def test_a_transaction_below_the_base_fee_is_bumped_with_the_same_nonce_and_data(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.seal()
    world.step()
    world.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(20 * GWEI))
    world.mine()
    world.run(lambda: len(world.youngest().attempts) == 2)
    first, second = world.youngest().attempts
    assert second.max_fee * 8 >= first.max_fee * 9
    assert second.priority_fee * 8 >= first.priority_fee * 9
    world.settle()
    assert len(world.on_chain()) == 1


def test_either_attempt_may_be_the_one_that_is_mined(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    world.seal()
    world.step()

    # The pool keeps the first: the second gets lost on its way.
    def swallowed(_: list[Any], forward: Forward) -> dict[str, Any]:
        raise Dropped

    with world.proxy.rule("eth_sendRawTransaction", swallowed):
        world.step(world.settings.bump)
    first, second = world.youngest().attempts
    assert second.first_sent_at is not None
    world.mine()
    mined = world.run_to(State.MINED)
    assert mined.tx_hash == first.hash
    world.settle()


def test_fees_stop_at_the_cap_and_the_intent_is_held_until_the_base_fee_falls(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(150 * GWEI))
    world.mine()
    world.seal()
    world.step()
    held = world.youngest()
    assert (held.state, held.cause, held.attempts) == (State.HELD, Cause.FEE_CAP, ())
    world.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
    world.mine()
    world.settle()


def test_a_sent_transaction_is_held_at_the_cap_and_still_followed(make_world: MakeWorld) -> None:
    world = make_world()
    world.seal()
    world.step()
    for _ in range(6):
        # Held up by the test, so that it rises faster than it can fall.
        world.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(500 * GWEI))
        world.mine()
        world.step(world.settings.bump)
    held = world.youngest()
    assert (held.state, held.cause, held.resume) == (State.HELD, Cause.FEE_CAP, State.BROADCAST)
    assert all(attempt.max_fee <= world.settings.max_fee_cap for attempt in held.attempts)
    world.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
    world.mine()
    world.settle()
    assert len(world.on_chain()) == 1


def test_without_money_the_intent_is_held_and_resumes_by_itself(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    world.fund(1)
    world.seal()
    world.step()
    held = world.youngest()
    assert (held.state, held.cause, held.attempts) == (State.HELD, Cause.FUNDS, ())
    assert world.proxy.count("eth_sendRawTransaction") == 0
    status = world.sender.status(world.now)
    assert (status.held, status.balance) == (Cause.FUNDS, 1)
    assert "Send it money" in status.alarms["HELD"].text
    world.fund(ETHER)
    world.settle()
    assert world.sender.status(world.now).alarms == {}


def test_money_that_went_after_signing_holds_the_intent_too(make_world: MakeWorld) -> None:
    world = make_world()
    world.seal()
    world.step()
    (attempt,) = world.youngest().attempts
    world.anvil.rpc("anvil_dropTransaction", "0x" + attempt.hash.hex())
    world.fund(1)
    world.step(world.settings.rebroadcast)
    held = world.youngest()
    assert (held.cause, held.resume) == (Cause.FUNDS, State.BROADCAST)
    world.fund(ETHER)
    world.settle()
    assert world.youngest().attempts == (world.youngest().attempts[0],)
    assert world.youngest().tx_hash == attempt.hash


def test_another_chain_id_holds_everything_and_consumes_nothing(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    world.seal()
    world.settle()
    world.anvil.rpc("anvil_setChainId", 4242)
    world.seal()
    world.step()
    world.step()
    held = world.youngest()
    assert (held.state, held.cause, held.nonce) == (State.HELD, Cause.WRONG_CHAIN_ID, None)
    assert world.proxy.count("eth_sendRawTransaction") == 1
    world.anvil.rpc("anvil_setChainId", 31337)
    world.settle()


def test_a_chain_that_began_anew_is_another_chain(make_world: MakeWorld) -> None:
    world = make_world()
    world.seal()
    world.settle()
    world.anvil.stop()
    # Its first block differs by its time; a second one started within a second would be the same.
    world.anvil.options = (*ANVIL_OPTIONS, "--timestamp", "1700000000")
    world.anvil.start()
    world.seal()
    world.step(world.settings.identity_check)
    assert world.youngest().cause is Cause.WRONG_GENESIS


def test_without_the_contract_the_intent_is_held_until_it_is_deployed(
    make_world: MakeWorld,
) -> None:
    world = make_world(deployed=False)
    world.seal()
    world.step()
    assert world.youngest().cause is Cause.WRONG_CODE
    put_contract(world.anvil)
    world.settle()


def test_a_transaction_that_needs_too_much_gas_is_not_signed(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    world.seal()
    with world.proxy.rule("eth_estimateGas", lambda *_: answered(hex(10_000_000))):
        world.step()
    assert world.youngest().cause is Cause.REVERTS
    assert world.youngest().attempts == ()
    with world.proxy.rule("eth_estimateGas", lambda *_: refused("execution reverted", 3)):
        world.step()
    assert "execution reverted" in world.sender.status(world.now).alarms["HELD"].text
    world.settle()


def test_a_transaction_that_fails_is_superseded_and_its_batches_go_with_the_next(
    make_world: MakeWorld,
) -> None:
    world = make_world(proxied=True)
    world.seal()
    # So little gas that the transaction gets into a block and fails there.
    with world.proxy.rule("eth_estimateGas", lambda *_: answered(hex(16_000))):
        world.step()
    failed = world.youngest()
    world.mine()
    world.step()
    assert world.intent(failed.id).state is State.SUPERSEDED
    world.settle()
    assert world.intent(failed.id).closed
    assert len(world.on_chain()) == 1


def test_a_foreign_transaction_of_the_account_is_noticed(make_world: MakeWorld) -> None:
    world = make_world()
    world.seal()
    world.step()
    mine = world.youngest()
    foreign_transaction(world, nonce=0)
    world.mine()
    world.step()
    foreign = world.intent(mine.id)
    assert foreign.state is State.FOREIGN_NONCE
    assert "FOREIGN_NONCE" in world.sender.status(world.now).alarms
    world.settle()
    assert world.intent(mine.id).closed
    assert len(world.on_chain()) == 1


def foreign_transaction(world: World, nonce: int) -> None:
    """Somebody else uses the log's key: the nonce goes, and nothing is anchored."""
    world.anvil.rpc("anvil_impersonateAccount", "0x" + world.account.hex())
    pending = world.anvil.rpc("txpool_content")["pending"]
    for transactions in pending.values():
        for transaction in transactions.values():
            world.anvil.rpc("anvil_dropTransaction", transaction["hash"])
    world.anvil.rpc(
        "eth_sendTransaction",
        {
            "from": "0x" + world.account.hex(),
            "to": "0x" + "11" * 20,
            "nonce": hex(nonce),
            "gas": hex(21_000),
        },
    )


def test_an_index_that_lags_behind_the_state_is_caught_up_with(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    world.seal()
    world.step()
    mine = world.youngest()
    world.mine()
    world.seal()
    # The state has our transaction, and the node can find neither its receipt nor its event yet.
    with (
        world.proxy.rule("eth_getTransactionReceipt", lambda *_: answered(None)),
        world.proxy.rule("eth_getLogs", lambda *_: answered([])),
    ):
        for _ in range(2):
            # The head is not explained, so nobody is accused and nothing is made on top of it.
            world.step()
            assert held(world) == (State.CHECK_HEAD, Cause.ENDPOINT)
            assert world.youngest().id == mine.id
            assert set(world.book.alarms()) == {"HELD", "ENDPOINT_CONTRADICTS"}
            assert "no transaction is shown that led to it" in world.book.alarms()["HELD"].text
            world.mine(5)
    world.step()
    assert world.intent(mine.id).tx_hash == mine.attempts[0].hash
    world.settle()
    assert world.book.alarms() == {}
    assert [one.link.size for one in world.on_chain()] == [1, 2]


def held(world: World) -> tuple[State, Cause | None]:
    """What the youngest intent is held in, and why."""
    return world.youngest().effective, world.youngest().cause


def test_a_count_that_is_ahead_accuses_nobody(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    world.seal()
    world.step()
    mine = world.youngest()
    with world.proxy.rule("eth_getTransactionCount", lambda *_: answered("0x1")):
        for _ in range(2):
            world.step()
            assert held(world) == (State.CHECK_HEAD, Cause.ENDPOINT)
            assert "is said to be 1, and is 0 by the state of block" in (
                world.book.alarms()["HELD"].text
            )
    world.step()
    assert world.intent(mine.id).state is State.BROADCAST
    world.mine()
    world.settle()
    assert [one.id for one in world.intents()] == [mine.id]


def test_a_count_that_is_ahead_before_anything_is_signed_accuses_nobody(
    make_world: MakeWorld,
) -> None:
    world = make_world(proxied=True)
    world.seal()
    with world.proxy.rule("eth_estimateGas", lambda *_: refused("busy")):
        world.step()
    assert held(world) == (State.RESERVED, Cause.REVERTS)
    with world.proxy.rule("eth_getTransactionCount", lambda *_: answered("0x1")):
        world.step()
        world.step()
        assert held(world) == (State.CHECK_HEAD, Cause.ENDPOINT)
    world.settle()
    assert "FOREIGN_NONCE" not in world.told()
    assert [one.link.size for one in world.on_chain()] == [1]


def test_an_old_state_proves_no_foreign_transaction(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    world.seal()
    world.step()
    with (
        world.proxy.rule("eth_getBlockByNumber", StaleBlocks()),
        world.proxy.rule("eth_getTransactionReceipt", lambda *_: answered(None)),
    ):
        world.step()
        world.mine()
        for _ in range(2):
            world.step()
            assert held(world) == (State.CHECK_HEAD, Cause.ENDPOINT)
    world.settle()
    assert "FOREIGN_NONCE" not in world.told()
    assert len(world.on_chain()) == 1


def test_a_failure_of_ours_that_is_not_shown_is_no_foreign_transaction_once_it_is(
    make_world: MakeWorld,
) -> None:
    world = make_world("--no-mining", "--slots-in-an-epoch", "4", proxied=True)
    world.seal()
    with world.proxy.rule("eth_estimateGas", lambda *_: answered(hex(16_000))):
        world.step()
    failed = world.youngest()
    world.mine()
    with world.proxy.rule("eth_getTransactionReceipt", lambda *_: answered(None)):
        world.step()
        # The nonce is consumed and nothing of ours is in the log, both proved: all that is left to say.
        assert world.intent(failed.id).state is State.FOREIGN_NONCE
        text = world.book.alarms()["FOREIGN_NONCE"].text
        assert "If ours failed and its receipt is not shown, this ends" in text
    world.step()
    assert world.intent(failed.id).state is State.SUPERSEDED
    assert "FOREIGN_NONCE" not in world.book.alarms()
    world.run(lambda: world.steps[-1].idle, limit=60)
    world.check(settled=True)
    assert world.book.alarms() == {}


def test_a_foreign_anchor_in_place_of_ours_is_noticed_once_it_is_shown(
    make_world: MakeWorld,
) -> None:
    world = make_world(proxied=True)
    world.seal()
    world.step()
    mine = world.youngest()
    # Whoever holds the key outbids what waits in the pool.
    anchor_something(world, prev=bytes(32), nonce=0, max_fee=50 * GWEI)
    world.mine()
    with world.proxy.rule("eth_getLogs", lambda *_: answered([])):
        world.step()
        assert held(world) == (State.CHECK_HEAD, Cause.ENDPOINT)
    world.step()
    assert world.intent(mine.id).state is State.FOREIGN_NONCE
    assert "FOREIGN_NONCE" in world.book.alarms()


def anchor_something(world: World, prev: bytes, nonce: int, max_fee: int) -> None:
    """Somebody else holds the key, and anchors what no store signed."""
    # Signed for real: what anvil makes of an account that it impersonates has no hash that rebuilds.
    fields = TransactionFields(
        chain_id=world.identity.chain_id,
        nonce=nonce,
        to=world.identity.contract,
        gas_limit=100_000,
        max_fee=max_fee,
        priority_fee=max_fee // 10,
        call_data=anchors.SELECTOR + prev + b"\x77" * 32 + (9).to_bytes(32, "big"),
    )
    world.anvil.rpc("eth_sendRawTransaction", "0x" + world.signer.sign(fields).raw.hex())


def test_a_nonce_that_is_free_again_lets_the_same_bytes_go_on(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    world.seal()
    world.step()
    mine = world.youngest()
    # Consumed at the first look and free at the second, as when a block is replaced in between.
    counts = ["0x0", "0x1"]

    def wavering(_: list[Any], forward: Forward) -> dict[str, Any]:
        return answered(counts.pop()) if counts else forward()

    with world.proxy.rule("eth_getTransactionCount", wavering):
        world.step()
    assert "nonce_free → BROADCAST" in world.told()
    world.settle()
    assert world.intent(mine.id).tx_hash == mine.attempts[0].hash


def test_an_intent_that_was_changed_in_the_store_is_not_taken_for_mined(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.seal()
    world.step()
    with world.database.transaction() as connection:
        connection.exec_driver_sql("UPDATE intents SET size = 2")
    world.mine()
    world.step()
    held = world.youngest()
    assert (held.state, held.cause) == (State.HELD, Cause.ENDPOINT)
    assert "is not the anchor that was signed" in world.book.alarms()["ENDPOINT_CONTRADICTS"].text


def test_a_holder_of_the_key_who_anchors_stops_the_sender(make_world: MakeWorld) -> None:
    world = make_world()
    world.seal()
    world.settle()
    anchor_something(world, prev=world.on_chain()[-1].head, nonce=1, max_fee=10 * GWEI)
    world.mine()
    world.seal()
    for _ in range(3):
        world.step()
        world.mine()
    held = world.youngest()
    assert (held.state, held.cause, held.nonce) == (State.HELD, Cause.STORE_BEHIND_CHAIN, None)


def test_an_anchor_by_bytes_that_the_store_lost_is_found_by_its_root(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.seal()
    world.step()
    sent = world.youngest()
    # A store restored from just before the signing: the bytes are out, and nobody knows them.
    with world.database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM attempts")
        connection.exec_driver_sql("UPDATE intents SET state = 'RESERVED'")
    world.mine()
    world.restart()
    world.step()
    found = world.youngest()
    assert found.state is State.MINED
    assert [attempt.raw for attempt in found.attempts] == [sent.attempts[0].raw]
    world.settle()


def test_a_reservation_that_went_stale_is_dropped(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    world.seal()
    with world.proxy.rule("eth_estimateGas", lambda *_: refused("busy")):
        world.step()
    reserved = world.youngest()
    assert (reserved.resume, reserved.nonce) == (State.RESERVED, 0)
    # The head is not any more what it was when the nonce was reserved.
    before = world.anvil.rpc("evm_snapshot")
    slot = "0x" + evm.head_slot(world.account).hex()
    contract = "0x" + world.identity.contract.hex()
    world.anvil.rpc("anvil_setStorageAt", contract, slot, "0x" + "33" * 32)
    world.mine()
    world.step()
    assert world.intent(reserved.id).state is State.SUPERSEDED
    assert world.intent(reserved.id).closed
    assert world.youngest().cause is Cause.HEAD_UNKNOWN
    world.anvil.rpc("evm_revert", before)
    world.settle()


def test_a_verifier_that_does_not_accept_keeps_the_anchor_from_proved(
    make_world: MakeWorld,
) -> None:
    prover = InProcessProver()
    world = make_world(prover=prover)
    prover.refuses = True
    world.seal()
    world.run_to(State.FINAL)
    world.step()
    status = world.sender.status(world.now)
    assert "told to refuse" in status.alarms["FINAL_NOT_PROVED"].text
    assert world.book.anchors() == []
    assert world.book.newest_as_of() is None
    prover.refuses = False
    world.step()
    assert world.youngest().state is State.FINAL, "asked again before its time"
    world.step(world.settings.prove_retry)
    assert world.youngest().state is State.PROVED
    world.settle()
    assert world.sender.status(world.now).alarms == {}


def test_a_silent_log_gets_fresh_as_of_proofs(make_world: MakeWorld) -> None:
    world = make_world()
    world.seal()
    world.settle()
    first = world.book.newest_as_of()
    assert first is not None
    world.mine(3)
    world.step()
    assert world.book.pending_as_ofs() == [], "taken before its time"
    world.step(world.settings.as_of_refresh)
    world.mine(3)
    world.settle()
    second = world.book.newest_as_of()
    assert second is not None
    assert second.block_number > first.block_number
    assert len(world.on_chain()) == 1


def test_an_as_of_proof_that_is_overdue_is_an_alarm(make_world: MakeWorld) -> None:
    world = make_world()
    world.seal()
    world.settle()
    world.step(4 * world.settings.as_of_refresh)
    assert "AS_OF_MISSING" in world.sender.status(world.now).alarms


def test_a_chain_that_is_away_takes_no_alarm_back(make_world: MakeWorld) -> None:
    world = make_world()
    world.fund(1)
    world.seal()
    world.step()
    since = world.book.alarms()["HELD"].since
    world.anvil.stop()
    world.step()
    alarms = world.book.alarms()
    assert set(alarms) == {"HELD", "ENDPOINT_AWAY"}
    assert alarms["HELD"].since == since


def test_two_senders_on_one_store_make_one_anchor_for_each_batch(make_world: MakeWorld) -> None:
    world = make_world()
    first, second = world.new_sender(), world.new_sender()
    for _ in range(4):
        world.seal()
        for _ in range(3):
            for sender in (first, second):
                world.sender = sender
                world.step()
            world.mine()
        world.check()
    world.settle()
    assert len(world.on_chain()) == len(world.intents())


def test_a_sender_that_lost_a_race_sends_nothing(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    world.seal()
    other = world.new_sender()

    # While the first one asks for gas, the second one signs and sends.
    def quicker(_: list[Any], forward: Forward) -> dict[str, Any]:
        answer = forward()
        if world.proxy.count("eth_estimateGas") == 1:
            other.step(world.now)
        return answer

    with (
        world.proxy.rule("eth_estimateGas", quicker),
        pytest.raises(NothingHappened, match="another sender is at work"),
    ):
        world.step()
    assert world.proxy.count("eth_sendRawTransaction") == 1
    world.mine()
    world.settle()


def test_a_batch_log_shorter_than_the_chain_stops_the_sender(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world()
    world.seal(2)
    world.settle()
    shorter = make_store(tmp_path / "shorter", identity=world.identity)
    shorter.seal()
    world.log = shorter.batch_log
    world.restart()
    with pytest.raises(Contradiction, match="a checkpoint of 2 batches, the batch log has 1"):
        world.step()
    shorter.close()


def test_a_checkpoint_of_another_log_is_not_anchored(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    world.identity = replace(world.identity, name="notary.example/other")
    world.restart()
    world.seal()
    with pytest.raises(Contradiction, match=r"is of notary\.example/log, 1"):
        world.step()
    assert world.intents() == []


def test_an_anchor_that_waits_too_long_for_its_proof_is_an_alarm(make_world: MakeWorld) -> None:
    world = make_world()
    world.seal()
    world.run_to(State.MINED)
    with world.database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM as_ofs")
    world.mine(4)
    # The chain proves nothing any more: the state that is asked for is gone.
    world.sender = world.new_sender(chain=NoProofs(world))
    world.step()
    assert world.youngest().state is State.FINAL
    assert "FINAL_NOT_PROVED" not in world.book.alarms()
    world.step(world.settings.unproved_alarm)
    assert "has no released as-of proof" in world.book.alarms()["FINAL_NOT_PROVED"].text
    world.restart()
    world.settle()


class NoProofs(ComparedChain):
    """A chain whose present head is never one that the store knows."""

    def __init__(self, world: World) -> None:
        identity = world.identity
        super().__init__(world.urls, identity.contract, world.account, world.store.clock)

    def prove_head(self) -> HeadProof:
        return replace(super().prove_head(), head=Digest(b"\x77" * 32))


def test_the_key_of_another_account_is_refused(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world()
    create_keystore(tmp_path / "other.json", "x", iterations=2)
    other = KeystoreSigner.open(tmp_path / "other.json", "x")
    with pytest.raises(CallerError, match="the key is of account"):
        world.new_sender(signer=other)


def test_the_recent_block_is_finalized_and_outlives_the_chain(make_world: MakeWorld) -> None:
    world = make_world()
    fresh = timedelta(seconds=30)
    world.mine(5)
    block = world.sender.recent_block(world.now, fresh)
    finalized = world.anvil.rpc("eth_getBlockByNumber", "finalized", False)
    assert block is not None
    assert (block.chain_id, "0x" + block.hash.hex()) == (31337, finalized["hash"])
    world.mine(3)
    assert world.sender.recent_block(world.now + fresh / 2, fresh) == block
    newer = world.sender.recent_block(world.now + fresh, fresh)
    assert newer is not None
    assert newer.number == block.number + 3
    world.anvil.stop()
    world.restart()
    assert world.sender.recent_block(world.now + 10 * fresh, fresh) == newer


def test_a_block_of_another_chain_is_never_the_recent_one(make_world: MakeWorld) -> None:
    world = make_world()
    world.mine(5)
    world.anvil.rpc("anvil_setChainId", 4242)
    assert world.sender.recent_block(world.now, timedelta(seconds=30)) is None


def test_status_tells_how_far_everything_is(make_world: MakeWorld) -> None:
    world = make_world()
    world.seal(2)
    world.settle()
    world.seal()
    status = world.sender.status(world.now)
    assert (status.sealed, status.anchored, status.proved) == (3, 2, 1)
    assert status.live is None
    assert status.lag == world.now - world.log.batch(2).header.sealed_at
    assert status.last_anchor_at is not None
    assert status.as_of_block is not None
    world.step()
    live = world.sender.status(world.now).live
    assert live is not None
    assert live.state is State.BROADCAST


def test_on_a_chain_that_makes_blocks_by_itself_one_anchor_takes_seconds(
    make_world: MakeWorld,
) -> None:
    """The demo's chain: a block a second, two blocks to finality."""
    world = make_world("--block-time", "1", "--slots-in-an-epoch", "1", proxied=True)
    world.seal(2)
    deadline = time.monotonic() + 30
    pause = 0.2
    # The sender's clock runs with the chain's: on a slow machine it must not come to send again.
    while not world.step(timedelta(seconds=pause)).idle:
        assert time.monotonic() < deadline, world.told()
        time.sleep(pause)
    world.check(settled=True)
    assert world.proxy.count("eth_sendRawTransaction") == 1
    no_more_than_asked(world.proxy)


@pytest.mark.slow
def test_with_epochs_of_32_slots_nothing_is_proved_before_finality(make_world: MakeWorld) -> None:
    """Blocks come by themselves, as fast as the node makes them; three endpoints are compared."""
    world = make_world("--block-time", "0.2", "--slots-in-an-epoch", "32", proxied=3)
    world.seal()
    deadline = time.monotonic() + 120
    waited = 0
    while not world.step(timedelta(seconds=0.2)).idle:
        final = int(world.anvil.rpc("eth_getBlockByNumber", "finalized", False)["number"], 16)
        for intent in world.intents():
            if intent.state in (State.FINAL, State.PROVED):
                assert intent.block is not None
                assert intent.block.number <= final
            elif intent.state is State.MINED:
                waited += 1
        as_of = world.book.newest_as_of()
        assert as_of is None or as_of.block_number <= final
        assert time.monotonic() < deadline, world.told()
        time.sleep(0.2)
    world.check(settled=True)
    mined = world.youngest().block
    assert mined is not None
    assert int(world.anvil.rpc("eth_blockNumber"), 16) >= mined.number + 64
    assert waited > 10, "it was not waited for"

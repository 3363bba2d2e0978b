"""Blocks that go away, before and after finality. Spec: docs/spec/sender.md §3."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest

from notary.adapters.store.timestamps import StoredTokens
from notary.core.intent import Cause, State
from notary.errors import NothingHappened
from notary.usecases.export import Exporter
from notary.usecases.export_order import ExportOrder, ExportResult
from tests.scenarios.anchor.conftest import MakeWorld
from tests.simulators.chain_forger import Forger
from tests.simulators.chain_proxy import Forward, answered
from tests.simulators.chain_world import World
from verifier.format import evm, evm_document, numbers

# Finality is far enough that a test can replace blocks before it comes.
SLOW = ("--no-mining", "--slots-in-an-epoch", "4")


def reorganise(world: World, depth: int) -> None:
    """Replace the newest blocks by empty ones. anvil does not put their transactions back."""
    world.anvil.rpc("anvil_reorg", depth, [])


def mined_intent(world: World) -> int:
    """Seal a batch and bring it into a block."""
    world.seal()
    world.step()
    world.mine()
    world.step()
    mined = world.youngest()
    assert mined.state is State.MINED
    return mined.id


def test_an_anchor_whose_block_vanished_is_sent_again_with_the_same_bytes(
    make_world: MakeWorld,
) -> None:
    world = make_world(*SLOW)
    intent_id = mined_intent(world)
    before = world.intent(intent_id)
    reorganise(world, 1)
    world.step()
    again = world.intent(intent_id)
    assert (again.state, again.block, again.number) == (State.BROADCAST, None, None)
    assert world.book.leg(again) is None
    world.settle()
    after = world.intent(intent_id)
    assert after.block != before.block
    assert [one.hash for one in after.attempts] == [one.hash for one in before.attempts]


def test_a_successor_whose_prev_changed_is_superseded_and_anchored_anew(
    make_world: MakeWorld,
) -> None:
    world = make_world(*SLOW)
    first = mined_intent(world)
    second = mined_intent(world)
    # Later blocks have other times, so the first anchor gets another head, and the second one's prev
    # is stale.
    reorganise(world, 2)
    world.anvil.rpc("evm_increaseTime", 100)
    world.step()
    assert [world.intent(one).state for one in (first, second)] == [State.BROADCAST] * 2
    world.mine()
    world.settle()
    assert world.intent(first).state is State.PROVED
    assert (world.intent(second).state, world.intent(second).closed) == (State.SUPERSEDED, True)
    assert [one.link.size for one in world.on_chain()] == [1, 2]
    assert "FOREIGN_NONCE" not in world.told()


def test_no_new_intent_is_made_while_old_ones_are_live_again(make_world: MakeWorld) -> None:
    world = make_world(*SLOW)
    mined_intent(world)
    mined_intent(world)
    reorganise(world, 2)
    world.seal()
    world.step()
    assert len(world.intents()) == 2
    world.settle()


def test_a_superseded_intent_whose_block_vanishes_is_judged_anew(make_world: MakeWorld) -> None:
    world = make_world(*SLOW)
    first = mined_intent(world)
    second = mined_intent(world)
    reorganise(world, 2)
    world.anvil.rpc("evm_increaseTime", 100)
    world.step()
    world.mine()
    world.step()
    assert world.intent(second).state is State.SUPERSEDED
    # Now that block goes too, with the nonce: without the superseded bytes there would be a gap below
    # whatever was signed after them.
    reorganise(world, 1)
    world.step()
    assert world.intent(first).state is State.BROADCAST
    assert world.intent(second).state is State.BROADCAST
    world.settle()
    assert [one.link.size for one in world.on_chain()] == [1, 2]


def test_a_failed_intent_is_not_given_the_anchor_of_its_successor(make_world: MakeWorld) -> None:
    world = make_world(*SLOW, proxied=True)
    world.seal()
    with world.proxy.rule("eth_estimateGas", lambda *_: answered(hex(16_000))):
        world.step()
    failed = world.youngest()
    world.mine()
    world.step()
    # The next intent anchors the very same: prev, root and size are equal, the nonce is not.
    successor = world.youngest()
    assert successor.id != failed.id
    world.mine()
    world.step()
    assert world.intent(successor.id).state is State.MINED
    reorganise(world, 2)
    world.step()
    assert world.intent(failed.id).state is State.BROADCAST
    world.mine()
    world.step()
    assert world.intent(failed.id).state is State.SUPERSEDED
    world.settle()
    assert world.intent(successor.id).state is State.PROVED


def test_an_as_of_proof_in_a_block_that_vanished_is_dropped(make_world: MakeWorld) -> None:
    world = make_world(*SLOW)
    mined_intent(world)
    (stale,) = world.book.pending_as_ofs()
    reorganise(world, 1)
    world.settle()
    newest = world.book.newest_as_of()
    assert newest is not None
    assert newest.header != stale.as_of.header
    assert f"as-of proof at block {stale.as_of.block_number} dropped" in world.told()


def test_a_final_anchor_that_vanishes_stops_the_sender(make_world: MakeWorld) -> None:
    world = make_world()
    world.seal()
    world.settle()
    reorganise(world, 3)
    world.seal()
    world.step(world.settings.identity_check)
    world.mine(5)
    world.step(world.settings.identity_check)
    held = world.youngest()
    assert (held.state, held.cause, held.nonce) == (State.HELD, Cause.FINALITY_BROKEN, None)
    status = world.sender.status(world.now)
    assert "need a person's judgement" in status.alarms["FINALITY_BROKEN"].text
    assert world.intents()[0].state is State.PROVED


# The depths between are the soak's: each takes more than a second.
SAMPLED = frozenset({1, 2, 3, 5, 8, 13, 19, 20})


@pytest.mark.parametrize(
    "depth",
    [
        pytest.param(depth, marks=() if depth in SAMPLED else pytest.mark.soak)
        for depth in range(1, 21)
    ],
)
def test_before_finality_any_number_of_blocks_may_go(make_world: MakeWorld, depth: int) -> None:
    world = make_world("--no-mining", "--slots-in-an-epoch", "16")
    # Each block of the twenty that may go is met by another stage of the anchors; the contract stays.
    world.mine(4)
    mined_intent(world)
    world.mine(7)
    mined_intent(world)
    world.mine(5)
    mined_intent(world)
    world.mine(3)
    reorganise(world, depth)
    world.anvil.rpc("evm_increaseTime", 100)
    world.step()
    world.check()
    world.run(lambda: world.steps[-1].idle, limit=120)
    world.check(settled=True)
    assert max(one.link.size for one in world.on_chain()) == 3
    assert {"FINALITY_BROKEN", "FOREIGN_NONCE"}.isdisjoint(world.book.alarms())
    assert "FINALITY_BROKEN" not in world.told()


def export(world: World) -> tuple[ExportResult, evm_document.EvmDocument]:
    """A package of the world's matter, with its chain proof."""
    store = world.store
    exporter = Exporter(
        *(store.identity, store.register, store.batch_log, world.book, store.evidence),
        *(StoredTokens(store.database), timedelta(hours=1)),
    )
    out = io.BytesIO()
    order = ExportOrder(numbers.parse(world.matter.number))
    result = exporter.export(store.agency_id, order, out)
    with zipfile.ZipFile(out) as bag:
        (name,) = [one for one in bag.namelist() if one.endswith("evm.json")]
        return result, evm_document.parse(bag.read(name))


def on_the_chain(world: World, document: evm_document.EvmDocument) -> bool:
    """Whether every block that the proof rests on is the chain's."""
    headers = [evm.parse_header(document.as_of.header)]
    headers += [evm.parse_header(leg.header) for leg in document.legs]
    found = [world.anvil.rpc("eth_getBlockByNumber", hex(one.number), False) for one in headers]
    return all(
        block is not None and block["hash"] == "0x" + header.hash.hex()
        for block, header in zip(found, headers, strict=True)
    )


def test_no_package_rests_on_a_block_that_was_final_and_is_gone(make_world: MakeWorld) -> None:
    world = make_world()
    world.seal()
    world.settle()
    first, _ = export(world)
    world.mine(4)
    world.seal()
    world.settle()
    second, lost = export(world)
    assert (first.records, second.records) == (1, 2)
    reorganise(world, 4)
    assert not on_the_chain(world, lost)
    world.step(world.settings.identity_check)
    assert "FINALITY_BROKEN" in world.book.alarms()
    # What the chain still has is exported, as of then, and no more is said to be anchored.
    assert [one.link.size for one in world.book.anchors()] == [1]
    again, document = export(world)
    assert (again.records, again.as_of_block) == (1, first.as_of_block)
    assert on_the_chain(world, document)
    for _ in range(3):
        world.mine(3)
        world.step(world.settings.identity_check)
        world.restart()
        assert "FINALITY_BROKEN" in world.book.alarms(), "a person has not judged it"
        assert on_the_chain(world, export(world)[1])


def test_an_endpoint_that_has_no_block_where_one_was_final_shows_nothing_broken(
    make_world: MakeWorld,
) -> None:
    world = make_world(proxied=1)
    world.seal()
    world.settle()
    before, _ = export(world)
    world.seal()
    with world.proxy.rule("eth_getBlockByNumber", only_tags):
        for _ in range(2):
            world.step(world.settings.identity_check)
            assert set(world.book.alarms()) == {"HELD", "ENDPOINT_CONTRADICTS"}
            assert world.youngest().cause is Cause.ENDPOINT
            assert "endpoints have none there" in world.book.alarms()["HELD"].text
            # No proof is given up for it.
            assert export(world)[0] == before
    world.settle()
    assert "FINALITY_BROKEN" not in world.told()


def test_a_majority_without_a_block_that_was_final_stops_the_sender(make_world: MakeWorld) -> None:
    world = make_world(proxied=3)
    world.seal()
    world.settle()
    world.seal()
    with (
        world.proxies[0].rule("eth_getBlockByNumber", only_tags),
        world.proxies[1].rule("eth_getBlockByNumber", only_tags),
    ):
        world.step(world.settings.identity_check)
        assert (world.youngest().cause, world.youngest().nonce) == (Cause.ENDPOINT, None)
        assert "FINALITY_BROKEN" not in world.book.alarms()
    world.settle()


def only_tags(params: list[Any], forward: Forward) -> dict[str, Any]:
    """Knows block 0, and the others by tag alone."""
    return answered(None) if params[0] not in ("0x0", "latest", "finalized") else forward()


def test_without_any_block_that_is_left_nothing_is_exported(make_world: MakeWorld) -> None:
    world = make_world()
    world.seal()
    world.settle()
    reorganise(world, 3)
    world.step(world.settings.identity_check)
    assert "FINALITY_BROKEN" in world.book.alarms()
    with pytest.raises(NothingHappened, match="no as-of proof is final"):
        export(world)


def test_a_proof_alone_in_a_block_that_was_final_is_enough_for_the_alarm(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.seal()
    world.settle()
    anchored, _ = export(world)
    world.mine(6)
    world.step(world.settings.as_of_refresh)
    world.mine(3)
    world.step()
    later, _ = export(world)
    assert later.as_of_block > anchored.as_of_block
    # Deep enough for the proof's block, and not for the anchor's.
    reorganise(world, 4)
    world.seal()
    world.step(world.settings.identity_check)
    assert "with the newest as-of proof was final" in world.book.alarms()["FINALITY_BROKEN"].text
    assert (world.youngest().cause, world.youngest().nonce) == (Cause.FINALITY_BROKEN, None)
    assert export(world)[0].as_of_block == anchored.as_of_block


def test_a_node_that_lied_about_what_was_final_costs_no_proof(make_world: MakeWorld) -> None:
    world = make_world(proxied=1)
    world.seal()
    world.settle()
    before, _ = export(world)
    forger = Forger(world.anvil, world.proxy)
    forger.replace_time(before.as_of_block)
    with forger.lying():
        world.step(world.settings.identity_check)
        assert "FINALITY_BROKEN" in world.book.alarms()
        with pytest.raises(NothingHappened):
            export(world)
    world.step(world.settings.identity_check)
    assert world.book.alarms() == {}
    assert export(world)[0] == before
    world.settle()

"""A store that is older than the chain: it takes over what it signed, and stops at what it did not."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from notary.adapters.chain.keystore import KeystoreSigner, create_keystore
from notary.adapters.chain.web3_chain import Web3Chain
from notary.adapters.keys.mark import MARK
from notary.chain_ports import TransactionFields
from notary.core.intent import Cause, State
from notary.errors import NothingHappened
from tests.scenarios.anchor.conftest import MakeWorld
from tests.simulators.chain_proxy import answered
from tests.simulators.chain_world import CHAIN_ID, GWEI, PASSWORD, World


def copy_of(world: World, folder: Path) -> Path:
    """The store as a backup has it."""
    world.database.forget_deleted()
    return Path(shutil.copy(world.database.path, folder / "backup.db"))


def go_back(world: World, copy: Path, *, marked: bool = True) -> None:
    """Put the copy in the place of the store and start anew; keys and their mark are as old."""
    world.database.close()
    for path in world.database.path.parent.glob("notary.db*"):
        path.unlink()
    shutil.copy(copy, world.database.path)
    (world.store.folder / "keys" / MARK).unlink(missing_ok=True)
    if marked:
        with world.database.transaction() as connection:
            connection.exec_driver_sql(
                "INSERT INTO restorations (restored_at_ms, backup_made_at_ms, size) VALUES (1, 0, 1)"
            )
    world.restart()


def behind(world: World) -> bool:
    return "STORE_BEHIND_CHAIN" in world.book.alarms()


def sealed_batch(world: World) -> None:
    """Seal as the worker does, without a new record."""
    world.store.sealer.seal(world.now, None)


def test_anchors_of_checkpoints_that_the_store_signed_are_taken_over(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world()
    world.seal()
    world.settle()
    world.seal(2)
    copy = copy_of(world, tmp_path)
    world.settle()
    sent = world.on_chain()
    go_back(world, copy)
    with pytest.raises(NothingHappened) as caught:
        sealed_batch(world)
    assert caught.value.code == "RESTORED_NOT_COMPARED"
    world.settle()
    assert not world.book.to_compare()
    assert world.on_chain() == sent, "something was anchored again"
    assert [one.nonce for one in world.intents()] == [0, 1]
    world.seal()
    world.settle()
    assert [one.link.size for one in world.on_chain()] == [1, 3, 4]


def test_an_anchor_of_fewer_batches_than_wait_is_taken_over_and_the_rest_follows(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world()
    world.seal()
    copy = copy_of(world, tmp_path)
    world.settle()
    go_back(world, copy)
    # The restored store sees the chain for the first time when it has more to anchor.
    with world.database.transaction() as connection:
        connection.exec_driver_sql("UPDATE restorations SET compared_at_ms = 1")
    world.seal(2)
    world.settle()
    assert [one.link.size for one in world.on_chain()] == [1, 3]


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("anchored_before", [0, 1])
def test_an_anchor_that_the_store_never_made_stops_everything(
    make_world: MakeWorld, tmp_path: Path, anchored_before: int, marked: bool
) -> None:
    world = make_world()
    for _ in range(anchored_before):
        world.seal()
        world.settle()
    copy = copy_of(world, tmp_path)
    world.seal()
    world.settle()
    sent = world.on_chain()
    go_back(world, copy, marked=marked)
    # The worker looks before it seals.
    world.step()
    assert behind(world)
    assert not world.steps[-1].idle
    for _ in range(3):
        with pytest.raises(NothingHappened) as caught:
            sealed_batch(world)
        assert caught.value.code == "STORE_BEHIND_CHAIN"
        world.step()
        world.mine()
    world.restart()
    world.step()
    assert behind(world)
    assert world.on_chain() == sent
    assert world.log.size() == anchored_before


def test_another_root_of_the_same_size_is_not_explained_and_what_is_sealed_is_held(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world()
    world.seal()
    world.settle()
    copy = copy_of(world, tmp_path)
    world.seal()
    world.settle()
    sent = world.on_chain()
    go_back(world, copy, marked=False)
    # Sealed before anything was compared, with the mark and the chain out of sight: another batch 1.
    world.pass_time(timedelta(hours=2))
    sealed_batch(world)
    for _ in range(3):
        world.step()
        world.mine()
    held = world.youngest()
    assert (held.state, held.cause, held.nonce) == (State.HELD, Cause.STORE_BEHIND_CHAIN, None)
    assert behind(world)
    assert world.on_chain() == sent


def test_a_second_copy_at_work_stops_this_one_while_it_runs(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world()
    world.seal()
    world.settle()
    copy = copy_of(world, tmp_path)
    sender = world.sender
    world.seal()
    world.settle()
    # The first sender compared long ago; now its store is the older copy.
    go_back(world, copy, marked=False)
    world.sender = sender
    world.pass_time(timedelta(hours=2))
    sealed_batch(world)
    world.step()
    assert behind(world)
    assert world.youngest().cause is Cause.STORE_BEHIND_CHAIN
    standing = world.store.standing.trouble()
    assert standing is not None
    assert standing.code == "STORE_BEHIND_CHAIN"


def test_the_alarm_outlives_a_restart_without_chain(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world(proxied=True)
    copy = copy_of(world, tmp_path)
    world.seal()
    world.settle()
    go_back(world, copy)
    world.step()
    assert behind(world)
    world.restart()
    with world.proxy.rule("eth_chainId", lambda *_: answered("0x1")):
        world.step()
    assert behind(world), "lifted though nothing was compared"
    with world.proxy.rule("eth_getBlockByNumber", lambda *_: answered(None)):
        world.step()
    assert behind(world)


def test_a_node_without_events_leaves_a_restored_store_closed(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world(proxied=True)
    world.seal(2)
    copy = copy_of(world, tmp_path)
    world.settle()
    go_back(world, copy)
    with world.proxy.rule("eth_getLogs", lambda *_: answered([])):
        world.step()
        assert world.book.to_compare()
        assert world.book.alarms()["HELD"].text.startswith("HEAD_UNKNOWN")
        assert not behind(world)
    world.settle()
    assert not world.book.to_compare()


def test_an_anchor_without_the_accounts_signature_accuses_nobody(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.seal()
    world.settle()
    head = world.on_chain()[-1].head
    # A node that makes blocks of its own can show any event, and no signature of the account.
    world.anvil.rpc("anvil_impersonateAccount", "0x" + world.account.hex())
    world.anvil.rpc(
        "eth_sendTransaction",
        {
            "from": "0x" + world.account.hex(),
            "to": "0x" + world.identity.contract.hex(),
            "data": "0x15954b2c" + head.hex() + "77" * 32 + (9).to_bytes(32, "big").hex(),
            "gas": hex(100_000),
        },
    )
    world.mine()
    world.restart()
    world.step()
    assert not behind(world)
    world.seal()
    world.step()
    # The bytes that the node shows don't have the hash of the transaction.
    assert world.youngest().cause is Cause.ENDPOINT


def test_only_the_accounts_own_signature_counts(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world()
    fields = TransactionFields(CHAIN_ID, 0, world.identity.contract, 100_000, GWEI, 1, b"\x01")
    create_keystore(tmp_path / "other.json", PASSWORD, iterations=2)
    other = KeystoreSigner.open(tmp_path / "other.json", PASSWORD)
    chain = Web3Chain(world.url, world.identity.contract, world.account)
    mine = world.signer.sign(fields).raw
    assert chain.signed_by_log(mine)
    assert not chain.signed_by_log(other.sign(fields).raw)
    assert not chain.signed_by_log(mine[:-1])
    assert not chain.signed_by_log(b"")

"""A store that is older than the chain: it takes over what it signed, and stops at what it did not."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from notary.adapters.keys.mark import MARK
from notary.core.intent import Cause, State
from tests.scenarios.anchor.conftest import MakeWorld
from tests.simulators.chain_proxy import answered
from tests.simulators.chain_world import World

# What the sender knows of the chain.
SENDER_TABLES = ("legs", "attempts", "intents", "as_ofs", "sender_alarms")


def copy_of(world: World, folder: Path) -> Path:
    """The store as a backup has it."""
    world.database.truncate_wal()
    copy = folder / "backup.db"
    shutil.copy(world.database.path, copy)
    return copy


def go_back(world: World, copy: Path) -> None:
    """Put the copy in the place of the store, as a restoration does, and start anew.

    The mark beside the keys is lost as well: with it nothing would be signed again.
    """
    world.database.close()
    for path in world.database.path.parent.glob("notary.db*"):
        path.unlink()
    shutil.copy(copy, world.database.path)
    (world.store.folder / "keys" / MARK).unlink()
    # What was promised since the copy was made is what the restoration loses.
    world.store.promised.clear()
    world.store.published.clear()
    world.restart()


def forget_the_chain(world: World, copy: Path) -> None:
    """Let the sender know only what the copy knew, as after a backup between sealing and anchoring."""
    with closing(sqlite3.connect(world.database.path, isolation_level=None)) as rows:
        rows.execute("ATTACH ? AS backup", (str(copy),))
        for table in SENDER_TABLES:
            rows.execute(f"DELETE FROM main.{table}")
            rows.execute(f"INSERT INTO main.{table} SELECT * FROM backup.{table}")
    world.restart()


def restored(world: World) -> None:
    """Mark the store as restored."""
    with world.database.transaction() as connection:
        connection.exec_driver_sql(
            "INSERT INTO restorations (restored_at_ms, backup_made_at_ms, size) VALUES (1, 0, 1)"
        )


def behind(world: World) -> bool:
    return "STORE_BEHIND_CHAIN" in world.book.alarms()


def test_anchors_of_checkpoints_that_the_store_signed_are_taken_over(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world()
    world.seal()
    world.settle()
    copy = copy_of(world, tmp_path)
    for _ in range(3):
        world.seal()
        world.settle()
    sent = world.on_chain()
    forget_the_chain(world, copy)
    restored(world)
    assert world.book.to_compare()
    world.settle()
    assert not world.book.to_compare()
    assert world.on_chain() == sent, "something was anchored again"
    assert [one.nonce for one in world.intents()] == [0, 1, 2, 3]
    world.seal()
    world.settle()
    assert len(world.on_chain()) == 5


@pytest.mark.parametrize("anchored_before", [0, 1])
def test_an_anchor_that_the_store_never_made_stops_everything(
    make_world: MakeWorld, tmp_path: Path, anchored_before: int
) -> None:
    world = make_world()
    for _ in range(anchored_before):
        world.seal()
        world.settle()
    copy = copy_of(world, tmp_path)
    world.seal()
    world.settle()
    sent = world.on_chain()
    go_back(world, copy)
    # What is sealed all the same is not anchored, nor does anything else move.
    world.store.seal()
    restored(world)
    world.step()
    assert behind(world)
    assert world.book.to_compare()
    for _ in range(4):
        world.step()
        world.mine()
    held = world.youngest()
    assert (held.state, held.cause, held.nonce) == (State.HELD, Cause.STORE_BEHIND_CHAIN, None)
    assert behind(world)
    assert world.on_chain() == sent
    # The newer store is all that it takes.
    world.restart()
    world.step()
    assert behind(world)


def test_the_same_size_with_another_root_is_not_explained(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world()
    world.seal()
    world.settle()
    copy = copy_of(world, tmp_path)
    world.seal()
    world.settle()
    go_back(world, copy)
    # Another batch in the place of the anchored one.
    world.store.seal()
    world.step()
    assert behind(world)


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
    world.seal()
    world.settle()
    copy = copy_of(world, tmp_path)
    world.seal()
    world.settle()
    forget_the_chain(world, copy)
    restored(world)
    with world.proxy.rule("eth_getLogs", lambda *_: answered([])):
        world.step()
        assert world.book.to_compare()
        assert world.book.alarms()["HELD"].text.startswith("HEAD_UNKNOWN")
        assert not behind(world)
    world.settle()
    assert not world.book.to_compare()

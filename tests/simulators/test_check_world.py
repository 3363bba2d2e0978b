"""The check of store and chain can fail: one damage each, and the sentence that names it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.anvil import Anvil
from tests.simulators.chain_world import ANVIL_OPTIONS, World
from tests.simulators.check_world import contradictions
from verifier.format import contract as anchors
from verifier.format import evm

Damage = Callable[[World], object]


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two anchors over three batches, proved."""
    with Anvil(*ANVIL_OPTIONS) as anvil:
        world = World(anvil, tmp_path_factory.mktemp("world"))
        world.seal()
        world.settle()
        # So that no two anchors have the same block time, however fast the machine is.
        anvil.rpc("evm_increaseTime", 100)
        world.seal(2)
        world.settle()
        yield world
        world.close()


@pytest.fixture
def world(settled: World) -> Iterator[World]:
    """That world; chain and store are put back after the test."""
    path: Path = settled.database.path
    settled.database.forget_deleted()
    promised, published = list(settled.store.promised), list(settled.store.published)
    content, snapshot = path.read_bytes(), settled.anvil.rpc("evm_snapshot")
    yield settled
    settled.database.close()
    for log in path.parent.glob("notary.db-*"):
        log.unlink()
    path.write_bytes(content)
    settled.store.promised, settled.store.published = promised, published
    assert settled.anvil.rpc("evm_revert", snapshot)


def sql(statement: str) -> Damage:
    """Damage by a statement, with constraints off."""

    def damage(world: World) -> None:
        with closing(sqlite3.connect(world.database.path, isolation_level=None)) as rows:
            rows.execute(statement)

    return damage


def flipped(table: str, column: str, where: str) -> Damage:
    """Damage by another last byte of a stored value."""

    def damage(world: World) -> None:
        with closing(sqlite3.connect(world.database.path, isolation_level=None)) as rows:
            [(value,)] = rows.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchall()
            changed = value[:-1] + bytes([value[-1] ^ 1])
            rows.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (changed,))

    return damage


def anchored_by_hand(size: int, root: bytes | None = None) -> Damage:
    """Another holder of the key anchors: the log's root of that size, or another root."""

    def damage(world: World) -> None:
        head = world.on_chain()[-1].head
        found = root or next(one.link.root for one in world.on_chain() if one.link.size == size)
        account = "0x" + world.account.hex()
        call = anchors.SELECTOR + head + found + size.to_bytes(32, "big")
        world.anvil.rpc("anvil_impersonateAccount", account)
        world.anvil.rpc(
            "eth_sendTransaction",
            {
                "from": account,
                "to": "0x" + world.identity.contract.hex(),
                "data": "0x" + call.hex(),
                "gas": hex(100_000),
            },
        )
        world.mine()

    return damage


def other_slot(world: World) -> None:
    """The contract holds a head that no event led to."""
    slot = "0x" + evm.head_slot(world.identity.log_address).hex()
    world.anvil.rpc(
        "anvil_setStorageAt", "0x" + world.identity.contract.hex(), slot, "0x" + "77" * 32
    )
    world.mine()


DAMAGES: list[tuple[str, Damage, str]] = [
    (
        "batch anchored twice",
        anchored_by_hand(3),
        "anchor 2 on chain is of 3 batches when 3 were anchored already: a batch is on chain twice",
    ),
    (
        "older size anchored",
        anchored_by_hand(1),
        "anchor 2 on chain is of 1 batches when 3 were anchored already: a batch is on chain twice",
    ),
    (
        "foreign root",
        anchored_by_hand(4, b"\x77" * 32),
        "anchor 2 on chain holds a root that is not of the first 4 batches",
    ),
    (
        "bytes that were not stored",
        anchored_by_hand(3),
        "anchor 2 on chain was made by bytes that the store does not know",
    ),
    ("head without event", other_slot, "the contract's head is not the fold of its events"),
    (
        "link of another size",
        sql("UPDATE intents SET size = 2 WHERE number = 1"),
        "anchor 1 of the store is not the chain's",
    ),
    (
        "link of another time",
        sql("UPDATE intents SET block_time = block_time + 1 WHERE number = 1"),
        "anchor 1 of the store is not the chain's",
    ),
    (
        "batch log with another history",
        sql("UPDATE batches SET header = (SELECT header FROM batches WHERE id = 1) WHERE id = 0"),
        "anchor 0 on chain holds a root that is not of the first 1 batches",
    ),
    (
        "cost of another transaction",
        sql("UPDATE costs SET wei = '1' WHERE intent_id = 2"),
        "anchor 1 of the store is said to have cost 1 wei, not ",
    ),
    (
        "cost gone",
        sql("DELETE FROM costs WHERE intent_id = 2"),
        "anchor 1 of the store is said to have cost None wei, not ",
    ),
    ("leg gone", sql("DELETE FROM legs WHERE intent_id = 2"), "anchor 1 of the store has no leg"),
    (
        "transaction of another anchor",
        sql("UPDATE legs SET tx = (SELECT tx FROM legs WHERE intent_id = 1) WHERE intent_id = 2"),
        "the leg of anchor 1 of the store: LEG_TX_VALUE: the proof holds another transaction at 0",
    ),
    (
        "receipt",
        flipped("legs", "receipt", "intent_id = 2"),
        "the leg of anchor 1 of the store: LEG_RECEIPT_VALUE: the proof holds another receipt at 0",
    ),
    (
        "proof of the transaction",
        flipped("legs", "tx_proof", "intent_id = 2"),
        "the leg of anchor 1 of the store: MPT_",
    ),
    (
        "header of the leg",
        sql("UPDATE legs SET header = (SELECT header FROM legs WHERE intent_id = 1)"),
        "the leg of anchor 1 of the store: LEG_TIME: ",
    ),
    (
        "as-of proof",
        flipped("as_ofs", "storage_proof", "id = (SELECT max(id) FROM as_ofs)"),
        "the as-of proof at block ",
    ),
    (
        "as-of proof of another head",
        sql(
            "UPDATE as_ofs SET head = (SELECT head FROM intents WHERE number = 0) WHERE anchors = 2"
        ),
        "the as-of proof at block ",
    ),
    (
        "as-of proof that counts wrong",
        sql("UPDATE as_ofs SET anchors = 1"),
        "the newest as-of proof covers 1 of 2 anchors",
    ),
    (
        "nonce",
        sql("UPDATE intents SET nonce = 7 WHERE number = 1"),
        "attempt 0 of intent 2 has nonce 1, and the intent reserved 7",
    ),
    (
        "bytes of another hash",
        flipped("attempts", "raw", "intent_id = 2"),
        "attempt 0 of intent 2: its bytes have another hash",
    ),
    (
        "anchor that is not proved",
        sql("UPDATE intents SET state = 'FINAL' WHERE number = 1"),
        "2 anchors are on chain, the store has 1 proved",
    ),
    (
        "intent under way",
        sql("UPDATE intents SET state = 'FINAL' WHERE number = 1"),
        "the intents [2] are under way",
    ),
    (
        "as-of proof that was not released",
        sql("UPDATE as_ofs SET released = 0"),
        "the newest as-of proof covers None of 2 anchors",
    ),
    ("batch without anchor", lambda world: world.seal(), "3 of 4 batches are anchored"),
    (
        "what is wrong in the store alone",
        sql("UPDATE matters SET size = 9"),
        "matter 1 says 9 records, and has 3",
    ),
]


@pytest.mark.parametrize(
    ("damage", "sentence"), [row[1:] for row in DAMAGES], ids=[row[0] for row in DAMAGES]
)
def test_a_damage_is_named(world: World, damage: Damage, sentence: str) -> None:
    assert contradictions(world.store, world.anvil, settled=True) == []
    damage(world)
    found = contradictions(world.store, world.anvil, settled=True)
    open_ended = sentence.endswith((" ", "_"))
    assert any(one.startswith(sentence) if open_ended else one == sentence for one in found), found


def test_an_anchor_that_went_away_is_named(tmp_path: Path) -> None:
    # On a chain of its own: anvil can't take a reorganisation back.
    with Anvil(*ANVIL_OPTIONS) as anvil:
        world = World(anvil, tmp_path)
        world.seal()
        world.settle()
        anvil.rpc("anvil_reorg", 3, [])
        found = contradictions(world.store, anvil)
        world.close()
    assert found[0] == "anchor 0 of the store is not on chain"
    assert found[1].endswith("was released, and its block is not on the chain")

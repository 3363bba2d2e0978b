"""Owns what must hold in a store and on the chain together, seen from outside of both.

The chain is read straight from the node, past proxy and service: the contract's events, its slot, the
blocks. The store's rows come from its database, and the chain proofs in them are judged by the functions
of the stand-alone verifier. That each contradiction can be said: tests/simulators/test_check_world.py.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from notary.core.log_identity import LogIdentity
from tests.anvil import Anvil
from tests.reference import naive_trees
from tests.simulators import check_store
from tests.simulators.check_store import Findings, Rows, rows_of
from tests.simulators.store import StoreWorld
from verifier.format import contract as anchors
from verifier.format import evm, rlp, trees
from verifier.format.digests import ZERO, Digest
from verifier.format.fold import Link, fold
from verifier.format.keccak import keccak256

FINAL = ("FINAL", "PROVED")
ON_CHAIN = ("MINED", *FINAL)


@dataclass(frozen=True)
class OnChain:
    """An anchor as the contract's event shows it."""

    prev: bytes
    link: Link
    head: bytes
    tx_hash: bytes


def on_chain(anvil: Anvil, store: StoreWorld) -> list[OnChain]:
    """Every anchor of the log, oldest first, from the contract's own events."""
    identity = store.identity
    found = anvil.rpc(
        "eth_getLogs",
        {
            "address": "0x" + identity.contract.hex(),
            "topics": [
                "0x" + anchors.EVENT_TOPIC.hex(),
                "0x" + identity.log_address.rjust(32, b"\0").hex(),
            ],
            "fromBlock": "0x0",
            "toBlock": "latest",
        },
    )
    events = []
    for one in found:
        raw = _bytes(one["data"])
        word = int.from_bytes(raw[64:], "big")
        link = Link(Digest(raw[32:64]), word >> 64, word & 2**64 - 1)
        events.append(
            OnChain(raw[:32], link, _bytes(one["topics"][2]), _bytes(one["transactionHash"]))
        )
    return events


def contradictions(
    store: StoreWorld, anvil: Anvil, *, crashed: bool = False, settled: bool = False
) -> list[str]:
    """What does not hold in the store and on the chain.

    Whenever: each anchor follows the one before, holds a root of the batch log, and covers a batch that
    none before covered; what the store calls final is there and proved. `settled`: every batch is
    covered, nothing is under way, and store and chain have the same anchors.
    """
    found = Findings(check_store.contradictions(store, crashed=crashed))
    events = on_chain(anvil, store)
    with rows_of(store) as rows:
        batches = [
            trees.leaf_hash(row["header"])
            for row in rows.execute("SELECT header FROM batches ORDER BY id")
        ]
        _check_events(found, anvil, store, events, batches)
        _check_attempts(found, rows, events)
        _check_links(found, anvil, rows, events, settled)
        _check_legs(found, store, rows)
        _check_costs(found, anvil, rows)
        _check_as_ofs(found, anvil, store, rows, events, settled)
        if settled:
            _check_settled(found, rows, events, len(batches))
    return found.sentences


def check_world(
    store: StoreWorld, anvil: Anvil, *, crashed: bool = False, settled: bool = False
) -> None:
    """Raise AssertionError that says everything that does not hold in the store and on the chain."""
    sentences = contradictions(store, anvil, crashed=crashed, settled=settled)
    assert not sentences, "\n".join(sentences)


def _check_events(
    found: Findings,
    anvil: Anvil,
    store: StoreWorld,
    events: Sequence[OnChain],
    batches: Sequence[bytes],
) -> None:
    head: bytes = ZERO
    covered = 0
    for number, event in enumerate(events):
        name = f"anchor {number} on chain"
        found.want(event.prev == head, f"{name} does not follow the one before")
        head = fold(Digest(event.prev), event.link)
        found.want(event.head == head, f"{name} has a head that is not its fold")
        size = event.link.size
        found.want(
            size > covered,
            f"{name} is of {size} batches when {covered} were anchored already: "
            "a batch is on chain twice",
        )
        found.want(
            size <= len(batches) and event.link.root == naive_trees.mth(batches[:size]),
            f"{name} holds a root that is not of the first {size} batches",
        )
        covered = max(covered, size)
    slot = _bytes(
        anvil.rpc(
            "eth_getStorageAt",
            "0x" + store.identity.contract.hex(),
            "0x" + evm.head_slot(store.identity.log_address).hex(),
            "latest",
        )
    )
    found.want(slot == head, "the contract's head is not the fold of its events")


def _check_attempts(found: Findings, rows: Rows, events: Sequence[OnChain]) -> None:
    """Whatever was sent was stored before, and all attempts of an intent have its nonce."""
    known = set()
    for row in rows.execute(
        "SELECT a.*, i.nonce FROM attempts a JOIN intents i ON i.id = a.intent_id"
    ):
        name = f"attempt {row['place']} of intent {row['intent_id']}"
        known.add(row["hash"])
        found.want(keccak256(row["raw"]) == row["hash"], f"{name}: its bytes have another hash")
        with found.about(name):
            # EIP-2718, EIP-1559: type 2, then the list of chain id, nonce, …
            nonce = rlp.decode_int(rlp.decode_list(row["raw"][1:], "transaction")[1], "nonce", 64)
            found.want(
                nonce == row["nonce"],
                f"{name} has nonce {nonce}, and the intent reserved {row['nonce']}",
            )
    for number, event in enumerate(events):
        found.want(
            event.tx_hash in known,
            f"anchor {number} on chain was made by bytes that the store does not know",
        )


def _check_links(
    found: Findings,
    anvil: Anvil,
    rows: Rows,
    events: Sequence[OnChain],
    settled: bool,
) -> None:
    """The sender's links are the chain's."""
    for row in rows.execute(
        "SELECT * FROM intents WHERE number IS NOT NULL ORDER BY number",
    ):
        name = f"anchor {row['number']} of the store"
        if row["state"] not in ON_CHAIN:
            continue
        if row["state"] not in FINAL and not _canonical(
            anvil, row["block_number"], row["block_hash"]
        ):
            # Its block was replaced, and the next step will see that.
            continue
        if row["number"] >= len(events):
            found.want(False, f"{name} is not on chain")
            continue
        event = events[row["number"]]
        stated = (row["prev"], row["root"], row["size"], row["block_time"], row["head"])
        found.want(
            stated == (event.prev, event.link.root, event.link.size, event.link.time, event.head),
            f"{name} is not the chain's",
        )
    if settled:
        count = rows.execute("SELECT count(*) FROM intents WHERE state = 'PROVED'").fetchone()[0]
        found.want(
            count == len(events),
            f"{len(events)} anchors are on chain, the store has {count} proved",
        )


def _check_legs(found: Findings, store: StoreWorld, rows: Rows) -> None:
    """The stand-alone verifier's rules hold for what proves each anchor."""
    identity = store.identity
    for row in rows.execute(
        "SELECT i.number, i.prev, i.root, i.size, i.block_time, l.* FROM intents i"
        " LEFT JOIN legs l ON l.intent_id = i.id WHERE i.state IN ('MINED', 'FINAL', 'PROVED')"
    ):
        name = f"anchor {row['number']} of the store"
        if row["header"] is None:
            found.want(False, f"{name} has no leg")
            continue
        with found.about(f"the leg of {name}"):
            leg = evm.Leg(
                *(0, row["header"], row["tx_index"], row["tx"], _nodes(row["tx_proof"])),
                *(row["receipt"], _nodes(row["receipt_proof"]), row["log_index"]),
            )
            link = Link(Digest(row["root"]), row["size"], row["block_time"])
            _check_leg(leg, Digest(row["prev"]), link, identity)


def _check_costs(found: Findings, anvil: Anvil, rows: Rows) -> None:
    """What an anchor is said to have cost is what the node says."""
    for row in rows.execute(
        "SELECT i.number, i.tx_hash, c.wei FROM intents i LEFT JOIN costs c ON c.intent_id = i.id"
        " WHERE i.state IN ('MINED', 'FINAL', 'PROVED')"
    ):
        receipt = anvil.rpc("eth_getTransactionReceipt", "0x" + row["tx_hash"].hex())
        if receipt is None:
            # Its block was replaced, and the next step will see that.
            continue
        paid = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
        found.want(
            row["wei"] == str(paid),
            f"anchor {row['number']} of the store is said to have cost {row['wei']} wei, not {paid}",
        )


def _check_as_ofs(
    found: Findings,
    anvil: Anvil,
    store: StoreWorld,
    rows: Rows,
    events: Sequence[OnChain],
    settled: bool,
) -> None:
    """Each as-of proof proves the head that it states, and those released are of the chain."""
    heads = [event.head for event in events]
    for row in rows.execute("SELECT * FROM as_ofs ORDER BY block_number"):
        name = f"the as-of proof at block {row['block_number']}"
        with found.about(name):
            block_hash, head = _proved_head(
                *(row["header"], row["account_proof"], row["storage_proof"], store.identity)
            )
            found.want(block_hash == row["block_hash"], f"{name} is of another block")
            found.want(head == row["head"], f"{name} proves another head than it states")
            if row["released"]:
                found.want(
                    _canonical(anvil, row["block_number"], row["block_hash"]),
                    f"{name} was released, and its block is not on the chain",
                )
                found.want(
                    heads[row["anchors"] - 1 : row["anchors"]] == [head],
                    f"{name} states {row['anchors']} anchors, and its head is not that one's",
                )
    if settled and events:
        newest = rows.execute("SELECT max(anchors) FROM as_ofs WHERE released").fetchone()[0]
        found.want(
            newest == len(events),
            f"the newest as-of proof covers {newest} of {len(events)} anchors",
        )


def _check_settled(found: Findings, rows: Rows, events: Sequence[OnChain], sealed: int) -> None:
    covered = max((event.link.size for event in events), default=0)
    found.want(covered == sealed, f"{covered} of {sealed} batches are anchored")
    under_way = rows.execute(
        "SELECT id FROM intents WHERE state != 'PROVED' AND NOT closed"
    ).fetchall()
    found.want(not under_way, f"the intents {[row[0] for row in under_way]} are under way")
    pending = rows.execute("SELECT count(*) FROM as_ofs WHERE NOT released").fetchone()[0]
    found.want(pending == 0, f"{pending} as-of proofs are pending")


# A proof that held holds for ever, so a world that is checked at each step proves each once.


@functools.cache
def _check_leg(leg: evm.Leg, prev: Digest, link: Link, identity: LogIdentity) -> None:
    evm.check_leg(
        leg,
        prev=prev,
        link=link,
        chain_id=identity.chain_id,
        contract=identity.contract,
        log_address=identity.log_address,
    )


@functools.cache
def _proved_head(
    raw_header: bytes, account_proof: bytes, storage_proof: bytes, identity: LogIdentity
) -> tuple[bytes, bytes]:
    """The block's hash, and the log's head in it."""
    header = evm.parse_header(raw_header)
    account = evm.check_account(header.state_root, identity.contract, _nodes(account_proof))
    evm.check_code_hash(account)
    head = evm.check_slot(account.storage_root, identity.log_address, _nodes(storage_proof))
    return header.hash, head


def _canonical(anvil: Anvil, number: int, block_hash: bytes) -> bool:
    block: Mapping[str, str] | None = anvil.rpc("eth_getBlockByNumber", hex(number), False)
    return block is not None and _bytes(block["hash"]) == block_hash


def _nodes(packed: bytes) -> tuple[bytes, ...]:
    return tuple(node for node in rlp.decode_list(packed, "proof") if isinstance(node, bytes))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])

"""Owns the sender as a process that is really killed: before and after each durable step and each effect.

A task for tests.simulators.store_process. It goes on with whatever lies in the store, on the chain that the
test's world has, and mines for itself, in one of the ways of `AFTER_STEP`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from notary.adapters.chain.compared import ComparedChain
from notary.adapters.chain.keystore import KeystoreSigner
from notary.adapters.store.anchors import AnchorStore
from notary.core.intake import Accepted, Incoming, IncomingFile
from notary.core.intent import State
from notary.usecases.anchor import Anchorer
from tests.anvil import Anvil
from tests.simulators.chain_faults import (
    CHAIN_EFFECTS,
    OF_REPEATED,
    PROVER_EFFECTS,
    REPEATED,
    SIGNER_EFFECTS,
    STORE_WRITES,
    crashing,
)
from tests.simulators.chain_world import GWEI, PASSWORD, POLL, SETTINGS, InProcessProver, World
from tests.simulators.store import StoreWorld, offer
from tests.simulators.store_process import Say, Voice
from verifier.format import contract as anchors

ORDER = "sender.json"  # beside the store, for the process to read
MOST_STEPS = 40
ROUNDS = 3  # of intake, sealing and a step
RECORDS = 2  # of each round
# What the process says, before what follows.
TICK = "now "
OFFERED = "offered "
RECEIPT = "receipt "
CHECKPOINT = "checkpoint "


@dataclass(frozen=True)
class Order:
    """What the process has to know of the world: the chain's port, its keystore, the time.

    `way` is how blocks come, for `anchor`; `first` the number of the first record, for `work`.
    """

    port: int
    keystore: str
    now: str
    way: str = ""
    first: int = 0


class Node(Anvil):
    """The chain that another process started."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port


def leave_order(world: World, keystore: Path, way: str = "", first: int = 0) -> None:
    """Tell the next process what it has to know."""
    order = Order(world.anvil.port, str(keystore), world.now.isoformat(), way, first)
    (world.store.folder / ORDER).write_text(json.dumps(asdict(order)), "ascii")


def anchor(world: StoreWorld, say: Say) -> None:
    """Run a sender until nothing is under way, or until the process is struck."""
    order = _order(world)
    # These come at every step and don't depend on what the step does.
    Voice.places.repeated, Voice.places.of_repeated = REPEATED, OF_REPEATED
    node, book = Node(order.port), AnchorStore(world.database)
    sender = _sender(world, order, book)
    for number in range(MOST_STEPS):
        _tick(world, say)
        if sender.step(world.clock.now()).idle:
            return
        AFTER_STEP[order.way](node, world, book, number)
    raise AssertionError("not done")


def work(world: StoreWorld, say: Say) -> None:
    """Take in, seal and anchor, as a whole service does, until the process is struck or is done.

    Says each record's number before it is offered, and each receipt and checkpoint once it is known.
    """
    order = _order(world)
    node, book = Node(order.port), AnchorStore(world.database)
    sender = _sender(world, order, book)
    number = order.first
    for _ in range(ROUNDS):
        for _ in range(RECORDS):
            say(f"{OFFERED}{number}")
            [outcome] = world.accept([numbered(world, number)])
            assert isinstance(outcome, Accepted), outcome
            say(f"{RECEIPT}{number} {outcome.record_id} {outcome.receipt.decode()}")
            number += 1
        block = book.recent_block()
        world.seal(
            None if block is None else (block.chain_id, block.number, block.hash, block.header)
        )
        say(CHECKPOINT + world.published[-1].encode().hex())
        _tick(world, say)
        sender.step(world.clock.now())
        node.rpc("evm_mine")


def numbered(store: StoreWorld, number: int) -> Incoming:
    """The record of that number: the same whenever it is offered, in turn of each matter."""
    matters = store.register.all(store.agency_id)
    scan = IncomingFile(store.folder / "scan", "scan.pdf", "application/pdf")
    return offer(matters[number % len(matters)], f"key {number}", *[scan] * (number % 3 == 0))


def _order(store: StoreWorld) -> Order:
    """The order, and the clock set to its time."""
    order = Order(**json.loads((store.folder / ORDER).read_text("ascii")))
    store.clock.advance((datetime.fromisoformat(order.now) - store.clock.now()).total_seconds())
    return order


def _tick(store: StoreWorld, say: Say) -> None:
    store.clock.advance(POLL.total_seconds())
    say(TICK + store.clock.now().isoformat())


def _sender(store: StoreWorld, order: Order, book: AnchorStore) -> Anchorer:
    places = Voice.places
    url = f"http://127.0.0.1:{order.port}"
    chain = ComparedChain([url], anchors.ADDRESS, store.identity.log_address, store.clock)
    return Anchorer(
        store.identity,
        store.batch_log,
        crashing(book, STORE_WRITES, places),
        crashing(chain, CHAIN_EFFECTS, places),
        crashing(KeystoreSigner.open(Path(order.keystore), PASSWORD), SIGNER_EFFECTS, places),
        crashing(InProcessProver(), PROVER_EFFECTS, places),
        SETTINGS,
    )


def plainly(node: Node, store: StoreWorld, book: AnchorStore, number: int) -> None:
    """A block comes."""
    node.rpc("evm_mine")


def dearer_then_cheap(node: Node, store: StoreWorld, book: AnchorStore, number: int) -> None:
    """The base fee rises above what the first attempt offers, whatever that was, and falls again."""
    fee = GWEI
    if number < 2:
        base_fee = node.rpc("eth_getBlockByNumber", "latest", False)["baseFeePerGas"]
        fee = 3 * int(base_fee, 16) + 2 * GWEI
        store.clock.advance(SETTINGS.bump.total_seconds())
    node.rpc("anvil_setNextBlockBaseFeePerGas", hex(fee))
    node.rpc("evm_mine")


def replaced_once(node: Node, store: StoreWorld, book: AnchorStore, number: int) -> None:
    """The block with the anchor is replaced, the first time that one is seen."""
    youngest = book.all_intents()[-1]
    mark = store.folder / f"replaced {youngest.id}"
    if youngest.state is State.MINED and not mark.exists():
        mark.touch()
        node.rpc("anvil_reorg", 1, [])
    else:
        node.rpc("evm_mine")


AFTER_STEP: dict[str, Callable[[Node, StoreWorld, AnchorStore, int], None]] = {
    "plainly": plainly,
    "fees raised": dearer_then_cheap,
    "blocks replaced": replaced_once,
}

"""Takes in, seals and anchors for minutes while everything around it fails at random, and says what it met.

The seed is printed. After each action store and chain must hold together; in the end every record that was
acknowledged is there once, in one batch that is on chain once. `NOTARY_SOAK_SEED` repeats a run.
"""

from __future__ import annotations

import gc
import os
import random
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from notary.adapters.store.anchors import AnchorStore
from notary.core.intake import Accepted, IncomingFile
from notary.core.intent import State
from notary.errors import NothingHappened, OutcomeUnknown
from notary.ports import Matter
from notary.usecases.read import sweep_orphans
from tests.anvil import Anvil
from tests.simulators.chain_faults import METHODS, PATIENCE_S, TRANSPORT, lies
from tests.simulators.chain_proxy import ChainProxy, Forward, Raw, Rule
from tests.simulators.chain_world import ETHER, GWEI, World
from tests.simulators.places import Crash, Places, crash
from tests.simulators.store import CANARY, offer, reopen_world
from tests.simulators.store_faults import disk_full, watched

MINUTES = 5
# Far enough that blocks can be replaced before they are final.
CHAIN = ("--no-mining", "--slots-in-an-epoch", "4")
MOST_RECORDS = 4  # of one call
STORE_PLACES = 60  # of one intake or sealing, about
SENDER_PLACES = 12  # of one step, about
CALLS = 15  # of one step, about
DEEPEST = 3  # blocks: finality is eight behind
REST = 3  # actions without a fault between two of the lies, so that things move
LIES = lies()


class Struck:
    """Lets a rule strike one call of a step, whichever method it is of."""

    def __init__(self, rule: Rule, at: int) -> None:
        self.rule = rule
        self.left = at
        self.struck = False

    def __call__(self, params: list[Any], forward: Forward) -> dict[str, Any] | Raw:
        self.left -= 1
        if self.left != 0:
            return forward()
        self.struck = True
        return self.rule(params, forward)


class Trial:
    """The world, the chance, and what has happened to it."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world = world
        self.chance = chance
        self.met: Counter[str] = Counter()
        self.story: deque[str] = deque(maxlen=20)
        # In turn, so that a run of minutes meets each.
        self.transport = deque(TRANSPORT)
        self.lies = deque(LIES)
        self.taken: dict[str, int] = {}
        self.offered = 0
        self.lives = 0
        self.second = world.store.open_matter(f"Second {CANARY}")

    # What the service does.

    def take_in(self) -> None:
        """Offer some records, now and then some that were offered before."""
        keys = [f"key {self.offered + i}" for i in range(self.chance.randint(1, MOST_RECORDS))]
        self.offered += len(keys)
        if self.taken and self.chance.random() < 0.3:
            keys.append(self.chance.choice(sorted(self.taken)))
        self._offer(keys)

    def _offer(self, keys: list[str]) -> None:
        scan = IncomingFile(self.world.store.folder / "scan", "scan.pdf", "application/pdf")
        items = []
        for key in keys:
            number = int(key.split()[1])
            matter: Matter = (self.world.matter, self.second)[number % 2]
            items.append(offer(matter, key, *[scan] * (number % 3 == 0)))
        for key, outcome in zip(keys, self.world.store.accept(items), strict=True):
            assert isinstance(outcome, Accepted), outcome
            assert self.taken.setdefault(key, outcome.record_id) == outcome.record_id

    def seal(self) -> None:
        """Seal, naming the block that the sender knows."""
        block = self.world.book.recent_block()
        named = None
        if block is not None:
            named = (block.chain_id, block.number, block.hash, block.header)
        self.world.store.seal(named)

    def step(self) -> None:
        """One step of the sender."""
        self.world.step()

    def work_for_the_sender(self) -> None:
        """Now and then a batch, so that a step has something to do."""
        if self.chance.random() < 0.5:
            self.seal()

    # What befalls it.

    def disk_fails(self) -> None:
        """An error at one place of an intake or a sealing, which is then done again."""
        work = self.chance.choice([self.take_in, self.seal])
        places = Places(self.chance.randrange(STORE_PLACES), disk_full)
        store = self.world.store
        with watched(store.database, store.folder, places):
            try:
                work()
            except (NothingHappened, OutcomeUnknown) as error:
                lost = isinstance(error, OutcomeUnknown)
                self.met["commit without acknowledgement" if lost else "disk error"] += 1

    def store_crashes(self) -> None:
        """The process ends at one place of an intake or a sealing."""
        work = self.chance.choice([self.take_in, self.seal])
        places = Places(self.chance.randrange(STORE_PLACES), crash)
        store = self.world.store
        with suppress(Crash), watched(store.database, store.folder, places):
            work()
            return
        self.met[f"crash during {work.__name__}"] += 1
        self.restart()

    def sender_crashes(self) -> None:
        """The process ends at one place of a step."""
        self.work_for_the_sender()
        self.world.sender = self.world.new_sender(
            Places(self.chance.randrange(SENDER_PLACES), crash)
        )
        with suppress(Crash):
            self.step()
            self.world.restart()
            return
        self.met["crash during step"] += 1
        self.restart()

    def restart(self) -> None:
        """A new process on what the old one left."""
        world = self.world
        self.lives += 1
        old = world.store
        old.close()
        # A process that ended would have freed everything. Here the frames of the crash form cycles, and
        # in one of them may be a cursor that keeps a closed connection, and with it the write lock.
        gc.collect()
        world.check(crashed=True)
        store = reopen_world(old.folder, f"life {self.lives}", old.clock.now())
        store.promised, store.published = old.promised, old.published
        world.store, world.database, world.log = store, store.database, store.batch_log
        world.book = AnchorStore(store.database)
        world.restart()

    def call_fails(self) -> None:
        """One call of a step is lost, cut, garbled or late."""
        self.work_for_the_sender()
        struck = Struck(self.transport[0], self.chance.randint(1, CALLS))
        with ExitStack() as rules:
            for method in METHODS:
                rules.enter_context(self.world.proxy.rule(method, struck))
            self.step()
        if struck.struck:
            self.met[struck.rule.__name__.replace("_", " ")] += 1
            self.transport.rotate()

    def node_lies(self) -> None:
        """The node says what is not so, for some steps."""
        self.work_for_the_sender()
        lie = self.lies[0]
        self.lies.rotate()
        with ExitStack() as rules:
            # New ones each time: a stale block is stale from now on.
            for method, rule in lies()[lie].items():
                rules.enter_context(self.world.proxy.rule(method, rule))
            for _ in range(self.chance.randint(1, 3)):
                self.step()
                self.world.mine()
        self.met[lie] += 1
        for _ in range(REST):
            self.step()

    def blocks_are_replaced(self) -> None:
        """The newest blocks go, and their transactions with them."""
        height = int(self.world.anvil.rpc("eth_blockNumber"), 16)
        self.world.anvil.rpc("anvil_reorg", min(self.chance.randint(1, DEEPEST), height - 1), [])
        self.met["blocks replaced"] += 1
        self.step()

    def pool_forgets(self) -> None:
        """A transaction is dropped from the pool."""
        for intent in self.world.book.open_intents():
            if intent.state is State.BROADCAST:
                last = intent.attempts[-1].hash
                if self.world.anvil.rpc("anvil_dropTransaction", "0x" + last.hex()):
                    self.met["transaction dropped"] += 1

    def fees_rise(self) -> None:
        """The base fee jumps, past the cap at times."""
        fee = self.chance.choice([5, 50, 500]) * GWEI
        self.world.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(fee))
        self.world.mine()
        self.step()
        self.world.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
        self.world.mine()
        self.met["fee spike"] += 1

    def money_goes(self) -> None:
        """The account is empty for a step."""
        self.world.fund(1)
        self.step()
        self.world.fund(ETHER)
        self.met["no money"] += 1


@pytest.mark.soak
@pytest.mark.timeout(MINUTES * 60 + 600)
def test_nothing_is_lost_and_nothing_is_doubled(tmp_path: Path) -> None:
    seed = int(os.environ.get("NOTARY_SOAK_SEED") or random.SystemRandom().randrange(2**32))
    print(f"\nseed {seed}")
    chance = random.Random(seed)
    with ExitStack() as ends, Anvil(*CHAIN) as anvil, ChainProxy(anvil.url) as proxy:
        world = World(anvil, tmp_path, proxies=[proxy], timeout_s=PATIENCE_S)
        (world.store.folder / "scan").write_bytes(CANARY.encode() * 200)
        trial = Trial(world, chance)
        actions: list[tuple[Callable[[], None], int]] = [
            *((trial.take_in, 4), (trial.seal, 3), (trial.step, 6)),
            *((trial.disk_fails, 3), (trial.store_crashes, 3), (trial.sender_crashes, 3)),
            *((trial.call_fails, 6), (trial.node_lies, 2), (trial.blocks_are_replaced, 1)),
            *((trial.pool_forgets, 1), (trial.fees_rise, 1), (trial.money_goes, 1)),
        ]
        # Of a run that fails, what came last.
        ends.callback(lambda: print(*trial.story, sep=", "))
        names, weights = zip(*actions, strict=True)
        end = time.monotonic() + MINUTES * 60
        done = 0
        while time.monotonic() < end:
            [action] = chance.choices(names, weights)
            trial.story.append(action.__name__)
            action()
            world.mine(chance.randint(0, 2))
            world.pass_time(timedelta(seconds=chance.choice([1, 30, 90])))
            # A replaced block is seen by the next step; until then the sender is behind the chain.
            world.step()
            world.check(crashed=True)
            done += 1
        _finish(trial)
        events = world.on_chain()
        promised = len(set(world.store.promised))
        records = sum(one.size for one in world.store.register.all(world.store.agency_id))
        world.close()
    for name, count in sorted(trial.met.items()):
        print(f"{count:6} {name}")
    print(f"{done} actions, {trial.lives} restarts")
    print(
        f"{trial.offered} records offered, {promised} acknowledged, {records} anchored by "
        f"{len(events)} anchors, {max(0, promised - records)} lost, "
        f"{max(0, records - trial.offered)} doubled"
    )
    assert records == len(trial.taken) == promised == trial.offered
    wanted = {
        *(rule.__name__.replace("_", " ") for rule in TRANSPORT),
        *LIES,
        *("disk error", "commit without acknowledgement", "crash during take_in"),
        *("crash during seal", "crash during step", "blocks replaced", "transaction dropped"),
        *("fee spike", "no money"),
    }
    assert wanted <= set(trial.met), f"never met: {wanted - set(trial.met)}"


def _finish(trial: Trial) -> None:
    """Faults are over: what was offered is offered again, and everything is sealed and anchored."""
    world = trial.world
    for number in range(trial.offered):
        trial._offer([f"key {number}"])
    sweep_orphans(world.store.database, world.store.objects, datetime.now(UTC) + timedelta(days=2))
    while world.store.sealer.unsealed():
        trial.seal()
    world.run(lambda: world.steps[-1].idle, limit=200)
    world.check(settled=True)

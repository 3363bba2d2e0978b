"""Takes in, seals and anchors for minutes while everything around it fails at random, and says what it met.

Each alarm is printed with the faults that raised it, and one without ends the run (`explanations`).

The seed is printed. What is tried, in which order, follows from it alone, so `NOTARY_SOAK_SEED` repeats a
run; `NOTARY_SOAK_MINUTES` says for how long. After each action store and chain must hold together; in the end
every record that was acknowledged is there once, in one batch that is on chain once.
"""

from __future__ import annotations

import gc
import os
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest

from notary.adapters.audit_file import AuditFile
from notary.adapters.store.anchors import AnchorStore
from notary.adapters.store.notices import StoredNotices
from notary.adapters.store.timestamps import StoredTokens
from notary.core.intake import Accepted
from notary.core.intent import State
from notary.errors import NothingHappened, OutcomeUnknown
from notary.notice_ports import Change
from notary.usecases.alarms import AlarmBoard
from notary.usecases.originals import sweep_orphans
from tests.anvil import Anvil
from tests.scenarios.anchor.test_chain_faults import forgetful
from tests.simulators.chain_faults import METHODS, TRANSPORT, lies, transport
from tests.simulators.chain_proxy import ChainProxy, Forward, Raw, Rule
from tests.simulators.chain_world import ETHER, GWEI, World
from tests.simulators.places import Crash, Places, crash
from tests.simulators.sender_process import (
    CHECKPOINT,
    OFFERED,
    RECEIPT,
    leave_order,
    numbered,
    work,
)
from tests.simulators.store import CANARY, MAX_DEADLINE_S, reopen_world
from tests.simulators.store_faults import disk_full, watched
from tests.simulators.store_process import Forks
from tests.soak.explanations import Explanations, Fault

MINUTES = float(os.environ.get("NOTARY_SOAK_MINUTES") or 10)
# Far enough that blocks can be replaced before they are final.
CHAIN = ("--no-mining", "--slots-in-an-epoch", "4")
# Long enough that a machine with other work is not taken for a node that is silent.
PATIENCE_S = 2
MOST_RECORDS = 4  # of one call
STORE_PLACES = 60  # of one intake or sealing, about
PROCESS_PLACES = 500  # of a process that takes in, seals and anchors, about
SENDER_PLACES = 12  # of one step, about
CALLS = 15  # of one step, about
STEPS = 4  # that a fault waits for its call
DEEPEST = 3  # blocks: finality is eight behind
REST = 3  # actions without a fault between two of the lies, so that things move
PLANTED_SEED = 7
PLANTED_ACTIONS = 400  # within which the planted bug must show; it takes some dozens
LIES = lies()
LONGER_S = 600  # that a run may go on until it has met each fault
WANTED = frozenset(
    {
        *(rule.__name__.replace("_", " ") for rule in TRANSPORT),
        *LIES,
        *("disk error", "commit without acknowledgement", "crash during take_in"),
        *("crash during seal", "crash during step", "kill -9 of the process"),
        *("blocks replaced", "transaction dropped", "fee spike", "no money"),
    }
)
# The alarms that these faults must raise, and that must be gone in the end.
ALARMS = frozenset({"HELD", "ENDPOINT_AWAY", "ENDPOINT_CONTRADICTS"})

Plant = Callable[[World], None]


class Struck:
    """Lets a rule strike one call, whichever method it is of."""

    def __init__(self, rule: Rule, at: int) -> None:
        self._rule = rule
        self._left = at
        self.name = rule.__name__.replace("_", " ")
        self.struck: str | None = None  # the method

    def of(self, method: str) -> Rule:
        """The rule for one method; all of them count the same calls."""

        def rule(params: list[Any], forward: Forward) -> dict[str, Any] | Raw:
            self._left -= 1
            if self._left != 0:
                return forward()
            self.struck = method
            return self._rule(params, forward)

        return rule


class Trial:
    """The world, the chance, and what has happened to it."""

    def __init__(self, world: World, forks: Forks, keystore: Path, plant: Plant | None) -> None:
        self.world = world
        self.chance = random.Random()
        self.met: Counter[str] = Counter()
        self.alarms = Explanations()
        self._forks = forks
        self._keystore = keystore
        self._plant = plant
        self.story: deque[str] = deque(maxlen=20)
        # In turn, so that a run of minutes meets each.
        self.transport = deque(transport(2 * PATIENCE_S))
        self.lies = deque(LIES)
        self.taken: dict[str, int] = {}
        self.offered = 0
        self.lives = 0
        world.store.open_matter(f"Second {CANARY}")
        self._new_sender()

    def _new_sender(self, places: Places | None = None) -> None:
        self.world.sender = self.world.new_sender(places)
        if self._plant is not None:
            self._plant(self.world)

    def never_met(self) -> set[str]:
        """The faults that have not befallen it yet."""
        return {name for name in WANTED if not self.met[name]}

    def look(self) -> None:
        """See which alarms came and went, as the worker does after each pass."""
        world, notices = self.world, StoredNotices(self.world.database, self.world.store.entropy)
        board = AlarmBoard(
            world.book,
            world.store.batch_log,
            world.store.standing,
            notices,
            AuditFile(world.store.data),
            max_deadline=timedelta(seconds=MAX_DEADLINE_S),
            receivers=[],
            anchor_receivers=[],
            token_book=StoredTokens(world.database),
            authorities=[],
        )
        for event in notices.keep(board.standing(world.now), [], world.now):
            print(self.alarms.note(event), flush=True)
            if (event.change, event.code) == (Change.RAISED, "FOREIGN_NONCE"):
                assert self._failed_of_ours(), f"nothing of ours failed: {event.stand.text}"

    def _failed_of_ours(self) -> bool:
        """Whether the chain has a failure of ours, of an intent to which another's hand is ascribed."""
        return any(
            receipt is not None and receipt["status"] == "0x0"
            for intent in self.world.book.open_intents()
            if intent.state is State.FOREIGN_NONCE
            for attempt in intent.attempts
            for receipt in [
                self.world.anvil.rpc("eth_getTransactionReceipt", "0x" + attempt.hash.hex())
            ]
        )

    def befell(self, fault: str, detail: str = "") -> Fault:
        """Count a fault, and remember when it was for the alarms that it may raise."""
        self.met[fault] += 1
        return self.alarms.befell(fault, detail, self.world.now)

    # What the service does.

    def take_in(self) -> None:
        """Offer some records, now and then some that were offered before."""
        keys = [f"key {self.offered + i}" for i in range(self.chance.randint(1, MOST_RECORDS))]
        self.offered += len(keys)
        if self.taken and self.chance.random() < 0.3:
            keys.append(self.chance.choice(sorted(self.taken)))
        self._offer(keys)

    def _offer(self, keys: list[str]) -> None:
        items = [numbered(self.world.store, int(key.split()[1])) for key in keys]
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
        """One step of the sender. What passes, the worker tries again in its next pass."""
        with suppress(NothingHappened, OutcomeUnknown):
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
        if self.chance.random() < 0.3:
            # The one place where an error leaves the outcome open.
            places = Places(None, disk_full, on="after commit")
        store = self.world.store
        with watched(store.database, store.folder, places):
            try:
                work()
            except (NothingHappened, OutcomeUnknown) as error:
                lost = isinstance(error, OutcomeUnknown)
                self.befell("commit without acknowledgement" if lost else "disk error")

    def store_crashes(self) -> None:
        """The process ends at one place of an intake or a sealing."""
        work = self.chance.choice([self.take_in, self.seal])
        places = Places(self.chance.randrange(STORE_PLACES), crash)
        store = self.world.store
        with suppress(Crash), watched(store.database, store.folder, places):
            work()
            return
        self.befell(f"crash during {work.__name__}")
        self.restart()

    def sender_crashes(self) -> None:
        """The process ends at one place of a step."""
        self.work_for_the_sender()
        self._new_sender(Places(self.chance.randrange(SENDER_PLACES), crash))
        with suppress(Crash):
            self.step()
            self._new_sender()
            return
        self.befell("crash during step")
        self.restart()

    def process_is_killed(self) -> None:
        """A real process that takes in, seals and anchors gets SIGKILL at some place."""
        world, store = self.world, self.world.store
        self.lives += 1
        leave_order(world, self._keystore, first=self.offered)
        at = self.chance.randrange(PROCESS_PLACES)
        run = self._forks.run(work, store.folder, f"process {self.lives}", at)
        assert run.status in (0, -SIGKILL), run
        for line in run.said:
            if line.startswith(OFFERED):
                self.offered = int(line.removeprefix(OFFERED)) + 1
            elif line.startswith(RECEIPT):
                number, record_id, receipt = line.removeprefix(RECEIPT).split(" ", 2)
                self.taken[f"key {number}"] = int(record_id)
                store.promised.append(receipt.encode())
            elif line.startswith(CHECKPOINT):
                store.published.append(bytes.fromhex(line.removeprefix(CHECKPOINT)).decode())
        if run.status == -SIGKILL:
            self.befell("kill -9 of the process")
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
        self._new_sender()

    def call_fails(self) -> None:
        """One call of a step is lost, cut, garbled or late."""
        self.work_for_the_sender()
        self._strike(METHODS, self.chance.randint(1, CALLS))

    def send_fails(self) -> None:
        """The same of the call that counts most: the send."""
        self.seal()
        self._strike(("eth_sendRawTransaction",), 1)

    def _strike(self, methods: tuple[str, ...], at: int) -> None:
        struck = Struck(self.transport[0], at)
        self.transport.rotate()
        with ExitStack() as rules:
            proxy = self.chance.choice(self.world.proxies)
            for method in methods:
                rules.enter_context(proxy.rule(method, struck.of(method)))
            for _ in range(STEPS):
                self.step()
                if struck.struck is not None:
                    self.befell(struck.name, struck.struck)
                # An alarm may be gone by the next step.
                self.look()
                if struck.struck is not None:
                    break

    def node_lies(self) -> None:
        """The node says what is not so, for some steps."""
        self.work_for_the_sender()
        lie = self.lies[0]
        self.lies.rotate()
        with ExitStack() as rules:
            # New ones each time: a stale block is stale from now on.
            proxy = self.chance.choice(self.world.proxies)
            for method, rule in lies()[lie].items():
                rules.enter_context(proxy.rule(method, rule))
            fault = self.befell(lie)
            for _ in range(self.chance.randint(1, 3)):
                self.step()
                fault.until = self.world.now
                self.look()
                self.world.mine()
        for _ in range(REST):
            self.step()

    def blocks_are_replaced(self) -> None:
        """The newest blocks go, and their transactions with them."""
        height = int(self.world.anvil.rpc("eth_blockNumber"), 16)
        self.world.anvil.rpc("anvil_reorg", min(self.chance.randint(1, DEEPEST), height - 1), [])
        self.befell("blocks replaced")
        self.step()

    def pool_forgets(self) -> None:
        """A transaction is dropped from the pool."""
        for intent in self.world.book.open_intents():
            if intent.state is State.BROADCAST:
                last = intent.attempts[-1].hash
                if self.world.anvil.rpc("anvil_dropTransaction", "0x" + last.hex()):
                    self.befell("transaction dropped")

    def fees_rise(self) -> None:
        """The base fee jumps, past the cap at times."""
        fee = self.chance.choice([5, 50, 500]) * GWEI
        self.world.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(fee))
        self.world.mine()
        self.befell("fee spike")
        self.step()
        self.world.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
        self.world.mine()

    def money_goes(self) -> None:
        """The account is empty for a step."""
        self.seal()
        self.world.fund(1)
        fault = self.befell("no money")
        self.step()
        fault.until = self.world.now
        self.look()
        self.world.fund(ETHER)


# What is done how often, in parts.
ACTIONS: dict[str, int] = {
    "take_in": 4,
    "seal": 3,
    "step": 6,
    "disk_fails": 3,
    "store_crashes": 3,
    "sender_crashes": 3,
    "process_is_killed": 3,
    "call_fails": 6,
    "send_fails": 3,
    "node_lies": 3,
    "blocks_are_replaced": 2,
    "pool_forgets": 2,
    "fees_rise": 1,
    "money_goes": 1,
}


def schedule(seed: int) -> Iterator[tuple[str, random.Random]]:
    """Each action, and the chance that it has: of the seed and its number, whatever came before."""
    number = 0
    while True:
        chance = random.Random(f"{seed} {number}")
        [name] = chance.choices(list(ACTIONS), list(ACTIONS.values()))
        yield name, chance
        number += 1


@contextmanager
def trial(folder: Path, plant: Plant | None = None, endpoints: int = 1) -> Iterator[Trial]:
    """A world on a chain of its own, with proxies between and a server for processes to be killed."""
    with ExitStack() as ends:
        anvil = ends.enter_context(Anvil(*CHAIN))
        proxies = [ends.enter_context(ChainProxy(anvil.url)) for _ in range(endpoints)]
        forks = ends.enter_context(Forks())
        world = World(anvil, folder, proxies=proxies, timeout_s=PATIENCE_S)
        (world.store.folder / "scan").write_bytes(CANARY.encode() * 200)
        # No block that may be replaced holds the contract: nobody would deploy it again.
        world.mine(DEEPEST)
        one = Trial(world, forks, folder / "keystore.json", plant)
        # Of a run that fails, what came last.
        ends.callback(lambda: print(*one.story, sep=", "))
        ends.callback(lambda: one.world.close())
        yield one


def act(one: Trial, name: str, chance: random.Random) -> None:
    """One action, then blocks and time; and then store and chain must hold together."""
    one.chance = chance
    one.story.append(name)
    getattr(one, name)()
    world = one.world
    # The chain's time goes with the service's, or else all that is final would grow old.
    latest = world.anvil.rpc("eth_getBlockByNumber", "latest", False)["timestamp"]
    behind = int(world.now.timestamp()) - int(latest, 16)
    if behind > 0:
        world.anvil.rpc("evm_increaseTime", behind)
    world.mine(chance.randint(0, 2))
    world.pass_time(timedelta(seconds=chance.choice([1, 30, 90])))
    # A replaced block is seen by the next step; until then the sender is behind the chain.
    one.step()
    one.look()
    world.check(crashed=True)


@pytest.mark.soak
@pytest.mark.timeout(int(MINUTES * 60) + 1200)
def test_nothing_is_lost_and_nothing_is_doubled(tmp_path: Path) -> None:
    seed = int(os.environ.get("NOTARY_SOAK_SEED") or random.SystemRandom().randrange(2**32))
    # Faults strike the only endpoint, or one of three.
    endpoints = 3 if seed % 2 else 1
    print(f"\nseed {seed}, {endpoints} endpoints, {MINUTES:g} minutes", flush=True)
    with trial(tmp_path, endpoints=endpoints) as one:
        end, done = time.monotonic() + MINUTES * 60, 0
        for name, chance in schedule(seed):
            passed = time.monotonic() - end
            # A slow machine may need longer to meet the rarest ones.
            if passed >= 0 and (passed >= LONGER_S or not one.never_met()):
                break
            act(one, name, chance)
            done += 1
        _finish(one)
        events, store = one.world.on_chain(), one.world.store
        promised = len(set(store.promised))
        records = sum(matter.size for matter in store.register.all(store.agency_id))
    for name, count in sorted(one.met.items()):
        print(f"{count:6} {name}")
    for (change, alarm), count in sorted(one.alarms.count.items()):
        print(f"{count:6} {change} {alarm}")
    print(
        f"{done} actions, {one.lives} restarts\n"
        f"{one.offered} records in, {promised} acknowledged, {records} anchored by {len(events)} "
        f"anchors, {max(0, promised - records)} lost, {max(0, records - one.offered)} doubled"
    )
    assert records == len(one.taken) == promised == one.offered
    assert not one.never_met(), f"never met: {one.never_met()}"
    assert one.alarms.raised >= ALARMS, f"never raised: {ALARMS - one.alarms.raised}"
    one.alarms.check_resolved()


@pytest.mark.slow
def test_a_fresh_nonce_after_a_send_that_failed_turns_the_soak_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A machine that is busy with other tests raises alarms of its own; here the world alone is looked at.
    monkeypatch.setattr(Trial, "look", lambda _: None)

    def soak(one: Trial) -> None:
        for name, chance in islice(schedule(PLANTED_SEED), PLANTED_ACTIONS):
            act(one, name, chance)

    with trial(tmp_path, forgetful) as one:
        with pytest.raises(AssertionError, match="a batch is on chain twice"):
            soak(one)
        print(f"after {one.met.total()} faults")


def test_the_same_seed_tries_the_same_things() -> None:
    def first(seed: int) -> list[tuple[str, float]]:
        actions = schedule(seed)
        return [(name, chance.random()) for name, chance in (next(actions) for _ in range(50))]

    assert first(1) == first(1) != first(2)
    assert {name for name, _ in first(1)} <= set(dir(Trial))


def _finish(trial: Trial) -> None:
    """Faults are over: what was offered is offered again, and everything is sealed and anchored."""
    world = trial.world
    for number in range(trial.offered):
        trial._offer([f"key {number}"])
    sweep_orphans(
        world.store.named_originals, world.store.objects, datetime.now(UTC) + timedelta(days=2)
    )
    while world.store.sealer.unsealed():
        trial.seal()
    world.run(lambda: world.steps[-1].idle, limit=200)
    trial.look()
    assert world.book.alarms() == {}
    world.check(settled=True)

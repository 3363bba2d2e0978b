"""The process is killed at every place where it can be: before and after each durable step and each effect.

After each kill a new sender on the same store goes on, and in the end every batch is on chain once. All
places are tried by `make soak`, some by `make test`: which, follows from a seed that is printed.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from signal import SIGKILL

import pytest

from notary.adapters.chain.web3_chain import Web3Chain
from notary.core.intent import State
from notary.usecases.anchor_plan import Reservation
from tests.scenarios.anchor.conftest import MakeWorld
from tests.simulators.chain_world import GWEI, World
from tests.simulators.sender_process import AFTER_STEP, TICK, anchor, leave_order
from tests.simulators.store_process import Forks, Run
from verifier.format import contract as anchors

SAMPLE = 6  # places of each way in `make test`

# The effects that each way must come to, besides those of the way before them.
WANTED = {
    "plainly": (
        "pin",
        "seal",
        "advance Reserve",
        "sign",
        "advance Sign",
        "send",
        "advance Sent",
        "advance Included",
        "add_as_of",
        "keep_balance",
        "advance Final",
        "release_as_of",
        "check",
        "advance Proved",
    ),
    "fees raised": ("advance Bump",),
    "blocks replaced": ("advance Vanished",),
}


class Matrix:
    """One world whose sender is a process that is killed, again and again."""

    def __init__(self, world: World, keystore: Path, forks: Forks, way: str) -> None:
        self.world = world
        self.killed: Counter[str] = Counter()
        self._keystore = keystore
        self._forks = forks
        self._way = way
        self._runs = 0

    def whole(self) -> list[str]:
        """The places of a run that nobody kills."""
        run = self._run(None)
        assert run.status == 0, run.said
        self._settled()
        return [place for place in run.places if place != "after everything"]

    def kill(self, at: int, name: str) -> None:
        """Kill the process at that place; then another one finishes its work."""
        run = self._run(at)
        assert run.status == -SIGKILL, (name, run.status, run.said)
        # What the kill left is consistent as it stands, before anything goes on.
        self.world.check(crashed=True)
        self._settled()
        self.killed[name] += 1

    def _run(self, at: int | None) -> Run:
        self.world.seal()
        # As at the first contact, so that each run comes to the same places.
        with self.world.database.transaction() as connection:
            for table in ("chain_pin", "recent_block", "balance"):
                connection.exec_driver_sql(f"DELETE FROM {table}")
        leave_order(self.world, self._keystore, self._way)
        self._runs += 1
        seed = f"{self._way} {self._runs}"
        run = self._forks.run(anchor, self.world.store.folder, seed, at, watch=False)
        ticks = [line for line in run.said if line.startswith(TICK)]
        if ticks:
            self.world.pass_time(
                datetime.fromisoformat(ticks[-1].removeprefix(TICK)) - self.world.now
            )
        return run

    def _settled(self) -> None:
        # Whatever made the run hard is over.
        self.world.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
        self.world.restart()
        self.world.settle()
        assert self.world.book.alarms() == {}


@pytest.fixture
def matrix(make_world: MakeWorld, tmp_path: Path) -> Iterator[Callable[[str], Matrix]]:
    with Forks() as forks:
        yield lambda way: Matrix(make_world(), tmp_path / "keystore.json", forks, way)


def kill_at(one: Matrix, places: list[str], numbers: Iterable[int]) -> None:
    """Kill at each of those places. Then each run made one anchor: none is doubled, none is lost."""
    for runs, number in enumerate(numbers, 2):
        one.kill(number, places[number])
        assert len(one.world.on_chain()) == len(one.world.store.promised) == runs


@pytest.mark.slow
@pytest.mark.parametrize("way", AFTER_STEP)
def test_a_kill_at_some_places_costs_nothing(matrix: Callable[[str], Matrix], way: str) -> None:
    seed = random.SystemRandom().randrange(2**32)
    one = matrix(way)
    places = one.whole()
    numbers = random.Random(seed).sample(range(len(places)), SAMPLE)
    print(f"seed {seed}: {[places[number] for number in numbers]} of {len(places)} places")
    kill_at(one, places, numbers)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("way", AFTER_STEP)
def test_a_kill_at_every_place_costs_nothing(matrix: Callable[[str], Matrix], way: str) -> None:
    one = matrix(way)
    places = one.whole()
    for effect in WANTED[way]:
        assert f"before {effect}" in places
        assert f"after {effect}" in places
    # What is before the effect that makes this way another than the plain one was tried there.
    first = 0 if way == "plainly" else places.index(f"before {WANTED[way][0]}")
    kill_at(one, places, range(first, len(places)))
    print(f"\n{way}: killed at {one.killed.total()} places, lost 0, doubled 0")
    for name, count in sorted(one.killed.items()):
        print(f"{count:6} {name}")


def test_the_check_of_the_world_sees_a_batch_that_is_anchored_twice(
    make_world: MakeWorld,
) -> None:
    """The bug that everything here is against, planted: a fresh nonce after a send that failed."""
    world = make_world()
    world.seal()
    world.step()
    # It forgets what it sent, takes the next nonce and the head of that time, and sends anew.
    with world.database.transaction() as connection:
        connection.exec_driver_sql("UPDATE intents SET state = 'SUPERSEDED', closed = 1")
    world.mine()
    chain = Web3Chain(world.url, anchors.ADDRESS, world.account)
    sender = world.new_sender()
    sender._planner.reservation = lambda: Reservation(  # type: ignore[method-assign]
        chain.transaction_count(), chain.prove_head().head
    )
    world.sender = sender
    world.run_to(State.BROADCAST)
    world.mine()
    assert [one.link.size for one in world.on_chain()] == [1, 1]
    with pytest.raises(AssertionError, match="a batch is on chain twice"):
        world.check()

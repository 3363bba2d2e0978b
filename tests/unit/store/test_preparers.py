"""Records prepared by other processes are those prepared here, and a lost process costs nothing."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notary.adapters import preparers
from notary.adapters.preparers import Preparers
from notary.adapters.store.records import StoredRecords
from notary.core.intake import Accepted, Incoming
from notary.core.preparing import RANDOM_LENGTH, Prepared, prepare_all
from notary.usecases.accept import RecordAcceptor
from tests.simulators.check_store import check_world
from tests.simulators.store import MAX_DEADLINE_S, StoreWorld
from verifier.format.kinds import COMMON, KINDS

SECRET = bytes(range(32))
AGENCY = 7

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
names = st.sampled_from([*sorted(COMMON | KINDS["letter"]), "attachment-0", "no_claim"])
items = st.builds(
    Incoming,
    st.sampled_from([b"m" * 32, b"short"]),
    st.sampled_from(["letter", "payment", "no-kind"]),
    st.dictionaries(names, values, max_size=4),
    st.text(max_size=4),
    st.just(()),
)


@pytest.fixture(scope="module")
def pool() -> Iterator[Preparers]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(preparers, "WORTH_A_CHILD", 1)
        made = Preparers(2)
        yield made
        made.close()


@settings(max_examples=60)
@given(st.lists(items, min_size=1, max_size=6))
def test_another_process_prepares_byte_for_byte_what_this_one_does(
    pool: Preparers, offers: list[Incoming]
) -> None:
    random = os.urandom(RANDOM_LENGTH * len(offers))
    there = pool.begin(SECRET, AGENCY, offers, random)()
    assert there == prepare_all(SECRET, AGENCY, offers, random)


def test_answers_come_in_the_order_of_the_calls_that_wait_for_them(pool: Preparers) -> None:
    calls = [[letter(f"{call}/{i}") for i in range(50)] for call in range(8)]
    random = bytes(RANDOM_LENGTH * 50)
    begun = [pool.begin(SECRET, AGENCY, offers, random) for offers in calls]
    for offers, answer in zip(calls, begun, strict=True):
        assert answer() == prepare_all(SECRET, AGENCY, offers, random)


@pytest.mark.usefixtures("small_calls")
def test_a_process_that_was_killed_is_no_loss() -> None:
    pool = Preparers(2)
    try:
        random = bytes(RANDOM_LENGTH)
        for call in itertools.count():
            wanted = prepare_all(SECRET, AGENCY, [letter(str(call))], random)
            assert pool.begin(SECRET, AGENCY, [letter(str(call))], random)() == wanted
            if call == 6:
                break
            if call % 3 == 0:
                pool._children[call // 3 % 2].process.send_signal(signal.SIGKILL)
    finally:
        pool.close()


@pytest.mark.usefixtures("small_calls")
def test_without_a_process_to_be_had_it_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparers, "COMMAND", ("/no/such/program",))
    pool = Preparers(2)
    [one] = pool.begin(SECRET, AGENCY, [letter("a")], bytes(RANDOM_LENGTH))()
    assert isinstance(one, Prepared)
    pool.close()


def test_no_process_is_started_for_few_records() -> None:
    pool = Preparers(2)
    offers = [letter(str(i)) for i in range(preparers.WORTH_A_CHILD - 1)]
    pool.begin(SECRET, AGENCY, offers, bytes(RANDOM_LENGTH * len(offers)))()
    assert not pool._children


@pytest.mark.usefixtures("small_calls")
def test_processes_end_with_the_pool() -> None:
    pool = Preparers(2)
    pool.begin(SECRET, AGENCY, [letter("a")], bytes(RANDOM_LENGTH))()
    children = [child.process for child in pool._children]
    assert [child.poll() for child in children] == [None, None]
    pool.close()
    assert [child.returncode for child in children] == [0, 0]


def test_what_was_prepared_elsewhere_and_out_of_order_enters_in_the_order_of_the_takes(
    world: StoreWorld, pool: Preparers
) -> None:
    matter = world.open_matter()
    acceptor = RecordAcceptor(
        StoredRecords(world.database),
        world.objects,
        world.keys,
        world.clock,
        world.entropy,
        world.identity,
        max_deadline_s=MAX_DEADLINE_S,
        preparing=pool,
    )
    calls = [
        [
            letter(f"{call}/{i}", matter.key, {"text": "Kanarienvogel", "subject": f"{call}"})
            for i in range(20)
        ]
        for call in range(4)
    ]
    # The last call repeats one of the first, which is not yet taken in when it is offered.
    calls[3][5] = calls[0][7]
    offered = [acceptor.offer(world.agency_id, offers) for offers in calls]
    answers = [acceptor.take(one) for one in offered]
    flat = [answer for answer in itertools.chain(*answers) if isinstance(answer, Accepted)]
    assert len(flat) == 80
    repeated = flat.pop(65)
    assert repeated.replayed
    assert repeated.receipt == flat[7].receipt
    assert [answer.position for answer in flat] == list(range(79))
    world.promised += [answer.receipt for answer in flat]
    check_world(world)


def test_processes_end_with_the_one_that_started_them_however_it_ends() -> None:
    text = (
        "import sys\n"
        "from notary.adapters.preparers import Preparers\n"
        "pool = Preparers(2)\n"
        "pool._start()\n"
        "print(*[child.process.pid for child in pool._children], flush=True)\n"
        "sys.stdin.read()\n"
    )
    words = [sys.executable, "-c", text]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        children = [Path("/proc", pid) for pid in parent.stdout.readline().decode().split()]
        assert [child.exists() for child in children] == [True, True]
        parent.kill()
    end = time.monotonic() + 20
    while any(_runs(child) for child in children):
        assert time.monotonic() < end
        time.sleep(0.02)


def _runs(process: Path) -> bool:
    try:
        return ") Z " not in (process / "stat").read_text()
    except OSError:
        return False


def letter(key: str, matter: bytes = b"m" * 32, claims: Any = None) -> Incoming:
    return Incoming(matter, "letter", claims or {"text": "a letter"}, key)


@pytest.fixture
def small_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparers, "WORTH_A_CHILD", 1)

"""`notary audit` on a live store and chain: what holds, what drifted, and what can't be asked any more."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from notary import compose, config
from notary.adapters.chain.web3_chain import Web3Chain
from notary.core.audit_state import AuditState, Finding
from notary.usecases.audit_questions import Questions
from notary.usecases.chain_audit import Audit
from tests.anvil import Anvil
from tests.conftest import StartAnvil
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live
from tests.simulators.chain_proxy import ChainProxy, Forward, answered
from verifier.format.evm import parse_header

# Where in a store something may be damaged: a statement, and a subject that the audit must name.
DAMAGES: list[tuple[str, str]] = [
    ("UPDATE batches SET header = CAST(replace(header, '\"batch\":0', '\"batch\":7') AS BLOB)"
     " WHERE id = 0", "batch 0"),
    ("UPDATE batches SET header = replace(header, '0', '0') WHERE id = 0", "batch 0"),
    ("UPDATE batches SET checkpoint = replace(checkpoint, 'A', 'B') WHERE id = 0", "batch 0"),
    ("UPDATE batches SET checkpoint = (SELECT checkpoint FROM batches WHERE id = 0) WHERE id = 1",
     "batch 1"),
    ("UPDATE batches SET not_before_header = NULL WHERE id = 1", "batch 1"),
    ("UPDATE key_sets SET content = replace(content, 'checkpoint', 'receipt')", "batch 0"),
    ("UPDATE intents SET root = zeroblob(32) WHERE number = 1", "anchor"),
    ("UPDATE intents SET size = size + 5 WHERE number = 1", "anchor 1"),
    ("UPDATE intents SET head = zeroblob(32) WHERE number = 0", "anchor 0"),
    ("UPDATE intents SET prev = zeroblob(32) WHERE number = 1", "the anchors"),
    ("UPDATE legs SET tx = zeroblob(3)", "anchor 0"),
    ("UPDATE legs SET receipt = zeroblob(3)", "anchor 0"),
    ("UPDATE legs SET log_index = 9", "anchor 1"),
    ("UPDATE legs SET header = zeroblob(600)", "anchor 1"),
    ("DELETE FROM legs", "anchor 0"),
    ("UPDATE as_ofs SET account_proof = x'c0'", "the proof of the head"),
    ("UPDATE as_ofs SET storage_proof = x'c0'", "the proof of the head"),
    ("UPDATE as_ofs SET head = zeroblob(32)", "the proof of the head"),
    ("UPDATE as_ofs SET block_number = block_number + 1", "the proof of the head"),
    ("UPDATE as_ofs SET anchors = anchors + 1", "the proof of the head"),
]  # fmt: skip
# What only reading every row shows.
DEEP = [
    "UPDATE records SET leaf = replace(leaf, 'letter', 'filing') WHERE position = 1",
    "UPDATE records SET head_root = zeroblob(32) WHERE position = 0",
    "UPDATE delta_files SET content = replace(content, '1', '2')",
    "UPDATE batches SET map_root = zeroblob(32) WHERE id = 0",
    "UPDATE heads SET root = zeroblob(32)",
]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service with two batches and two proved anchors. Tests damage copies of it."""
    folder = tmp_path_factory.mktemp("audit")
    with Anvil(*scene.CHAIN) as anvil:
        made = scene.make(folder / "home", anvil)
        with made.opened() as service:
            service.new_matter(1, "Seller v. Buyer", ("A-1",))
            for part, first in (("one", 0), ("two", 10)):
                path = scene.letters(folder / part, "A-1", first, 3)
                service.ingest(1, (path,), column_map=path.with_name("letters.map.toml"))
                scene.work(service)
        yield made


def copy_of(live: Live, folder: Path) -> Path:
    """The home once more, with its keys where they are."""
    home = folder / "home"
    shutil.copytree(live.home, home)
    return home


def audited(home: Path, *, full: bool = False, rpcs: tuple[str, ...] = ()) -> AuditState:
    with compose.opened(config.load(home)) as service:
        return service.audit(rpcs, 0, full, lambda done, total: None)


def damage(home: Path, statement: str) -> None:
    with closing(sqlite3.connect(home / "data" / "notary.db")) as connection:
        assert connection.execute(statement).rowcount > 0
        connection.commit()


def subjects(state: AuditState, *, drift: bool = True) -> list[str]:
    return [one.subject for one in state.found if one.drift is drift]


@pytest.mark.slow
def test_what_is_as_it_was_holds(live: Live) -> None:
    done = live.run("audit", "--full", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = json.loads(done.stdout)
    assert (shown["drift"], shown["not_checkable"], shown["standing"]) == ([], [], [])
    # Two batches, two anchors, at least two proofs of the head, as many blocks, chain, head, store.
    assert shown["asked"] >= 11
    assert live.run("audit", "--since", "2099-01-01T00:00:00.000Z").returncode == 0


@pytest.mark.slow
def test_every_damaged_row_is_drift_and_nothing_else_is(live: Live, tmp_path: Path) -> None:
    pristine = copy_of(live, tmp_path)
    for number, (statement, subject) in enumerate(DAMAGES):
        home = tmp_path / f"{number}" / "home"
        shutil.copytree(pristine, home)
        damage(home, statement)
        state = audited(home)
        assert any(one.startswith(subject) for one in subjects(state)), (statement, state.found)
        assert not any(one.startswith("block") for one in subjects(state)), (statement, state.found)


@pytest.mark.slow
def test_only_a_full_audit_reads_every_row(live: Live, tmp_path: Path) -> None:
    pristine = copy_of(live, tmp_path)
    for number, statement in enumerate(DEEP):
        home = tmp_path / f"{number}" / "home"
        shutil.copytree(pristine, home)
        damage(home, statement)
        assert subjects(audited(home, full=True))[-1] == "the rows of the store", statement


@pytest.mark.slow
def test_a_chain_that_was_begun_anew_is_drift(live: Live, tmp_path: Path) -> None:
    """Same chain id, other blocks: what a reorganisation past finality would look like."""
    home = copy_of(live, tmp_path)
    with Anvil(*scene.CHAIN) as other:
        other.rpc("anvil_mine", hex(40))
        state = audited(home, rpcs=(live.anvil.url, other.url))
        found = subjects(state)
        assert "the chain" in found
        assert "the log's head now" in found or "the log's head now" in subjects(state, drift=False)
        assert [one for one in found if one.startswith("block ")]
        assert all(f"{other.port}" in one.text for one in state.found)
    with compose.opened(config.load(home)) as service:
        assert any(one.startswith("AUDIT_DRIFT: ") for one in service.health().alarms)
        assert service.health().status != "ok"
    # It stands while nobody looked again; and goes once the very same is in order.
    narrow = compose.open_service(config.load(home))
    narrow.audit((), 4_000_000_000, False, lambda done, total: None)
    narrow.close()
    with compose.opened(config.load(home)) as service:
        assert any(one.startswith("AUDIT_DRIFT: ") for one in service.health().alarms)
    assert audited(home).standing == []
    with compose.opened(config.load(home)) as service:
        assert not [one for one in service.health().alarms if one.startswith("AUDIT_DRIFT")]


@pytest.mark.slow
def test_a_reorganised_chain_is_drift_from_there_on(
    start_anvil: StartAnvil, tmp_path: Path
) -> None:
    """The node replaces its blocks from just before the anchor on; those before stay."""
    anvil = start_anvil(*scene.CHAIN)
    made = scene.make(tmp_path / "home", anvil)
    with made.opened() as service:
        scene.work(service)
        (anchor,) = service.book.anchors()
        mined = parse_header(service.book.leg_of(anchor.number).header).number
    newest = int(anvil.rpc("eth_blockNumber"), 16)
    anvil.rpc("anvil_reorg", newest - mined + 1, [])
    state = audited(made.home)
    blocks = [int(one.split()[1]) for one in subjects(state) if one.startswith("block ")]
    assert mined in blocks
    assert min(blocks) >= mined
    assert "the log's head now" in subjects(state)
    assert not [one for one in subjects(state) if one.startswith(("batch", "anchor", "the proof"))]


@pytest.mark.slow
def test_what_a_node_does_not_keep_is_no_drift(live: Live, tmp_path: Path) -> None:
    home = copy_of(live, tmp_path)

    def forgetful(params: list[Any], forward: Forward) -> dict[str, Any]:
        return forward() if params[0] in ("latest", "finalized", "0x0") else answered(None)

    with (
        ChainProxy(live.anvil.url) as proxy,
        proxy.rule("eth_getBlockByNumber", forgetful),
    ):
        state = audited(home, rpcs=(proxy.url,))
    assert subjects(state) == []
    assert [one for one in subjects(state, drift=False) if one.startswith("block ")]
    words = ("audit", "--rpc", "http://127.0.0.1:9", "--json")
    done = live.run(*words)
    assert done.returncode == 1, done.stdout
    assert json.loads(done.stdout)["drift"] == []


@pytest.mark.slow
def test_a_stopped_audit_goes_on(live: Live, tmp_path: Path) -> None:
    """Killed after any step, the next call asks only what was not asked, and finds the same."""
    home = copy_of(live, tmp_path)
    damage(home, "UPDATE legs SET log_index = 9")
    whole = audited(home)
    with compose.opened(config.load(home)) as service:
        chain = Web3Chain(live.anvil.url, service.identity.contract, service.identity.log_address)
        for stop_after in range(1, whole.steps):
            memory = Kept()
            calls = Stopping(stop_after)
            questions = Questions(
                service.identity,
                service.book,
                service.batch_log,
                [chain],
                lambda: None,
                lambda full: None,
                lambda: iter(()),
            )
            task = Audit(questions, memory)
            with pytest.raises(Stopped):
                task.run(service._clock.now, calls)
            assert memory.state is not None
            memory.state.ended_at = None
            asked = Stopping(10**9)
            state = task.run(service._clock.now, asked)
            assert [one.subject for one in state.found] == [one.subject for one in whole.found]
            assert state.steps == whole.steps


class Stopped(Exception):
    """The process is gone."""


class Stopping:
    """A progress that ends the process after so many steps."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, done: int, total: int) -> None:
        self.left -= 1
        if self.left == 0:
            raise Stopped


class Kept:
    """A memory that outlives the process: what was kept, as it was then."""

    def __init__(self) -> None:
        self.text: str | None = None

    @property
    def state(self) -> AuditState | None:
        return self.read()

    def read(self) -> AuditState | None:
        if self.text is None:
            return None
        kept = json.loads(self.text)
        for name in ("found", "standing"):
            kept[name] = [Finding(**one) for one in kept[name]]
        return AuditState(**kept)

    def keep(self, state: AuditState) -> None:
        self.text = json.dumps(asdict(state))

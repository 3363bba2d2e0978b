"""Owns a log with its sender on a real chain: a whole store, a clock that the test moves, real keys.

What must hold in store and chain is `tests.simulators.check_world`; what a node can do wrong,
`tests.simulators.chain_faults`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from notary.adapters.chain.compared import ComparedChain
from notary.adapters.chain.deployment import INIT_CODE
from notary.adapters.chain.keystore import KeystoreSigner, create_keystore
from notary.adapters.store.anchors import AnchorStore
from notary.chain_ports import ChainProver, ProofAnswer
from notary.core.intent import Intent, State
from notary.core.log_identity import LogIdentity
from notary.ports import BatchLog
from notary.usecases.anchor import Anchorer, AnchorSettings, Step
from tests.anvil import Anvil
from tests.simulators.chain_faults import (
    CHAIN_EFFECTS,
    PROVER_EFFECTS,
    SIGNER_EFFECTS,
    STORE_WRITES,
    crashing,
)
from tests.simulators.chain_proxy import ChainProxy
from tests.simulators.check_world import OnChain, check_world, on_chain
from tests.simulators.places import Places
from tests.simulators.store import make_world
from verifier.format import contract as anchors
from verifier.format import evm, evm_document
from verifier.format.errors import FormatError
from verifier.format.fold import open_links

LOG_NAME = "notary.example/log"
CHAIN_ID = 31337
ETHER = 10**18
GWEI = 10**9
PASSWORD = "pässword"

# Blocks come when the test asks, so nothing depends on how fast the machine is.
ANVIL_OPTIONS = ("--no-mining", "--slots-in-an-epoch", "1")

POLL = timedelta(seconds=5)  # between two steps, unless a test says otherwise
SETTINGS = AnchorSettings(
    max_fee_cap=100 * GWEI,
    rebroadcast=timedelta(seconds=20),
    bump=timedelta(seconds=60),
    as_of_refresh=timedelta(hours=1),
    identity_check=timedelta(seconds=30),
    prove_retry=timedelta(seconds=30),
    endpoint_patience=timedelta(0),
)


class InProcessProver:
    """Checks a chain proof by the verifier's own rules, without a process for each of hundreds."""

    def __init__(self) -> None:
        self.refuses = False
        self.accepted: list[evm_document.EvmDocument] = []

    def check(
        self, evm_json: bytes, chain_id: int, contract: bytes, log_address: bytes
    ) -> ProofAnswer:
        if self.refuses:
            return ProofAnswer(2, "told to refuse")
        try:
            document = evm_document.parse(evm_json)
            check_document(document, chain_id, contract, log_address)
        except FormatError as error:
            return ProofAnswer(2, str(error))
        self.accepted.append(document)
        return ProofAnswer(0, "holds")


def check_document(
    document: evm_document.EvmDocument, chain_id: int, contract: bytes, log_address: bytes
) -> None:
    """docs/spec/verification.md §8. Raises FormatError or AssertionError."""
    assert document.chain_id == chain_id
    assert (document.contract, document.log_address) == (contract, log_address)
    header = evm.parse_header(document.as_of.header)
    account = evm.check_account(header.state_root, contract, document.as_of.account_proof)
    evm.check_code_hash(account)
    slot = evm.check_slot(account.storage_root, log_address, document.as_of.storage_proof)
    heads = open_links(document.prev, document.links)
    assert heads[-1] == slot, "the links don't lead to the slot"
    for leg in document.legs:
        evm.check_leg(
            leg,
            prev=document.prev if leg.link == 0 else heads[leg.link - 1],
            link=document.links[leg.link],
            chain_id=chain_id,
            contract=contract,
            log_address=log_address,
        )


class World:
    """One log, its sender and its chain. The product reaches the chain at `urls`."""

    def __init__(
        self,
        anvil: Anvil,
        folder: Path,
        *,
        proxies: Sequence[ChainProxy] = (),
        settings: AnchorSettings = SETTINGS,
        prover: ChainProver | None = None,
        deployed: bool = True,
        timeout_s: float = 10,
        grace_s: float = 10,
    ) -> None:
        self.anvil = anvil
        self.proxies = tuple(proxies)
        # Several proxies before one node are several endpoints of one chain.
        self.urls = [proxy.url for proxy in proxies] or [anvil.url]
        self.settings = settings
        self.timeout_s = timeout_s
        self.grace_s = grace_s
        self.prover = prover or InProcessProver()
        keystore = folder / "keystore.json"
        self.account = create_keystore(keystore, PASSWORD, iterations=2)
        self.signer = KeystoreSigner.open(keystore, PASSWORD)
        self.identity = LogIdentity(CHAIN_ID, anchors.ADDRESS, self.account, LOG_NAME)
        # The chain's blocks have the machine's time, so the clock begins there.
        self.store = make_world(folder / "home", "anchor", self.identity, datetime.now(UTC))
        self.log: BatchLog = self.store.batch_log
        self.database = self.store.database
        self.matter = self.store.open_matter()
        self.book = AnchorStore(self.database)
        self.fund(ETHER)
        if deployed:
            put_contract(anvil)
        self.sender = self.new_sender()
        self.steps: list[Step] = []

    def new_sender(self, point: Places | None = None, **replaced: object) -> Anchorer:
        """A sender on the same store, as after a restart; with a crash point, one that may crash."""
        parts: dict[str, object] = {
            "book": self.book,
            "chain": self.chain(),
            "signer": self.signer,
            "prover": self.prover,
        } | replaced
        if point is not None:
            for name, effects in (
                ("book", STORE_WRITES),
                ("chain", CHAIN_EFFECTS),
                ("signer", SIGNER_EFFECTS),
                ("prover", PROVER_EFFECTS),
            ):
                parts[name] = crashing(parts[name], effects, point)
        return Anchorer(
            self.identity,
            self.log,
            settings=self.settings,
            **parts,  # type: ignore[arg-type]
        )

    def chain(self) -> ComparedChain:
        """The chain as a sender sees it that begins now."""
        return ComparedChain(
            self.urls,
            anchors.ADDRESS,
            self.account,
            self.store.clock,
            timeout_s=self.timeout_s,
            grace_s=self.grace_s,
        )

    @property
    def url(self) -> str:
        """The first endpoint, most often the only one."""
        return self.urls[0]

    @property
    def proxy(self) -> ChainProxy:
        """The first proxy between the product and the chain, in a world that has one."""
        return self.proxies[0]

    def restart(self) -> None:
        """A new process: everything in memory is gone."""
        self.sender = self.new_sender()

    def close(self) -> None:
        self.store.close()

    @property
    def now(self) -> datetime:
        """The time by the clock of store and sender."""
        return self.store.clock.now()

    def pass_time(self, span: timedelta) -> None:
        """Move that clock."""
        self.store.clock.advance(span.total_seconds())

    # What happens around the sender.

    def fund(self, wei: int) -> None:
        self.anvil.rpc("anvil_setBalance", "0x" + self.account.hex(), hex(wei))
        # Until the next block, no header has the state that anvil proves from.
        self.mine()

    def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self.anvil.rpc("evm_mine")

    def seal(self, count: int = 1) -> None:
        """Take one record a batch, and seal."""
        for _ in range(count):
            self.store.take(self.matter, f"record {len(self.store.promised)}")
            self.store.seal()

    def step(self, later: timedelta | None = None) -> Step:
        """One step of the sender, after some time by its clock."""
        self.pass_time(POLL if later is None else later)
        step = self.sender.step(self.now)
        self.steps.append(step)
        return step

    def run(self, until: Callable[[], bool], limit: int = 40) -> None:
        """Step and mine in turn until it is so."""
        for _ in range(limit):
            self.step()
            if until():
                return
            self.mine()
        raise AssertionError(f"not reached in {limit} steps; {self.told()}")

    def run_to(self, state: State, limit: int = 40) -> Intent:
        """Step and mine until the youngest intent is in that state."""
        self.run(lambda: self.youngest().state is state, limit)
        return self.youngest()

    def settle(self) -> None:
        """Run until nothing is under way, then check that everything is anchored and proved."""
        self.run(lambda: self.steps[-1].idle)
        self.check(settled=True)

    def youngest(self) -> Intent:
        """The intent that was made last."""
        with self.database.reading() as connection:
            row = connection.exec_driver_sql("SELECT max(id) FROM intents").first()
        assert row is not None
        return self.intent(row[0])

    def intent(self, intent_id: int) -> Intent:
        return next(one for one in self.intents() if one.id == intent_id)

    def intents(self) -> list[Intent]:
        """Every intent of the store."""
        return self.book.all_intents()

    def told(self) -> str:
        """What the sender said that it did."""
        return "; ".join(line for step in self.steps for line in step.happened)

    # The whole world.

    def on_chain(self) -> list[OnChain]:
        """Every anchor of the log, from the chain's own events."""
        return on_chain(self.anvil, self.store)

    def check(self, *, crashed: bool = False, settled: bool = False) -> None:
        """Raise AssertionError that says everything that does not hold in store and chain."""
        check_world(self.store, self.anvil, crashed=crashed, settled=settled)


def put_contract(anvil: Anvil) -> None:
    """The contract at its address, by the deployer that anvil's genesis holds, paid by another."""
    payer = anvil.rpc("eth_accounts")[0]
    anvil.rpc(
        "eth_sendTransaction",
        {
            "from": payer,
            "to": "0x" + anchors.DEPLOYER.hex(),
            "data": "0x" + (anchors.SALT + INIT_CODE).hex(),
            "gas": hex(1_000_000),
        },
    )
    anvil.rpc("evm_mine")

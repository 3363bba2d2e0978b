"""A log with its sender on a real chain, a clock that the test moves, and a check of the whole world.

`check` reads the chain past the product, and compares every anchor on it with the batch log.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from notary.adapters.chain.deployment import INIT_CODE
from notary.adapters.chain.keystore import KeystoreSigner, create_keystore
from notary.adapters.chain.web3_chain import Web3Chain
from notary.adapters.store.anchors import AnchorStore
from notary.adapters.store.database import Database
from notary.adapters.store.migrations import upgrade
from notary.chain_ports import ChainProver, ProofAnswer
from notary.core.intent import Intent, State
from notary.core.log_identity import LogIdentity
from notary.errors import CallerError
from notary.ports import SealedBatch
from notary.usecases.anchor import Anchorer, AnchorSettings, Step
from tests.anvil import Anvil
from tests.simulators.chain_faults import (
    CHAIN_EFFECTS,
    PROVER_EFFECTS,
    SIGNER_EFFECTS,
    STORE_WRITES,
    CrashPoint,
    crashing,
)
from tests.simulators.chain_proxy import ChainProxy
from verifier.format import batches, evm, evm_document, notes, trees
from verifier.format import contract as anchors
from verifier.format.digests import ZERO, Digest
from verifier.format.errors import FormatError
from verifier.format.fold import Link, fold, open_links

LOG_NAME = "notary.example/log"
CHAIN_ID = 31337
ETHER = 10**18
GWEI = 10**9
PASSWORD = "pässword"

# Blocks come when the test asks, so nothing depends on how fast the machine is.
ANVIL_OPTIONS = ("--no-mining", "--slots-in-an-epoch", "1")

SETTINGS = AnchorSettings(
    max_fee_cap=100 * GWEI,
    poll=timedelta(seconds=5),
    rebroadcast=timedelta(seconds=20),
    bump=timedelta(seconds=60),
    as_of_refresh=timedelta(hours=1),
    identity_check=timedelta(seconds=30),
    prove_retry=timedelta(seconds=30),
)


class MemoryBatchLog:
    """A batch log in memory: real headers in a real tree under real signed checkpoints."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
        self._batches: list[SealedBatch] = []
        self._checkpoints: list[str] = []

    def seal(self) -> None:
        """Append a batch in which nothing changed."""
        index = len(self._batches)
        header = batches.BatchHeader(
            log=LOG_NAME,
            batch=index,
            sealed_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=index),
            map_root=ZERO,
            delta=ZERO,
            max_deadline_s=3600,
            keys=(),
            next_keys=ZERO,
        )
        self._batches.append(SealedBatch(index, batches.encode_header(header), header, None))
        root = trees.root(self.leaf_hashes(index + 1))
        text = notes.checkpoint_text(LOG_NAME, index + 1, root)
        self._checkpoints.append(notes.sign(text, LOG_NAME, self._key))

    def size(self) -> int:
        return len(self._batches)

    def batch(self, index: int) -> SealedBatch:
        if not 0 <= index < len(self._batches):
            raise CallerError("BATCH_NOT_SEALED", f"batch {index} of {len(self._batches)}")
        return self._batches[index]

    def checkpoint(self, size: int) -> str:
        return self._checkpoints[size - 1]

    def leaf_hashes(self, size: int) -> list[bytes]:
        return [trees.leaf_hash(one.header_bytes) for one in self._batches[:size]]

    def root(self, size: int) -> bytes:
        """The root over the first headers, computed anew."""
        return trees.root(self.leaf_hashes(size))


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


@dataclass(frozen=True)
class OnChain:
    """An anchor as the chain's events tell it."""

    prev: bytes
    link: Link
    head: bytes


class World:
    """One log, its sender and its chain. The product reaches the chain at `url`."""

    def __init__(
        self,
        anvil: Anvil,
        folder: Path,
        *,
        proxy: ChainProxy | None = None,
        settings: AnchorSettings = SETTINGS,
        prover: ChainProver | None = None,
        deployed: bool = True,
    ) -> None:
        self.anvil = anvil
        self._proxy = proxy
        self.url = anvil.url if proxy is None else proxy.url
        self.settings = settings
        self.prover = prover or InProcessProver()
        self.log = MemoryBatchLog()
        keystore = folder / "keystore.json"
        self.account = create_keystore(keystore, PASSWORD, iterations=2)
        self.signer = KeystoreSigner.open(keystore, PASSWORD)
        self.identity = LogIdentity(CHAIN_ID, anchors.ADDRESS, self.account, LOG_NAME)
        self.database = Database(folder / "notary.db")
        self.database.path.write_bytes(_empty_store())
        self.book = AnchorStore(self.database)
        self.now = datetime.now(UTC)
        self.fund(ETHER)
        if deployed:
            put_contract(anvil)
        self.sender = self.new_sender()
        self.steps: list[Step] = []

    def new_sender(self, point: CrashPoint | None = None, **replaced: object) -> Anchorer:
        """A sender on the same store, as after a restart; with a crash point, one that may crash."""
        chain: object = Web3Chain(self.url, anchors.ADDRESS, self.account, timeout_s=10)
        parts: dict[str, object] = {
            "book": self.book,
            "chain": chain,
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

    @property
    def proxy(self) -> ChainProxy:
        """The proxy between the product and the chain, in a world that has one."""
        assert self._proxy is not None, "this world has no proxy"
        return self._proxy

    def restart(self) -> None:
        """A new process: everything in memory is gone."""
        self.sender = self.new_sender()

    def close(self) -> None:
        self.database.close()

    # What happens around the sender.

    def fund(self, wei: int) -> None:
        self.anvil.rpc("anvil_setBalance", "0x" + self.account.hex(), hex(wei))
        # Until the next block, no header has the state that anvil proves from.
        self.mine()

    def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self.anvil.rpc("evm_mine")

    def seal(self, count: int = 1) -> None:
        for _ in range(count):
            self.log.seal()

    def step(self, later: timedelta | None = None) -> Step:
        """One step of the sender, after some time by its clock."""
        self.now += self.settings.poll if later is None else later
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
        found = self.anvil.rpc(
            "eth_getLogs",
            {
                "address": "0x" + anchors.ADDRESS.hex(),
                "topics": [
                    "0x" + anchors.EVENT_TOPIC.hex(),
                    "0x" + self.account.rjust(32, b"\0").hex(),
                ],
                "fromBlock": "0x0",
                "toBlock": "latest",
            },
        )
        events = []
        for one in found:
            raw = bytes.fromhex(one["data"][2:])
            word = int.from_bytes(raw[64:], "big")
            link = Link(Digest(raw[32:64]), word >> 64, word & 2**64 - 1)
            events.append(OnChain(raw[:32], link, bytes.fromhex(one["topics"][2][2:])))
        return events

    def check(self, *, settled: bool = False) -> None:
        """Raise AssertionError unless chain, batch log and store agree.

        Whenever: each anchor follows the one before, holds a root of the batch log, and covers at least
        one batch that no anchor before covered. Settled: every batch is covered, nothing is under way,
        the store has exactly the chain's anchors, all proved, and its newest as-of proof proves the head.
        """
        events = self.on_chain()
        head: bytes = ZERO
        covered = 0
        for event in events:
            assert event.prev == head, "an anchor does not follow the one before"
            assert event.head == fold(Digest(head), event.link), "a head is not its fold"
            assert event.link.size > covered, (
                f"batches up to {event.link.size} were anchored when {covered} were already: "
                "a batch is on chain twice"
            )
            assert event.link.root == self.log.root(event.link.size), "a foreign root is anchored"
            head, covered = event.head, event.link.size
        if not settled:
            return
        assert covered == self.log.size(), f"{covered} of {self.log.size()} batches; {self.told()}"
        assert self.book.open_intents() == []
        assert self.book.pending_as_ofs() == []
        proved = self.book.anchors()
        assert [(one.prev, one.link, one.head) for one in proved] == [
            (one.prev, one.link, one.head) for one in events
        ]
        assert [one.number for one in proved] == list(range(len(events)))
        if not events:
            return
        as_of = self.book.newest_as_of()
        assert as_of is not None
        assert as_of.anchors == len(events)
        canonical = self.anvil.rpc("eth_getBlockByNumber", hex(as_of.block_number), False)
        header = evm.parse_header(as_of.header)
        assert "0x" + header.hash.hex() == canonical["hash"], "the as-of block is not on the chain"
        check_document(
            evm_document.EvmDocument(
                CHAIN_ID,
                anchors.ADDRESS,
                self.account,
                ZERO,
                tuple(one.link for one in proved),
                evm_document.AsOf(as_of.header, as_of.account_proof, as_of.storage_proof),
                tuple(
                    evm.Leg(
                        place,
                        leg.header,
                        leg.index,
                        leg.tx,
                        leg.tx_proof,
                        leg.receipt,
                        leg.receipt_proof,
                        leg.log_index,
                    )
                    for place, leg in enumerate(self.book.leg_of(one.number) for one in proved)
                ),
                (),
                (),
            ),
            CHAIN_ID,
            anchors.ADDRESS,
            self.account,
        )


@functools.cache
def _empty_store() -> bytes:
    """A migrated store without content. Migrating takes longer than most of these tests."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder, "empty.db"))
        upgrade(database)
        database.close()
        return database.path.read_bytes()


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

"""What the sender needs from a chain, from a key, from the stand-alone verifier and from its store.

Kept apart from notary.ports because only the sender uses them. The docstrings are the contracts.
A `Chain` answers for one contract and one log, whatever number of endpoints stands behind it.

Errors of every reading method of a Chain: ChainAway and ChainContradiction. Nothing here retries; the
sender does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from notary.core.intent import Attempt, BlockRef, Event, Intent, State
from notary.errors import Contradiction, NothingHappened
from notary.ports import AnchorBook, AsOf, Leg
from verifier.format.digests import Digest
from verifier.format.evm import Header


class ChainAway(NothingHappened):
    """The chain could not be asked, or moved while it was. The same call may be repeated."""


class Unsettled(ChainAway):
    """Endpoints answer, and too few of them agree for this to be decided now (docs/spec/sender.md §10)."""


class ChainContradiction(Contradiction):
    """What the chain's endpoints say doesn't rebuild (docs/spec/sender.md §1 rule 7).

    Nothing of it was believed. It stops the one who asked, not the service.
    """


class Condition(StrEnum):
    """What an endpoint is taken for. docs/spec/sender.md §10."""

    OK = "OK"
    LAGGING = "LAGGING"
    LYING = "LYING"
    AWAY = "AWAY"


@dataclass(frozen=True)
class EndpointState:
    """One endpoint: since when it is in that condition, and why, for people.

    `host` names it; the rest of its address may hold a key. `behind` counts the blocks that it lags.
    """

    host: str
    condition: Condition
    since: datetime
    behind: int = 0
    text: str = ""


@dataclass(frozen=True)
class Confirmed:
    """What enough endpoints agree that the chain has at a number that is final.

    `said` is what each of them says.
    """

    header: Header
    said: tuple[str, ...]


@dataclass(frozen=True)
class ChainIdentity:
    """What tells one chain and contract from another."""

    chain_id: int
    genesis_hash: bytes
    code_hash: bytes


@dataclass(frozen=True)
class Fees:
    """Base fee of a block and the priority fee that the node suggests, wei per gas."""

    base_fee: int
    priority_fee: int


@dataclass(frozen=True)
class Simulation:
    """What the node says that a call would do now: gas needed, or None and why it fails."""

    gas: int | None
    reason: str


@dataclass(frozen=True)
class Inclusion:
    """A transaction in a block, with its receipt. Both roots of the header were rebuilt.

    `leg.log_index` is the place of the contract's event for the log, -1 where there is none. `cost` is
    what the sender of the transaction paid for its gas, in wei.
    """

    header: Header
    succeeded: bool
    leg: Leg
    cost: int

    @property
    def block(self) -> BlockRef:
        """The block, for the intent."""
        return BlockRef(self.header.number, self.header.hash, self.header.timestamp)


@dataclass(frozen=True)
class SeenAnchor:
    """An anchor that an endpoint names: a hint, until its inclusion is checked."""

    root: Digest
    size: int
    tx_hash: bytes


@dataclass(frozen=True)
class HeadProof:
    """The log's head in one block, proved; zero if it never anchored."""

    header: Header
    head: Digest
    account_proof: tuple[bytes, ...]
    storage_proof: tuple[bytes, ...]


@dataclass(frozen=True)
class CountProof:
    """The log account's transaction count and the log's head in one block, both proved."""

    header: Header
    count: int
    head: Digest


class Chain(Protocol):
    """One contract's log on one chain, as the sender sees it."""

    def identity(self) -> ChainIdentity:
        """Chain id, hash of block 0, and hash of the code at the contract's address at latest."""
        ...

    def latest(self) -> Header:
        """The newest block. The header's hash was recomputed from its RLP."""
        ...

    def finalized(self) -> Header:
        """The newest finalized block: by the node's tag, or by a configured depth.

        Raises Unsettled if too few endpoints answer.
        """
        ...

    def block(self, number: int) -> Header | None:
        """The canonical block of that number, or None above the newest."""
        ...

    def final_block(self, number: int) -> Confirmed:
        """The block at a number that is final or was.

        Raises Unsettled if fewer endpoints agree on it than must on what is final, and
        ChainContradiction if so many say that there is none.
        """
        ...

    def endpoints(self) -> tuple[EndpointState, ...]:
        """Every endpoint as this process last met it. Asks nothing."""
        ...

    def transaction_count(self) -> int:
        """The log account's transaction count at the latest block, never at pending."""
        ...

    def balance(self) -> int:
        """The log account's balance at the latest block, wei."""
        ...

    def fees(self) -> Fees:
        """Base fee of the latest block, and a priority fee."""
        ...

    def simulate(self, call_data: bytes) -> Simulation:
        """Run a call of the log account to the contract on the latest state, without effect."""
        ...

    def send(self, raw: bytes) -> None:
        """Hand signed bytes to the node, exactly once: nothing below this call sends again.

        Returns when the node took them. Raises ChainAway only if they can't have reached the
        node, OutcomeUnknown otherwise, whatever the node answered. Idempotent by the bytes' hash.
        """
        ...

    def knows(self, tx_hash: bytes) -> bool:
        """Whether the node has that transaction, in its pool or in a block."""
        ...

    def inclusion(self, tx_hash: bytes) -> Inclusion | None:
        """The transaction's place on the canonical chain, or None."""
        ...

    def find_anchor(self, prev: Digest, root: Digest, size: int, since: int) -> bytes | None:
        """The hash of a transaction that is said to have anchored this, from block `since` on.

        A hint: the caller asks for its inclusion and checks that.
        """
        ...

    def anchor_after(self, prev: Digest, since: int) -> SeenAnchor | None:
        """The anchor that is said to have followed that head, from block `since` on; a hint."""
        ...

    def signed_by_log(self, tx: bytes) -> bool:
        """Whether a raw transaction carries the signature of the log's account."""
        ...

    def attempt(self, tx_hash: bytes) -> Attempt | None:
        """A transaction that the node knows, as an attempt; its bytes have that hash."""
        ...

    def prove_head(self) -> HeadProof:
        """The log's head at the latest block, with the proofs, checked."""
        ...

    def prove_count(self) -> CountProof:
        """The log account's transaction count at the latest block, with the head there; checked."""
        ...


@dataclass(frozen=True)
class TransactionFields:
    """A dynamic-fee transaction without value. Fees are wei per gas."""

    chain_id: int
    nonce: int
    to: bytes
    gas_limit: int
    max_fee: int
    priority_fee: int
    call_data: bytes


@dataclass(frozen=True)
class SignedTransaction:
    """Raw bytes and their hash."""

    raw: bytes
    hash: bytes


class Signer(Protocol):
    """The key of the log's account. It may lie in a file, a KMS or an HSM."""

    @property
    def address(self) -> bytes:
        """The account, 20 bytes."""
        ...

    def sign(self, fields: TransactionFields) -> SignedTransaction:
        """Sign. Signing twice may give other bytes; NothingHappened if the key is out of reach."""
        ...


@dataclass(frozen=True)
class ProofAnswer:
    """What the stand-alone verifier said of a chain proof. Accepted if the exit code is 0."""

    exit_code: int
    text: str


class ChainProver(Protocol):
    """The stand-alone verifier, run as a process of its own (docs/spec/verification.md §8)."""

    def check(
        self, evm_json: bytes, chain_id: int, contract: bytes, log_address: bytes
    ) -> ProofAnswer:
        """Check one chain proof. Only public content is handed over.

        Raises NothingHappened if the verifier could not be run.
        """
        ...


class Hurry(Protocol):
    """Tells the sender when to raise fees sooner (docs/spec/sender.md §9)."""

    def hurried(self) -> bool:
        """Whether somebody waits for what is not on chain yet."""
        ...


@dataclass(frozen=True)
class StoredAsOf:
    """An as-of proof with the head that it proves. Pending until its block is finalized."""

    id: int
    as_of: AsOf
    block_hash: bytes
    head: bytes
    taken_at: datetime
    released: bool

    @property
    def block(self) -> BlockRef:
        """The block that it is of."""
        return BlockRef(self.as_of.block_number, self.block_hash, self.as_of.block_time)


@dataclass(frozen=True)
class RecentBlock:
    """The newest finalized block that is known, and when it was last said to be that."""

    chain_id: int
    number: int
    hash: bytes
    header: bytes
    seen_at: datetime


@dataclass(frozen=True)
class SeenBalance:
    """The log account's balance, wei, as it was said to be then."""

    wei: int
    seen_at: datetime


@dataclass(frozen=True)
class Alarm:
    """Something that a person should see, since when. `text` is for people."""

    text: str
    since: datetime


@dataclass(frozen=True)
class AnchorTotals:
    """Intents by state, signed transactions, and what those that were mined cost, in wei."""

    by_state: Mapping[State, int]
    attempts: int
    paid: int


class IntentBook(AnchorBook, Protocol):
    """The sender's memory. Each writing method is one durable transaction.

    A method that changes an intent does so only if the stored one still has the version of the one
    given; otherwise it raises NothingHappened SENDER_RACE, and nothing changed.
    """

    def pinned(self) -> ChainIdentity | None:
        """The identity at the first contact, or None before."""
        ...

    def pin(self, identity: ChainIdentity) -> None:
        """Keep the identity for ever. Raises Contradiction if another one is kept."""
        ...

    def open_intents(self) -> list[Intent]:
        """Every open intent, oldest first."""
        ...

    def newest_on_chain(self) -> Intent | None:
        """Of the intents in MINED, FINAL or PROVED, the one with the greatest number."""
        ...

    def anchored(self) -> int:
        """How many batches the newest of them covers; 0 without one."""
        ...

    def newest_final(self) -> Intent | None:
        """Of the intents in FINAL or PROVED, the one with the greatest number."""
        ...

    def proved_count(self) -> int:
        """How many anchors, from number 0 on without a gap, are PROVED."""
        ...

    def with_head(self, head: bytes) -> Intent | None:
        """The intent in MINED, FINAL or PROVED after which the log has that head."""
        ...

    def on_chain_from(self, number: int) -> list[Intent]:
        """The intents in MINED, FINAL or PROVED with that number or a greater one, ascending."""
        ...

    def seal(
        self, chain_id: int, contract: bytes, log_address: bytes, size: int, root: bytes
    ) -> Intent:
        """Make an intent in SEALED. Raises NothingHappened SENDER_RACE if one is there unsent."""
        ...

    def advance(self, before: Intent, event: Event, leg: Leg | None = None) -> Intent:
        """Apply the event to `before`, store and return the result. `leg` goes with Included."""
        ...

    def given_up(self, nonce: int) -> list[bytes]:
        """The hashes of what closed intents signed with that nonce."""
        ...

    def leg(self, intent: Intent) -> Leg | None:
        """The leg stored with the inclusion."""
        ...

    def costs_since(self, since: datetime) -> list[int]:
        """What each transaction cost whose block says that time or a later one, wei, oldest first."""
        ...

    def totals(self) -> AnchorTotals:
        """How many intents, attempts and wei there were so far."""
        ...

    def newest_costs(self, count: int) -> list[int]:
        """What the last so many transactions cost, wei."""
        ...

    def add_as_of(self, proof: HeadProof, anchors: int, taken_at: datetime) -> None:
        """Keep a pending as-of proof; one for a block that is kept already changes nothing."""
        ...

    def pending_as_ofs(self) -> list[StoredAsOf]:
        """Those that wait for finality, oldest block first."""
        ...

    def released_for(self, number: int) -> StoredAsOf | None:
        """The earliest released one to whose head the anchor of that number leads."""
        ...

    def released_as_ofs(self) -> list[StoredAsOf]:
        """Every released one that is not orphaned, oldest block first."""
        ...

    def newest_released(self) -> StoredAsOf | None:
        """The released one of the highest block, of those that are not orphaned."""
        ...

    def newest_taken(self) -> StoredAsOf | None:
        """The one of the highest block, released or not."""
        ...

    def released_below(self, number: int) -> StoredAsOf | None:
        """The released one of the highest block below that number, orphaned or not."""
        ...

    def release_as_of(self, as_of_id: int, said: tuple[str, ...]) -> None:
        """Its block is finalized and canonical; keep what endpoints said of it."""
        ...

    def keep_said(self, as_of_id: int, said: tuple[str, ...]) -> None:
        """Replace what endpoints said of a released one's block."""
        ...

    def orphan_as_ofs(self, above: int) -> None:
        """Orphan the released ones above that block number, and no others."""
        ...

    def drop_as_of(self, as_of_id: int) -> None:
        """Another block is finalized at its height."""
        ...

    def recent_block(self) -> RecentBlock | None:
        """What `keep_recent_block` kept last."""
        ...

    def keep_recent_block(self, block: RecentBlock) -> None:
        """Keep the newest finalized block."""
        ...

    def balance(self) -> SeenBalance | None:
        """What `keep_balance` kept last."""
        ...

    def keep_balance(self, balance: SeenBalance) -> None:
        """Keep what the account has, for those who can't ask the chain."""
        ...

    def to_compare(self) -> bool:
        """Whether the store came from a backup and was not compared with the chain since."""
        ...

    def keep_compared(self, now: datetime) -> None:
        """The comparison found no anchor that the store does not know."""
        ...

    def alarms(self) -> Mapping[str, Alarm]:
        """The alarms that stand, by code."""
        ...

    def keep_alarms(self, alarms: Mapping[str, Alarm]) -> None:
        """Replace the alarms that stand."""
        ...

    def endpoints(self) -> tuple[EndpointState, ...]:
        """What `keep_endpoints` kept last."""
        ...

    def keep_endpoints(self, states: tuple[EndpointState, ...]) -> None:
        """Replace what is known of the endpoints."""
        ...

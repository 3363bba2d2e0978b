"""Takes events of foreign contracts in, each with the proof that it stands in a block.

Owns which logs are taken, when they are final enough, and what a record claims of them. Proofs are rebuilt
before they are believed; whether a block's hash is the chain's is for the verifying person.
Spec: docs/spec/format.md §7, docs/spec/anchor.md §6. Tests: tests/scenarios/events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from notary.core.intake import Accepted, Incoming, Refused
from notary.core.trie_proofs import ItemProof
from notary.errors import CallerError, NothingHappened
from notary.ports import Acceptor, Progress
from verifier.format import chain_event, evm, jsonc, times
from verifier.format.chain_event import ChainEvent
from verifier.format.jsonc import Json

MAX_FILE_BYTES = 2**20  # what a record's values have room for


class Located(Protocol):
    """A transaction and its receipt in a canonical block."""

    @property
    def header(self) -> evm.Header:
        """The block's header."""
        ...

    @property
    def tx(self) -> ItemProof:
        """The transaction under the header's transactions root."""
        ...

    @property
    def receipt(self) -> ItemProof:
        """Its receipt under the header's receipts root."""
        ...


class EventChain(Protocol):
    """A foreign chain, read. Errors are those of notary.chain_ports.Chain."""

    def chain_id(self) -> int:
        """The chain's id."""
        ...

    def finalized(self) -> evm.Header:
        """The newest finalized block."""
        ...

    def block(self, number: int) -> evm.Header | None:
        """The canonical block of that number."""
        ...

    def locate(self, tx_hash: bytes) -> Located | None:
        """Where the canonical chain has a transaction."""
        ...

    def account_proof(self, address: bytes, header: evm.Header) -> tuple[bytes, ...]:
        """The account's proof in that block, or nothing where the node can't give it any more."""
        ...

    def transactions_with(
        self, contract: bytes, topics: Sequence[bytes], first: int, last: int
    ) -> list[bytes]:
        """Hashes of transactions that are said to have logged this, in blocks `first` to and with `last`.

        `contract` has 20 bytes; `topics`, 32 bytes each, are those that the log's begin with.
        """
        ...


class EventReading(Protocol):
    """How the service reads a log: by an ABI."""

    @property
    def signature(self) -> str:
        """What is hashed to the first topic."""
        ...

    def decode(self, topics: Sequence[bytes], data: bytes) -> dict[str, Json]:
        """The values by name."""
        ...


@dataclass(frozen=True)
class ByTransaction:
    """One log of a transaction; with None the only one that it has."""

    tx_hash: bytes
    log_index: int | None


@dataclass(frozen=True)
class ByFilter:
    """Every log of a contract in blocks `first` to `last` whose first topics are these."""

    contract: bytes
    topics: tuple[bytes, ...]
    first: int
    last: int | None


class State(StrEnum):
    """What became of an event."""

    RECORDED = "recorded"
    KNOWN = "recorded before"
    WOULD = "would be recorded"
    NOT_FINAL = "its block is not final yet"


@dataclass(frozen=True)
class EventOutcome:
    """An event and what became of it. `claims` are those of its record."""

    event: ChainEvent
    claims: dict[str, Json]
    state: State
    accepted: Accepted | None = None


def find(chain: EventChain, wanted: ByTransaction | ByFilter) -> Iterator[ChainEvent]:
    """The events that are wanted, with their proofs, in the order of the chain.

    The account is proved at once: a node keeps the state of some 128 blocks.
    Raises CallerError EVENT_UNKNOWN, LOG_INDEX_WANTED or LOG_INDEX.
    """
    chain_id = chain.chain_id()
    if isinstance(wanted, ByTransaction):
        found = chain.locate(wanted.tx_hash)
        if found is None:
            raise CallerError(
                "EVENT_UNKNOWN",
                f"the chain has no transaction 0x{wanted.tx_hash.hex()} in a block. Is it the right chain?",
            )
        yield _proved(chain, chain_id, found, _chosen(found, wanted.log_index))
        return
    last = chain.finalized().number if wanted.last is None else wanted.last
    for tx_hash in chain.transactions_with(wanted.contract, wanted.topics, wanted.first, last):
        located = chain.locate(tx_hash)
        if located is None:
            continue
        for index in _logs(located):
            log = evm.log_at(evm.read_receipt(located.receipt.item), index)
            if log.emitter == wanted.contract and log.topics[: len(wanted.topics)] == wanted.topics:
                yield _proved(chain, chain_id, located, index)


def _logs(found: Located) -> range:
    logs = evm.read_receipt(found.receipt.item).logs
    return range(len(logs))


def _chosen(found: Located, index: int | None) -> int:
    logs = _logs(found)
    if index is None and len(logs) == 1:
        return 0
    if index is None:
        receipt = evm.read_receipt(found.receipt.item)
        said = [f"{i}: of 0x{evm.log_at(receipt, i).emitter.hex()}" for i in logs]
        raise CallerError(
            "LOG_INDEX_WANTED",
            f"the transaction has {len(logs)} logs ({'; '.join(said)}). Name one by --log-index.",
        )
    if index not in logs:
        raise CallerError(
            "LOG_INDEX", f"the transaction has logs 0 to {len(logs) - 1}, got {index}."
        )
    return index


def _proved(chain: EventChain, chain_id: int, found: Located, log_index: int) -> ChainEvent:
    emitter = evm.log_at(evm.read_receipt(found.receipt.item), log_index).emitter
    return ChainEvent(
        chain_id=chain_id,
        header=found.header.raw,
        index=found.tx.index,
        tx=found.tx.item,
        tx_proof=found.tx.nodes,
        receipt=found.receipt.item,
        receipt_proof=found.receipt.nodes,
        log_index=log_index,
        account_proof=chain.account_proof(emitter, found.header),
    )


def read_file(data: bytes) -> ChainEvent:
    """An event that was proved elsewhere, checked. Raises FormatError JSON_…, MEMBER_… or as
    chain_event.claims_of does.
    """
    event = chain_event.read(jsonc.decode(data, "chain event"))
    chain_event.claims_of(event)
    return event


def is_final(chain: EventChain, event: ChainEvent) -> bool:
    """Whether the event's block is finalized. Raises NothingHappened EVENT_REPLACED."""
    header = evm.parse_header(event.header)
    if chain.finalized().number < header.number:
        return False
    now = chain.block(header.number)
    if now is None or now.hash != header.hash:
        raise NothingHappened(
            "EVENT_REPLACED",
            f"block {header.number} was replaced by another. Give the command again.",
        )
    return True


def require_final(chain: EventChain, event: ChainEvent) -> None:
    """Raise NothingHappened EVENT_NOT_FINAL, or as `is_final` does."""
    if not is_final(chain, event):
        number = evm.parse_header(event.header).number
        raise NothingHappened(
            "EVENT_NOT_FINAL",
            f"block {number} is not final yet, {chain.finalized().number} is. Give the command again later.",
        )


def claims_of(event: ChainEvent, reading: EventReading | None) -> dict[str, Json]:
    """What a record claims of an event; its proof is checked on the way.

    Raises FormatError as chain_event.claims_of does, CallerError EVENT_VALUES.
    """
    header = evm.parse_header(event.header)
    claims = chain_event.claims_of(event, None if reading is None else reading.signature)
    claims["occurred_at"] = times.format_block_time(header.timestamp)
    if reading is not None:
        log = chain_event.check_log(event, header)
        claims["fields"] = reading.decode(log.topics, log.data)
    return claims


@dataclass(frozen=True)
class EventImport:
    """Takes events into one matter. `chain` is None for events that were proved elsewhere."""

    acceptor: Acceptor
    agency_id: int
    matter_key: bytes
    chain: EventChain | None
    reading: EventReading | None

    def run(
        self,
        events: Sequence[ChainEvent],
        *,
        dry_run: bool = False,
        wait: Callable[[], None] | None = None,
        progress: Progress | None = None,
    ) -> list[EventOutcome]:
        """Record the events, each once however often it is offered.

        `wait` is called until a block is final; without it events of blocks that are not final are left
        out and said. Raises what the parts raise; what was recorded before stays.
        """
        # Everything is read before anything is recorded: a fault of the last one records none.
        offered = [(event, claims_of(event, self.reading)) for event in events]
        outcomes = []
        for event, claims in offered:
            outcomes.append(self._one(event, claims, dry_run, wait))
            if progress is not None:
                progress(len(outcomes), len(offered))
        return outcomes

    def _one(
        self,
        event: ChainEvent,
        claims: dict[str, Json],
        dry_run: bool,
        wait: Callable[[], None] | None,
    ) -> EventOutcome:
        while self.chain is not None and not is_final(self.chain, event):
            if wait is None or dry_run:
                return EventOutcome(event, claims, State.NOT_FINAL)
            wait()
        if dry_run:
            return EventOutcome(event, claims, State.WOULD)
        item = Incoming(self.matter_key, chain_event.KIND, claims, _key(event, self.matter_key))
        (answer,) = self.acceptor.accept(self.agency_id, [item])
        if isinstance(answer, Accepted):
            state = State.KNOWN if answer.replayed else State.RECORDED
            return EventOutcome(event, claims, state, answer)
        return EventOutcome(event, claims, _refused(answer))


def _refused(answer: Refused) -> State:
    # The key names one log of one block, so the record that is there proves the same: only the account
    # or the reading differ, since nodes forget old states and people read an event by another ABI.
    if answer.conflict:
        return State.KNOWN
    raise CallerError(answer.code, f"{answer.field}: {answer.reason}")


def _key(event: ChainEvent, matter_key: bytes) -> str:
    block = evm.parse_header(event.header).hash.hex()
    return (
        f"chain-event/{event.chain_id}/{block}/{event.index}/{event.log_index}/{matter_key.hex()}"
    )

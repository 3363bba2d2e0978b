"""Asks again whether every stored proof holds, by the format's rules and by the chain as it is now.

Owns what an audit asks, what of it is drift and what only can't be asked any more, and the alarm AUDIT_DRIFT
(docs/spec/sender.md §7, docs/operations.md). Reads only. Test: tests/scenarios/service/test_audit.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Protocol

from notary.chain_ports import (
    ChainAway,
    ChainContradiction,
    ChainIdentity,
    HeadProof,
    IntentBook,
    StoredAsOf,
)
from notary.core.log_identity import LogIdentity
from notary.errors import CallerError, Contradiction
from notary.ports import Anchor, BatchLog, Progress
from notary.usecases.anchor_fate import document_leg
from verifier.format import batches, evm, fold, key_sets, notes, times, trees
from verifier.format.digests import ZERO, Digest
from verifier.format.errors import FormatError
from verifier.format.frontier import Frontier

SAVE_EVERY = 100  # steps: a killed audit loses no more
MAX_NAMED = 3  # drifts that the alarm names
# What reading a damaged row may raise, beside the errors of the format: SQLite keeps text where bytes
# were declared, and a rule then gets what it was not made for.
DAMAGE = (
    FormatError,
    Contradiction,
    CallerError,
    TypeError,
    ValueError,
    IndexError,
    AttributeError,
)


class AuditChain(Protocol):
    """One endpoint, asked by itself. Errors are those of notary.chain_ports.Chain."""

    @property
    def host(self) -> str:
        """Its name to people."""
        ...

    def identity(self) -> ChainIdentity:
        """What tells this chain and contract from another."""
        ...

    def block(self, number: int) -> evm.Header | None:
        """The canonical block of that number."""
        ...

    def prove_head(self) -> HeadProof:
        """The log's head at the latest block, checked."""
        ...


@dataclass(frozen=True)
class Finding:
    """What does not hold, or with `drift` false only could not be asked."""

    subject: str
    drift: bool
    text: str


@dataclass
class AuditState:
    """How far an audit came. `standing` are drifts, of this audit or of one before, not yet seen to be gone.

    `since` is a block time; `done` the last step that was done, by kind; `well` the subjects of `standing`
    that this audit found in order. Times are texts.
    """

    begun_at: str
    since: int
    full: bool
    hosts: list[str]
    ended_at: str | None = None
    done: dict[str, int] = field(default_factory=dict)
    steps: int = 0
    found: list[Finding] = field(default_factory=list)
    standing: list[Finding] = field(default_factory=list)
    standing_since: str | None = None
    well: list[str] = field(default_factory=list)


class AuditMemory(Protocol):
    """Where the state is kept."""

    def read(self) -> AuditState | None:
        """What was kept last."""
        ...

    def keep(self, state: AuditState) -> None:
        """Keep it, durably."""
        ...


class Unchecked(Exception):
    """A step's question has no answer any more, or not now."""


Ask = Callable[[], None]


@dataclass(frozen=True)
class Step:
    """One question: `ask` raises what is wrong. `kind` and `number` order the steps for ever."""

    kind: str
    number: int
    subject: str
    ask: Ask


@dataclass(frozen=True)
class _Rests:
    """Something stored that rests on a block: what, the block's hash and time."""

    what: str
    hash: bytes
    time: int


@dataclass
class Audit:
    """One audit of one log. `check_store` reads every row, and is asked with `full` only."""

    identity: LogIdentity
    book: IntentBook
    log: BatchLog
    chains: Sequence[AuditChain]
    memory: AuditMemory
    check_store: Callable[[], None]

    def run(
        self, now: Callable[[], datetime], progress: Progress, *, since: int = 0, full: bool = False
    ) -> AuditState:
        """Audit from the beginning, or go on with one of the same kind that was stopped.

        `since` is the block time of the first anchor that is asked for. Raises CallerError AUDIT_FILE.
        """
        state = self._begin(times.format_time(now()), since, full)
        steps = [step for step in self._steps(state) if step.number > state.done.get(step.kind, -1)]
        before = state.steps
        for step in steps:
            finding = self._answer(step)
            if finding is not None:
                self._note(state, finding, times.format_time(now()))
            elif any(one.subject == step.subject for one in state.standing):
                state.well.append(step.subject)
            state.done[step.kind] = step.number
            state.steps += 1
            if state.steps % SAVE_EVERY == 0 or finding is not None:
                self.memory.keep(state)
            progress(state.steps, before + len(steps))
        self._end(state, times.format_time(now()))
        return state

    def _begin(self, now: str, since: int, full: bool) -> AuditState:
        last, hosts = self.memory.read(), [chain.host for chain in self.chains]
        if (
            last is not None
            and last.ended_at is None
            and (last.since, last.full, last.hosts) == (since, full, hosts)
        ):
            return last
        state = AuditState(now, since, full, hosts)
        if last is not None:
            state.standing, state.standing_since = last.standing, last.standing_since
        self.memory.keep(state)
        return state

    def _end(self, state: AuditState, now: str) -> None:
        drifted = {one.subject for one in state.found if one.drift}
        well = set(state.well) - drifted
        # What this audit did not ask, or could not, stands.
        state.standing = [one for one in state.standing if one.subject not in well]
        if not state.standing:
            state.standing_since = None
        state.ended_at = now
        self.memory.keep(state)

    def _note(self, state: AuditState, finding: Finding, now: str) -> None:
        state.found.append(finding)
        if finding.drift:
            others = [one for one in state.standing if one.subject != finding.subject]
            state.standing = [*others, finding]
            state.standing_since = state.standing_since or now

    def _answer(self, step: Step) -> Finding | None:
        try:
            step.ask()
        except (Unchecked, ChainAway, ChainContradiction) as error:
            return Finding(step.subject, False, str(error))
        except DAMAGE as error:
            return Finding(step.subject, True, str(error) or type(error).__name__)
        return None

    # The steps, in an order that a later audit has too.

    def _steps(self, state: AuditState) -> Iterator[Step]:
        yield from self._batch_steps(state.since)
        yield from self._anchor_steps(state.since)
        yield from self._as_of_steps(state.since)
        for place, chain in enumerate(self.chains):
            yield from self._chain_steps(chain, f"endpoint {place}", state.since)
        if state.full:
            yield Step("store", 0, "the rows of the store", self.check_store)

    def _batch_steps(self, since: int) -> Iterator[Step]:
        for index in range(self.log.size()):
            yield Step("batch", index, f"batch {index}", lambda i=index: self._batch(i, since))  # type: ignore[misc]

    def _batch(self, index: int, since: int) -> None:
        """Header, place in the batch log, checkpoint with every signature, block before the sealing."""
        stored = self.log.batch(index)
        header = batches.parse_header(stored.header_bytes)
        if (header.batch, header.log) != (index, self.identity.name):
            raise _differs(f"its header is of batch {header.batch} of {header.log}")
        if since and header.sealed_at.timestamp() < since:
            return
        note = notes.parse_note(self.log.checkpoint(index + 1))
        key_sets.check_checkpoint(note, key_sets.parse(self.log.key_set(header.keys)))
        said = notes.parse_checkpoint_text(note.text)
        if (said.origin, said.size, said.root) != (
            self.identity.name,
            index + 1,
            self._root(index + 1),
        ):
            raise _differs("its checkpoint is not of the headers up to it")
        named, raw = header.not_before, stored.not_before_header
        kept = None if raw is None else evm.parse_header(raw)
        if (named is None) != (kept is None) or (
            named is not None
            and kept is not None
            and (named.number, named.hash) != (kept.number, kept.hash)
        ):
            raise _differs("the block that its header names is not the one that is kept")

    @cached_property
    def _roots(self) -> list[Digest]:
        frontier = Frontier()
        roots = [Digest(trees.EMPTY_ROOT)]
        for index in range(self.log.size()):
            frontier.append(trees.leaf_hash(self.log.batch(index).header_bytes))
            roots.append(Digest(frontier.root()))
        return roots

    def _root(self, size: int) -> Digest:
        if not 0 < size < len(self._roots):
            raise _differs(f"it is of {size} batches, the log has {len(self._roots) - 1}")
        return self._roots[size]

    @cached_property
    def _anchors(self) -> list[Anchor]:
        return self.book.anchors()

    def _anchor_steps(self, since: int) -> Iterator[Step]:
        try:
            anchors = self._anchors
        except DAMAGE as error:
            yield Step("anchor", 0, "the anchors", _raising(error))
            return
        for anchor in anchors:
            if anchor.link.time >= since:
                name = f"anchor {anchor.number}"
                yield Step("anchor", anchor.number, name, lambda a=anchor: self._anchor(a))  # type: ignore[misc]

    def _anchor(self, anchor: Anchor) -> None:
        """Its checkpoint is the log's, its head follows, and transaction and receipt show it."""
        link = anchor.link
        if self._root(link.size) != link.root:
            raise _differs(f"its root is not that of the first {link.size} batches")
        if fold.fold(Digest(anchor.prev), link) != anchor.head:
            raise _differs("its head does not follow from its link")
        known = self.book.with_head(anchor.head)
        if known is None or known.number != anchor.number:
            raise _differs("its stored head is another than the one that follows")
        evm.check_leg(
            document_leg(self.book.leg_of(anchor.number)),
            prev=Digest(anchor.prev),
            link=link,
            chain_id=self.identity.chain_id,
            contract=self.identity.contract,
            log_address=self.identity.log_address,
        )

    @cached_property
    def _as_ofs(self) -> list[StoredAsOf]:
        return self.book.released_as_ofs()

    def _as_of_steps(self, since: int) -> Iterator[Step]:
        for stored in self._as_ofs:
            block = stored.as_of.block_number
            if stored.as_of.block_time >= since:
                name = f"the proof of the head at block {block}"
                yield Step("as-of", block, name, lambda one=stored: self._as_of(one))  # type: ignore[misc]

    def _as_of(self, stored: StoredAsOf) -> None:
        """The proof holds in its header, and leads to the head of the anchors that it counts."""
        as_of, identity = stored.as_of, self.identity
        header = evm.parse_header(as_of.header)
        wanted = (as_of.block_number, as_of.block_time, stored.block_hash)
        if (header.number, header.timestamp, header.hash) != wanted:
            raise _differs("its header is of another block")
        account = evm.check_account(header.state_root, identity.contract, as_of.account_proof)
        evm.check_code_hash(account)
        head = evm.check_slot(account.storage_root, identity.log_address, as_of.storage_proof)
        if head != stored.head:
            raise _differs("it proves another head than the stored one")
        known = self.book.with_head(stored.head)
        if known is None or known.number is None or known.number + 1 != as_of.anchors:
            raise _differs(f"its head is not that after {as_of.anchors} anchors")

    # What an endpoint says now.

    def _chain_steps(self, chain: AuditChain, kind: str, since: int) -> Iterator[Step]:
        yield Step(f"{kind} identity", 0, "the chain", lambda: self._same_chain(chain))
        for number, resting in sorted(self._blocks.items()):
            if any(one.time >= since for one in resting):
                name = f"block {number}"
                ask = lambda n=number, r=resting: _canonical(chain, n, r)  # noqa: E731
                yield Step(f"{kind} block", number, name, ask)
        yield Step(f"{kind} head", 0, "the log's head now", lambda: self._head_now(chain))

    @cached_property
    def _blocks(self) -> dict[int, list[_Rests]]:
        """Every block on which something stored rests, and what."""
        found: dict[int, list[_Rests]] = {}

        def rests(what: str, raw: Callable[[], bytes | None]) -> None:
            try:
                given = raw()
                header = None if given is None else evm.parse_header(given)
            except DAMAGE:
                return  # the steps above say what is wrong with it
            if header is not None:
                one = _Rests(what, bytes(header.hash), header.timestamp)
                others = found.setdefault(header.number, [])
                if one.hash not in [other.hash for other in others]:
                    others.append(one)

        for index in range(self.log.size()):
            rests(f"batch {index}", lambda i=index: self.log.batch(i).not_before_header)  # type: ignore[misc]
        for stored in self._as_ofs:
            rests("a proof of the head", lambda one=stored: one.as_of.header)  # type: ignore[misc]
        try:
            anchors = self._anchors
        except DAMAGE:
            anchors = []
        for anchor in anchors:
            rests(f"anchor {anchor.number}", lambda a=anchor: self.book.leg_of(a.number).header)  # type: ignore[misc]
        return found

    def _same_chain(self, chain: AuditChain) -> None:
        pinned, now = self.book.pinned(), chain.identity()
        if pinned is not None and pinned != now:
            names = ("chain_id", "genesis_hash", "code_hash")
            differing = [name for name in names if getattr(pinned, name) != getattr(now, name)]
            raise _differs(
                f"{chain.host} has another {', '.join(differing)} than at the first contact"
            )

    def _head_now(self, chain: AuditChain) -> None:
        """The slot holds the head of the newest anchor, or of one that is not proved yet."""
        known = self.book.on_chain_from(0)
        proof = chain.prove_head()
        heads = [ZERO, *(bytes(one.head or b"") for one in known)]
        proved = self.book.proved_count()
        if proof.head in heads[proved:]:
            return
        newest = self.book.newest_final()
        if (
            newest is not None
            and newest.block is not None
            and proof.header.number < newest.block.number
        ):
            raise Unchecked(f"{chain.host} lags: its newest block is {proof.header.number}")
        if proof.head not in heads and self.book.open_intents():
            raise Unchecked("an anchor is on its way; ask again when it is proved")
        raise _differs(
            f"{chain.host} shows head 0x{proof.head.hex()} at block {proof.header.number}, "
            f"the store has 0x{heads[-1].hex()} after {len(known)} anchors"
        )


def alarm_of(state: AuditState | None) -> tuple[str, datetime] | None:
    """What the alarm AUDIT_DRIFT says and since when, while a drift stands."""
    if state is None or not state.standing or state.standing_since is None:
        return None
    named = [f"{one.subject}: {one.text}" for one in state.standing[:MAX_NAMED]]
    more = len(state.standing) - len(named)
    said = "; ".join(named) + (f"; and {more} more" if more else "")
    return said, times.parse_time(state.standing_since)


def _canonical(chain: AuditChain, number: int, resting: Sequence[_Rests]) -> None:
    now = chain.block(number)
    if now is None:
        raise Unchecked(f"{chain.host} has no block {number} (any more, or not yet)")
    for one in resting:
        if now.hash != one.hash:
            raise _differs(
                f"{one.what} rests on 0x{one.hash.hex()}, {chain.host} has 0x{now.hash.hex()} there"
            )


def _differs(text: str) -> Contradiction:
    return Contradiction("AUDIT_DRIFT", text)


def _raising(error: Exception) -> Ask:
    def ask() -> None:
        raise error

    return ask

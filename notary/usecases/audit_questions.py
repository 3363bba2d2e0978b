"""What an audit asks: each batch, anchor and proof of the head by its own rules, each block by each endpoint.

Owns what of an answer is drift and what only can't be asked any more. Reads only. Test:
tests/scenarios/service/test_audit.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from notary.chain_ports import (
    ChainIdentity,
    HeadProof,
    IntentBook,
    StoredAsOf,
)
from notary.core.log_identity import LogIdentity
from notary.errors import CallerError, Contradiction, NothingHappened
from notary.ports import Anchor, BatchLog
from notary.usecases.chain_history import document_leg
from verifier.format import batches, evm, fold, key_sets, notes, trees
from verifier.format.digests import ZERO, Digest
from verifier.format.errors import FormatError
from verifier.format.frontier import Frontier

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


MOST_NAMED = 5  # of the originals that are not as they should be: enough to begin with


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
class Questions:
    """The questions about one log. `check_store` reads every row, and is asked with `full` only.

    `check_erasures` holds the register of erasures against the log, with True against every row.
    `originals` gives each original that a record names as `originals.compared` does.
    """

    identity: LogIdentity
    book: IntentBook
    log: BatchLog
    chains: Sequence[AuditChain]
    check_store: Callable[[], None]
    check_erasures: Callable[[bool], None]
    originals: Callable[[], Iterator[tuple[bytes, int, int | None]]]

    @property
    def hosts(self) -> list[str]:
        """The endpoints that are asked, by name."""
        return [chain.host for chain in self.chains]

    def steps(self, since: int, *, full: bool) -> Iterator[Step]:
        """Every question about what is of block time `since` or later."""
        yield from self._batch_steps(since)
        yield from self._anchor_steps(since)
        yield from self._as_of_steps(since)
        yield Step("originals", 0, "the originals", self._originals)
        yield Step("erasures", 0, "the register of erasures", lambda: self.check_erasures(full))
        for place, chain in enumerate(self.chains):
            yield from self._chain_steps(chain, f"endpoint {place}", since)
        if full:
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

    def _originals(self) -> None:
        """Each that a record names is there, with its length. What is in it, its seal tells who reads it."""
        total, wrong = 0, []
        try:
            for name, size, found in self.originals():
                total += 1
                if found != size:
                    told = "is not there" if found is None else f"has {found} bytes, not {size}"
                    wrong.append(f"{name.hex()} {told}")
        except NothingHappened as error:
            raise Unchecked(str(error)) from error
        if wrong:
            more = len(wrong) - MOST_NAMED
            raise _differs(
                f"of {total} originals {len(wrong)} are not as their records want them: "
                + ", ".join(wrong[:MOST_NAMED])
                + (f" and {more} more" if more > 0 else "")
                + ". Restore them from a backup, or from older versions that the store keeps."
            )

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

"""Owns what the steps work on: the person's files, the package, and what follows from both.

Nothing here judges. A property whose material is missing raises Blocked; the step that asks is
then blocked, and the step that owns the material says what is wrong with it. Proved by the tests
of the steps.
"""

from bisect import bisect_right
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from verifier.check.chain_events import EventRecord
from verifier.check.chain_proof import KNOWN_HASH_RULES, ProofCase, moment
from verifier.check.evidence import (
    Evidence,
    HeaderFile,
    LeafLine,
    Part,
    ReceiptPart,
    ShownBatch,
    SignedCheckpoint,
    attempt,
    read_checkpoints,
    read_receipts,
)
from verifier.check.inputs import Inputs
from verifier.check.policy import Policy
from verifier.check.reading import Bag
from verifier.check.rows import Blocked, Trouble
from verifier.check.source_logs import SourceLog
from verifier.check.trust import Trust
from verifier.format import bag, chain_event, heads, numbers
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.evm import Header, parse_header
from verifier.format.fold import Link
from verifier.format.frontier import prefix_roots
from verifier.format.heads import Head
from verifier.format.jsonc import Json
from verifier.format.matter_map import Kind as MapKind
from verifier.format.matter_map import MapProof
from verifier.format.records import Disclosure
from verifier.format.statement import History, Kind, Statement

if TYPE_CHECKING:
    from verifier.check.token_chains import TokenChains
    from verifier.format.bag import TokenPlace
    from verifier.format.timestamp_token import Token


class Case(ProofCase):
    """A package before the person who checks it."""

    def __init__(self, bag: Bag, policy: Policy, inputs: Inputs, *, sm3: bool = False) -> None:
        self.evidence = Evidence(bag)
        super().__init__(self.evidence.evm, policy, inputs)
        self.bag = bag
        self.sm3 = sm3
        # What each step that was run found; written by the driver.
        self.found: dict[str, list[Trouble]] = {}

    @property
    def statement(self) -> Statement:
        """The statement as it parsed."""
        return self.evidence.statement.need()

    @property
    def kind(self) -> Kind:
        """The package's kind, as stated."""
        return self.statement.choices.kind

    @property
    def key(self) -> Digest:
        """The key of the stated matter number."""
        return self.statement.choices.matter.key

    def need_file(self, name: str) -> None:
        """Raises Blocked if the package has no such file."""
        if name not in self.bag:
            raise Blocked(name)

    @cached_property
    def leaf_hashes(self) -> dict[int, Digest]:
        """Hash of every leaf in the package by its position, ascending."""
        return {position: line.hash for position, line in self.evidence.leaves.items()}

    @cached_property
    def all_leaf_hashes(self) -> list[Digest]:
        """Hashes of leaves 0 to size − 1 of the as-of head. Blocked unless just these are there."""
        size = self.as_of_head.size
        if len(self.leaf_hashes) != size or list(self.leaf_hashes) != list(range(size)):
            raise Blocked(f"the leaves 0 to {size - 1}")
        return list(self.leaf_hashes.values())

    @cached_property
    def disclosed(self) -> Mapping[int, Mapping[str, Disclosure]]:
        """Disclosures by leaf and claim name."""
        found: dict[int, dict[str, Disclosure]] = {}
        for line in self.evidence.disclosures:
            found.setdefault(line.position, {})[line.disclosure.name] = line.disclosure
        return found

    def value(self, position: int, claim: str) -> Json:
        """The disclosed value of a claim. Raises KeyError if it is not disclosed."""
        return self.disclosed[position][claim].value

    @cached_property
    def events(self) -> list[EventRecord]:
        """The records of foreign events that claim a proof, by position. Blocked without leaves."""
        self.evidence.leaf_lines.need()
        rules = {c.id for c in self.policy.chains.values() if c.hash_rule in KNOWN_HASH_RULES}
        return [
            EventRecord(line.leaf, self.disclosed.get(position, {}), rules=rules)
            for position, line in self.evidence.leaves.items()
            if line.leaf.kind == chain_event.KIND and chain_event.PROOF in line.leaf.claims
        ]

    @property
    def event_blocks(self) -> list[tuple[int, int, Digest]]:
        """The blocks that the statement lists for events (package.md §4)."""
        if self.kind is Kind.ABSENT:
            return []
        found = [chain_event.block_of(event.shown_proof) for event in self.events]
        return [block for block in found if block is not None]

    # The full history, where the statement says that the package has it.

    @property
    def history_is_full(self) -> bool:
        """Whether the package states a full history."""
        return self.statement.choices.history is History.FULL

    @property
    def history_headers(self) -> tuple[HeaderFile, ...]:
        """The headers of the full history, that of batch 0 first."""
        return self.evidence.history_headers.need().need()

    @property
    def history_proofs(self) -> tuple[MapProof, ...]:
        """The map proofs of the full history, that of batch 0 first."""
        return self.evidence.history_proofs.need().need()

    @cached_property
    def history_heads(self) -> list[Head | None]:
        """The matter's head in each batch of the full history; None where a proof is of absence."""
        log, key = self.log_name, self.key
        parsed: dict[str, Head] = {}
        found: list[Head | None] = []
        for batch, proof in enumerate(self.history_proofs):
            text = proof.head
            # Most batches leave a matter as it was, so most heads are known by their text.
            if text is not None and text not in parsed:
                try:
                    parsed[text] = heads.parse_head(text, log, key)
                except FormatError as error:
                    raise Blocked(f"the head in batch {batch} of the history") from error
            found.append(None if text is None else parsed[text])
        return found

    def history_roots(self, sizes: Collection[int]) -> dict[int, Digest]:
        """Roots of the batch log at those of `sizes` that the full history covers."""
        return prefix_roots([one.hash for one in self.history_headers], sizes)

    # What is shown.

    @property
    def last_link(self) -> Link:
        """The newest anchor as of the as-of block."""
        return self.evm.links[-1]

    @property
    def as_of_batch(self) -> int:
        """The newest batch that the last link covers."""
        return self.last_link.size - 1

    def batch_header(self, batch: int) -> HeaderFile:
        """The header of a shown batch."""
        return self.shown(batch).header.need()

    @property
    def as_of_batch_header(self) -> HeaderFile:
        """The header of the as-of batch."""
        return self.batch_header(self.as_of_batch)

    @property
    def log_name(self) -> str:
        """The log's name, as the as-of batch's header says."""
        return self.as_of_batch_header.header.log

    def checkpoint(self, batch: int) -> SignedCheckpoint:
        """The checkpoint by which a batch is shown."""
        return self.evidence.batches[batch].checkpoint.need()

    @cached_property
    def first_link(self) -> dict[tuple[int, Digest], int]:
        """The index of the earliest link of each size and root."""
        first: dict[tuple[int, Digest], int] = {}
        for index, link in enumerate(self.evm.links):
            first.setdefault((link.size, link.root), index)
        return first

    @cached_property
    def _link_sizes(self) -> list[int]:
        return sorted({link.size for link in self.evm.links})

    def first_size_above(self, batch: int) -> int | None:
        """The smallest size of a link that covers `batch`."""
        at = bisect_right(self._link_sizes, batch)
        return self._link_sizes[at] if at < len(self._link_sizes) else None

    def link_of(self, batch: int) -> int:
        """The index of the link by which a batch is shown. Blocked if its checkpoint is none."""
        checkpoint = self.checkpoint(batch)
        index = self.first_link.get((checkpoint.size, checkpoint.root))
        if index is None:
            raise Blocked(f"the link of batch {batch}")
        return index

    @cached_property
    def shown_links(self) -> list[int]:
        """Indexes of the links by which batches are shown, ascending, each once."""
        if not self.evidence.batches:
            raise Blocked("any batch")
        return sorted({self.link_of(batch) for batch in self.evidence.batches})

    @property
    def links_that_need_a_leg(self) -> set[int]:
        """The first and the last shown anchor. Blocked without the as-of batch, the last one's."""
        self.shown(self.as_of_batch)
        return {self.shown_links[0], self.shown_links[-1]}

    @cached_property
    def head_parts(self) -> dict[int, Part[Head]]:
        """The matter's head in each shown batch whose map proof is an inclusion."""
        found = {}
        for batch, shown in self.evidence.batches.items():
            proof = shown.map_proof.value
            if proof is not None and proof.head is not None:
                text, log, key = proof.head, self.log_name, self.key
                found[batch] = attempt(
                    f"head in batch {batch}",
                    lambda text=text, log=log, key=key: heads.parse_head(text, log, key),  # type: ignore[misc]
                )
        return found

    def head(self, batch: int) -> Head:
        """The matter's head in a shown batch."""
        part = self.head_parts.get(batch)
        if part is None:
            raise Blocked(f"the head in batch {batch}")
        return part.need()

    @property
    def as_of_head(self) -> Head:
        """The matter's head in the as-of batch."""
        return self.head(self.as_of_batch)

    @cached_property
    def as_of_size(self) -> int:
        """How many records the matter has in the as-of batch; 0 where its map has no such key."""
        if self.shown(self.as_of_batch).map_proof.need().kind is not MapKind.INCLUSION:
            return 0
        return self.as_of_head.size

    def roots_at(self, sizes: Collection[int]) -> dict[int, Digest]:
        """Roots over the first leaves for each of `sizes` up to that of the as-of head."""
        return prefix_roots(self.all_leaf_hashes, sizes)

    @cached_property
    def _dates(self) -> tuple[list[int], list[int], list[int]]:
        # Size of each shown head, its batch, and its link, in the order of batches.
        sizes, batches, links = [], [], []
        for batch in self.head_parts:
            sizes.append(self.head(batch).size)
            batches.append(batch)
            links.append(self.link_of(batch))
        if sizes != sorted(sizes):
            raise Blocked("heads that do not shrink")
        return sizes, batches, links

    def anchored_by(self, position: int) -> tuple[int, int] | None:
        """Batch and link that date a record: the first shown head that has it, its checkpoint's.

        None for a position that no shown head has. Only true while step 7.3 holds.
        """
        sizes, batches, links = self._dates
        at = bisect_right(sizes, position)
        return (batches[at], links[at]) if at < len(sizes) else None

    # Sources.

    @property
    def log_tag(self) -> bytes:
        """What the numbers of this log's sources end with."""
        of = self.evm
        return numbers.log_tag(of.chain_id, of.contract, of.log_address)

    @cached_property
    def sources(self) -> Mapping[Digest, SourceLog]:
        """The logs of the sources that the package shows, by key."""
        return {one.key: SourceLog(one, lambda: self.log_name) for one in self.evidence.sources}

    @cached_property
    def numbered(self) -> Mapping[Digest, list[LeafLine]]:
        """The leaves that name a source, by its key."""
        found: dict[Digest, list[LeafLine]] = {}
        for line in self.evidence.leaves.values():
            if line.leaf.source is not None:
                found.setdefault(line.leaf.source, []).append(line)
        return found

    # Time-stamp tokens of shown checkpoints.

    @cached_property
    def _shown_by_size(self) -> Mapping[int, int]:
        # The batches that checkpoints show, by the checkpoints' sizes.
        return {self.checkpoint(batch).size: batch for batch in self.evidence.batches}

    @property
    def shown_sizes(self) -> list[int]:
        """The sizes of shown checkpoints, ascending."""
        return sorted(self._shown_by_size)

    def _shown_by(self, size: int) -> int:
        batch = self._shown_by_size.get(size)
        if batch is None:
            raise Blocked(f"a shown checkpoint of size {size}")
        return batch

    def shown_text(self, size: int) -> str:
        """The text of the shown checkpoint of that size."""
        return self.checkpoint(self._shown_by(size)).note.text

    def anchored_at(self, size: int) -> datetime:
        """The block time of the anchor of the shown checkpoint of that size."""
        return moment(self.evm.links[self.link_of(self._shown_by(size))].time)

    def token(self, place: "TokenPlace") -> "Token":
        """The token at that place."""
        part = self.evidence.tokens.get(place)
        if part is None:
            raise Blocked(f"the token {bag.token_name(place)}")
        return part.need()

    @cached_property
    def token_chains(self) -> "TokenChains":
        """What the tokens amount to."""
        # Imported here: what reads certificates takes long to load, and most packages have none.
        from verifier.check.token_chains import TokenChains

        return TokenChains(self)

    # What else there is to ask.

    @cached_property
    def trust(self) -> Trust:
        """Whose keys count for this person."""
        return Trust(self, self.evidence, lambda: self.log_name)

    @cached_property
    def not_before_headers(self) -> list[Part[Header]]:
        """The headers that `evm.json` carries for `not_before`, in its order."""
        self._check_hash_rule()
        return [
            attempt(f"not_before header {i}", lambda raw=raw: parse_header(raw))  # type: ignore[misc]
            for i, raw in enumerate(self.evm.not_before)
        ]

    @cached_property
    def receipts(self) -> list[ReceiptPart]:
        """The person's receipts."""
        return read_receipts(self.inputs.receipts)

    @cached_property
    def other_checkpoints(self) -> list[Part[SignedCheckpoint]]:
        """Checkpoints that the person got from others."""
        return read_checkpoints(self.inputs.checkpoints)

    def shown(self, batch: int) -> ShownBatch:
        """The files of a shown batch."""
        shown = self.evidence.batches.get(batch)
        if shown is None:
            raise Blocked(f"batch {batch}")
        return shown

    def need_step(self, number: str) -> None:
        """Raises Blocked if that step was run and found trouble."""
        if self.found.get(number):
            raise Blocked(f"step {number}")

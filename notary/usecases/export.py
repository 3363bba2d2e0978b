"""Export an evidence package: choose what is shown, gather it, write one zip.

Owns the order of an export. The bytes come from `notary.core.assembly` and
`verifier.format`. Spec: docs/spec/package.md. Tests: tests/scenarios/service/test_service.py,
tests/scenarios/anchor/test_export_crash.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import BinaryIO

from notary.core import assembly
from notary.core.assembly import ChainSide, Shown
from notary.core.erasures import read_target
from notary.core.key_files import key_files
from notary.core.log_identity import LogIdentity
from notary.errors import CallerError, Contradiction, NothingHappened
from notary.ports import (
    AnchorBook,
    BatchLog,
    Leg,
    MatterRegister,
    Progress,
    SealedBatch,
    SealedHead,
)
from notary.timestamp_ports import TokenBook
from notary.usecases.evidence_store import EvidenceStore, RecordContent
from notary.usecases.export_order import ExportOrder, ExportResult, kind_of
from notary.usecases.export_sources import named_sources, source_files
from notary.usecases.withholding import add_contents, event_blocks, kept_back
from verifier.format import (
    bag,
    evm,
    file_digests,
    lines,
    matter_map,
    readme,
    records,
    statement,
    stored_zip,
    trees,
)
from verifier.format.digests import Digest
from verifier.format.identity import source_digest
from verifier.format.records import Leaf
from verifier.format.statement import Choices, History, Kind


@dataclass(frozen=True)
class _Matter:
    """The matter's side of one package; empty lists where the package is `absent`."""

    heads: list[SealedHead]
    leaf_bytes: list[bytes]
    leaf_hashes: list[Digest]
    positions: tuple[int, ...]
    tombstones: Mapping[int, int]


@dataclass(frozen=True)
class Exporter:
    """Builds packages from what is final and proved; never from anything else."""

    identity: LogIdentity
    register: MatterRegister
    batch_log: BatchLog
    book: AnchorBook
    store: EvidenceStore
    token_book: TokenBook
    token_gap: timedelta

    def export(
        self, agency_id: int, order: ExportOrder, out: BinaryIO, progress: Progress | None = None
    ) -> ExportResult:
        """Write the package's zip to `out`.

        Raises CallerError for an order that can't be met and NothingHappened ASOF_MISSING while no
        proof is final yet; then `out` holds no package.
        """
        kind = kind_of(order)
        chain = self._chain_side(order)
        matter = self._matter(agency_id, order, kind, chain)
        shown = _shown(kind, matter, chain)
        batches = {item.batch: self.batch_log.batch(item.batch) for item in shown}
        files = self._batch_side(kind, order.number.key, shown, batches, chain)
        legs = {number: self.book.leg_of(number) for number in {shown[0].anchor, shown[-1].anchor}}
        files[bag.EVM] = assembly.evm_file(chain, shown, batches, legs)
        links = [chain.anchors[item.anchor].link for item in shown]
        kept = {link: self.token_book.chains(link.size) for link in links}
        files |= assembly.token_files(kept, self.token_gap)
        if kind is Kind.EXTRACT:
            sizes = [assembly.head_size(matter.heads, item.batch) for item in shown]
            if order.full_history:
                # package.md §3: every head that the history holds is a shown one.
                sizes = [head.size for head in matter.heads]
            files[bag.PATHS] = assembly.paths_file(matter.leaf_hashes, matter.positions, sizes)
        leaves = {p: records.parse_leaf(matter.leaf_bytes[p]) for p in matter.positions}
        if leaves:
            files[bag.LEAVES] = lines.write_lines([matter.leaf_bytes[p] for p in leaves])
        named = named_sources(leaves) if _shows_sources(order, kind) else frozenset()
        wanted = {**dict.fromkeys(named), **{one.key: one.since for one in order.named_sources}}
        files |= source_files(
            self.store, agency_id, wanted, leaves, matter.leaf_bytes, shown[-1].batch
        )
        if order.full_history:
            files |= self._history(order.number.key, shown[-1].batch + 1, progress)
        contents = self._contents(agency_id, order, matter, progress)
        added = self._added(order, matter, leaves)
        empty = {p for p in leaves if not contents[p].disclosures}
        withheld, erased = kept_back(order, leaves, contents, added, matter.tombstones, empty)
        packed: dict[str, file_digests.Content] = {**files}
        digests = add_contents(packed, contents, {(item.position, item.claim) for item in withheld})
        history = History.FULL if order.full_history else History.SHOWN
        choices = Choices(
            kind, order.number, tuple(withheld), tuple(erased), history, source_digest()
        )
        events = event_blocks(leaves, contents, withheld)
        stated = self._statement(choices, chain, shown, batches, legs, matter, events)
        packed[bag.STATEMENT] = statement.encode(stated)
        packed[bag.README] = readme.encode(stated)
        files_of = bag.add_tag_files(packed, digests)
        _require_size(files_of)
        stored_zip.write_zip(files_of, out)
        return ExportResult(
            kind.value,
            stated.records,
            len(stated.shown),
            len(withheld),
            stated.as_of.block,
            chain.as_of.block_time,
            stated.blocks,
            added,
            tuple([one.position for one in erased]),
            tuple(sorted(empty - {one.position for one in erased})),
        )

    def _chain_side(self, order: ExportOrder) -> ChainSide:
        as_of = self.book.newest_as_of(order.block, order.time)
        if as_of is None or as_of.anchors == 0:
            raise NothingHappened(
                "ASOF_MISSING",
                "no as-of proof is final yet, or none of so early a block. Keep `notary work` running and "
                "see `notary status`.",
            )
        if order.again is not None and as_of.block_number <= order.again.stated.as_of.block:
            raise NothingHappened(
                "ASOF_NOT_LATER",
                f"the newest proof is of block {as_of.block_number}, the earlier package of block "
                f"{order.again.stated.as_of.block}. Keep `notary work` running.",
            )
        anchors = tuple(self.book.anchors()[: as_of.anchors])
        if len(anchors) != as_of.anchors:
            raise Contradiction(
                "ASOF_BEYOND_BOOK", f"{as_of.anchors} anchors stated, {len(anchors)} known"
            )
        assembly.check_fold(anchors)
        identity = self.identity
        return ChainSide(identity.chain_id, identity.contract, identity.log_address, as_of, anchors)

    def _matter(self, agency_id: int, order: ExportOrder, kind: Kind, chain: ChainSide) -> _Matter:
        if order.number.log_tag != self.identity.tag:
            raise CallerError(
                "MATTER_OF_OTHER_LOG",
                f"{order.number} was made for another log than {self.identity}.",
            )
        key = order.number.key
        last_batch = chain.anchors[-1].link.size - 1
        known = self.register.by_key(agency_id, key)
        if kind is Kind.ABSENT:
            return _Matter([], [], [], (), {})
        if known is None:
            raise CallerError(
                "MATTER_UNKNOWN",
                f"{order.number} is not a matter of this agency. See `notary matter list`.",
            )
        sealed = [head for head in self.store.heads(agency_id, key) if head.batch <= last_batch]
        if not sealed:
            raise NothingHappened(
                "MATTER_NOT_ANCHORED",
                f"no record of {order.number} is covered by a final anchor yet. See `notary status`.",
            )
        size = sealed[-1].size
        leaf_bytes = self.store.leaves(agency_id, key, size)
        leaf_hashes = [trees.leaf_hash(leaf) for leaf in leaf_bytes]
        self._check_leaves(key, leaf_hashes, sealed[-1])
        for position in order.positions:
            if not 0 <= position < size:
                raise CallerError(
                    "POSITION_UNKNOWN",
                    f"position {position} is outside the {size} records anchored so far.",
                )
        stones = self._tombstones(agency_id, key, leaf_bytes, leaf_hashes)
        positions = tuple(range(size))
        if order.positions:
            # An erased record is one only beside its tombstone (package.md §4).
            named = set(order.positions)
            positions = tuple(sorted(named | {stones[one] for one in named if one in stones}))
        return _Matter(sealed, leaf_bytes, leaf_hashes, positions, stones)

    def _tombstones(
        self,
        agency_id: int,
        key: Digest,
        leaf_bytes: Sequence[bytes],
        leaf_hashes: Sequence[Digest],
    ) -> dict[int, int]:
        """The first tombstone of each record that has one, by the record's position."""
        likely = [p for p, leaf in enumerate(leaf_bytes) if b'"kind":"erasure"' in leaf]
        found: dict[int, int] = {}
        contents = self.store.contents(agency_id, key, likely)
        for position, content in zip(likely, contents, strict=True):
            if "target" not in content.disclosures:
                continue
            value = records.parse_disclosure(content.disclosures["target"]).value
            target = read_target(value, key)
            if (
                target is not None
                and target.position < position
                and statement.is_tombstone(
                    records.parse_leaf(leaf_bytes[position]),
                    value,
                    position=target.position,
                    leaf_hash=leaf_hashes[target.position],
                )
            ):
                found.setdefault(target.position, position)
        return found

    def _added(
        self, order: ExportOrder, matter: _Matter, leaves: Mapping[int, Leaf]
    ) -> tuple[int, ...]:
        """The positions that the earlier package did not have. Raises CallerError AGAIN_OTHER."""
        again = order.again
        if again is None:
            return ()
        log, identity = again.stated.log, self.identity
        mine = (identity.chain_id, identity.contract, identity.log_address, identity.name)
        if tuple(log) != mine or again.stated.choices.matter != order.number:
            raise CallerError("AGAIN_OTHER", "the earlier package is of another log or matter.")
        for position, leaf in again.leaves.items():
            if position not in leaves or matter.leaf_bytes[position] != leaf:
                raise CallerError(
                    "AGAIN_OTHER",
                    f"the earlier package has another record at position {position} than the store.",
                )
        return tuple(position for position in leaves if position not in again.leaves)

    def _check_leaves(self, key: Digest, hashes: Sequence[bytes], head: SealedHead) -> None:
        if len(hashes) != head.size or trees.root(hashes) != head.root:
            raise Contradiction(
                "LEAVES_DIFFER",
                f"the stored leaves of {key.hex()} do not give the root sealed in batch {head.batch}. "
                "Stop and restore from a backup.",
            )

    def _batch_side(
        self,
        kind: Kind,
        key: Digest,
        shown: Sequence[Shown],
        batches: Mapping[int, SealedBatch],
        chain: ChainSide,
    ) -> dict[str, bytes]:
        sizes = {chain.anchors[item.anchor].link.size for item in shown}
        proofs = {item.batch: self.store.map_proof(key, item.batch) for item in shown}
        self._check_answer(kind, proofs)
        hashes = self.batch_log.leaf_hashes(max(sizes))
        hand_overs = {
            index: self.batch_log.batch(index) for index in self.batch_log.hand_overs(max(sizes))
        }
        files = key_files(
            [batches[item.batch].header for item in shown],
            hand_overs,
            self.batch_log.checkpoint,
            self.batch_log.key_set,
            hashes,
        )
        return files | assembly.batch_files(
            shown,
            chain.anchors,
            batches,
            proofs,
            {size: self.batch_log.checkpoint(size) for size in sizes},
            hashes,
            [index + 1 for index in hand_overs],
        )

    def _check_answer(self, kind: Kind, proofs: Mapping[int, matter_map.MapProof]) -> None:
        for batch, proof in proofs.items():
            present = proof.kind is matter_map.Kind.INCLUSION
            if kind is Kind.ABSENT and present:
                raise CallerError(
                    "MATTER_PRESENT",
                    f"batch {batch} holds records of this number: it is not absent. "
                    "Export it as complete.",
                )
            if kind is not Kind.ABSENT and not present:
                raise Contradiction(
                    "MAP_LACKS_MATTER", f"the map of batch {batch} lacks a matter that it sealed"
                )

    def _history(self, key: Digest, batches: int, progress: Progress | None) -> dict[str, bytes]:
        """Every header up to the as-of batch, and the map's answer in each."""
        proofs: list[bytes] = []
        for proof in self.store.map_proofs(key, batches):
            proofs.append(matter_map.encode(proof))
            if progress is not None:
                progress(len(proofs), batches)
        return {
            bag.HISTORY_HEADERS: lines.write_lines(self.store.headers(batches)),
            bag.HISTORY_MAP: lines.write_lines(proofs),
        }

    def _contents(
        self, agency_id: int, order: ExportOrder, matter: _Matter, progress: Progress | None
    ) -> dict[int, RecordContent]:
        contents: dict[int, RecordContent] = {}
        found = self.store.contents(agency_id, order.number.key, matter.positions)
        for position, content in zip(matter.positions, found, strict=True):
            contents[position] = content
            if progress is not None:
                progress(len(contents), len(matter.positions))
        return contents

    def _statement(
        self,
        choices: Choices,
        chain: ChainSide,
        shown: Sequence[Shown],
        batches: Mapping[int, SealedBatch],
        legs: Mapping[int, Leg],
        matter: _Matter,
        events: Sequence[tuple[int, int, Digest]],
    ) -> statement.Statement:
        not_before = [
            (stated.chain_id, stated.number, stated.hash)
            for item in shown
            if (stated := batches[item.batch].header.not_before) is not None
        ]
        return statement.build_statement(
            choices,
            log=statement.Log(
                chain.chain_id, chain.contract, chain.log_address, self.identity.name
            ),
            links=[anchor.link for anchor in chain.anchors[shown[0].anchor :]],
            as_of=_header(chain.as_of.header),
            legs=[_header(leg.header) for leg in legs.values()],
            not_before=not_before,
            events=events,
            checkpoints=[
                (link.size, Digest(link.root))
                for link in (chain.anchors[item.anchor].link for item in shown)
            ],
            records=matter.heads[-1].size if matter.heads else 0,
            shown=matter.positions,
        )


def _require_size(files: Mapping[str, file_digests.Content]) -> None:
    size = stored_zip.zip_size({name: file_digests.size_of(one) for name, one in files.items()})
    if len(files) > stored_zip.MAX_FILES or size > stored_zip.MAX_PACKAGE_BYTES:
        raise CallerError(
            "PACKAGE_SIZE",
            f"this package would have {len(files)} files and {size} bytes; at most "
            f"{stored_zip.MAX_FILES} files and {stored_zip.MAX_PACKAGE_BYTES} bytes are allowed. Export "
            "extracts of fewer records each.",
        )


def _shows_sources(order: ExportOrder, kind: Kind) -> bool:
    """Whether the logs of sources are shown: as ordered, as in the earlier package, or by the kind."""
    if order.sources is not None:
        return order.sources
    return kind is Kind.COMPLETE if order.again is None else order.again.sources


def _shown(kind: Kind, matter: _Matter, chain: ChainSide) -> list[Shown]:
    if kind is Kind.COMPLETE:
        return assembly.shown_for_complete(matter.heads, chain.anchors)
    return assembly.shown_for_extract(matter.heads, chain.anchors, matter.positions)


def _header(raw: bytes) -> statement.Header:
    header = evm.parse_header(raw)
    return statement.Header(header.number, header.hash, header.timestamp)

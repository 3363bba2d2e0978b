"""What a package shows of sources: which entries, and what stands for the others.

Spec: docs/spec/package.md §6. Tests: tests/scenarios/service/test_sources.py, where the stand-alone
verifier judges the export.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from notary.errors import CallerError, Contradiction
from notary.ports import SealedHead
from verifier.format import bag, lines, matter_map, numbers, source_log, trees
from verifier.format.digests import Digest
from verifier.format.records import Leaf
from verifier.format.source_log import Closing, SourceProof


@dataclass(frozen=True)
class NamedSource:
    """Show this source's log as well, whether a record names it or not; all of it from that day on."""

    key: Digest
    since: date | None = None


@dataclass(frozen=True)
class SealedSource:
    """A source with its head as of some batch."""

    number: str
    head: SealedHead


class SourceEvidence(Protocol):
    """What is read of sources."""

    def source(self, agency_id: int, key: Digest, batch: int) -> SealedSource | None:
        """The agency's source as of a batch; None for what is no source of it, or was not sealed by then."""
        ...

    def entries(self, key: Digest, first: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Index and bytes of a source's entries from `first` to before `end`, as they are asked for."""
        ...

    def map_proof(self, key: Digest, batch: int) -> matter_map.MapProof:
        """The map's answer for the key as batch `batch` sealed it."""
        ...


def named_sources(leaves: Mapping[int, Leaf]) -> frozenset[Digest]:
    """The keys of the sources that leaves name."""
    return frozenset(leaf.source for leaf in leaves.values() if leaf.source is not None)


def source_files(
    store: SourceEvidence,
    agency_id: int,
    wanted: Mapping[Digest, date | None],
    leaves: Mapping[int, Leaf],
    leaf_bytes: Sequence[bytes],
    batch: int,
) -> dict[str, bytes]:
    """The files of the sources of these keys, as of the batch, with the days of the leaves that name them.

    All of a source is shown from the day on that is given for it.
    Raises Contradiction SOURCE_LACKS_RECORD if the log of one has no entry for a leaf, CallerError
    SOURCE_NOT_ANCHORED for one that no leaf names and that was not sealed by then.
    """
    records: dict[Digest, set[Digest]] = {key: set() for key in wanted}
    for position, leaf in leaves.items():
        if leaf.source in records:
            records[leaf.source].add(source_log.record_digest(leaf_bytes[position]))
    files: dict[str, bytes] = {}
    for key, digests in sorted(records.items()):
        source = store.source(agency_id, key, batch)
        if source is None and digests:
            raise _lacks(key, batch)
        if source is None:
            raise CallerError(
                "SOURCE_NOT_ANCHORED",
                f"the source of key {key.hex()} is not in batch {batch}, as of which the package would be. "
                "Order it again after the next anchor.",
            )
        files |= _files_of(store, key, source, digests, wanted[key], batch)
    return files


def _files_of(
    store: SourceEvidence,
    key: Digest,
    source: SealedSource,
    records: set[Digest],
    day: date | None,
    batch: int,
) -> dict[str, bytes]:
    size = source.head.size
    hashes: list[bytes] = []
    closings: dict[int, int] = {}
    since = None if day is None else 0
    found: list[int] = []
    asides: list[int] = []
    for index, entry in store.entries(key, 0, size):
        hashes.append(trees.leaf_hash(entry))
        parsed = source_log.parse(entry)
        if isinstance(parsed, Closing):
            closings[index] = parsed.profile
            if day is not None and parsed.day < day:
                since = index
        elif isinstance(parsed, source_log.RecordEntry) and parsed.record in records:
            found.append(index)
            if parsed.aside is not None:
                asides.append(parsed.aside)
    if len(found) != len(records):
        raise _lacks(key, batch)
    if len(hashes) != size or trees.root(hashes) != source.head.root:
        raise Contradiction(
            "SOURCE_LOG_DIFFERS",
            f"the stored entries of source {source.number} do not give the root sealed in batch "
            f"{source.head.batch}. Stop and restore from a backup.",
        )
    shown: list[int] = []
    written: list[bytes] = []
    for first, last in source_log.shown_ranges(size, found + asides, closings, since):
        for index, entry in store.entries(key, first, last + 1):
            shown.append(index)
            written.append(b"%d %b" % (index, entry))
    proof = SourceProof(
        numbers.parse_source(source.number),
        matter_map.encode(store.map_proof(key, batch)).decode(),
        tuple(source_log.hidden_hashes(hashes, shown)),
        since,
    )
    names = bag.source_names(key.hex())
    return {names.proof: source_log.encode_proof(proof), names.entries: lines.write_lines(written)}


def _lacks(key: Digest, batch: int) -> Contradiction:
    return Contradiction(
        "SOURCE_LACKS_RECORD",
        f"batch {batch} has records of source {key.hex()} that its log has not. Stop and restore from a "
        "backup.",
    )

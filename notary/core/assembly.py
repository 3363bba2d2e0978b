"""Which evidence a package carries, and its files' bytes.

Pure: takes what the stores hold and gives every small file of the bag. Attachments are streamed by
the caller.
Spec: docs/spec/package.md §1 to §5. Test: tests/scenarios/service/test_service.py, where the
stand-alone verifier judges every export.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from notary.errors import CallerError, Contradiction
from notary.ports import Anchor, AsOf, Leg, SealedBatch, SealedHead
from notary.timestamp_ports import KeptToken
from verifier.format import (
    bag,
    evm,
    evm_document,
    fold,
    matter_map,
    notes,
    paths,
    times,
    tlogproof,
    trees,
)
from verifier.format.digests import Digest

MAX_CHAINS, MAX_TOKENS = 10, 100  # of a checkpoint, and in a chain: package.md §1


@dataclass(frozen=True)
class Shown:
    """A shown batch: its index and the number of the anchor by which it is shown."""

    batch: int
    anchor: int


@dataclass(frozen=True)
class ChainSide:
    """What the chain and the batch log give to one export."""

    chain_id: int
    contract: bytes
    log_address: bytes
    as_of: AsOf
    anchors: tuple[Anchor, ...]  # exactly those that lead to the as-of head, from number 0


def shown_for_complete(heads: Sequence[SealedHead], anchors: Sequence[Anchor]) -> list[Shown]:
    """The last batch of each anchor after which the matter's head was new; and the as-of batch.

    `heads` are the matter's heads by batch, ascending. Source: package.md §1, shown batches.
    """
    shown: list[Shown] = []
    size_before = 0
    for number, anchor in enumerate(anchors):
        batch = anchor.link.size - 1
        size = head_size(heads, batch)
        if size > size_before or number == len(anchors) - 1:
            shown.append(Shown(batch, number))
        size_before = size
    return shown


def shown_for_extract(
    heads: Sequence[SealedHead], anchors: Sequence[Anchor], positions: Sequence[int]
) -> list[Shown]:
    """For each record, the batch of the earliest anchor that includes it; and the as-of batch."""
    chosen: set[int] = {len(anchors) - 1}
    for position in positions:
        for number, anchor in enumerate(anchors):
            if head_size(heads, anchor.link.size - 1) > position:
                chosen.add(number)
                break
        else:
            raise CallerError(
                "RECORD_NOT_ANCHORED",
                f"position {position} is not covered by the newest usable anchor. Wait for the next one.",
            )
    return [Shown(anchors[number].link.size - 1, number) for number in sorted(chosen)]


def head_size(heads: Sequence[SealedHead], batch: int) -> int:
    """The matter's size as sealed in `batch`; 0 if it was in no batch yet. `heads` ascend by batch."""
    at = bisect_right(heads, batch, key=lambda head: head.batch)
    return heads[at - 1].size if at else 0


def batch_files(
    shown: Sequence[Shown],
    anchors: Sequence[Anchor],
    batches: Mapping[int, SealedBatch],
    proofs: Mapping[int, matter_map.MapProof],
    checkpoints: Mapping[int, str],
    header_hashes: Sequence[bytes],
    hand_over_sizes: Sequence[int],
) -> dict[str, bytes]:
    """Headers, tlog-proofs, map proofs and the consistency file of the shown batches.

    `checkpoints` are notes by size; `header_hashes` the batch log's leaf hashes up to the last size,
    `hand_over_sizes` the sizes of the checkpoints by which keys were handed over.
    """
    files: dict[str, bytes] = {}
    sizes: list[int] = []
    for item in shown:
        size = anchors[item.anchor].link.size
        if size not in sizes:
            sizes.append(size)
        names = bag.batch_names(item.batch)
        files[names.header] = batches[item.batch].header_bytes
        path = trees.inclusion_path(header_hashes[:size], item.batch)
        files[names.tlog_proof] = tlogproof.encode(
            tlogproof.TlogProof(item.batch, tuple(path), notes.parse_note(checkpoints[size]))
        )
        files[names.map_proof] = matter_map.encode(proofs[item.batch])
    # package.md §3: the checkpoints of hand-overs count as shown.
    joined = sorted({*sizes, *hand_over_sizes})
    files[bag.CONSISTENCY] = paths.encode_consistency(_steps(header_hashes, joined))
    return files


def paths_file(
    leaf_hashes: Sequence[bytes], positions: Sequence[int], shown_sizes: Sequence[int]
) -> bytes:
    """`data/matter/paths.json` of an extract. `shown_sizes` are the shown heads' sizes by batch."""
    hashes = leaf_hashes[: shown_sizes[-1]]
    inclusion = tuple(
        paths.InclusionPath(position, tuple(trees.inclusion_path(hashes, position)))
        for position in sorted(positions)
    )
    different = sorted(set(shown_sizes))
    return paths.encode_paths(paths.Paths(inclusion, tuple(_steps(hashes, different))))


def _steps(hashes: Sequence[bytes], sizes: Sequence[int]) -> list[paths.PrefixPath]:
    """Consistency proofs from each size to the next larger one."""
    proofs = trees.consistency_paths(hashes, sizes)
    return [
        paths.PrefixPath(earlier, later, tuple(proof))
        for (earlier, later), proof in zip(pairwise(sizes), proofs, strict=True)
    ]


def evm_file(
    chain: ChainSide,
    shown: Sequence[Shown],
    batches: Mapping[int, SealedBatch],
    legs: Mapping[int, Leg],
) -> bytes:
    """`data/anchors/evm.json`: links from the first shown anchor on, and the legs by anchor number."""
    first, last = shown[0].anchor, shown[-1].anchor
    if last != len(chain.anchors) - 1:
        raise Contradiction("EXPORT_LAST_ANCHOR", f"last shown anchor is {last}, want the newest")
    links = [anchor.link for anchor in chain.anchors[first : last + 1]]
    return evm_document.encode(
        evm_document.EvmDocument(
            chain_id=chain.chain_id,
            contract=chain.contract,
            log_address=chain.log_address,
            prev=Digest(chain.anchors[first].prev),
            links=tuple(links),
            as_of=evm_document.AsOf(
                chain.as_of.header, chain.as_of.account_proof, chain.as_of.storage_proof
            ),
            legs=tuple(_leg(legs[number], number - first) for number in sorted(legs)),
            not_before=tuple(_not_before_headers(shown, batches)),
            observed=chain.as_of.observed,
        )
    )


def token_files(
    kept: Mapping[fold.Link, Sequence[Sequence[KeptToken]]], gap: timedelta
) -> dict[str, bytes]:
    """The tokens over the checkpoints of shown links whose first one is within `gap` of the anchor."""
    files: dict[str, bytes] = {}
    for link, chains in kept.items():
        anchored_at = times.block_moment(link.time)
        # A policy's limit would count a token that came late against the package (sender.md §11).
        near = [one for one in chains if one and abs(one[0].gen_time - anchored_at) <= gap]
        for chain, tokens in enumerate(near[:MAX_CHAINS]):
            for number, kept_token in enumerate(tokens[:MAX_TOKENS]):
                name = bag.token_name(bag.TokenPlace(link.size, chain, number))
                files[name] = kept_token.token
    return files


def _leg(leg: Leg, link: int) -> evm.Leg:
    return evm.Leg(
        link=link,
        header=leg.header,
        index=leg.index,
        tx=leg.tx,
        tx_proof=leg.tx_proof,
        receipt=leg.receipt,
        receipt_proof=leg.receipt_proof,
        log_index=leg.log_index,
    )


def _not_before_headers(shown: Sequence[Shown], batches: Mapping[int, SealedBatch]) -> list[bytes]:
    """The different headers that the shown batches name, ascending by block number."""
    headers: dict[int, bytes] = {}
    for item in shown:
        raw = batches[item.batch].not_before_header
        if raw is not None:
            headers[evm.parse_header(raw).number] = raw
    return [headers[number] for number in sorted(headers)]


def check_fold(anchors: Sequence[Anchor]) -> None:
    """Refuse to export from a book whose links don't follow from each other."""
    for anchor in anchors:
        if fold.fold(Digest(anchor.prev), anchor.link) != anchor.head:
            raise Contradiction("BOOK_FOLD", f"anchor {anchor.number} does not fold to its head")

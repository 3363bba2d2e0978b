"""What a package shows of its records' content, and what it keeps back, each field with its reason.

Spec: docs/spec/package.md §4. Tests: tests/scenarios/service/test_service.py,
tests/scenarios/service/test_reissue.py, tests/scenarios/service/test_erasure.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from notary.core import custody
from notary.errors import CallerError
from notary.usecases.evidence_store import RecordContent
from notary.usecases.export_order import ExportOrder
from notary.usecases.reissue import Earlier
from verifier.format import bag, chain_event, file_digests, lines, records, statement
from verifier.format.digests import Digest
from verifier.format.kinds import is_attachment
from verifier.format.records import Leaf
from verifier.format.statement import Reason


def kept_back(
    order: ExportOrder,
    leaves: Mapping[int, Leaf],
    contents: Mapping[int, RecordContent],
    added: Sequence[int],
    tombstones: Mapping[int, int],
    empty: Collection[int],
) -> tuple[list[statement.Withheld], list[statement.Erased]]:
    """The claims kept back, each with its reason, and the records that are gone, each with its tombstone.

    Refuses an order for what is not there.

    Raises CallerError RECORDS_ADDED where an earlier package kept something back and nobody said what is
    to become of the records since: whatever is shown can't be taken back.
    """
    reasons: dict[tuple[int, str], Reason] = {}
    if order.again is not None:
        reasons |= _kept_before(order.again, leaves, contents, empty)
        decided = {item.position for item in order.withhold}
        # A tombstone tells nothing of what an earlier package kept back.
        decided |= set(tombstones.values())
        open_ones = [
            position
            for position in added
            if position not in decided and leaves[position].kind != custody.KIND
        ]
        if reasons and open_ones and not order.show_added:
            raise CallerError(
                "RECORDS_ADDED",
                f"the earlier package kept {len(reasons)} fields back, and {len(open_ones)} records came "
                f"since, from position {open_ones[0]} on. Say by --withhold what of them is kept back, and "
                "by --show-added that all else is shown.",
            )
        if not order.show_added:
            # The earlier exports themselves made these; nobody asked to show them.
            reasons |= {
                (position, name): Reason.OTHER
                for position in added
                if leaves[position].kind == custody.KIND
                for name in leaves[position].claims
            }
    for item in order.withhold:
        leaf = leaves.get(item.position)
        if leaf is None:
            raise CallerError(
                "WITHHOLD_UNKNOWN", f"position {item.position} is not in this package."
            )
        names: Iterable[str] = leaf.claims if item.claim is None else (item.claim,)
        for name in names:
            if name not in leaf.claims:
                raise CallerError(
                    "WITHHOLD_UNKNOWN",
                    f"position {item.position} has no field {name!r}; it has {', '.join(leaf.claims)}.",
                )
            reasons[item.position, name] = item.reason
    for (position, name), reason in list(reasons.items()):
        if is_attachment(name) and _import_tells(contents[position], name):
            # Whoever guesses a withheld original could confirm it by its digest.
            reasons.setdefault((position, "import"), reason)
    disclosed = {
        position: [name for name in content.disclosures if (position, name) not in reasons]
        for position, content in contents.items()
    }
    erased = [
        statement.Erased(position, tombstones[position])
        for position in sorted(empty)
        if position in tombstones
        and tombstones[position] in leaves
        and (tombstones[position], "target") not in reasons
    ]
    gone = {one.position for one in erased}
    missing = statement.claims_to_withhold(leaves, disclosed, gone)
    withheld = [
        statement.Withheld(position, claim, reasons.get((position, claim), Reason.OTHER))
        for position, claim in missing
    ]
    return withheld, erased


def event_blocks(
    leaves: Mapping[int, Leaf],
    contents: Mapping[int, RecordContent],
    withheld: Sequence[statement.Withheld],
) -> list[tuple[int, int, Digest]]:
    """The blocks of the foreign events whose proof is shown (package.md §4)."""
    kept = {item.position for item in withheld if item.claim == chain_event.PROOF}
    proofs = [
        records.parse_disclosure(content.disclosures[chain_event.PROOF]).value
        for position, content in contents.items()
        if leaves[position].kind == chain_event.KIND
        and chain_event.PROOF in content.disclosures
        and position not in kept
    ]
    return [block for block in map(chain_event.block_of, proofs) if block is not None]


def add_contents(
    packed: dict[str, file_digests.Content],
    contents: Mapping[int, RecordContent],
    withheld: set[tuple[int, str]],
) -> dict[str, file_digests.Digests]:
    """Add disclosures and originals that are not withheld; give the originals' digests."""
    digests: dict[str, file_digests.Digests] = {}
    opened: list[bytes] = []
    for position, content in contents.items():
        opened += [
            records.disclosure_line(position, content.disclosures[name])
            for name in sorted(content.disclosures)
            if (position, name) not in withheld
        ]
        open_names = _open_names(position, content, withheld)
        for original in content.originals:
            if original.name not in open_names:
                continue
            path = bag.attachment_name(original.name)
            with original.open() as stream:
                digests[path] = file_digests.digest_stream(stream, sm3=True)
            packed[path] = file_digests.Source(original.size, digests[path].crc32, original.open)
    if opened:
        packed[bag.DISCLOSURES] = lines.write_lines(opened)
    return digests


def _kept_before(
    again: Earlier,
    leaves: Mapping[int, Leaf],
    contents: Mapping[int, RecordContent],
    empty: Collection[int],
) -> dict[tuple[int, str], Reason]:
    """What the earlier package did not show of its records, each with the reason that it gave.

    A record that was erased since has nothing that could be shown.
    """
    return {
        (position, name): again.reasons.get((position, name), Reason.OTHER)
        for position in again.leaves
        if position not in empty
        for name in leaves[position].claims
        if not again.shows(position, contents[position].disclosures.get(name, ""))
    }


def _import_tells(content: RecordContent, attachment: str) -> bool:
    """Whether the file that a record was read from is this original, whose digest is in `import`."""
    original, source = content.disclosures.get(attachment), content.disclosures.get("import")
    if original is None or source is None:
        return False
    told, said = records.parse_disclosure(original).value, records.parse_disclosure(source).value
    assert isinstance(told, dict)
    assert isinstance(said, dict)
    return told["sha256"] == said["file_sha256"]


def _open_names(position: int, content: RecordContent, withheld: set[tuple[int, str]]) -> set[str]:
    """The stored names of the originals whose disclosures are shown."""
    names: set[str] = set()
    if not content.originals:
        return names
    for claim, text in content.disclosures.items():
        if is_attachment(claim) and (position, claim) not in withheld:
            value = records.parse_disclosure(text).value
            if isinstance(value, dict):
                names.add(str(value["name"]))
    return names

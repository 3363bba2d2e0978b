"""Steps 13.1 to 13.3: what is not shown, and what is gone (docs/spec/verification.md §3)."""

from collections.abc import Iterator

from verifier.check.case import Case
from verifier.check.chain_proof import moment
from verifier.check.rows import Blocked, Trouble, failed
from verifier.format.statement import Erased, claims_to_withhold, is_tombstone
from verifier.format.times import format_time

_SHOWN_AT_MOST = 20  # a report names the first differences


def step_13_1(case: Case) -> Iterator[Trouble]:
    """Every claim without disclosure is listed as withheld or its leaf as erased; nothing else."""
    choices = case.statement.choices
    leaves = {position: line.leaf for position, line in case.evidence.leaves.items()}
    erased = {one.position for one in choices.erased}
    for position in sorted(erased):
        if position not in leaves:
            yield failed("WITHHELD_MISMATCH", f"leaf {position} is listed as erased and not here")
        elif case.disclosed.get(position):
            yield failed("WITHHELD_MISMATCH", f"leaf {position} is listed as erased and disclosed")
    listed = {(one.position, one.claim) for one in choices.withheld}
    wanted = set(claims_to_withhold(leaves, case.disclosed, erased))
    for position, claim in sorted(wanted - listed)[:_SHOWN_AT_MOST]:
        yield failed("WITHHELD_MISMATCH", f"leaf {position}, {claim}: neither shown nor listed")
    for position, claim in sorted(listed - wanted)[:_SHOWN_AT_MOST]:
        yield failed("WITHHELD_MISMATCH", f"leaf {position}, {claim!a}: listed, not withheld")


def step_13_2(case: Case) -> Iterator[Trouble]:
    """Every erased leaf has its tombstone."""
    for one in case.statement.choices.erased:
        if not _has_tombstone(case, one):
            yield failed(
                "TOMBSTONE_MISSING",
                f"leaf {one.tombstone} does not record the erasure of leaf {one.position}",
            )


def _has_tombstone(case: Case, erased: Erased) -> bool:
    leaves = case.evidence.leaves
    if erased.position not in leaves or erased.tombstone not in leaves:
        return False
    disclosure = case.disclosed.get(erased.tombstone, {}).get("target")
    if disclosure is None:
        return False
    return is_tombstone(
        leaves[erased.tombstone].leaf,
        disclosure.value,
        position=erased.position,
        leaf_hash=leaves[erased.position].hash,
    )


def step_13_3(case: Case) -> Iterator[Trouble]:
    """No leaf of kind `erasure` in the package is anchored after `dispute_since`."""
    since = case.policy.limits.dispute_since
    if since is None:
        return
    # Whatever the exporter lists: an erased field that he calls withheld is gone all the same.
    for position, line in case.evidence.leaves.items():
        if line.leaf.kind != "erasure":
            continue
        dated = case.anchored_by(position)
        if dated is None:
            raise Blocked(f"the anchor of record {position}")
        anchored = moment(case.evm.links[dated[1]].time)
        if anchored > since:
            yield failed(
                "ERASED_AFTER_DISPUTE",
                f"leaf {position} records an erasure, anchored at {format_time(anchored)}",
            )

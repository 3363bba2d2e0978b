"""Steps 8.1 to 8.9: whether this is all (docs/spec/verification.md §3)."""

from collections.abc import Iterator

from verifier.check.case import Case
from verifier.check.chain_proof import moment
from verifier.check.rows import Trouble, failed, not_checked
from verifier.check.steps.anchor import untrusted_anchors
from verifier.format import numbers
from verifier.format.matter_map import Kind as MapKind
from verifier.format.statement import Kind
from verifier.format.times import format_time


def step_8_1(case: Case) -> Iterator[Trouble]:
    """Inputs give the matter number."""
    if case.inputs.matter is None and case.kind is not Kind.EXTRACT:
        yield not_checked("MATTER_NOT_CONFIRMED", "the inputs name no matter number")


def step_8_2(case: Case) -> Iterator[Trouble]:
    """It is the statement's."""
    stated, wanted = case.statement.choices.matter, case.inputs.matter
    if wanted is not None and stated != wanted:
        yield failed("MATTER_DIFFERS", f"the package is for {stated}, the inputs ask for {wanted}")


def step_8_3(case: Case) -> Iterator[Trouble]:
    """Its log tag is that of chain id, contract and log address."""
    document = case.evm
    tag = numbers.log_tag(document.chain_id, document.contract, document.log_address)
    stated = case.statement.choices.matter
    if stated.log_tag != tag:
        yield failed(
            "MATTER_OF_OTHER_LOG",
            f"the number has log tag {stated.log_tag.hex()}, this log {tag.hex()}",
        )


def step_8_4(case: Case) -> Iterator[Trouble]:
    """A batch with index size − 1 of the last link is shown under it, and nothing later."""
    batches, wanted = case.evidence.batches, case.as_of_batch
    if wanted not in batches:
        newest = max(batches, default=None)
        yield failed("ASOF_HEADER_OLD", f"batch {wanted} is not shown; the newest is {newest}")
        return
    checkpoint, last = case.checkpoint(wanted), case.last_link
    if (checkpoint.size, checkpoint.root) != (last.size, last.root):
        yield failed("ASOF_HEADER_OLD", f"batch {wanted} is under a checkpoint of another link")
    for batch in batches:
        if batch > wanted:
            yield failed("ASOF_HEADER_OLD", f"batch {batch} is later than the last link")


def step_8_5(case: Case) -> Iterator[Trouble]:
    """Complete: exactly the leaves 0 to size − 1 are there; absent: the proof is of absence."""
    if case.kind is Kind.ABSENT:
        proof = case.shown(case.as_of_batch).map_proof.need()
        if proof.kind is MapKind.INCLUSION:
            yield failed("MATTER_PRESENT", "the map of the as-of batch has this number")
        # A proof of absence that does not hold says neither.
        case.need_step("6.3")
    elif case.kind is Kind.COMPLETE:
        size = case.as_of_head.size
        there = set(case.evidence.leaves)
        # A hostile size must not be counted up to.
        missing = next((position for position in range(size) if position not in there), None)
        if missing is not None:
            yield failed(
                "RECORDS_MISSING", f"the head has {size} records; leaf {missing} is missing"
            )
        elif len(there) != size:
            yield failed(
                "RECORDS_MISSING", f"the head has {size} records, the package {len(there)}"
            )
        # Leaves that are not the head's own are as many as they like.
        case.need_step("6.5")


def step_8_6(case: Case) -> Iterator[Trouble]:
    """Inputs give `earliest_as_of` and the as-of time is not before it."""
    wanted = case.inputs.earliest_as_of
    if wanted is None:
        yield not_checked("ASOF_NOT_ASKED", "the inputs have no earliest_as_of")
        return
    as_of = moment(case.header.timestamp)
    if as_of < wanted:
        yield not_checked(
            "ASOF_TOO_OLD", f"as of {format_time(as_of)}, asked for {format_time(wanted)} or later"
        )


def step_8_7(case: Case) -> Iterator[Trouble]:
    """As-of time − last anchor ≤ `max_silence_s`."""
    silence = case.header.timestamp - case.last_link.time
    limit = case.policy.limits.max_silence_s
    if silence > limit:
        yield not_checked(
            "LOG_SILENT", f"the log was silent for {silence} s, the limit is {limit} s"
        )


def step_8_8(case: Case) -> Iterator[Trouble]:
    """The as-of header names no successor."""
    successor = case.as_of_batch_header.header.successor
    if successor is not None:
        yield not_checked("LOG_RETIRED", f"the log has retired; {successor} follows it")


def step_8_9(case: Case) -> Iterator[Trouble]:
    """The last anchor is not after `last_good_head`."""
    yield from untrusted_anchors(case)

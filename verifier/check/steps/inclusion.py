"""Steps 6.1 to 6.5: from checkpoint to record (docs/spec/verification.md §3)."""

from collections.abc import Iterator

from verifier.check.case import Case
from verifier.check.rows import Blocked, Trouble, failed
from verifier.format import matter_map, trees
from verifier.format.errors import FormatError
from verifier.format.statement import Kind


def step_6_1(case: Case) -> Iterator[Trouble]:
    """Every shown batch header parses, names its own batch and the log, and none but the last ends it."""
    if not case.evidence.batches:
        raise Blocked("any batch")
    for batch, shown in case.evidence.batches.items():
        part = shown.header
        if part.error is not None:
            yield failed(
                f"HEADER_MISPLACED:{part.error.code}", f"{part.name}: {part.error.message}"
            )
        elif part.value is not None and part.value.header.batch != batch:
            yield failed("HEADER_MISPLACED", f"{part.name} names batch {part.value.header.batch}")
    name = case.log_name
    for shown in case.evidence.batches.values():
        other = shown.header.need().header.log
        if other != name:
            yield failed("HEADER_MISPLACED", f"{shown.header.name} names log {other}, not {name}")
    for batch, shown in case.evidence.batches.items():
        successor = shown.header.need().header.successor
        if successor is not None and batch < case.as_of_batch:
            yield failed(
                "LOG_ENDED_BEFORE",
                f"{shown.header.name} names {successor} as the log that follows, and batch "
                f"{case.as_of_batch} is there",
            )


def step_6_2(case: Case) -> Iterator[Trouble]:
    """Every header is in the batch log at index B under its checkpoint, the first that covers it."""
    for batch, shown in case.evidence.batches.items():
        part = shown.tlog_proof
        # Without a checkpoint the whole file is not read; step 5.1 says so.
        checkpoint = shown.checkpoint.need()
        if part.error is not None:
            yield failed(
                f"BATCH_NOT_INCLUDED:{part.error.code}", f"{part.name}: {part.error.message}"
            )
            continue
        proof = part.need()
        if proof.index != batch:
            yield failed("BATCH_NOT_INCLUDED", f"{part.name} is of index {proof.index}")
            continue
        first = case.first_size_above(batch)
        # A checkpoint that is no link at all is a matter of step 4.9.
        if (checkpoint.size, checkpoint.root) in case.first_link and checkpoint.size != first:
            yield failed(
                "BATCH_NOT_INCLUDED",
                f"{part.name} has a checkpoint of size {checkpoint.size}, "
                f"the first anchor that covers the batch has size {first}",
            )
            continue
        hash_ = shown.header.need().hash
        try:
            trees.check_inclusion(hash_, batch, checkpoint.size, proof.path, checkpoint.root)
        except FormatError as error:
            yield failed("BATCH_NOT_INCLUDED", f"{part.name}: {error}")


def step_6_3(case: Case) -> Iterator[Trouble]:
    """Every map proof parses, names its batch and holds for the key under the map root."""
    for batch, shown in case.evidence.batches.items():
        part = shown.map_proof
        if part.error is not None:
            yield failed(f"MAP_PROOF:{part.error.code}", f"{part.name}: {part.error.message}")
            continue
        proof = part.need()
        if proof.batch != batch:
            yield failed("MAP_PROOF", f"{part.name} names batch {proof.batch}")
        try:
            matter_map.check(proof, case.key, shown.header.need().header.map_root)
        except FormatError as error:
            yield failed("MAP_PROOF", f"{part.name}: {error}")


def step_6_4(case: Case) -> Iterator[Trouble]:
    """Complete and extract: it is an inclusion, its head has the one form."""
    if case.kind is Kind.ABSENT:
        return
    for shown in case.evidence.batches.values():
        proof = shown.map_proof.need()
        if proof.kind is not matter_map.Kind.INCLUSION:
            yield failed("HEAD_FORM", f"{shown.map_proof.name} is of kind {proof.kind.value}")
    for part in case.head_parts.values():
        if part.error is not None:
            yield failed(f"HEAD_FORM:{part.error.code}", f"{part.name}: {part.error.message}")


def step_6_5(case: Case) -> Iterator[Trouble]:
    """Complete: the leaves give the as-of head's root; extract: each leaf's path holds under it."""
    kind = case.kind
    if kind is Kind.COMPLETE:
        root = trees.root(case.all_leaf_hashes)
        if root != case.as_of_head.root:
            yield failed(
                "RECORD_NOT_INCLUDED",
                f"the leaves give root {root.hex()}, the head has {case.as_of_head.root.hex()}",
            )
    elif kind is Kind.EXTRACT:
        yield from _paths_hold(case)


def _paths_hold(case: Case) -> Iterator[Trouble]:
    part = case.evidence.paths
    if part.error is not None:
        yield failed(f"RECORD_NOT_INCLUDED:{part.error.code}", part.error.message)
    inclusion = part.need().inclusion
    head = case.as_of_head
    positions = [one.position for one in inclusion]
    if positions != list(case.leaf_hashes):
        yield failed("RECORD_NOT_INCLUDED", f"{part.name} has not one path for each leaf")
        return
    for one in inclusion:
        hash_ = case.leaf_hashes[one.position]
        try:
            trees.check_inclusion(hash_, one.position, head.size, one.path, head.root)
        except FormatError as error:
            yield failed("RECORD_NOT_INCLUDED", f"leaf {one.position}: {error}")

"""Steps 7.1 to 7.8: one history (docs/spec/verification.md §3)."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from verifier.check.case import Case
from verifier.check.policy import SHOWN
from verifier.check.rows import Blocked, Trouble, failed, not_checked
from verifier.check.steps.checkpoint import signed_by_the_log
from verifier.format import bag, trees
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.heads import Head
from verifier.format.paths import PrefixPath
from verifier.format.statement import Kind


def step_7_1(case: Case) -> Iterator[Trouble]:
    """Link sizes never decrease; equal sizes have equal roots."""
    for index, (before, after) in enumerate(pairwise(case.evm.links), 1):
        if after.size < before.size:
            yield failed("LOG_FORKED", f"link {index} has size {after.size} after {before.size}")
        elif after.size == before.size and after.root != before.root:
            yield failed("LOG_FORKED", f"links {index - 1} and {index} have one size and two roots")


def step_7_2(case: Case) -> Iterator[Trouble]:
    """Consistency proofs join every two adjacent shown checkpoints, exactly these."""
    part = case.evidence.consistency
    if part.error is not None:
        yield failed(f"LOG_FORKED:{part.error.code}", part.error.message)
    proofs = part.need()
    if not case.evidence.batches:
        raise Blocked("any checkpoint")
    roots: dict[int, Digest] = {}
    for batch in case.evidence.batches:
        checkpoint = case.checkpoint(batch)
        if roots.setdefault(checkpoint.size, checkpoint.root) != checkpoint.root:
            yield failed("LOG_FORKED", f"two checkpoints of size {checkpoint.size} differ")
    yield from _joined(bag.CONSISTENCY, proofs, roots)


def _joined(name: str, proofs: Sequence[PrefixPath], roots: dict[int, Digest]) -> Iterator[Trouble]:
    """The proofs are one for every two adjacent sizes of `roots`, and each holds."""
    wanted = list(pairwise(sorted(roots)))
    if [(one.from_size, one.to_size) for one in proofs] != wanted:
        yield failed("LOG_FORKED", f"{name} has not one proof for every two adjacent sizes")
        return
    for one in proofs:
        first, second = roots[one.from_size], roots[one.to_size]
        try:
            trees.check_consistency(one.from_size, first, one.to_size, second, one.path)
        except FormatError as error:
            yield failed("LOG_FORKED", f"{name}, {one.from_size} to {one.to_size}: {error}")


def step_7_3(case: Case) -> Iterator[Trouble]:
    """Sizes of shown heads do not decrease, and each shown head is a prefix of the next."""
    if case.kind is Kind.ABSENT:
        return
    heads = {batch: case.head(batch) for batch in case.evidence.batches}
    for (earlier, before), (later, after) in pairwise(heads.items()):
        if after.size < before.size:
            yield failed(
                "LOG_FORKED",
                f"the matter has {before.size} records in batch {earlier}, "
                f"{after.size} in batch {later}",
            )
    roots: dict[int, Digest] = {}
    for batch, head in heads.items():
        if roots.setdefault(head.size, head.root) != head.root:
            yield failed("LOG_FORKED", f"two heads of size {head.size} differ, one in {batch}")
    if case.kind is Kind.COMPLETE:
        yield from _prefixes_of_leaves(case, heads)
    else:
        yield from _joined(bag.PATHS, case.evidence.paths.need().prefix, roots)


def _prefixes_of_leaves(case: Case, heads: dict[int, Head]) -> Iterator[Trouble]:
    roots = case.roots_at({head.size for head in heads.values()})
    if roots.get(case.as_of_head.size) != case.as_of_head.root:
        # Step 6.5 says so; other leaves than the log's show nothing of its history.
        raise Blocked("the leaves of the as-of head")
    for batch, head in heads.items():
        if head.size in roots and roots[head.size] != head.root:
            yield failed("LOG_FORKED", f"the head in batch {batch} is no prefix of the leaves")


def step_7_4(case: Case) -> Iterator[Trouble]:
    """No checkpoint of the inputs has the size of a shown one or of a link, and another root."""
    others = list(signed_by_the_log(case))
    if not others:
        return
    roots: dict[int, set[Digest]] = {}
    for batch in case.evidence.batches:
        checkpoint = case.checkpoint(batch)
        roots.setdefault(checkpoint.size, set()).add(checkpoint.root)
    for link in case.evm.links:
        roots.setdefault(link.size, set()).add(link.root)
    for name, other in others:
        for root in sorted(roots.get(other.size, set()) - {other.root}):
            yield failed(
                "LOG_FORKED",
                f"the log signed root {other.root.hex()} for size {other.size} in {name}, "
                f"the package has {root.hex()}",
            )


def step_7_8(case: Case) -> Iterator[Trouble]:
    """The policy asks for `shown`; this version builds no full history."""
    if case.policy.limits.history != SHOWN:
        yield not_checked("HISTORY_SHOWN_ONLY", "the policy asks for the full history")

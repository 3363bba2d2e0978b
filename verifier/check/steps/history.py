"""Steps 7.1 to 7.9: one history (docs/spec/verification.md §3)."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from verifier.check.case import Case
from verifier.check.policy import SHOWN
from verifier.check.rows import Blocked, Trouble, failed, not_checked
from verifier.check.steps.checkpoint import signed_by_the_log
from verifier.check.steps.integrity import unread
from verifier.format import bag, heads, matter_map, trees
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
    # package.md §3: the checkpoints of hand-overs count as shown.
    for hand_over in case.evidence.hand_overs.values():
        checkpoint = hand_over.checkpoint.need()
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
    elif not case.history_is_full:
        # With a full history the proofs join all of its heads; step 7.7 reads them.
        yield from _joined(bag.PATHS, case.evidence.paths.need().prefix, roots)


def _prefixes_of_leaves(case: Case, heads: Mapping[int, Head]) -> Iterator[Trouble]:
    roots = case.roots_at({head.size for head in heads.values()})
    if roots.get(case.as_of_head.size) != case.as_of_head.root:
        # Step 6.5 says so; other leaves than the log's show nothing of its history.
        raise Blocked("the leaves of the as-of head")
    for batch, head in heads.items():
        if head.size in roots and roots[head.size] != head.root:
            yield failed("LOG_FORKED", f"the head in batch {batch} is no prefix of the leaves")


def step_7_4(case: Case) -> Iterator[Trouble]:
    """No checkpoint of the inputs has the size of a shown one, a link or a header, and another root."""
    others = list(signed_by_the_log(case))
    if not others:
        return
    roots: dict[int, set[Digest]] = {}
    for batch in case.evidence.batches:
        checkpoint = case.checkpoint(batch)
        roots.setdefault(checkpoint.size, set()).add(checkpoint.root)
    for link in case.evm.links:
        roots.setdefault(link.size, set()).add(link.root)
    if case.history_is_full:
        for size, root in case.history_roots({other.size for _, other in others}).items():
            roots.setdefault(size, set()).add(root)
    # Whoever took the keys signs a second root for any size that there is.
    if case.trust.need_pin().last_good_head is None:
        trouble, code = failed, "LOG_FORKED"
    else:
        trouble, code = not_checked, "KEYS_COMPROMISED"
    for name, other in others:
        for root in sorted(roots.get(other.size, set()) - {other.root}):
            yield trouble(
                code,
                f"the log signed root {other.root.hex()} for size {other.size} in {name}, "
                f"the package has {root.hex()}",
            )


def step_7_5(case: Case) -> Iterator[Trouble]:
    """Full history: the headers 0 to the as-of batch are the log's, and hand its keys on."""
    if not case.history_is_full:
        return
    yield from unread(case.evidence.history_headers, "HISTORY_HEADERS")
    name, headers = bag.HISTORY_HEADERS, case.history_headers
    wanted = case.as_of_batch + 1
    if len(headers) != wanted:
        yield failed("HISTORY_HEADERS", f"{name} has {len(headers)} headers, wanted {wanted}")
    log = case.log_name
    for batch, one in enumerate(headers):
        if (one.header.batch, one.header.log) != (batch, log):
            yield failed(
                "HISTORY_HEADERS",
                f"{name}, line {batch + 1}: names batch {one.header.batch} of {one.header.log}",
            )
    for batch, one in enumerate(headers[:-1]):
        if one.header.successor is not None:
            yield failed(
                "HISTORY_HEADERS", f"{name}: batches follow batch {batch}, which ends the log"
            )
    for batch, shown in case.evidence.batches.items():
        if batch >= len(headers) or headers[batch].hash != shown.header.need().hash:
            yield failed("HISTORY_HEADERS", f"{name} has another header of shown batch {batch}")
    root = trees.root([one.hash for one in headers])
    checkpoint = case.shown(case.as_of_batch).checkpoint.need()
    if root != checkpoint.root:
        yield failed(
            "HISTORY_HEADERS",
            f"{name} gives root {root.hex()}, the as-of checkpoint has {checkpoint.root.hex()}",
        )
    for batch, (before, after) in enumerate(pairwise(headers), 1):
        if after.header.keys not in (before.header.keys, before.header.next_keys):
            yield failed(
                "KEYS_NOT_COMMITTED",
                f"batch {batch} has key set {after.header.keys.hex()}, which batch {batch - 1} "
                "neither has nor names as the next",
            )


def step_7_6(case: Case) -> Iterator[Trouble]:
    """Full history: each map proof parses, names its batch, and holds under that header's root."""
    if not case.history_is_full:
        return
    yield from unread(case.evidence.history_proofs, "HISTORY_MAP")
    name, proofs, headers = bag.HISTORY_MAP, case.history_proofs, case.history_headers
    if len(proofs) != len(headers):
        yield failed("HISTORY_MAP", f"{name} has {len(proofs)} proofs for {len(headers)} headers")
    log, key = case.log_name, case.key
    for batch, (proof, one) in enumerate(zip(proofs, headers, strict=False)):
        if proof.batch != batch:
            yield failed("HISTORY_MAP", f"{name}, line {batch + 1}: names batch {proof.batch}")
        try:
            matter_map.check(proof, key, one.header.map_root)
            if proof.head is not None:
                heads.parse_head(proof.head, log, key)
        except FormatError as error:
            yield failed("HISTORY_MAP", f"{name}, line {batch + 1}: {error}")


def step_7_7(case: Case) -> Iterator[Trouble]:
    """Full history: nothing goes away; every head is a prefix of the next, the last the as-of's."""
    if not case.history_is_full:
        return
    known: dict[int, Head] = {}
    last: Head | None = None
    for batch, head in enumerate(case.history_heads):
        if last is not None and (head is None or head.size < last.size):
            held = "none" if head is None else head.size
            yield failed(
                "LOG_FORKED",
                f"the matter has {last.size} records in batch {batch - 1}, {held} in batch {batch}",
            )
        last = head
        if head is not None:
            known[batch] = head
    if case.kind is Kind.ABSENT:
        return
    if last != case.as_of_head:
        yield failed("LOG_FORKED", "the last head of the history is not the as-of head")
    roots: dict[int, Digest] = {}
    for batch, head in known.items():
        if roots.setdefault(head.size, head.root) != head.root:
            yield failed("LOG_FORKED", f"two heads of size {head.size} differ, one in {batch}")
    if case.kind is Kind.COMPLETE:
        yield from _prefixes_of_leaves(case, known)
    else:
        yield from _joined(bag.PATHS, case.evidence.paths.need().prefix, roots)


def step_7_8(case: Case) -> Iterator[Trouble]:
    """The policy asks for `shown`, or the history is full."""
    if case.policy.limits.history != SHOWN and not case.history_is_full:
        yield not_checked("HISTORY_SHOWN_ONLY", "the policy asks for the full history")


def step_7_9(case: Case) -> Iterator[Trouble]:
    """Full history: every link has the root of as many headers as its size says."""
    if not case.history_is_full:
        return
    # Headers that are not the log's say nothing of what it anchored.
    case.need_step("7.5")
    roots = case.history_roots({link.size for link in case.evm.links})
    for index, link in enumerate(case.evm.links):
        root = roots.get(link.size)
        if root is not None and root != link.root:
            yield failed(
                "LOG_FORKED",
                f"link {index} of size {link.size} has root {link.root.hex()}, the first "
                f"{link.size} headers have {root.hex()}",
            )

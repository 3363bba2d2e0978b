"""Steps 10.1 to 10.4: not before which block a batch was sealed (docs/spec/verification.md §3)."""

from collections.abc import Iterator

from verifier.check.case import Case
from verifier.check.rows import Blocked, Trouble, failed, not_checked
from verifier.check.steps.finality import different, disputed
from verifier.format.batches import NotBefore


def _named(case: Case) -> Iterator[tuple[int, NotBefore]]:
    """Batch and `not_before` of every shown header that has one."""
    if not case.evidence.batches:
        raise Blocked("any batch")
    for batch in case.evidence.batches:
        block = case.batch_header(batch).header.not_before
        if block is not None:
            yield batch, block


def step_10_1(case: Case) -> Iterator[Trouble]:
    """Every shown header has a `not_before`."""
    if not case.evidence.batches:
        raise Blocked("any batch")
    for batch in case.evidence.batches:
        if case.batch_header(batch).header.not_before is None:
            yield not_checked("NOT_BEFORE_MISSING", f"the header of batch {batch} names no block")


def step_10_2(case: Case) -> Iterator[Trouble]:
    """`evm.json` carries its header: hash and number are as stated, on the chain of the log."""
    carried = {}
    for part in case.not_before_headers:
        if part.error is not None:
            yield failed("NOT_BEFORE_MISMATCH", f"{part.name}: {part.error}")
        elif part.value is not None:
            carried[part.value.hash] = part.value
    used = set()
    for batch, block in _named(case):
        used.add(block.hash)
        header = carried.get(block.hash)
        if header is None:
            yield failed(
                "NOT_BEFORE_MISMATCH",
                f"batch {batch}: evm.json has no header with hash 0x{block.hash.hex()}",
            )
        elif header.number != block.number:
            yield failed(
                "NOT_BEFORE_MISMATCH",
                f"batch {batch}: the header has number {header.number}, stated is {block.number}",
            )
        if block.chain_id != case.evm.chain_id:
            yield failed(
                "NOT_BEFORE_MISMATCH",
                f"batch {batch} names chain {block.chain_id}, the log is on {case.evm.chain_id}",
            )
    numbers = [header.number for header in carried.values()]
    if numbers != sorted(numbers) or len(carried) != len(case.not_before_headers):
        yield failed("NOT_BEFORE_MISMATCH", "the headers are not one each, by number ascending")
    for hash_ in carried:
        if hash_ not in used:
            yield failed("NOT_BEFORE_MISMATCH", f"no shown batch names block 0x{hash_.hex()}")


def step_10_3(case: Case) -> Iterator[Trouble]:
    """Some source gives a hash for it that counts, and none gives another."""
    for _, block in _named(case):
        standing = case.standing(block.chain_id, block.number, block.hash)
        if standing.too_low:
            yield not_checked(
                "NOT_BEFORE_UNCONFIRMED", f"compare with a source of your own: {standing.words()}"
            )
        yield from different(standing)
        yield from disputed(standing)


def step_10_4(case: Case) -> Iterator[Trouble]:
    """It is not after the anchor by which its batch is shown, nor above the as-of block."""
    headers = {part.value.hash: part.value for part in case.not_before_headers if part.value}
    for batch, block in _named(case):
        header = headers.get(block.hash)
        if header is None:
            raise Blocked(f"the header of block {block.number}")
        anchored = case.evm.links[case.link_of(batch)].time
        if header.timestamp > anchored:
            yield failed(
                "NOT_BEFORE_LATE",
                f"batch {batch} names a block of time {header.timestamp}, anchored at {anchored}",
            )
        if header.number > case.header.number:
            yield failed(
                "NOT_BEFORE_LATE",
                f"batch {batch} names block {header.number}, as of block {case.header.number}",
            )

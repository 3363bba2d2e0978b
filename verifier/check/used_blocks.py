"""Owns which blocks a package uses, and which of them a person is asked to confirm (verification.md §4).

Proved by tests/hostile/attacks/asked.py.
"""

from contextlib import suppress
from typing import NamedTuple

from verifier.check.blocks import BlockId
from verifier.check.case import Case
from verifier.check.rows import Blocked
from verifier.format.errors import FormatError


class UsedBlock(NamedTuple):
    """A header with its use, in the statement's words (package.md §4). Sorts by number."""

    number: int
    use: str
    chain_id: int
    hash: bytes


def not_before_blocks(case: Case) -> list[tuple[int, int, bytes]]:
    """Chain id, number and hash of what the shown headers that can be read name."""
    found = set()
    for shown in case.evidence.batches.values():
        part = shown.header.value
        if part is not None and part.header.not_before is not None:
            block = part.header.not_before
            found.add((block.chain_id, block.number, bytes(block.hash)))
    return sorted(found)


def used_blocks(case: Case) -> list[UsedBlock]:
    """Every header that the package uses and that can be read, by number, then use."""
    found = {
        UsedBlock(number, "not-before", chain_id, hash_)
        for chain_id, number, hash_ in not_before_blocks(case)
    }
    with suppress(Blocked, FormatError):
        found |= {
            UsedBlock(number, "event", chain_id, bytes(hash_))
            for chain_id, number, hash_ in case.event_blocks
        }
    document = case.document.value
    if document is not None:
        read = [("leg", part.value) for part in case.leg_headers]
        # By an unknown hash rule nothing is known of the as-of block.
        if case.hash_rule_known:
            read.append(("as-of", case.header_part.value))
        found |= {
            UsedBlock(header.number, use, document.chain_id, bytes(header.hash))
            for use, header in read
            if header is not None
        }
    return sorted(found)


def blocks_to_ask(case: Case) -> list[BlockId]:
    """Each of them once, what most rests on first, since time to ask may run out."""
    uses = ("as-of", "not-before", "event", "leg")
    by_weight = sorted(used_blocks(case), key=lambda one: uses.index(one.use))
    return list(dict.fromkeys(BlockId(one.chain_id, one.number) for one in by_weight))

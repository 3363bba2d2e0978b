"""Steps 9.1 and 9.2: the one block hash that all rests on (docs/spec/verification.md §3)."""

from collections.abc import Iterator

from verifier.check.case import Case
from verifier.check.rows import Trouble, failed, not_checked


def step_9_1(case: Case) -> Iterator[Trouble]:
    """Inputs list a hash for the as-of block's chain id and number."""
    chain_id, header = case.evm.chain_id, case.header
    if (chain_id, header.number) not in case.inputs.blocks:
        yield not_checked(
            "LEVEL_0",
            f"compare with a source of your own: chain {chain_id} block {header.number} "
            f"0x{header.hash.hex()}",
        )


def step_9_2(case: Case) -> Iterator[Trouble]:
    """It is the hash of the as-of header; where inputs list one for a leg's block, it is the leg's.

    A leg's block needs no confirmation, but a contradiction is never passed over.
    """
    chain_id = case.evm.chain_id
    legs = [part.value for part in case.leg_headers if part.value is not None]
    for header in (case.header, *legs):
        supplied = case.inputs.blocks.get((chain_id, header.number))
        if supplied is not None and supplied != header.hash:
            yield failed(
                "BLOCK_HASH_DIFFERENT",
                f"chain {chain_id} block {header.number}: the inputs have 0x{supplied.hex()}, "
                f"the package 0x{header.hash.hex()}",
            )

"""Steps 9.1 to 9.4: the one block hash that all rests on (docs/spec/verification.md §3, §4)."""

from collections.abc import Iterator

from verifier.check.blocks import Standing
from verifier.check.chain_proof import ProofCase
from verifier.check.rows import Trouble, failed, not_checked


def different(standing: Standing) -> Iterator[Trouble]:
    """Trouble if the person's own hash of a block is another one than the header's."""
    if standing.own_differs is not None:
        yield failed("BLOCK_HASH_DIFFERENT", standing.words())


def disputed(standing: Standing) -> Iterator[Trouble]:
    """Trouble if anybody else gives another hash: he convicts nobody, and is not passed over."""
    if standing.disputed:
        yield not_checked("BLOCK_DISPUTED", standing.words())


def step_9_1(case: ProofCase) -> Iterator[Trouble]:
    """Some source gives a hash for the as-of block that counts."""
    standing = case.as_of_standing
    if standing.too_low and standing.confirmed:
        yield not_checked("LEVEL_BELOW_POLICY", standing.words())
    elif standing.too_low:
        yield not_checked("LEVEL_0", f"compare with a source of your own: {standing.words()}")


def _as_of_and_legs(case: ProofCase) -> Iterator[Standing]:
    # A leg's block needs no confirmation, but a contradiction is never passed over.
    yield case.as_of_standing
    for part in case.leg_headers:
        if part.value is not None:
            yield case.standing(case.evm.chain_id, part.value.number, part.value.hash)


def step_9_2(case: ProofCase) -> Iterator[Trouble]:
    """The person's own hash of the as-of block, and of a leg's, is the header's."""
    for standing in _as_of_and_legs(case):
        yield from different(standing)


def step_9_3(case: ProofCase) -> Iterator[Trouble]:
    """Nobody else gives another hash for the as-of block or a leg's."""
    for standing in _as_of_and_legs(case):
        yield from disputed(standing)


# What a signed list lacks, by the code of the format error; any other one is one of form.
_OF_SIGNATURE = {
    "NOTE_KEY_UNKNOWN": "BLOCK_LIST_NOT_PINNED",
    "NOTE_SIGNATURE": "BLOCK_LIST_SIGNATURE",
    "NOTE_SIGNATURE_NOT_CANONICAL": "BLOCK_LIST_SIGNATURE",
}


def step_9_4(case: ProofCase) -> Iterator[Trouble]:
    """Each signed list of the inputs parses, and a key that the policy pins signed it well."""
    for part in case.signed_lists:
        if part.error is not None:
            code = _OF_SIGNATURE.get(part.error.code, f"BLOCK_LIST_FORM:{part.error.code}")
            yield not_checked(code, f"{part.name}: {part.error.message}")

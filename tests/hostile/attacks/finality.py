"""Attacks on what is known of the as-of block: steps 9.1 and 9.2.

The person's own list of blocks is honest, and it is all that she has.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.hostile.attacks.chain import evm_changed, with_evm
from tests.hostile.attacks.legs import FIRST_LEG
from tests.hostile.case import Case, attack, case, honest
from tests.hostile.persons import Toml
from tests.hostile.world import World

# ---------------------------------------------------------------------- 9 finality


@attack(finality="9.1 NOT CHECKED LEVEL_0")
def as_of_block_that_nobody_confirmed() -> Case:
    """The person has every block's hash but the as-of block's."""
    return without_blocks(lambda block: block["number"] == honest().chain.tip.number)


@attack(finality="9.1 NOT CHECKED LEVEL_0")
def as_of_block_confirmed_for_another_chain() -> Case:
    """The person has the right number and hash, under another chain id."""
    inputs = honest().inputs()
    tip = inputs["block"].pop()
    inputs["block"].append(tip | {"chain_id": 1})
    return case(honest().complete(), inputs=inputs)


@attack(finality="9.1 NOT CHECKED LEVEL_0", time="10.3 NOT CHECKED NOT_BEFORE_UNCONFIRMED")
def no_block_confirmed() -> Case:
    """The person has no block hash at all."""
    return without_blocks(lambda block: True)


@attack(finality="9.1 NOT CHECKED LEVEL_0", time="10.3 NOT CHECKED NOT_BEFORE_UNCONFIRMED")
def forged_quorum_in_the_package() -> Case:
    """The package says that three endpoints agreed on its block; the person has no hash."""
    inputs = honest().inputs() | {"block": []}
    said = [
        f"https://{name}.example confirms block 12 finalized" for name in ("one", "two", "three")
    ]
    package = evm_changed(honest().complete(), lambda evm: evm.update(observed=said))
    return case(package.restated(), inputs=inputs)


@attack()
def words_of_endpoints_in_the_package() -> Case:
    """What endpoints said when packing changes nothing for a person with hashes of her own."""
    return with_evm(lambda evm: evm.update(observed=["https://one.example: block 12 unknown"]))


@attack(finality="9.1 NOT CHECKED LEVEL_0", time="10.3 NOT CHECKED NOT_BEFORE_UNCONFIRMED")
def level_0_with_nothing_required() -> Case:
    """The policy requires nothing beyond the floor, which holds all the same."""
    policy = honest().policy()
    policy["required"]["complete"] = []
    inputs = honest().inputs() | {"block": []}
    return case(honest().complete(), policy=policy, inputs=inputs)


def without_blocks(drop: Callable[[Toml], bool]) -> Case:
    inputs = honest().inputs()
    inputs["block"] = [block for block in inputs["block"] if not drop(block)]
    return case(honest().complete(), inputs=inputs)


@attack(finality="9.2 FAIL BLOCK_HASH_DIFFERENT")
def as_of_block_with_another_hash() -> Case:
    """The person's source gives another hash for the as-of block."""
    inputs = honest().inputs()
    inputs["block"][-1]["hash"] = "0x" + "ab" * 32
    return case(honest().complete(), inputs=inputs)


@attack(finality="9.2 FAIL BLOCK_HASH_DIFFERENT")
def forged_history_on_a_private_chain() -> Case:
    """The service builds a chain of its own with another case; all but the block hash holds."""
    forged = World.told(extra_data=b"private")
    inputs = honest().inputs()
    # What bounds the sealing is forged as well, but for the as-of block the person asked a source.
    inputs["block"] = [*forged.inputs()["block"][:-1], inputs["block"][-1]]
    return case(forged.complete(), forged, inputs=inputs)


@attack(finality="9.2 FAIL BLOCK_HASH_DIFFERENT")
def leg_in_a_block_with_another_hash() -> Case:
    """The person's source gives another hash for the block of a leg."""
    number = honest().log.anchors[FIRST_LEG].block.number
    inputs = honest().inputs()
    for block in inputs["block"]:
        if block["number"] == number:
            block["hash"] = "0x" + "ef" * 32
    return case(honest().complete(), inputs=inputs)


@attack()
def leg_in_a_block_that_nobody_confirmed() -> Case:
    """A leg's block needs no confirmation: the dates rest on the as-of block alone."""
    numbers = {honest().log.anchors[FIRST_LEG].block.number, honest().log.anchors[-1].block.number}
    return without_blocks(lambda block: block["number"] in numbers)

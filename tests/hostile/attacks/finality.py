"""Attacks on what is known of blocks: steps 9.1 to 9.4 and 10.3."""

from __future__ import annotations

from collections.abc import Callable

from tests.hostile.attacks.chain import evm_changed, with_evm
from tests.hostile.attacks.legs import FIRST_LEG
from tests.hostile.case import Case, attack, case, honest
from tests.hostile.log import Key, signed_note
from tests.hostile.persons import Toml
from tests.hostile.world import World
from verifier.format.digests import b64_encode

WRONG = "0x" + "ab" * 32

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
    inputs["block"][-1]["hash"] = WRONG
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


# ---------------------------------------------------------------------- lists of block hashes

PUBLISHER = Key("blocks.example", b"\x21" * 32)


def block_list(
    *, other: int | None = None, name: str = PUBLISHER.name, key: Key = PUBLISHER
) -> bytes:
    """A list of every block of the honest chain, signed; that of block `other` is wrong."""
    lines = ["notary-blocks/1", name]
    for block in honest().inputs()["block"]:
        hash_ = WRONG if block["number"] == other else block["hash"]
        lines.append(f"{block['chain_id']}:{block['number']}:{hash_}")
    return signed("".join(f"{line}\n" for line in lines), key)


def signed(text: str, *keys: Key) -> bytes:
    return signed_note(text, *keys).encode()


def pinned(**members: object) -> Toml:
    """A policy that pins the publisher's key for the log's chain."""
    pin = {
        "name": PUBLISHER.name,
        "vkey": PUBLISHER.vkey,
        "chain_id": honest().chain.chain_id,
        "origin": "their web site",
    }
    return honest().policy() | {"block_list": [pin | members]}


def with_list(content: bytes, policy: Toml | None = None, *, own: bool = False) -> Case:
    """A person who has a list, and with `own` hashes of her own as well."""
    inputs = honest().inputs() | {"blocks": ["list.txt"]}
    if not own:
        del inputs["block"]
    files = {"list.txt": content}
    return case(honest().complete(), policy=policy or pinned(), inputs=inputs, receipts=files)


OF_LIST = "9.4 NOT CHECKED BLOCK_LIST_FORM"
UNCONFIRMED = "10.3 NOT CHECKED NOT_BEFORE_UNCONFIRMED"


@attack()
def signed_list_alone() -> Case:
    """A list by a key that the policy pins gives every hash: level 1."""
    return with_list(block_list())


@attack()
def own_hashes_as_lines() -> Case:
    """The person's own hashes come as lines without a signature."""
    blocks = honest().inputs()["block"]
    lines = [f"{one['chain_id']}:{one['number']}:{one['hash']}\r\n" for one in blocks]
    return with_list("".join(lines).encode(), honest().policy())


@attack(finality="9.1 NOT CHECKED LEVEL_0", time=UNCONFIRMED)
def signed_list_that_nobody_pins() -> Case:
    """The sender encloses a signed list of his own; the policy pins no such key."""
    return with_list(block_list(), honest().policy())


@attack(finality="9.4 NOT CHECKED BLOCK_LIST_NOT_PINNED")
def signed_list_that_nobody_pins_beside_own_hashes() -> Case:
    """The person has all hashes of her own; a list that counts for nothing is not passed over."""
    return with_list(block_list(), honest().policy(), own=True)


@attack(finality="9.4 NOT CHECKED BLOCK_LIST_NOT_PINNED")
def signed_list_under_a_pinned_name_by_a_stranger() -> Case:
    """The list bears the pinned name, and the signature of another key of that name."""
    return with_list(block_list(key=Key("blocks.example", b"\x22" * 32)), own=True)


@attack(finality="9.4 NOT CHECKED BLOCK_LIST_NOT_PINNED")
def signed_list_under_another_name() -> Case:
    """The pinned key signed a list of another name, which the policy doesn't pin."""
    return with_list(block_list(name="other.example"), own=True)


@attack(finality="9.4 NOT CHECKED BLOCK_LIST_SIGNATURE")
def signed_list_changed_after_signing() -> Case:
    """One line of a pinned list was changed, to the hash that the package needs."""
    honest_hash = honest().inputs()["block"][-1]["hash"].encode()
    changed = block_list(other=12).replace(WRONG.encode(), honest_hash)
    return with_list(changed, own=True)


@attack(finality="9.1 NOT CHECKED LEVEL_0", time=UNCONFIRMED)
def signed_list_pinned_for_another_chain() -> Case:
    """The policy pins the key for another chain; its word counts nothing for this one."""
    other = honest().policy()["chain"][0] | {"id": 1, "name": "another chain"}
    policy = pinned(chain_id=1)
    return with_list(block_list(), policy | {"chain": [*policy["chain"], other]})


@attack(finality=f"{OF_LIST}:NOTE_FORM")
def signed_list_without_its_signature() -> Case:
    """The signature lines are cut off, so that the list might pass as the person's own."""
    return with_list(block_list().partition(b"\n\n")[0] + b"\n", own=True)


@attack(finality=f"{OF_LIST}:BLOCK_CONFLICT")
def signed_list_with_two_hashes_for_a_block() -> Case:
    """A pinned list gives one block two hashes, so that one of them suits whatever comes."""
    text = block_list().decode().partition("\n\n")[0] + "\n"
    return with_list(signed(f"{text}31337:12:{WRONG}\n", PUBLISHER), own=True)


@attack(finality=f"{OF_LIST}:BLOCK_LIST_LINES")
def signed_list_of_nothing() -> Case:
    """A pinned list has no line."""
    return with_list(signed("notary-blocks/1\nblocks.example\n", PUBLISHER), own=True)


@attack(finality="9.3 NOT CHECKED BLOCK_DISPUTED")
def pinned_list_gives_another_as_of_block() -> Case:
    """The person's own hash is the header's; a list that she pins gives another."""
    return with_list(block_list(other=12), own=True)


@attack(finality="9.3 NOT CHECKED BLOCK_DISPUTED")
def pinned_list_alone_gives_another_as_of_block() -> Case:
    """All that the person has is a list, and it gives another hash: its word convicts nobody."""
    return with_list(block_list(other=12))


@attack(finality="9.3 NOT CHECKED BLOCK_DISPUTED")
def pinned_list_gives_another_block_of_a_leg() -> Case:
    """A leg's block needs no confirmation, and another hash for it is not passed over."""
    number = honest().log.anchors[FIRST_LEG].block.number
    return with_list(block_list(other=number))


@attack(time="10.3 NOT CHECKED BLOCK_DISPUTED")
def pinned_list_gives_another_block_before_a_sealing() -> Case:
    """A list gives another hash for a block after which a batch was sealed."""
    return with_list(block_list(other=not_before()), own=True)


@attack(finality="9.2 FAIL BLOCK_HASH_DIFFERENT", verdict="INVALID")
def own_hash_against_a_pinned_list() -> Case:
    """The person's own hash is another one than the header's; a pinned list agrees with the header."""
    made = with_list(block_list(), own=True)
    assert isinstance(made.inputs, dict)
    made.inputs["block"][-1]["hash"] = WRONG
    return made


def not_before() -> int:
    """The number of a block that a shown batch names and no leg stands in."""
    evm = honest().complete().json("data/anchors/evm.json")
    legs = {leg["header"] for leg in evm["legs"]}
    named = [header for header in evm["not_before"] if header not in legs]
    return next(b.number for b in honest().chain.blocks if b64_encode(b.header) == named[0])

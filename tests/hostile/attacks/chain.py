"""Attacks on the chain proof: steps 4.1 to 4.9 and 4.11.

Where a block is damaged inside the world, the person's own list of blocks agrees with the damaged
chain: what must catch the attack is the check under test, not the block hash. Attacks in which the
person's list is honest say so by the row `finality`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import rlp
from eth_utils.crypto import keccak

from tests.hostile.case import Case, attack, case, damaged, honest
from tests.hostile.chain import Call, Chain, Sender, encode_rlp
from tests.hostile.damage import Change
from tests.hostile.export import as_of_proof, b64s, consistency_proofs, tlog_proof
from tests.hostile.log import Log, Secrets, anchor_call
from tests.hostile.package import CONSISTENCY, EVM, Package, proof_path
from tests.hostile.persons import Toml
from tests.hostile.world import CODE_HASH, HOUR, STRANGERS_CALL, World
from verifier.format import trees
from verifier.format.digests import b64_decode, b64_encode
from verifier.format.times import format_block_time

OTHER_CONTRACT = b"\xc0\xde" * 10


def with_evm(change: Callable[[dict[str, Any]], object], package: Package | None = None) -> Case:
    """The honest package with another evm.json; statement, README and manifests follow."""
    return case(evm_changed(package or honest().complete(), change).restated())


def evm_changed(package: Package, change: Callable[[dict[str, Any]], object]) -> Package:
    document = package.json(EVM)
    change(document)
    return package.put_json(EVM, document)


def blocks_of(package: Package) -> list[Toml]:
    """The block list of a person who believes what the package's statement says."""
    blocks = package.json("data/statement.json")["blocks"]
    return [{k: block[k] for k in ("chain_id", "number", "hash")} for block in blocks]


def believed(package: Package, world: World | None = None) -> Case:
    """A person who takes the block hashes that the package shows for true."""
    told = world or honest()
    inputs = told.inputs() | {"block": blocks_of(package)}
    return case(package, told, inputs=inputs)


# ---------------------------------------------------------------------- 4.1 the document


@attack(anchor="4.1 FAIL EVM_FORM:MEMBER_UNKNOWN", blocked="2.5 5.1 6.1 7.1 8.3 9.1 10.2 11.1")
def evm_with_unknown_member() -> Case:
    """evm.json has a member that the format doesn't list."""
    return with_evm(lambda evm: evm.update(network="mainnet"))


@attack(anchor="4.1 FAIL EVM_FORM:MEMBER_MISSING", blocked="2.5 5.1 6.1 7.1 8.3 9.1 10.2 11.1")
def evm_without_observed() -> Case:
    """evm.json lacks a member."""
    return with_evm(lambda evm: evm.pop("observed"))


@attack(anchor="4.1 FAIL EVM_FORM:EVM_NO_LINK", blocked="2.5 5.1 6.1 7.1 8.3 9.1 10.2 11.1")
def evm_without_links() -> Case:
    """There is no link, so nothing says what the slot holds."""
    package = evm_changed(honest().complete(), lambda evm: evm["fold"].update(links=[]))
    return case(package.sealed())


@attack(anchor="4.1 FAIL EVM_FORM:MEMBER_FORM", blocked="2.5 5.1 6.1 7.1 8.3 9.1 10.2 11.1")
def evm_with_upper_case_address() -> Case:
    """The contract's address has a second spelling."""
    package = honest().complete()
    return case(
        evm_changed(package, lambda evm: evm.update(contract=evm["contract"].upper())).sealed()
    )


def base64_of_a_node(change: Callable[[str], str]) -> Case:
    """The honest package with the first padded node of the account proof written otherwise."""

    def write(evm: dict[str, Any]) -> None:
        nodes = evm["as_of"]["account_proof"]
        at = next(i for i, node in enumerate(nodes) if node.endswith("="))
        nodes[at] = change(nodes[at])

    return with_evm(write)


BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@attack(anchor="4.1 FAIL EVM_FORM:MEMBER_FORM", blocked="2.5 5.1 6.1 7.1 8.3 9.1 10.2 11.1")
def evm_with_tail_bits() -> Case:
    """An unused bit before the padding is set: another text for the same node."""

    def set_bit(text: str) -> str:
        bare = text.rstrip("=")
        return bare[:-1] + BASE64[BASE64.index(bare[-1]) | 1] + text[len(bare) :]

    return base64_of_a_node(set_bit)


@attack(anchor="4.1 FAIL EVM_FORM:MEMBER_FORM", blocked="2.5 5.1 6.1 7.1 8.3 9.1 10.2 11.1")
def evm_with_a_stray_character() -> Case:
    """A line end stands inside the base64, as mail programs put it and lax readers skip it."""
    return base64_of_a_node(lambda text: text[:64] + "\n" + text[64:])


@attack(anchor="4.1 FAIL EVM_FORM:MEMBER_FORM", blocked="2.5 5.1 6.1 7.1 8.3 9.1 10.2 11.1")
def evm_without_padding() -> Case:
    """The padding is left out."""
    return base64_of_a_node(lambda text: text.rstrip("="))


@attack(anchor="4.1 FAIL EVM_FORM:MEMBER_FORM", blocked="2.5 5.1 6.1 7.1 8.3 9.1 10.2 11.1")
def evm_with_too_much_padding() -> Case:
    """Four characters of padding follow the text."""
    return base64_of_a_node(lambda text: text + "====")


@attack(anchor="4.1 FAIL EVM_FORM:MEMBER_FORM", blocked="2.5 5.1 6.1 7.1 8.3 9.1 10.2 11.1")
def evm_in_the_other_alphabet() -> Case:
    """The characters 62 and 63 are those of base64url."""
    return base64_of_a_node(lambda text: text.replace("+", "-").replace("/", "_"))


@attack(anchor="4.1 FAIL EVM_FORM:MEMBER_FORM", blocked="2.5 5.1 6.1 7.1 8.3 9.1 10.2 11.1")
def evm_in_hex() -> Case:
    """A node is written as hex after 0x, as nodes print it."""
    return base64_of_a_node(lambda text: "0x" + b64_decode(text).hex())


@attack(anchor="4.1 FAIL EVM_FORM:EVM_LEG_ORDER", blocked="2.5 5.1 6.1 7.1 8.3 9.1 10.2 11.1")
def evm_with_legs_out_of_order() -> Case:
    """The leg of the last anchor comes first."""
    return with_evm(lambda evm: evm["legs"].reverse())


@attack(anchor="4.1 FAIL EVM_FORM:EVM_LEG_ORDER", blocked="2.5 5.1 6.1 7.1 8.3 9.1 10.2 11.1")
def evm_with_one_leg_twice() -> Case:
    """One leg stands twice."""
    return with_evm(lambda evm: evm["legs"].insert(0, evm["legs"][0]))


@attack(anchor="4.1 FAIL EVM_FORM:JSON_INTEGER", blocked="2.5 5.1 6.1 7.1 8.3 9.1 10.2 11.1")
def evm_with_fraction() -> Case:
    """The chain id is written as 31337.0."""
    package = honest().complete()
    content = package[EVM].replace(b'"chain_id":31337,', b'"chain_id":31337.0,')
    return case(package.put(EVM, content).sealed())


# ---------------------------------------------------------------------- 4.2 whose log


def other_world(**options: Any) -> Case:
    """The case in another world, which uses the honest log's numbers, shown to our person."""
    world = World(**options)
    world.log.numbered_by = honest().log
    return seen_by_our_person(world.tell())


def seen_by_our_person(world: World) -> Case:
    """She pins the honest log and knows the blocks of the chain that the other world is on."""
    inputs = honest().inputs() | {"block": world.inputs()["block"]}
    return case(world.complete(), policy=honest().policy(), inputs=inputs)


@attack(
    anchor="4.2 NOT CHECKED LOG_NOT_PINNED",
    completeness="8.3 FAIL MATTER_OF_OTHER_LOG",
    blocked="5.1",
)
def second_log_of_the_same_name() -> Case:
    """Another account anchors a log of the same name, with another history of the same number."""
    return other_world(seed="second log")


@attack(
    anchor="4.2 NOT CHECKED LOG_NOT_PINNED", completeness="8.2 FAIL MATTER_DIFFERS", blocked="5.1"
)
def second_log_with_its_own_number() -> Case:
    """Another account's log, with the number that the matter has there."""
    return seen_by_our_person(World.told(seed="second log"))


@attack(
    anchor="4.2 NOT CHECKED LOG_NOT_PINNED",
    completeness="8.3 FAIL MATTER_OF_OTHER_LOG",
    blocked="5.1",
)
def second_contract() -> Case:
    """The same account anchors the same log through a second contract with the same code."""
    return other_world(contract=OTHER_CONTRACT)


@attack(anchor="4.2 NOT CHECKED LOG_NOT_PINNED", blocked="5.1 8.9")
def second_log_name() -> Case:
    """The same account goes on under another log name; numbers don't bind the name."""
    return other_world(log_name="notary.example/second")


def replayed(chain_id: int) -> Log:
    """The honest log on a second chain, where the contract's heads are the same to the byte."""
    world = honest()
    log = world.log
    chain = Chain(chain_id, dict(world.chain.contracts), world.chain.genesis_time)
    by_block = {anchor.block.number: anchor for anchor in log.anchors}
    for block in world.chain.blocks[1:]:
        anchor = by_block.get(block.number)
        calls = []
        if anchor is not None:
            data = anchor_call(anchor.prev, anchor.root, anchor.size)
            calls = [STRANGERS_CALL, Call(log.sender, log.contract, data)]
        chain.mine(block.timestamp, calls)
    if chain.heads != world.chain.heads:
        raise AssertionError("the chains of heads differ")
    second = replace(log, chain=chain, numbered_by=log)
    second.anchors = [replace(a, block=chain.blocks[a.block.number]) for a in log.anchors]
    return second


def blocks_listed(*chains: Chain) -> list[Toml]:
    return [
        {"chain_id": chain.chain_id, "number": b.number, "hash": "0x" + b.hash.hex()}
        for chain in chains
        for b in chain.blocks
    ]


@attack(
    anchor="4.2 NOT CHECKED LOG_NOT_PINNED",
    completeness="8.3 FAIL MATTER_OF_OTHER_LOG",
    time="10.2 FAIL NOT_BEFORE_MISMATCH",
    blocked="5.1",
)
def second_chain_with_equal_heads() -> Case:
    """Every anchor was replayed on a second chain at the same second; the package is from there."""
    second = replayed(chain_id=1)
    package = honest().complete(log=second)
    inputs = honest().inputs() | {"block": blocks_listed(honest().chain, second.chain)}
    return case(package, inputs=inputs)


@attack(anchor="4.10 FAIL LEG_INVALID", finality="9.2 FAIL BLOCK_HASH_DIFFERENT")
def second_chain_posing_as_the_first() -> Case:
    """The package from the replayed chain states the first chain's id."""
    second = replayed(chain_id=1)
    headers = honest().complete().json(EVM)["not_before"]
    return case(
        evm_changed(
            honest().complete(log=second),
            lambda evm: evm.update(chain_id=31337, not_before=headers),
        ).restated()
    )


@attack(finality="9.2 FAIL BLOCK_HASH_DIFFERENT")
def as_of_header_of_another_chain() -> Case:
    """Header, account and slot are another chain's, where the same heads were replayed."""
    second = replayed(chain_id=1)
    return with_evm(lambda evm: evm.update(as_of=as_of_proof(second, second.chain.tip)))


def policy_for_the_main_chain() -> Toml:
    """The person pins the log on chain 1, a public chain."""
    policy = honest().policy()
    policy["chain"][0] |= {"id": 1, "class": "public", "name": "main"}
    policy["log"][0]["chain_id"] = 1
    return policy


@attack(anchor="4.2 NOT CHECKED LOG_NOT_PINNED", blocked="5.1 8.9")
def package_from_a_test_chain() -> Case:
    """The person trusts the log on a public chain; the package is from a test chain."""
    return case(honest().complete(), policy=policy_for_the_main_chain())


@attack(
    anchor="4.10 FAIL LEG_INVALID",
    finality="9.1 NOT CHECKED LEVEL_0",
    completeness="8.3 FAIL MATTER_OF_OTHER_LOG",
    time="10.2 FAIL NOT_BEFORE_MISMATCH",
)
def cheap_chain_posing_as_the_main_chain() -> Case:
    """The package from the test chain states the id of the public chain."""
    package = evm_changed(honest().complete(), lambda evm: evm.update(chain_id=1))
    return case(package.restated(), policy=policy_for_the_main_chain())


@attack(anchor="4.2 NOT CHECKED PIN_NOT_IN_FORCE")
def pin_that_begins_later() -> Case:
    """The pin counts from a moment after the first shown anchor."""
    return case(honest().complete(), policy=pinned({"from": "2026-10-01T04:00:00.000Z"}))


@attack()
def pin_that_begins_with_the_first_anchor() -> Case:
    """The interval of a pin is half-open: an anchor at its beginning is within."""
    first = honest().complete().json("data/statement.json")["anchors"][0]["time"]
    return case(honest().complete(), policy=pinned({"from": first}))


@attack(anchor="4.2 NOT CHECKED PIN_NOT_IN_FORCE")
def pin_that_ended_before() -> Case:
    """The pin ended before the last shown anchor."""
    return case(honest().complete(), policy=pinned({"until": "2026-10-01T04:00:00.000Z"}))


@attack(anchor="4.2 NOT CHECKED PIN_NOT_IN_FORCE")
def pin_that_ends_at_the_last_anchor() -> Case:
    """The interval of a pin is half-open: an anchor at its end is outside."""
    last = honest().complete().json("data/statement.json")["as_of"]["last_anchor"]
    return case(honest().complete(), policy=pinned({"until": last}))


@attack()
def pin_that_ends_after_the_last_anchor() -> Case:
    """An anchor a millisecond before the end is within."""
    last = honest().complete().json("data/statement.json")["as_of"]["last_anchor"]
    policy = pinned({"until": last.replace(".000Z", ".001Z")})
    return case(honest().complete(), policy=policy)


def pinned(members: Toml) -> Toml:
    policy = honest().policy()
    policy["log"][0] |= members
    return policy


@attack(anchor="4.2 NOT CHECKED PIN_NOT_IN_FORCE")
def checkpoint_anchored_again_after_the_pin_ended() -> Case:
    """Whoever got the chain key after the pin's end keeps an old checkpoint looking fresh."""
    world = World.told()
    end = world.chain.tip.timestamp
    world.log.anchor(6)
    world.wait()
    policy = world.policy()
    policy["log"][0]["until"] = format_block_time(end)
    return case(world.complete(), world, policy=policy)


@attack(anchor="4.3 NOT CHECKED HASH_RULE_UNKNOWN", blocked="2.6 8.6 9.1 10.2")
def chain_with_another_hash_rule() -> Case:
    """The person's chain hashes headers by a rule that this verifier doesn't know."""
    policy = honest().policy()
    policy["chain"][0]["hash_rule"] = "qbft"
    return case(honest().complete(), policy=policy)


@attack(anchor="4.3 NOT CHECKED HASH_RULE_UNKNOWN", blocked="2.6 8.6 9.1 10.2")
def as_of_block_with_another_hash_by_an_unknown_rule() -> Case:
    """By that rule the block has another hash than by ours, and the person's hash convicts nobody."""
    policy, inputs = honest().policy(), honest().inputs()
    policy["chain"][0]["hash_rule"] = "qbft"
    inputs["block"][-1]["hash"] = "0x" + "ef" * 32
    return case(honest().complete(), policy=policy, inputs=inputs)


# ---------------------------------------------------------------------- 4.4 to 4.7 the as-of proof


def as_of_member(name: str, change: Callable[[Any], Any]) -> Case:
    return with_evm(lambda evm: evm["as_of"].update({name: change(evm["as_of"][name])}))


@attack(anchor="4.4 FAIL HEADER_FORM:HEADER_FIELDS", blocked="2.6 8.6 9.1 10.4")
def header_with_18_fields() -> Case:
    """The as-of header has a number of fields that no fork has."""
    return damaged(damage={"header_fields": at_tip(lambda fields: fields[:18])})


@attack(anchor="4.4 FAIL HEADER_FORM:HEADER_FIELDS", blocked="2.6 8.6 9.1 10.4")
def header_with_22_fields() -> Case:
    """The as-of header has a field more than any fork of its time."""
    return damaged(damage={"header_fields": at_tip(lambda fields: [*fields, b"\x01"])})


def at_tip(change: Callable[[list[bytes]], list[bytes]]) -> Change:
    """Damage the as-of block's header fields."""
    tip = honest().chain.tip.number
    return lambda fields, number: change(fields) if number == tip else fields


@attack(
    container="2.6 FAIL STATEMENT_DIFFERS",
    completeness="8.6 NOT CHECKED BLOCKED",
)
def as_of_block_after_the_year_9999() -> Case:
    """The as-of block has a time that no date names; the person's source gives its hash."""

    def change(evm: dict[str, Any]) -> None:
        fields = rlp.decode(b64_decode(evm["as_of"]["header"]))
        later = encode_rlp([*fields[:11], (2**40).to_bytes(6, "big"), *fields[12:]])
        evm["as_of"]["header"] = b64_encode(later)

    package = evm_changed(honest().complete(), change)
    raw = b64_decode(package.json(EVM)["as_of"]["header"])
    inputs = honest().inputs()
    inputs["block"][-1]["hash"] = "0x" + keccak(raw).hex()
    return case(package.sealed(), inputs=inputs)


def longer(text: str) -> str:
    """Base64 of one zero byte more."""
    return b64_encode(b64_decode(text) + b"\0")


@attack(anchor="4.4 FAIL HEADER_FORM:RLP_TRAILING", blocked="2.6 8.6 9.1 10.4")
def header_with_trailing_byte() -> Case:
    """A byte follows the header; the person's source gives the hash with it."""
    package = evm_changed(
        honest().complete(), lambda evm: evm["as_of"].update(header=longer(evm["as_of"]["header"]))
    )
    return believed(package.restated())


@attack(anchor="4.4 FAIL HEADER_FORM:RLP_NOT_CANONICAL", blocked="2.6 8.6 9.1 10.4")
def header_with_long_length() -> Case:
    """The list's length is written with a leading zero byte; decoders that allow it agree."""

    def change(evm: dict[str, Any]) -> None:
        raw = b64_decode(evm["as_of"]["header"])
        if raw[0] != 0xF9:
            raise AssertionError("want a list with a length of two bytes")
        evm["as_of"]["header"] = b64_encode(b"\xfa\x00" + raw[1:])

    # No strict reader gets a number or a time out of it, so the statement stays as it is.
    return case(evm_changed(honest().complete(), change).sealed())


@attack(anchor="4.5 FAIL ACCOUNT_PROOF")
def account_proof_with_an_extra_node() -> Case:
    """A node that the path doesn't use stands at the end."""
    return as_of_member("account_proof", lambda nodes: [*nodes, nodes[0]])


@attack(anchor="4.5 FAIL ACCOUNT_PROOF")
def account_proof_without_its_leaf() -> Case:
    """The last node is missing."""
    return as_of_member("account_proof", lambda nodes: nodes[:-1])


@attack(anchor="4.5 FAIL ACCOUNT_PROOF")
def account_proof_in_reverse() -> Case:
    """The nodes run from the leaf to the root."""
    return as_of_member("account_proof", lambda nodes: nodes[::-1])


@attack(anchor="4.5 FAIL ACCOUNT_PROOF")
def account_proof_of_another_contract() -> Case:
    """The proof is of a second contract with the same code, the address is the pinned one."""
    world = World.told(other_contracts={OTHER_CONTRACT: CODE_HASH})
    nodes = world.chain.prove_account(world.chain.tip, OTHER_CONTRACT)
    package = evm_changed(
        world.complete(), lambda evm: evm["as_of"].update(account_proof=b64s(nodes))
    )
    return case(package.restated(), world)


@attack(anchor="4.5 FAIL ACCOUNT_PROOF", completeness="8.3 FAIL MATTER_OF_OTHER_LOG")
def contract_that_was_never_deployed() -> Case:
    """The pinned contract has no account; the proof shows just that."""
    chain, tip = honest().chain, honest().chain.tip
    nodes = b64s(chain.prove_account(tip, OTHER_CONTRACT))
    address = "0x" + OTHER_CONTRACT.hex()

    def change(evm: dict[str, Any]) -> None:
        evm.update(contract=address)
        evm["as_of"].update(account_proof=nodes)

    package = evm_changed(honest().complete(), change)
    return case(package.restated(), policy=pinned({"contract": address}))


@attack(anchor="4.6 FAIL CODE_HASH")
def other_code_at_the_address() -> Case:
    """The chain's genesis put other code at the contract's address, which behaves the same."""
    return damaged(code_hash=keccak(b"code that can write any head"))


@attack(anchor="4.7 FAIL SLOT_PROOF")
def slot_proof_with_an_extra_node() -> Case:
    """A node that the path doesn't use stands at the end."""
    return as_of_member("storage_proof", lambda nodes: [*nodes, nodes[0]])


@attack(anchor="4.7 FAIL SLOT_PROOF")
def slot_proof_without_its_leaf() -> Case:
    """The last node is missing."""
    return as_of_member("storage_proof", lambda nodes: nodes[:-1])


@attack(anchor="4.7 FAIL SLOT_PROOF")
def slot_of_another_log() -> Case:
    """The proof is of the slot of another account, which anchored the same history elsewhere."""
    world = World.told()
    stranger = Sender.of(Secrets("second account").take("account"))
    for anchor in world.log.anchors[:1]:
        data = anchor_call(bytes(32), anchor.root, anchor.size)
        world.chain.mine(
            world.chain.tip.timestamp + HOUR, [Call(stranger, world.log.contract, data)]
        )
    tip = world.chain.tip
    nodes = world.chain.prove_slot(tip, world.log.contract, stranger.address)
    package = evm_changed(
        world.complete(), lambda evm: evm["as_of"].update(storage_proof=b64s(nodes))
    )
    return case(package.restated(), world)


@attack(anchor="4.7 FAIL SLOT_PROOF", completeness="8.3 FAIL MATTER_OF_OTHER_LOG")
def log_that_never_anchored() -> Case:
    """The pinned account has no slot; the proof shows just that."""
    chain, tip = honest().chain, honest().chain.tip
    nodes = b64s(chain.prove_slot(tip, honest().contract, b"\x33" * 20))
    address = "0x" + "33" * 20

    def change(evm: dict[str, Any]) -> None:
        evm.update(log_address=address)
        evm["as_of"].update(storage_proof=nodes)

    package = evm_changed(honest().complete(), change)
    return case(package.restated(), policy=pinned({"log_address": address}))


@attack(anchor="4.7 FAIL SLOT_PROOF")
def slot_value_of_33_bytes() -> Case:
    """The slot's value is written with a leading zero byte."""

    def change(value: bytes, number: int, **_: Any) -> bytes:
        return (
            encode_rlp(b"\0" + rlp.decode(value)) if number == honest().chain.tip.number else value
        )

    return damaged(damage={"slot_value": change})


def head_with_zero_byte() -> World:
    """A world whose last head begins with a zero byte: the anchor waited for the right second."""
    world = World.told(batches=6, anchored={0: (1,), 2: (3,), 3: (4,), 4: (5,)}, last_wait_s=1)
    root, _ = world.log.checkpoint(6)
    prev = world.chain.heads[(world.contract, world.log.address)]
    now = world.chain.tip.timestamp
    for after in range(1, 5000):
        size_time = (6 << 64 | now + after).to_bytes(32, "big")
        if keccak(prev + root + size_time)[0] == 0:
            break
    world.log.anchor(6, after_s=after)
    world.wait()
    return world


@attack()
def slot_value_that_begins_with_zero() -> Case:
    """One head in 256 begins with a zero byte, which the slot's value doesn't show. It must pass."""
    world = head_with_zero_byte()
    head = world.chain.heads[(world.contract, world.log.address)]
    if head[0] != 0:
        raise AssertionError("the head doesn't begin with a zero byte")
    return case(world.complete(), world)


@attack(anchor="4.7 FAIL SLOT_PROOF")
def slot_value_with_its_zero_byte() -> Case:
    """A head that begins with a zero byte is stored with it, which no chain does."""
    world = head_with_zero_byte()
    tip = world.chain.tip.number

    def change(value: bytes, number: int, **_: Any) -> bytes:
        return encode_rlp(rlp.decode(value).rjust(32, b"\0")) if number == tip + 1 else value

    world.chain.damage.changes["slot_value"] = change
    world.wait()
    return case(world.complete(), world)


# ---------------------------------------------------------------------- 4.8 and 4.9 the fold


def links(change: Callable[[list[dict[str, Any]]], object]) -> Case:
    """The honest package with other links. The statement can't follow links that lead nowhere."""
    return with_evm(lambda evm: change(evm["fold"]["links"]))


@attack(anchor="4.8 FAIL FOLD_MISMATCH")
def link_left_out() -> Case:
    """The exporter leaves out an anchor that no shown batch needs."""
    return with_evm(_without_second_link)


def _without_second_link(evm: dict[str, Any]) -> None:
    del evm["fold"]["links"][1]
    evm["legs"][1]["link"] -= 1


@attack(anchor="4.8 FAIL FOLD_MISMATCH")
def link_with_an_earlier_time() -> Case:
    """The exporter moves the first anchor ten seconds back."""
    return links(lambda chain: chain[0].update(time=chain[0]["time"] - 10))


@attack(anchor="4.8 FAIL FOLD_MISMATCH")
def links_from_another_head() -> Case:
    """The first link's `prev` is not the head before it."""
    return with_evm(lambda evm: evm["fold"].update(prev="11" * 32))


@attack(anchor="4.8 FAIL FOLD_MISMATCH")
def links_that_stop_early() -> Case:
    """The exporter drops the last anchor and shows the one before as the newest."""
    world = honest()
    older = world.complete(as_of=world.log.anchors[-2].block)
    newest = as_of_proof(world.log, world.chain.tip)
    return case(evm_changed(older, lambda evm: evm.update(as_of=newest)).restated())


@attack(anchor="4.9 FAIL CHECKPOINT_NOT_ANCHORED", blocked="2.6 10.4")
def checkpoint_that_was_never_anchored() -> Case:
    """The service signs a checkpoint of five batches for the package and never anchors it."""
    world = World.told(anchored={0: (1,), 2: (3,), 5: (6,)})
    log = world.log
    unanchored = replace(
        log.anchors[-1], size=5, note=log.checkpoint(5)[1], headers=log.headers_under(5)
    )
    package = world.complete()
    hashes = [trees.leaf_hash(header) for header in log.headers_under(6)]
    proofs = {"format": "notary-consistency/1", "proofs": consistency_proofs(hashes, [5, 6])}
    package = package.put(proof_path(2), tlog_proof(unanchored, 2)).put_json(CONSISTENCY, proofs)
    return case(package.sealed(), world)


@attack(anchor="4.9 FAIL LINK_UNUSED")
def absence_under_the_chain_proof_of_a_complete_package() -> Case:
    """An absent package carries links and a leg that nothing in it uses."""
    absent = honest().absent()
    evm = honest().complete().json(EVM) | {"not_before": absent.json(EVM)["not_before"]}
    return case(absent.put_json(EVM, evm).restated())


@attack(anchor="4.9 FAIL LINK_UNUSED")
def extract_under_one_link_too_many() -> Case:
    """An extract of the last records carries the anchor before the first that it uses."""
    package, log = honest().extract((3,)), honest().log

    def change(evm: dict[str, Any]) -> None:
        links = evm["fold"]["links"]
        before = log.anchors[-len(links) - 1]
        one = {"root": before.root.hex(), "size": before.size, "time": before.block.timestamp}
        evm["fold"] = {"prev": before.prev.hex(), "links": [one, *links]}
        for one_leg in evm["legs"]:
            one_leg["link"] += 1

    return case(evm_changed(package, change).restated())


@attack(anchor="10.2 FAIL NOT_BEFORE_MISMATCH")
def absence_without_the_block_before_its_sealing() -> Case:
    """An absent package leaves out the header that its batch names; no other row would ask for it."""
    absent = honest().absent()
    evm = absent.json(EVM) | {"not_before": []}
    return case(absent.put_json(EVM, evm).restated())


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_in_a_block_above_the_as_of_block() -> Case:
    """The first leg's header has a number that the as-of block has not reached."""

    def raise_number(evm: dict[str, Any]) -> None:
        fields = rlp.decode(b64_decode(evm["legs"][0]["header"]))
        fields[8] = (10**6).to_bytes(3, "big")
        evm["legs"][0]["header"] = b64_encode(rlp.encode(fields))

    return case(evm_changed(honest().complete(), raise_number).restated())


# ---------------------------------------------------------------------- 4.11 times


@attack(anchor="4.11 FAIL TIME_BACKWARDS")
def link_earlier_than_the_one_before() -> Case:
    """The chain's third anchor has an earlier time than its second."""
    world = World.told(batches=3, anchored={0: (1,), 2: (3,)}, last_wait_s=1)
    world.log.seal(not_before=world.chain.blocks[0])
    world.log.anchor(4, after_s=-2)
    world.wait()
    return case(world.complete(withheld={(0, "text"): "privilege"}, erased={}), world)


@attack()
def two_anchors_of_one_second() -> Case:
    """A chain may make two blocks in a second, or one block hold two anchors."""
    world = World.told(batches=3, anchored={0: (1,), 2: (3,)}, last_wait_s=0)
    world.log.seal(not_before=world.chain.blocks[0])
    world.log.anchor(4, after_s=0)
    world.wait()
    return case(world.complete(withheld={(0, "text"): "privilege"}, erased={}), world)


@attack(anchor="4.11 FAIL TIME_BACKWARDS")
def as_of_block_earlier_than_the_last_anchor() -> Case:
    """The as-of block states a time before the last anchor."""
    return damaged(last_wait_s=-1)

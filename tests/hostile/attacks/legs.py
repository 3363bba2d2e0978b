"""Attacks on the legs, transaction and receipt of an anchor: step 4.10.

The block that is damaged is in the person's own list, so that no block hash catches the attack.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import rlp

from tests.hostile.attacks.chain import OTHER_CONTRACT, evm_changed, longer, with_evm
from tests.hostile.case import Case, attack, case, damaged, honest
from tests.hostile.chain import encode_rlp, integer
from tests.hostile.damage import Change
from tests.hostile.export import leg
from tests.hostile.world import World
from verifier.format.digests import b64_encode

# ---------------------------------------------------------------------- 4.10 legs

FIRST_LEG = 1  # the log's anchor of the first leg: that of size 3


def leg_member(name: str, change: Callable[[Any], Any]) -> Case:
    """The honest package with another member of its first leg."""
    return with_evm(lambda evm: evm["legs"][0].update({name: change(evm["legs"][0][name])}))


def at_first_leg(change: Callable[[Any], Any]) -> Change:
    """Damage transaction, receipt or log entries in the block of the first leg."""
    number = honest().log.anchors[FIRST_LEG].block.number

    def at(value: Any, **where: int) -> Any:
        return change(value) if where == {"number": number, "index": 1} else value

    return at


def entry(change: Callable[[bytes, list[bytes], bytes], tuple[Any, ...]]) -> Case:
    """A world in which the first leg's log entry says something else."""
    at = at_first_leg(lambda entries: [change(*entries[0])])
    return damaged(damage={"log_entries": at})


@attack(anchor="4.10 FAIL LEG_MISSING")
def first_leg_missing() -> Case:
    """The package has no leg for the first anchor that it uses."""
    return with_evm(lambda evm: evm["legs"].pop(0))


@attack(anchor="4.10 FAIL LEG_MISSING")
def last_leg_missing() -> Case:
    """The package has no leg for the last anchor that it uses."""
    return with_evm(lambda evm: evm["legs"].pop())


@attack(anchor="4.10 FAIL LEG_MISSING")
def no_leg_at_all() -> Case:
    """The package has no leg."""
    return with_evm(lambda evm: evm["legs"].clear())


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_of_another_link() -> Case:
    """The first leg says that it is of the second link."""
    return leg_member("link", lambda link: link + 1)


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_failed_receipt() -> Case:
    """The receipt's status is 0."""
    at = at_first_leg(lambda fields: [b"", *fields[1:]])
    return damaged(damage={"receipt": at})


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_another_emitter() -> Case:
    """Another contract emitted an equal event in the same transaction."""
    return entry(lambda _, topics, words: (OTHER_CONTRACT, topics, words))


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_another_event() -> Case:
    """The contract emitted another event."""
    return entry(lambda address, topics, words: (address, [bytes(32), *topics[1:]], words))


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_another_log_address() -> Case:
    """The event is of another account's log."""
    return entry(lambda a, topics, words: (a, [topics[0], bytes(32), topics[2]], words))


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_another_head() -> Case:
    """The event states another head."""
    return entry(lambda a, topics, words: (a, [*topics[:2], bytes(32)], words))


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_a_topic_too_many() -> Case:
    """The event has a fourth topic."""
    return entry(lambda address, topics, words: (address, [*topics, bytes(32)], words))


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_another_size_in_the_event() -> Case:
    """The event states another size."""
    return entry(lambda address, topics, words: (address, topics, words[:64] + bytes(32)))


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_a_longer_event() -> Case:
    """The event's data has a word more."""
    return entry(lambda address, topics, words: (address, topics, words + bytes(32)))


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_log_index_off_by_one() -> Case:
    """The log index points behind the receipt's one entry."""
    return leg_member("log_index", lambda index: index + 1)


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_the_log_index_of_another_entry() -> Case:
    """The receipt has two entries, and the log index is that of the other one."""
    at = at_first_leg(lambda entries: [(OTHER_CONTRACT, [], b""), *entries])
    return damaged(damage={"log_entries": at})


@attack()
def leg_whose_event_is_the_second_entry() -> Case:
    """The receipt has two entries, and the log index is the right one."""
    at = at_first_leg(lambda entries: [(OTHER_CONTRACT, [], b""), *entries])
    world = World.told(damage={"log_entries": at})
    package = evm_changed(world.complete(), lambda evm: evm["legs"][0].update(log_index=1))
    return case(package.restated(), world)


def transaction(change: Callable[[list[Any]], list[Any]]) -> Case:
    """A world in which the first leg's transaction, of type 2, has other fields."""

    def recode(raw: bytes) -> bytes:
        return raw[:1] + encode_rlp(change(list(rlp.decode(raw[1:]))))

    return damaged(damage={"transaction": at_first_leg(recode)})


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_a_transaction_of_another_chain() -> Case:
    """The transaction was signed for chain 1."""
    return transaction(lambda fields: [b"\x01", *fields[1:]])


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_a_transaction_to_another_contract() -> Case:
    """The transaction is to another contract, which may have called ours."""
    return transaction(lambda fields: [*fields[:5], OTHER_CONTRACT, *fields[6:]])


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_another_root_in_the_call() -> Case:
    """The call's root is not the link's."""
    return transaction(
        lambda fields: [*fields[:7], fields[7][:36] + bytes(32) + fields[7][68:], *fields[8:]]
    )


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_another_selector() -> Case:
    """The call is of another function."""
    return transaction(
        lambda fields: [*fields[:7], b"\x12\x34\x56\x78" + fields[7][4:], *fields[8:]]
    )


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_longer_call_data() -> Case:
    """A byte follows the call's arguments; the contract would not mind."""
    return transaction(lambda fields: [*fields[:7], fields[7] + b"\0", *fields[8:]])


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_a_transaction_field_too_many() -> Case:
    """The transaction has a field more than its type."""
    return transaction(lambda fields: [*fields, b""])


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_an_unknown_transaction_type() -> Case:
    """The transaction is of type 5, whose fields nobody has defined."""
    return damaged(damage={"transaction": at_first_leg(lambda raw: b"\x05" + raw[1:])})


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_a_trailing_byte_after_the_transaction() -> Case:
    """A byte follows the transaction's list."""
    return damaged(damage={"transaction": at_first_leg(lambda raw: raw + b"\0")})


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_an_unprotected_legacy_transaction() -> Case:
    """A legacy transaction from before EIP-155 holds no chain id: any chain could have it."""

    def unprotect(raw: bytes) -> bytes:
        fields = list(rlp.decode(raw))
        return encode_rlp([*fields[:6], integer(27), *fields[7:]])

    return damaged(tx_type=0, damage={"transaction": at_first_leg(unprotect)})


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_at_another_index() -> Case:
    """The index is that of the transaction before."""
    return leg_member("index", lambda index: index - 1)


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_the_strangers_transaction() -> Case:
    """Index, transaction and receipt are those of another transaction in the block."""
    world = honest()
    other = replace(world.log.anchors[FIRST_LEG], tx_index=0)
    return with_evm(lambda evm: evm["legs"].__setitem__(0, leg(world.log, other, 0)))


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_an_extra_node_for_the_transaction() -> Case:
    """The transaction's proof has a node that the path doesn't use."""
    return leg_member("tx_proof", lambda nodes: [*nodes, nodes[0]])


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_a_node_missing_for_the_receipt() -> Case:
    """The receipt's proof lacks its last node."""
    return leg_member("receipt_proof", lambda nodes: nodes[:-1])


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_with_receipt_and_transaction_exchanged() -> Case:
    """The receipt's proof is offered for the transaction and the reverse."""

    def change(evm: dict[str, Any]) -> None:
        one = evm["legs"][0]
        one["tx_proof"], one["receipt_proof"] = one["receipt_proof"], one["tx_proof"]

    return with_evm(change)


@attack(anchor="4.10 FAIL LEG_INVALID")
def leg_in_a_block_of_another_time() -> Case:
    """The leg's block states a second more than the contract recorded."""
    number = honest().log.anchors[FIRST_LEG].block.number

    def at(fields: list[bytes], **where: int) -> list[bytes]:
        if where["number"] != number:
            return fields
        later = integer(int.from_bytes(fields[11], "big") + 1)
        return [*fields[:11], later, *fields[12:]]

    return damaged(damage={"header_fields": at})


@attack(anchor="4.10 FAIL LEG_INVALID", finality="9.2 FAIL BLOCK_HASH_DIFFERENT")
def leg_in_a_rival_of_the_as_of_block() -> Case:
    """The last anchor is shown in another block of the same height than the as-of block."""

    def change(evm: dict[str, Any]) -> None:
        last = evm["legs"][-1]
        fields = rlp.decode(b64decode(last["header"]))
        last["header"] = b64_encode(encode_rlp([*fields[:12], b"rival", *fields[13:]]))

    return with_evm(change, honest().complete(as_of=honest().log.anchors[-1].block))


@attack(anchor="4.10 FAIL LEG_INVALID", blocked="2.6")
def leg_with_a_trailing_byte_after_the_header() -> Case:
    """A byte follows the leg's header."""
    return leg_member("header", longer)


@attack(anchor="4.10 FAIL LEG_INVALID")
def third_leg_that_fails() -> Case:
    """A leg that nobody asked for fails: it counts all the same."""

    def change(evm: dict[str, Any]) -> None:
        world = honest()
        evm["legs"].insert(1, leg(world.log, world.log.anchors[FIRST_LEG], 1))

    return with_evm(change)


@attack()
def third_leg_that_holds() -> Case:
    """A leg for an anchor between the first and the last may be there."""

    def change(evm: dict[str, Any]) -> None:
        world = honest()
        evm["legs"].insert(1, leg(world.log, world.log.anchors[FIRST_LEG + 1], 1))

    return with_evm(change)

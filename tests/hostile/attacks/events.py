"""Attacks on records of foreign contracts' events: steps 17.1 to 17.9.

Everything but the event is honest: the record is in the log as it stands in the package.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eth_utils.crypto import keccak

from tests.hostile.attacks.finality import PUBLISHER, WRONG, pinned, signed
from tests.hostile.case import Case, attack
from tests.hostile.chain import encode_rlp, integer
from tests.hostile.damage import Damage
from tests.hostile.events import (
    ANOTHER,
    CODE,
    ENTRIES,
    ESCROW,
    FOREIGN_ID,
    INDEX,
    OTHER,
    Edit,
    claims_of,
    event_case,
    foreign_chain,
    inputs_of,
    judged_by,
    policy_of,
    world_with,
)
from tests.hostile.export import b64s
from tests.hostile.package import Package
from tests.hostile.world import World
from verifier.format.digests import b64_encode


@attack()
def event_of_a_foreign_contract() -> Case:
    """Nothing is damaged."""
    return event_case()


@attack()
def event_without_code_hash_and_name() -> Case:
    """The record leaves out what it may leave out."""
    return event_case(
        lambda c: (c.pop("code_hash"), c.pop("event")), lambda p: p.update(account_proof=[])
    )


@attack()
def event_in_a_legacy_transaction_of_an_old_block() -> Case:
    """A header before London, and a transaction of the first type."""
    return event_case(chain=foreign_chain(tx_type=0, header_size=15))


@attack()
def one_event_in_two_records() -> Case:
    """It happened once, which a finding says; nothing of it is untrue."""
    chain = foreign_chain()
    world = world_with(claims_of(chain), claims_of(chain))
    return judged_by(world, complete(world), chain)


def complete(world: World) -> Package:
    return world.complete(withheld={}, erased={})


# ---------------------------------------------------------------------- 17.1 the proof


@attack(events="17.1 FAIL EVENT_FORM:MEMBER_UNKNOWN")
def proof_with_a_member_more() -> Case:
    """The proof names a status of its own."""
    return event_case(proof=lambda p: p.update(status=1))


@attack(events="17.1 FAIL EVENT_FORM:MEMBER_MISSING")
def proof_without_its_account() -> Case:
    """The proof lacks the member for the account."""
    return event_case(proof=lambda p: p.pop("account_proof"))


@attack(events="17.1 FAIL EVENT_FORM:MEMBER_TYPE")
def proof_that_is_a_text() -> Case:
    """The proof is a sentence."""
    return event_case(lambda c: c.update(proof="seen by three nodes"))


@attack(events="17.1 NOT CHECKED EVENT_PROOF_WITHHELD")
def proof_withheld() -> Case:
    """The exporter keeps the proof back, with a reason."""
    return event_case(withheld=["proof"])


# ---------------------------------------------------------------------- 17.2 the claims


@attack(events="17.2 FAIL EVENT_CLAIMS")
def event_without_topics() -> Case:
    """The record has a proof, and does not say which topics it proves."""
    return event_case(lambda c: c.pop("topics"))


@attack(events="17.2 FAIL EVENT_CLAIMS:MEMBER_FORM")
def event_with_five_topics() -> Case:
    """No log has five topics."""
    return event_case(lambda c: c.update(topics=[*c["topics"], *c["topics"], c["topics"][0]]))


@attack(events="17.2 FAIL EVENT_CLAIMS:MEMBER_TYPE")
def event_whose_chain_is_true() -> Case:
    """The chain id is a boolean, which some languages take for 1."""
    return event_case(lambda c: c.update(chain_id=True), chain=foreign_chain(1))


@attack(events="17.2 NOT CHECKED EVENT_CLAIM_WITHHELD")
def contract_withheld() -> Case:
    """The record's contract is kept back, so that nobody can compare it with the proof's."""
    return event_case(withheld=["contract"])


@attack(events="17.2 NOT CHECKED EVENT_CLAIM_WITHHELD")
def code_hash_withheld() -> Case:
    """The code hash is kept back."""
    return event_case(withheld=["code_hash"])


# ---------------------------------------------------------------------- 17.3 the chain


@attack(events="17.3 NOT CHECKED EVENT_CHAIN_NOT_LISTED")
def chain_that_the_policy_does_not_list() -> Case:
    """The event is of a chain that the person knows nothing of."""
    chain = foreign_chain()
    world = world_with(claims_of(chain))
    return Case(complete(world), policy_of(world), inputs_of(world, chain))


@attack(events="17.3 NOT CHECKED HASH_RULE_UNKNOWN")
def chain_with_another_hash_rule() -> Case:
    """The event's chain hashes its headers otherwise."""
    chain = foreign_chain()
    world = world_with(claims_of(chain))
    policy = policy_of(world, chain)
    policy["chain"][-1]["hash_rule"] = "besu-qbft"
    return Case(complete(world), policy, inputs_of(world, chain))


# ---------------------------------------------------------------------- 17.4 the block


@attack(events="17.4 FAIL EVENT_BLOCK")
def event_with_another_block_number() -> Case:
    """The record names an earlier block than the proof's."""
    return event_case(lambda c: c["block"].update(number=1))


@attack(events="17.4 FAIL EVENT_BLOCK")
def event_with_another_block_hash() -> Case:
    """The record names a block hash that is not the proof's."""
    return event_case(lambda c: c["block"].update(hash="0x" + "ab" * 32))


@attack(events="17.4 FAIL EVENT_BLOCK")
def header_with_eighteen_fields() -> Case:
    """The header has a number of fields that no fork has."""
    return event_case(chain=foreign_chain(header_size=18))


# ---------------------------------------------------------------------- 17.5 the proof


@attack(events="17.5 FAIL EVENT_PROOF")
def receipt_of_another_index() -> Case:
    """Transaction and receipt are those of the next index."""
    return event_case(proof=lambda p: p.update(index=INDEX + 1))


@attack(events="17.5 FAIL EVENT_PROOF")
def receipt_that_was_made_up() -> Case:
    """The receipt has the event, and is not the one in the block."""
    fields = [b"\x01", integer(60_000), bytes(256), [[*ENTRIES[1]]]]
    made_up = b64_encode(b"\x02" + encode_rlp(fields))
    return event_case(proof=lambda p: p.update(receipt=made_up))


@attack(events="17.5 FAIL EVENT_PROOF")
def transaction_that_was_made_up() -> Case:
    """The transaction is not the one in the block."""
    return event_case(proof=lambda p: p.update(tx=p["receipt"]))


@attack(events="17.5 FAIL EVENT_PROOF")
def receipt_proof_with_a_node_more() -> Case:
    """A node follows the end of the path."""
    return event_case(proof=lambda p: p["receipt_proof"].append(p["receipt_proof"][-1]))


@attack(events="17.5 FAIL EVENT_PROOF")
def receipt_proof_cut_short() -> Case:
    """The last node of the receipt's proof is missing."""
    return event_case(proof=lambda p: p["receipt_proof"].pop())


@attack(events="17.5 FAIL EVENT_PROOF")
def no_proof_of_the_transaction() -> Case:
    """The list of nodes is empty."""
    return event_case(proof=lambda p: p.update(tx_proof=[]))


@attack(events="17.5 FAIL EVENT_PROOF")
def event_of_a_failed_transaction() -> Case:
    """The receipt's status is 0."""
    return event_case(chain=foreign_chain(damage=at_the_call(receipt=lambda f: [b"", *f[1:]])))


@attack(events="17.5 FAIL EVENT_PROOF")
def event_of_another_chain_at_an_equal_number() -> Case:
    """A private chain's block is given out for the foreign one's; the transaction tells its own.

    The person has that block's hash from a source that took one chain for the other.
    """
    private = foreign_chain(FOREIGN_ID + 1)
    record = claims_of(private)
    record["chain_id"] = record["proof"]["chain_id"] = FOREIGN_ID
    world = world_with(record)
    private.chain_id = FOREIGN_ID
    return judged_by(world, complete(world), private)


@attack(events="17.5 NOT CHECKED EVENT_TYPE_UNKNOWN")
def deposit_of_an_op_stack_chain() -> Case:
    """Transaction and receipt are of type 0x7e, of which this format knows nothing."""
    return event_case(chain=foreign_chain(damage=of_type(0x7E)))


@attack(events="17.5 FAIL EVENT_PROOF")
def transaction_whose_type_is_none() -> Case:
    """Transaction and receipt begin with 0x80, where no type is."""
    return event_case(chain=foreign_chain(damage=of_type(0x80)))


def at_the_call(**changes: Callable[[Any], Any]) -> Damage:
    """Damage at the escrow's transaction alone."""

    def only(change: Callable[[Any], Any]) -> Callable[..., Any]:
        return lambda value, **where: change(value) if where["index"] == INDEX else value

    return Damage(**{point: only(change) for point, change in changes.items()})


def of_type(kind: int) -> Damage:
    """The escrow's transaction begins with that byte, and so does its receipt."""

    def begins(raw: bytes) -> bytes:
        return bytes([kind]) + raw[1:]

    return at_the_call(transaction=begins, raw_receipt=begins)


# ---------------------------------------------------------------------- 17.6 what it says


@attack(events="17.6 FAIL EVENT_DIFFERS")
def log_index_off_by_one() -> Case:
    """The proof leads to the next log of the same transaction."""
    return event_case(proof=lambda p: p.update(log_index=p["log_index"] + 1))


@attack(events="17.5 FAIL EVENT_PROOF")
def log_index_beyond_the_last() -> Case:
    """The receipt has no such log."""
    return event_case(proof=lambda p: p.update(log_index=len(ENTRIES)))


@attack(events="17.6 FAIL EVENT_DIFFERS")
def log_of_another_emitter() -> Case:
    """An equal event of another contract in the same transaction."""
    return event_case(proof=lambda p: p.update(log_index=0))


@attack(events="17.6 FAIL EVENT_DIFFERS")
def claim_of_another_contract() -> Case:
    """The record names another contract, whose code hash it does not give."""
    return event_case(lambda c: (c.update(contract="0x" + OTHER.hex()), c.pop("code_hash")))


@attack(events="17.6 FAIL EVENT_DIFFERS")
def claim_of_another_consignment() -> Case:
    """The second topic is another one."""
    return event_case(lambda c: c["topics"].__setitem__(1, "0x" + ANOTHER.hex()))


@attack(events="17.6 FAIL EVENT_DIFFERS")
def claim_with_topics_swapped() -> Case:
    """The topics stand the other way round; the record does not name the event."""
    return event_case(lambda c: (c["topics"].reverse(), c.pop("event")))


@attack(events="17.6 FAIL EVENT_DIFFERS")
def claim_with_a_topic_missing() -> Case:
    """The record leaves the last topic out."""
    return event_case(lambda c: c["topics"].pop())


@attack(events="17.6 FAIL EVENT_DIFFERS")
def claim_with_data_truncated() -> Case:
    """The record leaves the last byte of the data out."""
    return event_case(lambda c: c.update(log_data=c["log_data"][:-2]))


@attack(events="17.6 FAIL EVENT_DIFFERS")
def claim_with_more_delivered() -> Case:
    """The record says that 73 were delivered."""
    return event_case(lambda c: c.update(log_data="0x" + (73).to_bytes(32, "big").hex()))


@attack(events="17.6 FAIL EVENT_DIFFERS")
def claim_of_another_chain() -> Case:
    """The record names another chain than its proof."""
    return event_case(lambda c: c.update(chain_id=1))


@attack(events="17.6 FAIL EVENT_DIFFERS")
def proof_of_one_record_under_the_next() -> Case:
    """Two records of two deliveries in one transaction have each other's proofs."""
    chain = foreign_chain()
    first, second = claims_of(chain, 1), claims_of(chain, 2)
    first["proof"], second["proof"] = second["proof"], first["proof"]
    world = world_with(first, second)
    return judged_by(world, complete(world), chain)


@attack(integrity="3.6 FAIL DISCLOSURE_MISMATCH", events="17.6 FAIL EVENT_DIFFERS")
def disclosed_proof_of_one_record_under_the_next() -> Case:
    """The proofs change places in the package, after the records were taken."""
    chain = foreign_chain()
    world = world_with(claims_of(chain, 1), claims_of(chain, 2))
    package = complete(world)
    first, second = package.disclosures(1), package.disclosures(2)
    at = next(i for i, text in enumerate(first) if b'","proof",{' in text)
    first[at], second[at] = second[at], first[at]
    package = package.put_disclosures(1, first).put_disclosures(2, second)
    return judged_by(world, package.restated(), chain)


# ---------------------------------------------------------------------- 17.7 and 17.8


@attack(events="17.7 FAIL EVENT_SIGNATURE")
def event_with_another_name() -> Case:
    """The record calls the event something else."""
    return event_case(lambda c: c.update(event="Refused(bytes32,uint256)"))


@attack(events="17.7 FAIL EVENT_SIGNATURE")
def event_that_names_parameters() -> Case:
    """The signature is not the one that is hashed."""
    return event_case(lambda c: c.update(event="Delivered(bytes32 consignment, uint256 count)"))


@attack(events="17.8 FAIL EVENT_CODE")
def event_of_other_code() -> Case:
    """The record names another code hash than the account's."""
    return event_case(lambda c: c.update(code_hash="0x" + keccak(b"audited").hex()))


@attack(events="17.8 FAIL EVENT_CODE")
def account_of_another_contract() -> Case:
    """The account proof is that of a contract with the code that the record names."""
    chain = foreign_chain()
    chain.contracts[OTHER] = CODE
    path = b64s(chain.prove_account(chain.tip, OTHER))
    return event_case(proof=lambda p: p.update(account_proof=path), chain=chain)


@attack(events="17.8 FAIL EVENT_CODE")
def account_as_of_another_block() -> Case:
    """The account proof is under the state of the block before."""

    def paid(account: list[bytes], *, number: int, contract: bytes) -> list[bytes]:
        return [account[0], integer(number), *account[2:]]

    chain = foreign_chain(damage=Damage(account=paid))
    path = b64s(chain.prove_account(chain.blocks[1], ESCROW))
    return event_case(proof=lambda p: p.update(account_proof=path), chain=chain)


@attack(events="17.8 NOT CHECKED EVENT_CODE_NOT_PROVED")
def code_hash_without_a_proof() -> Case:
    """The record names the code hash, and no account is proved."""
    return event_case(proof=lambda p: p.update(account_proof=[]))


# What the first record leaves out keeps the second from nothing.


def two_events(first: Edit, second: Edit) -> Case:
    """Two records of two deliveries, recorded honestly but for what is done to each."""
    chain = foreign_chain()
    records = claims_of(chain, 1), claims_of(chain, 2)
    for edit, record in zip((first, second), records, strict=True):
        edit(record)
    world = world_with(*records)
    return judged_by(world, complete(world), chain)


@attack(events="17.7 FAIL EVENT_SIGNATURE")
def event_with_another_name_after_one_without_a_name() -> Case:
    """The first record does not name its event, the second calls its own something else."""
    return two_events(
        lambda c: c.pop("event"), lambda c: c.update(event="Refused(bytes32,uint256)")
    )


def other_code(record: dict[str, Any]) -> None:
    record["code_hash"] = "0x" + keccak(b"audited").hex()


@attack(events="17.8 FAIL EVENT_CODE")
def event_of_other_code_after_one_without_a_code_hash() -> Case:
    """The first record names no code hash, the second a false one."""
    return two_events(lambda c: c.pop("code_hash"), other_code)


@attack(events="17.8 FAIL EVENT_CODE")
def event_of_other_code_after_one_without_a_proof_of_it() -> Case:
    """Of the first record's code there is no proof; that of the second contradicts it."""
    return two_events(lambda c: c["proof"].update(account_proof=[]), other_code)


# ---------------------------------------------------------------------- 17.9 the block's hash


@attack(events="17.9 NOT CHECKED EVENT_BLOCK_UNCONFIRMED")
def event_block_that_nobody_confirmed() -> Case:
    """The person has no hash for the event's block."""
    chain = foreign_chain()
    world = world_with(claims_of(chain))
    return Case(complete(world), policy_of(world, chain), inputs_of(world))


@attack(events="17.9 FAIL BLOCK_HASH_DIFFERENT")
def forged_header() -> Case:
    """The service made a block of its own with the event; all but its hash holds."""
    forged = foreign_chain(extra_data=b"forged")
    world = world_with(claims_of(forged))
    return Case(complete(world), policy_of(world, forged), inputs_of(world, foreign_chain()))


@attack(events="17.9 NOT CHECKED BLOCK_DISPUTED")
def list_that_gives_another_event_block() -> Case:
    """A list that the person pins gives another hash for the event's block than her own source."""
    chain = foreign_chain()
    world = world_with(claims_of(chain))
    policy = policy_of(world, chain) | {"block_list": pinned(chain_id=FOREIGN_ID)["block_list"]}
    text = f"notary-blocks/1\n{PUBLISHER.name}\n{FOREIGN_ID}:{chain.tip.number}:{WRONG}\n"
    inputs = inputs_of(world, chain) | {"blocks": ["list.txt"]}
    files = {"list.txt": signed(text, PUBLISHER)}
    return Case(complete(world), policy, inputs, receipts=files)

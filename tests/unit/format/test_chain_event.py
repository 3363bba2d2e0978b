"""Proofs of foreign events, from a chain that the second implementation made; one damage at a time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hostile.damage import Damage
from tests.hostile.events import (
    CODE,
    ESCROW,
    FOREIGN_ID,
    INDEX,
    SIGNATURE,
    claims_of,
    foreign_chain,
    proof_of,
)
from tests.reference.refusal import refused
from verifier.format import chain_event, evm, jsonc, rlp
from verifier.format.chain_event import ChainEvent
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json


def event(**options: Any) -> ChainEvent:
    chain = foreign_chain(**options)
    return chain_event.read(proof_of(chain, chain.tip))


def test_a_proof_is_written_as_it_was_read() -> None:
    chain = foreign_chain()
    document = proof_of(chain, chain.tip)
    assert chain_event.write(chain_event.read(document)) == document


def test_the_claims_follow_from_the_proof() -> None:
    chain = foreign_chain()
    wanted = claims_of(chain)
    wanted.pop("occurred_at")
    found = chain_event.claims_of(chain_event.read(wanted["proof"]), SIGNATURE)
    assert found == wanted
    assert chain_event.read_claims({k: v for k, v in found.items() if k != "proof"}) == (
        FOREIGN_ID,
        ESCROW,
        tuple(Digest(bytes.fromhex(one[2:])) for one in wanted["topics"]),
        bytes.fromhex(wanted["log_data"][2:]),
        chain.tip.number,
        chain.tip.hash,
        SIGNATURE,
        CODE,
    )


def test_without_an_account_proof_there_is_no_code_hash() -> None:
    assert "code_hash" not in chain_event.claims_of(event()._replace(account_proof=()))


@pytest.mark.parametrize("tx_type", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("header_size", [15, 16, 17, 20, 21, 23])
def test_every_known_transaction_in_a_block_of_every_fork(tx_type: int, header_size: int) -> None:
    claims = chain_event.claims_of(event(tx_type=tx_type, header_size=header_size))
    assert claims["contract"] == "0x" + ESCROW.hex()


def test_a_deposit_of_an_op_stack_chain_is_refused_by_name() -> None:
    def deposit(raw: bytes, **where: int) -> bytes:
        return b"\x7e" + raw[1:] if where["index"] == INDEX else raw

    found = event(damage=Damage(transaction=deposit, raw_receipt=deposit))
    assert chain_event.unknown_type(found) == 0x7E
    with pytest.raises(FormatError, match="0x7e, the deposit of an OP-stack") as caught:
        chain_event.claims_of(found)
    assert caught.value.code == "EVENT_TYPE_UNKNOWN"


def unprotected(raw: bytes, **where: int) -> bytes:
    """The same legacy transaction with a `v` that names no chain."""
    if where["index"] != INDEX:
        return raw
    fields = rlp.decode_list(raw, "transaction")
    return rlp.encode([*fields[:6], b"\x1b", *fields[7:]])


def test_a_legacy_transaction_that_names_no_chain_is_told_by_its_block() -> None:
    found = event(tx_type=0, damage=Damage(transaction=unprotected))
    assert chain_event.claims_of(found)["chain_id"] == FOREIGN_ID
    assert evm.read_transaction(found.tx).chain_id is None


def test_a_receipt_of_before_byzantium_shows_success_by_its_log() -> None:
    def rooted(fields: list[Any], **where: int) -> list[Any]:
        return [b"\x07" * 32, *fields[1:]]

    assert chain_event.claims_of(event(tx_type=0, damage=Damage(receipt=rooted)))


@pytest.mark.parametrize(
    "outcome",
    [b"", b"\x02", [], [b""] * 32],  # the last: as many items as a root of then has bytes
)
def test_a_receipt_that_shows_no_success_is_refused(outcome: Any) -> None:
    def failed(fields: list[Any], **where: int) -> list[Any]:
        return [outcome, *fields[1:]]

    with refused("EVENT_FAILED"):
        chain_event.claims_of(event(damage=Damage(receipt=failed)))


def test_a_receipt_of_another_type_than_its_transaction_s_is_refused() -> None:
    def typed(raw: bytes, **where: int) -> bytes:
        return b"\x01" + raw[1:] if where["index"] == INDEX else raw

    with refused("RECEIPT_TYPE"):
        chain_event.claims_of(event(damage=Damage(raw_receipt=typed)))


def test_an_unknown_type_of_the_receipt_alone_is_told() -> None:
    found = event()
    assert chain_event.unknown_type(found._replace(receipt=b"\x7e" + found.receipt[1:])) == 0x7E


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"chain_id": FOREIGN_ID + 1}, "EVENT_CHAIN"),
        ({"log_index": 3}, "LOG_INDEX"),
        ({"index": INDEX + 1}, "MPT_NODE_HASH"),
        ({"index": INDEX + 300}, "MPT_NODE_HASH"),
        ({"tx": b"\x02\xc0"}, "EVENT_TX"),
        ({"receipt": b"\x02\xc0"}, "EVENT_RECEIPT"),
        ({"tx_proof": ()}, "MPT_NODE_MISSING"),
        ({"receipt_proof": ()}, "MPT_NODE_MISSING"),
        ({"header": b""}, "RLP_TRUNCATED"),
    ],
)
def test_one_changed_member_is_refused(change: dict[str, Any], code: str) -> None:
    with refused(code):
        chain_event.claims_of(event()._replace(**change))


@pytest.mark.parametrize("name", ["tx", "tx_proof", "receipt", "receipt_proof", "account_proof"])
def test_every_byte_of_a_proof_is_looked_at(name: str) -> None:
    whole = event()
    given = getattr(whole, name)
    parts = [given] if isinstance(given, bytes) else list(given)
    for i, part in enumerate(parts):
        for at in range(0, len(part), 7):
            changed = [*parts]
            changed[i] = part[:at] + bytes([part[at] ^ 0x20]) + part[at + 1 :]
            value = changed[0] if isinstance(given, bytes) else tuple(changed)
            changes: Any = {name: value}
            with pytest.raises(FormatError):
                chain_event.claims_of(whole._replace(**changes))


def test_another_signature_is_refused() -> None:
    with refused("EVENT_SIGNATURE"):
        chain_event.claims_of(event(), "Delivered(bytes32, uint256)")
    with refused("EVENT_SIGNATURE"):
        chain_event.check_signature(SIGNATURE, ())


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("format", "notary-chain-event/2", "MEMBER_FORM"),
        ("chain_id", True, "MEMBER_TYPE"),
        ("index", -1, "MEMBER_FORM"),
        ("log_index", "0", "MEMBER_TYPE"),
        ("header", "AAA", "MEMBER_FORM"),
        ("tx_proof", ["AAAA"] * 65, "MEMBER_FORM"),
        ("account_proof", None, "MEMBER_TYPE"),
    ],
)
def test_a_member_in_another_form_is_refused(member: str, value: Json, code: str) -> None:
    chain = foreign_chain()
    with refused(code):
        chain_event.read(proof_of(chain, chain.tip) | {member: value})


def claimed(**changes: Json) -> dict[str, Json]:
    """The claims of an honest record that `read_claims` reads, with changes."""
    values = claims_of(foreign_chain())
    return {k: v for k, v in values.items() if k not in ("proof", "occurred_at")} | changes


def test_a_record_may_leave_out_the_event_and_the_code() -> None:
    values = claimed()
    del values["event"], values["code_hash"]
    claims = chain_event.read_claims(values)
    assert (claims.event, claims.code_hash) == (None, None)


def test_a_log_has_at_most_four_topics() -> None:
    topic = "0x" + "11" * 32
    assert len(chain_event.read_claims(claimed(topics=[topic] * 4)).topics) == 4
    with refused("MEMBER_FORM"):
        chain_event.read_claims(claimed(topics=[topic] * 5))


def test_a_claim_that_nobody_knows_is_refused() -> None:
    block: Any = claimed()["block"]
    for values in (claimed(more=1), claimed(block=block | {"more": 1})):
        with refused("MEMBER_UNKNOWN"):
            chain_event.read_claims(values)


def test_a_proof_that_can_not_be_read_names_no_block() -> None:
    chain = foreign_chain()
    document = proof_of(chain, chain.tip)
    assert chain_event.block_of(document) == (FOREIGN_ID, chain.tip.number, chain.tip.hash)
    for broken in (None, "text", document | {"more": 1}, document | {"header": "AAAA"}):
        assert chain_event.block_of(broken) is None


def test_a_proof_takes_few_kilobytes() -> None:
    assert len(jsonc.encode(proof_of(foreign_chain(), foreign_chain().tip))) < 8_000

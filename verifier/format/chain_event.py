"""Owns the proof of a foreign contract's event (docs/spec/anchor.md §6, format.md §7).

A claim of a record and a file are one document. Everything that is said of an event follows from
raw bytes: the claims of a record are made here, and a verifier compares what stands in it with
what follows. Proved by tests/unit/format/test_chain_event.py.
"""

from typing import NamedTuple

from verifier.format import evm, mpt, rlp
from verifier.format.digests import DIGEST_LENGTH, Digest, b64_encode
from verifier.format.errors import FormatError
from verifier.format.evm import ADDRESS_LENGTH
from verifier.format.evm_document import MAX_NODES, take_inclusion, write_inclusion
from verifier.format.jsonc import Json
from verifier.format.keccak import keccak256
from verifier.format.members import Members

KIND = "chain_event"
PROOF = "proof"
FORMAT = "notary-chain-event/1"
MAX_TOPICS = 4  # yellow paper, LOG0 to LOG4
_BYZANTIUM_ROOT = DIGEST_LENGTH  # bytes of what stood in place of the status before EIP-658


class ChainEvent(NamedTuple):
    """A proof as it stands, raw and unverified. `account_proof` is empty where none was to be had."""

    chain_id: int
    header: bytes
    index: int  # type: ignore[assignment]  # not the method of tuples
    tx: bytes
    tx_proof: tuple[bytes, ...]
    receipt: bytes
    receipt_proof: tuple[bytes, ...]
    log_index: int
    account_proof: tuple[bytes, ...]


class Claims(NamedTuple):
    """What a record claims of an event; None for the two that it may leave out."""

    chain_id: int
    contract: bytes
    topics: tuple[Digest, ...]
    log_data: bytes
    number: int
    hash: Digest
    event: str | None
    code_hash: Digest | None


# The claims that stand beside a proof, and those that may.
REQUIRED = ("chain_id", "contract", "topics", "log_data", "block")
OPTIONAL = ("event", "code_hash")


def read(value: Json) -> ChainEvent:
    """Read a proof. Raises FormatError MEMBER_…."""
    members = Members(value, "chain event")
    members.literal("format", FORMAT)
    event = ChainEvent(
        members.integer("chain_id"),
        *take_inclusion(members),
        members.b64s("account_proof", MAX_NODES),
    )
    members.done()
    return event


def write(event: ChainEvent) -> dict[str, Json]:
    """The document of a proof."""
    return {
        "format": FORMAT,
        "chain_id": event.chain_id,
        **write_inclusion(event[1:8]),
        "account_proof": [b64_encode(node) for node in event.account_proof],
    }


def read_claims(values: dict[str, Json]) -> Claims:
    """Read the values of the claims REQUIRED and OPTIONAL. Raises FormatError MEMBER_…."""
    members = Members(values, "chain event")
    block = members.object("block")
    claims = Claims(
        members.integer("chain_id"),
        members.zerox("contract", ADDRESS_LENGTH),
        tuple([_word(text) for text in members.texts("topics", MAX_TOPICS)]),
        members.zerox("log_data"),
        block.integer("number"),
        Digest(block.zerox("hash", DIGEST_LENGTH)),
        members.text("event") if "event" in members else None,
        Digest(members.zerox("code_hash", DIGEST_LENGTH)) if "code_hash" in members else None,
    )
    block.done()
    members.done()
    return claims


def _word(text: str) -> Digest:
    return Digest(Members({"topic": text}, "topics").zerox("topic", DIGEST_LENGTH))


def unknown_type(event: ChainEvent) -> int | None:
    """The type of transaction or receipt that this format does not know, if it is of one."""
    kinds = (evm.unknown_type(event.tx), evm.unknown_type(event.receipt))
    return next((kind for kind in kinds if kind is not None), None)


def check_log(event: ChainEvent, header: evm.Header) -> evm.Log:
    """The log that the proof leads to in the block of `header`.

    Raises FormatError MPT_…, RLP_…, EVENT_… (another item at the index, a failed transaction,
    another chain), TX_…, RECEIPT_… or LOG_….
    """
    # anchor.md §5: transaction and receipt are proved at key RLP(index)
    key = rlp.encode_int(event.index)
    if mpt.prove(header.transactions_root, key, event.tx_proof) != event.tx:
        raise FormatError("EVENT_TX", f"the proof holds another transaction at {event.index}")
    if mpt.prove(header.receipts_root, key, event.receipt_proof) != event.receipt:
        raise FormatError("EVENT_RECEIPT", f"the proof holds another receipt at {event.index}")
    transaction, receipt = evm.read_transaction(event.tx), evm.read_receipt(event.receipt)
    evm.check_same_type(transaction.kind, receipt)
    if transaction.chain_id not in (None, event.chain_id):
        raise FormatError(
            "EVENT_CHAIN",
            f"want chain id {event.chain_id}, the transaction's is {transaction.chain_id}",
        )
    outcome = receipt.outcome
    if outcome != evm.SUCCESS and not (
        isinstance(outcome, bytes) and len(outcome) == _BYZANTIUM_ROOT
    ):
        raise FormatError("EVENT_FAILED", "the transaction failed: its receipt's status is not 1")
    return evm.log_at(receipt, event.log_index)


def check_code(event: ChainEvent, header: evm.Header, contract: bytes) -> Digest:
    """The hash of the contract's code at the end of the block.

    Raises FormatError as `evm.check_account` does.
    """
    return evm.check_account(header.state_root, contract, event.account_proof).code_hash


def block_of(value: Json) -> tuple[int, int, Digest] | None:
    """Chain id, number and hash of the block that a proof names; None if it can't be read."""
    try:
        event = read(value)
        header = evm.parse_header(event.header)
    except FormatError:
        return None
    return event.chain_id, header.number, header.hash


def topic_of(signature: str) -> Digest:
    """The first topic of an event with that signature."""
    return keccak256(signature.encode("utf-8", "backslashreplace"))


def claims_of(event: ChainEvent, signature: str | None = None) -> dict[str, Json]:
    """The claims that follow from a proof, the proof among them; each is checked on the way.

    `signature` is that of the event, where it is known. Raises FormatError HEADER_…, as `check_log`
    and `check_code` do, EVENT_TYPE_UNKNOWN, or EVENT_SIGNATURE if it is not the first topic's.
    """
    header = evm.parse_header(event.header)
    kind = unknown_type(event)
    if kind is not None:
        raise FormatError("EVENT_TYPE_UNKNOWN", f"want type 0 to 4, got {evm.type_said(kind)}")
    log = check_log(event, header)
    claims: dict[str, Json] = {
        "chain_id": event.chain_id,
        "contract": _zerox(log.emitter),
        "topics": [_zerox(topic) for topic in log.topics],
        "log_data": _zerox(log.data),
        "block": {"number": header.number, "hash": _zerox(header.hash)},
        PROOF: write(event),
    }
    if event.account_proof:
        claims["code_hash"] = _zerox(check_code(event, header, log.emitter))
    if signature is not None:
        check_signature(signature, log.topics)
        claims["event"] = signature
    return claims


def check_signature(signature: str, topics: tuple[bytes, ...]) -> None:
    """Refuse a signature whose hash is not the first topic. Raises FormatError EVENT_SIGNATURE."""
    wanted = topic_of(signature)
    if topics[:1] != (wanted,):
        got = topics[0].hex() if topics else "no topic"
        raise FormatError(
            "EVENT_SIGNATURE", f"{signature!a} has topic {wanted.hex()}, the log has {got}"
        )


def _zerox(raw: bytes) -> str:
    return "0x" + raw.hex()

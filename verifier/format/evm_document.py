"""Owns the file `evm.json` (docs/spec/anchor.md §4). What it claims is checked by `evm`.

Proved by tests/unit/format/test_evm_document.py.
"""

from typing import NamedTuple

from verifier.format import jsonc
from verifier.format.digests import DIGEST_LENGTH, Digest, b64_encode
from verifier.format.errors import FormatError
from verifier.format.evm import ADDRESS_LENGTH, Leg
from verifier.format.fold import Fold, Link, read_fold, write_fold
from verifier.format.members import Members

FORMAT = "notary-evm/1"
MAX_LEGS = 64
MAX_NODES = 64  # a path has at most 64 nibbles, and a node takes one at least


class AsOf(NamedTuple):
    """Header, account proof and slot proof of one block, raw and unverified."""

    header: bytes
    account_proof: tuple[bytes, ...]
    storage_proof: tuple[bytes, ...]


class EvmDocument(NamedTuple):
    """A chain proof as it stands in a file.

    `links` are the oldest first and follow the head `prev`. `not_before` holds raw headers.
    """

    chain_id: int
    contract: bytes
    log_address: bytes
    prev: Digest
    links: tuple[Link, ...]
    as_of: AsOf
    legs: tuple[Leg, ...]
    not_before: tuple[bytes, ...]
    observed: tuple[str, ...]


def parse(data: bytes, *, may_lack_links: bool = False) -> EvmDocument:
    """Read a chain proof; one without links says that the log never anchored.

    Raises FormatError JSON_…, MEMBER_…, EVM_NO_LINK or EVM_LEG_ORDER.
    """
    members = Members(jsonc.decode(data, "evm.json"), "evm.json")
    members.literal("format", FORMAT)
    chain_id = members.integer("chain_id")
    contract = members.zerox("contract", ADDRESS_LENGTH)
    log_address = members.zerox("log_address", ADDRESS_LENGTH)
    prev, links = read_fold(members.object("fold"))
    as_of = read_as_of(members.object("as_of"))
    legs = tuple([_leg(one) for one in members.objects("legs", MAX_LEGS)])
    # There is one for each shown batch, so the size of a document is their only bound.
    not_before = members.b64s("not_before", None)
    observed = tuple(members.texts("observed"))
    members.done()
    document = EvmDocument(
        chain_id, contract, log_address, prev, links, as_of, legs, not_before, observed
    )
    _check(document, may_lack_links=may_lack_links)
    return document


def read_as_of(members: Members) -> AsOf:
    """Take the member `as_of`. Raises FormatError MEMBER_… or B64_FORM."""
    as_of = AsOf(
        members.b64("header"),
        members.b64s("account_proof", MAX_NODES),
        members.b64s("storage_proof", MAX_NODES),
    )
    members.done()
    return as_of


def write_as_of(as_of: AsOf) -> jsonc.Json:
    """The member `as_of`."""
    return {
        "header": b64_encode(as_of.header),
        "account_proof": [b64_encode(node) for node in as_of.account_proof],
        "storage_proof": [b64_encode(node) for node in as_of.storage_proof],
    }


# What proves a transaction's log in its block: the members of `Leg` from `header` on, in that order.
Inclusion = tuple[bytes, int, bytes, tuple[bytes, ...], bytes, tuple[bytes, ...], int]


def take_inclusion(members: Members) -> Inclusion:
    """Take what proves a log in its block. Raises FormatError MEMBER_… or B64_FORM."""
    return (
        members.b64("header"),
        members.integer("index"),
        members.b64("tx"),
        members.b64s("tx_proof", MAX_NODES),
        members.b64("receipt"),
        members.b64s("receipt_proof", MAX_NODES),
        members.integer("log_index"),
    )


def write_inclusion(proof: Inclusion) -> dict[str, jsonc.Json]:
    """The members that `take_inclusion` takes."""
    header, index, tx, tx_proof, receipt, receipt_proof, log_index = proof
    return {
        "header": b64_encode(header),
        "index": index,
        "tx": b64_encode(tx),
        "tx_proof": [b64_encode(node) for node in tx_proof],
        "receipt": b64_encode(receipt),
        "receipt_proof": [b64_encode(node) for node in receipt_proof],
        "log_index": log_index,
    }


def _leg(members: Members) -> Leg:
    leg = Leg(members.integer("link"), *take_inclusion(members))
    members.done()
    return leg


def _check(document: EvmDocument, *, may_lack_links: bool) -> None:
    if not document.links and not may_lack_links:
        raise FormatError("EVM_NO_LINK", "a chain proof has at least one fold link")
    if not document.links and document.prev != bytes(DIGEST_LENGTH):
        raise FormatError("EVM_NO_LINK", "a chain proof without links begins with the zero head")
    if len(document.legs) > MAX_LEGS:
        raise FormatError("EVM_LEG_ORDER", f"want at most 64 legs, got {len(document.legs)}")
    previous = -1
    for leg in document.legs:
        if not previous < leg.link < len(document.links):
            raise FormatError(
                "EVM_LEG_ORDER",
                f"a leg is of link {leg.link}, want one above {previous} "
                f"and below {len(document.links)}",
            )
        previous = leg.link


def encode(document: EvmDocument, *, may_lack_links: bool = False) -> bytes:
    """Write a chain proof. Raises FormatError as `parse` does."""
    _check(document, may_lack_links=may_lack_links)
    return jsonc.encode(
        {
            "format": FORMAT,
            "chain_id": document.chain_id,
            "contract": _zerox(document.contract),
            "log_address": _zerox(document.log_address),
            "fold": write_fold(Fold(document.prev, document.links)),
            "as_of": write_as_of(document.as_of),
            "legs": [{"link": leg.link, **write_inclusion(leg[1:])} for leg in document.legs],
            "not_before": [b64_encode(header) for header in document.not_before],
            "observed": list(document.observed),
        }
    )


def _zerox(raw: bytes) -> str:
    return "0x" + raw.hex()

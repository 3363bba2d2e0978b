"""The file `evm.json`."""

import json

import pytest

from tests.reference import evm_chain
from tests.reference.refusal import refused
from verifier.format import contract, evm_document, jsonc
from verifier.format.digests import ZERO
from verifier.format.evm_document import AsOf, EvmDocument
from verifier.format.fold import fold
from verifier.format.jsonc import Json

LEG = evm_chain.Block().leg()
LINK = evm_chain.Block().link
STATE = evm_chain.as_of(fold(ZERO, LINK))
DOCUMENT = EvmDocument(
    chain_id=evm_chain.CHAIN_ID,
    contract=contract.ADDRESS,
    log_address=evm_chain.LOG_ADDRESS,
    prev=ZERO,
    links=(LINK, LINK, LINK),
    as_of=AsOf(STATE.header, STATE.account_proof, STATE.storage_proof),
    legs=(LEG, LEG._replace(link=2)),
    not_before=(STATE.header,),
    observed=("node A: 0x…",),
)
DATA = evm_document.encode(DOCUMENT)


def test_a_chain_proof_comes_back() -> None:
    assert evm_document.parse(DATA) == DOCUMENT
    bare = DOCUMENT._replace(legs=(), not_before=(), observed=())
    assert evm_document.parse(evm_document.encode(bare)) == bare


def damaged(*path: str | int, value: Json) -> bytes:
    document = json.loads(DATA)
    part = document
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    return jsonc.encode(document)


NODES: list[Json] = ["AA=="] * 65


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (["format"], "notary-evm/2", "MEMBER_FORM"),
        (["chain_id"], "1", "MEMBER_TYPE"),
        (["contract"], "0x" + "11" * 19, "MEMBER_FORM"),
        (["log_address"], "11" * 20, "MEMBER_FORM"),
        (["x"], 1, "MEMBER_UNKNOWN"),
        (["fold", "x"], 1, "MEMBER_UNKNOWN"),
        (["fold", "prev"], "0x" + "00" * 32, "MEMBER_FORM"),
        (["fold", "links"], [], "EVM_NO_LINK"),
        (["fold", "links", 0, "x"], 1, "MEMBER_UNKNOWN"),
        (["fold", "links", 0, "size"], -1, "MEMBER_FORM"),
        (["as_of", "x"], 1, "MEMBER_UNKNOWN"),
        (["as_of", "header"], "0xabcd", "MEMBER_FORM"),
        (["as_of", "header"], "AB==", "MEMBER_FORM"),
        (["as_of", "header"], "AA", "MEMBER_FORM"),
        (["as_of", "header"], "AA==\n", "MEMBER_FORM"),
        (["as_of", "header"], "-_8=", "MEMBER_FORM"),
        (["as_of", "account_proof"], NODES, "MEMBER_FORM"),
        (["as_of", "storage_proof"], NODES, "MEMBER_FORM"),
        (["legs", 0, "x"], 1, "MEMBER_UNKNOWN"),
        (["legs", 0, "link"], 2, "EVM_LEG_ORDER"),
        (["legs", 0, "link"], 3, "EVM_LEG_ORDER"),
        (["legs", 1, "link"], 3, "EVM_LEG_ORDER"),
        (["legs", 0, "tx"], "A", "MEMBER_FORM"),
        (["legs", 0, "tx_proof"], NODES, "MEMBER_FORM"),
        (["legs", 0, "receipt_proof"], NODES, "MEMBER_FORM"),
        (["legs", 0, "log_index"], -1, "MEMBER_FORM"),
        (["legs"], [0] * 65, "MEMBER_FORM"),
        (["not_before"], [1], "MEMBER_TYPE"),
        (["not_before"], ["AA=A"], "MEMBER_FORM"),
        (["observed"], "none", "MEMBER_TYPE"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_damaged_chain_proof_is_refused(path: list[str | int], value: Json, code: str) -> None:
    with refused(code):
        evm_document.parse(damaged(*path, value=value))


def test_sixty_four_legs_stand() -> None:
    legs = tuple(LEG._replace(link=i) for i in range(64))
    full = DOCUMENT._replace(links=(LINK,) * 64, legs=legs)
    assert evm_document.parse(evm_document.encode(full)) == full


def test_a_chain_proof_that_the_reader_would_refuse_is_not_written() -> None:
    many = tuple(LEG._replace(link=i) for i in range(65))
    for wrong, code in (
        (DOCUMENT._replace(links=()), "EVM_NO_LINK"),
        (DOCUMENT._replace(legs=(LEG, LEG)), "EVM_LEG_ORDER"),
        (DOCUMENT._replace(links=(LINK,) * 65, legs=many), "EVM_LEG_ORDER"),
    ):
        with refused(code):
            evm_document.encode(wrong)


def test_only_who_asks_for_it_gets_a_proof_without_links() -> None:
    document = json.loads(DATA) | {"legs": []}
    document["fold"] = {"prev": "00" * 32, "links": []}
    with refused("EVM_NO_LINK"):
        evm_document.parse(jsonc.encode(document))
    assert evm_document.parse(jsonc.encode(document), may_lack_links=True).links == ()
    # Without links there is no head to begin with.
    document["fold"]["prev"] = "00" * 31 + "01"
    with refused("EVM_NO_LINK"):
        evm_document.parse(jsonc.encode(document), may_lack_links=True)

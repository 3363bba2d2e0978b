"""A chain proof that a node alone gives: whole where the node tells all, never false where it does not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from notary.adapters.chain.web3_chain import Web3Chain
from notary.chain_ports import ChainContradiction
from notary.errors import CallerError
from notary.usecases.chain_proof import prove_log, write
from tests.scenarios.anchor.conftest import MakeWorld
from tests.simulators.chain_proxy import Forward
from tests.simulators.chain_world import CHAIN_ID, LOG_NAME, World
from verifier.check.chain_proof import ChainProof
from verifier.check.evidence import attempt
from verifier.check.judge import troubles_of
from verifier.check.steps import STEPS
from verifier.format import contract as anchors
from verifier.format import evm_document
from verifier.format.digests import ZERO
from verifier.format.evm_document import EvmDocument
from verifier.format.heads import Head
from verifier.format.receipts import Body

NOW = datetime(2026, 11, 2, tzinfo=UTC)
OF_THE_PROOF = ("4.1", "4.4", "4.5", "4.6", "4.7", "4.8", "4.11")


def body(account: bytes, chain_id: int = CHAIN_ID) -> Body:
    head = Head(1, ZERO)
    return Body(chain_id, anchors.ADDRESS, account, LOG_NAME, ZERO, 0, ZERO, head, NOW, NOW)


def proved(world: World, account: bytes | None = None, since: int = 0) -> EvmDocument:
    of = account or world.account
    document = prove_log(Web3Chain(world.url, anchors.ADDRESS, of), body(of), since)
    # Whatever was told, what is written holds: the verifier's own steps say so.
    data = write(document)
    proof = ChainProof(attempt("evm.json", lambda: evm_document.parse(data, may_lack_links=True)))
    assert [troubles_of(STEPS[number], proof) for number in OF_THE_PROOF] == [[]] * 7
    return document


def test_the_links_are_the_log_s_from_the_first_on(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    # An empty storage, then one that others use, then the log's own anchors.
    assert proved(world).links == ()
    for _ in range(3):
        world.seal()
        world.settle()
    assert proved(world, b"\x01" * 20).links == ()
    document = proved(world)
    assert document.links == tuple([one.link for one in world.on_chain()])
    assert (len(document.links), document.prev) == (3, ZERO)


def test_from_a_block_on_the_links_begin_later(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    for _ in range(2):
        world.seal()
        world.settle()
    first, second = world.on_chain()
    block = int(
        world.anvil.rpc("eth_getTransactionByHash", f"0x{second.tx_hash.hex()}")["blockNumber"], 16
    )
    document = proved(world, since=block)
    assert (document.prev, document.links) == (first.head, (second.link,))
    with pytest.raises(CallerError) as caught:
        proved(world, since=block + 1)
    assert caught.value.code == "ANCHORS_UNKNOWN"


def test_a_node_that_leaves_anchors_out_or_makes_some_up_gives_less_and_nothing_false(
    make_world: MakeWorld,
) -> None:
    world = make_world(proxied=True)
    for _ in range(3):
        world.seal()
        world.settle()
    last = world.on_chain()[-1]

    def without(index: int) -> Any:
        def rule(_: list[Any], forward: Forward) -> dict[str, Any]:
            answer = forward()
            del answer["result"][index]
            return answer

        return rule

    def invented(_: list[Any], forward: Forward) -> dict[str, Any]:
        answer = forward()
        for log in answer["result"][:2]:
            log["data"] = "0x" + "11" * 32 + log["data"][66:]
        return answer

    def too_large(_: list[Any], forward: Forward) -> dict[str, Any]:
        answer = forward()
        answer["result"][0]["data"] = "0x" + "ff" * 96
        return answer

    for rule in (without(1), invented):
        with world.proxy.rule("eth_getLogs", rule):
            document = proved(world)
        assert (document.links, document.prev) == ((last.link,), world.on_chain()[1].head)
    with world.proxy.rule("eth_getLogs", without(2)), pytest.raises(CallerError) as caught:
        proved(world)
    assert caught.value.code == "ANCHORS_UNKNOWN"
    with world.proxy.rule("eth_getLogs", too_large), pytest.raises(ChainContradiction):
        proved(world)


def test_a_node_of_another_chain_is_turned_away(make_world: MakeWorld) -> None:
    world = make_world()
    chain = Web3Chain(world.url, anchors.ADDRESS, world.account)
    with pytest.raises(CallerError) as caught:
        prove_log(chain, body(world.account, chain_id=1), 0)
    assert caught.value.code == "RECEIPT_CHAIN"

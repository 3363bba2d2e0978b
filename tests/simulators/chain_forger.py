"""Owns a node that makes blocks of its own, in which every hash and root rebuilds.

Rule 7 of docs/spec/sender.md finds nothing in them; only other endpoints do. The tries come from
tests/reference. Used by tests/scenarios/anchor/test_endpoints.py.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

from notary.adapters.chain import encoding
from notary.core.intent import Intent
from tests.anvil import Anvil
from tests.reference.patricia import Trie
from tests.simulators.chain_proxy import ChainProxy, Forward, Rule, answered
from verifier.format import contract as anchors
from verifier.format import rlp
from verifier.format.digests import Digest
from verifier.format.fold import Link, fold
from verifier.format.keccak import keccak256

GAS_USED = 50_000
NO_BLOOM = "0x" + "00" * 256  # nobody here filters by it


class Forger:
    """Shows blocks of its own through `proxy` while `lying` lasts; all else comes from the chain."""

    def __init__(self, anvil: Anvil, proxy: ChainProxy) -> None:
        self.anvil = anvil
        self.proxy = proxy
        self.blocks: dict[int, dict[str, Any]] = {}
        self.receipts: dict[int, list[dict[str, Any]]] = {}

    def replace_time(self, number: int) -> dict[str, Any]:
        """The chain's block with another time, and so another hash."""
        block = self.anvil.rpc("eth_getBlockByNumber", hex(number), True)
        block["timestamp"] = hex(int(block["timestamp"], 16) - 3600)
        return self._keep(block, self.anvil.rpc("eth_getBlockReceipts", hex(number)))

    def run_ahead(self, number: int) -> dict[str, Any]:
        """An empty block with a number that the chain is far from."""
        block = self.anvil.rpc("eth_getBlockByNumber", "latest", True)
        return self._keep(block | {"number": hex(number), "transactions": []}, [])

    def mine(self, intent: Intent, number: int, earlier_s: int = 3600) -> dict[str, Any]:
        """A block in which the intent's transaction has anchored, an hour before its time."""
        tx = self.anvil.rpc("eth_getTransactionByHash", "0x" + intent.attempts[-1].hash.hex())
        block = self.anvil.rpc("eth_getBlockByNumber", "latest", True)
        time = int(block["timestamp"], 16) - earlier_s
        block |= {"number": hex(number), "timestamp": hex(time), "transactions": [tx]}
        raw_tx = encoding.transaction(tx)
        assert raw_tx is not None
        receipt = {
            "type": "0x2",
            "status": "0x1",
            "cumulativeGasUsed": hex(GAS_USED),
            "logsBloom": NO_BLOOM,
            "logs": [_event(intent, time)],
            "transactionHash": tx["hash"],
        }
        block["transactionsRoot"] = _root(raw_tx)
        block["receiptsRoot"] = _root(encoding.receipt(receipt))
        return self._keep(block, [receipt])

    def _keep(self, block: dict[str, Any], receipts: list[dict[str, Any]]) -> dict[str, Any]:
        block["hash"] = "0x" + keccak256(encoding.header(block)).hex()
        number = int(block["number"], 16)
        self.blocks[number] = block
        self.receipts[number] = [one | {"blockHash": block["hash"]} for one in receipts]
        return block

    @contextlib.contextmanager
    def lying(self) -> Iterator[None]:
        """Show them."""
        rules: dict[str, Rule] = {
            "eth_getBlockByNumber": self._by_number,
            "eth_getBlockByHash": self._by_hash,
            "eth_getBlockReceipts": self._block_receipts,
            "eth_getTransactionReceipt": self._receipt,
        }
        with contextlib.ExitStack() as stack:
            for method, rule in rules.items():
                stack.enter_context(self.proxy.rule(method, rule))
            yield

    def _by_number(self, params: list[Any], forward: Forward) -> dict[str, Any]:
        answer = forward()
        number = int(params[0] if params[0].startswith("0x") else answer["result"]["number"], 16)
        if params[0] == "latest":
            number = max(number, *self.blocks)
        block = self.blocks.get(number)
        return answer if block is None else answered(copy.deepcopy(block))

    def _by_hash(self, params: list[Any], forward: Forward) -> dict[str, Any]:
        for block in self.blocks.values():
            if block["hash"] == params[0]:
                return answered(copy.deepcopy(block))
        return forward()

    def _block_receipts(self, params: list[Any], forward: Forward) -> dict[str, Any]:
        receipts = self.receipts.get(int(params[0], 16))
        return forward() if receipts is None else answered(copy.deepcopy(receipts))

    def _receipt(self, params: list[Any], forward: Forward) -> dict[str, Any]:
        for receipts in self.receipts.values():
            for one in receipts:
                if one["transactionHash"] == params[0]:
                    return answered(one)
        return forward()


def _root(item: bytes) -> str:
    return "0x" + Trie({rlp.encode_int(0): item}).root.hex()


def _event(intent: Intent, time: int) -> dict[str, Any]:
    assert intent.prev is not None
    prev, link = Digest(intent.prev), Link(Digest(intent.root), intent.size, time)
    return {
        "address": "0x" + anchors.ADDRESS.hex(),
        "topics": [
            "0x" + topic.hex()
            for topic in (
                anchors.EVENT_TOPIC,
                intent.log_address.rjust(32, b"\0"),
                fold(prev, link),
            )
        ],
        "data": "0x" + (prev + link.root + link.size_time).hex(),
    }

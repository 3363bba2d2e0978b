"""What an anchor costs on a real node: whole transactions, in gas.

The figures come from receipts and so hold 21,000 for the transaction, its calldata and
cold storage. The forge snapshot holds the same figures; this test ties it to a node.
"""

import json
from typing import Any

import pytest
from eth_utils.crypto import keccak

from tests.anvil import ROOT, Anvil, RpcError

ARTIFACT = json.loads((ROOT / "contracts/artifact/Anchors.json").read_text("utf-8"))
SNAPSHOT = json.loads((ROOT / "contracts/snapshots/Anchors.json").read_text("utf-8"))

WARM_GAS_BAR = 31_000  # the project's bar for a batch after the first of a log

ANCHOR = keccak(text="anchor(bytes32,bytes32,uint64)")[:4]
STALE_PREV = keccak(text="StalePrev(bytes32)")[:4]
# The root of the forge snapshot: every byte non-zero, so that no root costs more.
ROOT_HASH = bytes([0x55]) * 32
LARGEST_SIZE = 2**64 - 1


class Log:
    """A deployed contract and one account that writes into it."""

    def __init__(self, chain: Anvil) -> None:
        self.chain = chain
        self.account = chain.rpc("eth_accounts")[0]
        deployment = {
            "from": self.account,
            "to": ARTIFACT["deployer"],
            "data": ARTIFACT["salt"] + ARTIFACT["init_code"][2:],
        }
        assert int(chain.send(deployment)["status"], 16) == 1

    def head(self) -> bytes:
        slot = keccak(bytes.fromhex(self.account[2:]).rjust(32, b"\0") + bytes(32))
        at = self.chain.rpc("eth_getStorageAt", ARTIFACT["address"], "0x" + slot.hex(), "latest")
        return bytes.fromhex(at[2:])

    def transaction(self, prev: bytes, root: bytes, size: int) -> dict[str, str]:
        data = ANCHOR + prev + root + size.to_bytes(32, "big")
        return {"from": self.account, "to": ARTIFACT["address"], "data": "0x" + data.hex()}

    def anchor(self, prev: bytes, root: bytes, size: int) -> dict[str, Any]:
        return self.chain.send(self.transaction(prev, root, size))


@pytest.fixture
def log(anvil: Anvil) -> Log:
    return Log(anvil)


def fold(prev: bytes, root: bytes, size: int, timestamp: int) -> bytes:
    # keccak(prev || root || u256(size * 2^64 + block time))
    return keccak(prev + root + (size * 2**64 + timestamp).to_bytes(32, "big"))


def time_of(log: Log, receipt: dict[str, Any]) -> int:
    block = log.chain.rpc("eth_getBlockByHash", receipt["blockHash"], False)
    return int(block["timestamp"], 16)


def test_a_batch_costs_at_most_the_bar_and_what_the_snapshot_says(log: Log) -> None:
    first = log.anchor(bytes(32), ROOT_HASH, 1)
    head = fold(bytes(32), ROOT_HASH, 1, time_of(log, first))
    assert log.head() == head

    warm = log.anchor(head, ROOT_HASH, LARGEST_SIZE)
    assert int(warm["status"], 16) == 1
    assert log.head() == fold(head, ROOT_HASH, LARGEST_SIZE, time_of(log, warm))
    assert warm["logs"][0]["topics"][2] == "0x" + log.head().hex()

    used = int(warm["gasUsed"], 16)
    assert used <= WARM_GAS_BAR
    # Zero bytes of calldata cost 12 gas less than others: the snapshot's head is another
    # hash, and one hash in eight holds a zero byte.
    snapshot = int(SNAPSHOT["anchor, any later"])
    zeros = head.count(0)
    assert used == snapshot - 12 * zeros


def test_a_repeated_anchor_is_mined_without_effect_and_names_the_current_head(log: Log) -> None:
    log.anchor(bytes(32), ROOT_HASH, 1)
    head = log.head()
    with pytest.raises(RpcError, match="execution reverted") as raised:
        log.chain.rpc("eth_call", log.transaction(bytes(32), ROOT_HASH, 1), "latest")
    assert raised.value.revert_data == "0x" + (STALE_PREV + head).hex()

    repeated = log.anchor(bytes(32), ROOT_HASH, 1)
    assert int(repeated["status"], 16) == 0
    assert repeated["logs"] == []
    assert log.head() == head

"""Another implementation of a node: hardhat, which keeps to the rule of replacements as public nodes do.

anvil takes a replacement that pays 1 % more; nodes on public chains want 10 %. `make soak` installs it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from notary.chain_ports import TransactionFields
from notary.core.intent import State
from notary.usecases.anchor_plan import call_data
from tests.anvil import Anvil, RpcError
from tests.simulators.chain_world import World
from tests.simulators.ports import free_port
from verifier.format import contract as anchors

HERE = Path(__file__).parent / "hardhat"
START_S = 120  # a busy machine takes its time
# The public CREATE2 deployer, which anvil's genesis has: https://github.com/Arachnid/deterministic-deployment-proxy
DEPLOYER_CODE = (
    "0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
    "e03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
)


class Hardhat(Anvil):
    """A hardhat node, asked as if it were the other one."""

    def start(self) -> Hardhat:
        self.port = free_port()
        node = shutil.which("node")
        assert node is not None, "node is missing"
        self._process = subprocess.Popen(
            [
                *(node, HERE / "node_modules/hardhat/internal/cli/bootstrap.js", "node"),
                *("--hostname", "127.0.0.1", "--port", str(self.port)),
            ],
            cwd=HERE,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true", "CI": "true"},
        )
        end = time.monotonic() + START_S
        while True:
            assert self._process.poll() is None, "hardhat ended; run `make soak`, which installs it"
            with suppress(OSError):
                self.rpc("web3_clientVersion")
                break
            assert time.monotonic() < end, "hardhat did not start"
            time.sleep(0.1)
        self.rpc("hardhat_setCode", "0x" + anchors.DEPLOYER.hex(), DEPLOYER_CODE)
        return self

    def rpc(self, method: str, *params: Any) -> Any:
        return super().rpc(method.replace("anvil_", "hardhat_"), *params)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Hardhat() as node:
        world = World(node, tmp_path)
        yield world
        world.close()


@pytest.mark.soak
def test_one_whole_anchor_life_on_another_implementation(world: World) -> None:
    assert "HardhatNetwork" in world.anvil.rpc("web3_clientVersion")
    world.seal(2)
    world.settle()
    world.seal()
    world.settle()
    assert [one.link.size for one in world.on_chain()] == [2, 3]
    assert [one.state for one in world.intents()] == [State.PROVED, State.PROVED]


@pytest.mark.soak
def test_our_raise_is_taken_where_less_is_refused(world: World) -> None:
    world.seal()
    world.step()
    intent = world.youngest()
    (first,) = intent.attempts
    assert intent.nonce is not None
    # Five per cent more is not enough for this node.
    little_more = world.signer.sign(
        TransactionFields(
            chain_id=intent.chain_id,
            nonce=intent.nonce,
            to=intent.contract,
            gas_limit=first.gas_limit,
            max_fee=first.max_fee * 21 // 20,
            priority_fee=first.priority_fee * 21 // 20,
            call_data=call_data(intent),
        )
    )
    with pytest.raises(RpcError, match=r"(?i)replacement|underpriced"):
        world.anvil.rpc("eth_sendRawTransaction", "0x" + little_more.raw.hex())
    world.step(world.settings.bump)
    first, second = world.youngest().attempts
    pool = world.anvil.rpc("eth_getTransactionByHash", "0x" + second.hash.hex())
    assert pool is not None
    assert world.anvil.rpc("eth_getTransactionByHash", "0x" + first.hash.hex()) is None
    world.mine()
    world.step()
    assert world.youngest().tx_hash == second.hash
    world.settle()
    assert len(world.on_chain()) == 1

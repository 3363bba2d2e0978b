"""The test chain itself: other tests rely on its restarts and on nothing staying behind."""

import os
from pathlib import Path

import pytest

from tests.anvil import Anvil, AnvilFailed, RpcError
from tests.conftest import StartAnvil


def test_two_chains_run_side_by_side(start_anvil: StartAnvil) -> None:
    one, two = start_anvil("--chain-id", "1001"), start_anvil("--chain-id", "1002")
    assert (one.rpc("eth_chainId"), two.rpc("eth_chainId")) == (hex(1001), hex(1002))


def test_a_restart_keeps_the_port_and_the_saved_state(
    start_anvil: StartAnvil, tmp_path: Path
) -> None:
    chain = start_anvil("--state", str(tmp_path / "state.json"))
    chain.rpc("evm_mine")
    url, pid = chain.url, chain.pid
    chain.stop()
    chain.start()
    assert chain.url == url
    assert chain.pid != pid
    assert chain.rpc("eth_blockNumber") == "0x1"


def test_no_process_is_left_after_the_end() -> None:
    with Anvil() as chain:
        pid = chain.pid
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_an_unknown_option_fails_with_what_anvil_says() -> None:
    with pytest.raises(AnvilFailed, match="--no-such-option"), Anvil("--no-such-option"):
        pass


def test_an_error_of_the_node_is_raised(anvil: Anvil) -> None:
    with pytest.raises(RpcError, match="Method not found") as raised:
        anvil.rpc("eth_noSuchMethod")
    assert raised.value.code == -32601

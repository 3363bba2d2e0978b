"""A foreign chain with a contract of others, deployed and called as its owners would."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from tests.anvil import ROOT, Anvil

SOURCE = Path(__file__).with_name("Delivery.sol")
CHAIN_ID = 8_453_001
CHAIN = ("--chain-id", str(CHAIN_ID), "--slots-in-an-epoch", "1")
EVENT = "Delivered(bytes32 indexed consignment, uint256 quantity, string note)"
CONSIGNMENT = b"\x47" * 32


@cache
def compiled() -> str:
    """Creation code, by the compiler that the repository pins."""
    wanted = {
        "language": "Solidity",
        "sources": {"Delivery.sol": {"content": SOURCE.read_text("utf-8")}},
        "settings": {"outputSelection": {"*": {"*": ["evm.bytecode.object"]}}},
    }
    done = subprocess.run(
        ["node", ROOT / "contracts" / "solc", "--standard-json"],
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    made = json.loads(done.stdout)
    code: str = made["contracts"]["Delivery.sol"]["Delivery"]["evm"]["bytecode"]["object"]
    return "0x" + code


class Delivery:
    """The contract on one chain."""

    def __init__(self, chain: Anvil) -> None:
        self.chain = chain
        self.owner = chain.rpc("eth_accounts")[0]
        made = chain.send({"from": self.owner, "data": compiled()})
        self.address: str = made["contractAddress"]

    def deliver(self, quantity: int = 72, value: int = 0, note: str = "dock 4") -> dict[str, Any]:
        """The receipt of a delivery; with a value it has two logs."""
        arguments = encode(["bytes32", "uint256", "string"], [CONSIGNMENT, quantity, note])
        return self._call("deliver(bytes32,uint256,string)", arguments, value)

    def note(self, what: str) -> dict[str, Any]:
        return self._call("note(string)", encode(["string"], [what]))

    def _call(self, signature: str, arguments: bytes, value: int = 0) -> dict[str, Any]:
        call = keccak(signature.encode())[:4] + arguments
        return self.chain.send(
            {
                "from": self.owner,
                "to": self.address,
                "data": "0x" + call.hex(),
                "value": hex(value),
            }
        )

    def finalize(self) -> None:
        """Blocks enough that all before them are final."""
        self.chain.rpc("anvil_mine", "0x4")

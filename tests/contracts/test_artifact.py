"""The committed artifact: rebuilt byte for byte, its facts recomputed independently.

`contracts/artifact.py` hashes by safe-pysha3; these tests hash by pycryptodome and
check addresses by eth-utils.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from Crypto.Hash import keccak as pycryptodome
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak as keccak_of_text

from tests.anvil import ROOT, Anvil

CONTRACTS = ROOT / "contracts"
COMMITTED = CONTRACTS / "artifact/Anchors.json"

# The transaction that puts the public deployer on a chain, signed by nobody's key:
# https://github.com/Arachnid/deterministic-deployment-proxy
# anvil has the deployer from the start, with this code.
DEPLOYER_CODE = (
    "0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234"
    "f58015156039578182fd5b8082525050506014600cf3"
)


def keccak(message: bytes) -> bytes:
    return pycryptodome.new(digest_bits=256, data=message).digest()


@pytest.fixture(scope="module")
def artifact() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(COMMITTED.read_text("utf-8"))
    return read


def octets(hexadecimal: str) -> bytes:
    assert hexadecimal.startswith("0x")
    return bytes.fromhex(hexadecimal[2:])


def test_the_artifact_rebuilds_byte_for_byte(tmp_path: Path) -> None:
    rebuilt = tmp_path / "Anchors.json"
    subprocess.run([sys.executable, CONTRACTS / "artifact.py", rebuilt], check=True, timeout=120)
    assert rebuilt.read_bytes() == COMMITTED.read_bytes()


def test_the_artifact_says_by_what_it_was_built(artifact: dict[str, Any]) -> None:
    package = json.loads((CONTRACTS / "package.json").read_text("utf-8"))
    assert artifact["solc"].split("+")[0] == package["dependencies"]["solc"] == "0.8.37"
    assert artifact["evm_version"] == "paris"
    assert artifact["optimizer_runs"] == 1_000_000


def test_code_hashes_are_keccak_of_the_code(artifact: dict[str, Any]) -> None:
    for name in ("init_code", "runtime_code"):
        assert "0x" + keccak(octets(artifact[name])).hex() == artifact[f"{name}_hash"]


def test_the_address_follows_from_deployer_salt_and_init_code(artifact: dict[str, Any]) -> None:
    # EIP-1014: keccak(0xff || deployer || salt || keccak(init_code))[12:]
    message = (
        b"\xff"
        + octets(artifact["deployer"])
        + octets(artifact["salt"])
        + keccak(octets(artifact["init_code"]))
    )
    assert artifact["salt"] == "0x" + "00" * 32
    assert artifact["address"] == to_checksum_address(keccak(message)[12:])


def test_the_code_holds_no_opcode_newer_than_paris(artifact: dict[str, Any]) -> None:
    code, at, found = octets(artifact["runtime_code"]), 0, set()
    while at < len(code):
        found.add(code[at])
        # PUSH1 (0x60) to PUSH32 (0x7f) carry 1 to 32 bytes of data.
        at += 1 + (code[at] - 0x5F if 0x60 <= code[at] <= 0x7F else 0)
    newer = {0x49, 0x4A, 0x5C, 0x5D, 0x5E, 0x5F}  # BLOBHASH … PUSH0: Shanghai and Cancun
    assert not found & newer
    assert {0x54, 0x55, 0x42, 0xA3} <= found  # SLOAD, SSTORE, TIMESTAMP, LOG3: it was read right


def test_the_interface_is_the_specified_one(artifact: dict[str, Any]) -> None:
    def signature(entry: dict[str, Any]) -> str:
        inputs = ",".join(parameter["type"] for parameter in entry["inputs"])
        return f"{entry['type']} {entry['name']}({inputs})"

    assert {signature(entry) for entry in artifact["abi"]} == {
        "function anchor(bytes32,bytes32,uint64)",
        "function head(address)",
        "event Anchored(address,bytes32,bytes32,bytes32,uint256)",
        "error StalePrev(bytes32)",
        "error ZeroRoot()",
        "error ZeroSize()",
    }
    (event,) = (entry for entry in artifact["abi"] if entry["type"] == "event")
    assert [p["name"] for p in event["inputs"] if p["indexed"]] == ["log", "head"]


def test_the_public_deployer_puts_the_runtime_code_at_the_address(
    artifact: dict[str, Any], anvil: Anvil
) -> None:
    assert anvil.rpc("eth_getCode", artifact["deployer"], "latest") == DEPLOYER_CODE
    assert anvil.rpc("eth_getCode", artifact["address"], "latest") == "0x"
    anvil.send(
        {
            "from": anvil.rpc("eth_accounts")[0],
            "to": artifact["deployer"],
            "data": artifact["salt"] + artifact["init_code"][2:],
        }
    )
    assert anvil.rpc("eth_getCode", artifact["address"], "latest") == artifact["runtime_code"]
    # The account itself, as a proof shows it to the verifier.
    account = anvil.rpc("eth_getProof", artifact["address"], [], "latest")
    assert account["codeHash"] == artifact["runtime_code_hash"]


def test_both_keccaks_differ_from_sha3() -> None:
    assert keccak(b"").hex().startswith("c5d2460186f7")
    assert keccak_of_text(b"") == keccak(b"")

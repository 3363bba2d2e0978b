"""Builds the contract and writes what its users need to know of it as one JSON file.

The file is committed, so that the service and the verifier never need a compiler.
`tests/contracts/test_artifact.py` rebuilds it byte for byte and recomputes its hashes
and address by other libraries.

Usage: python contracts/artifact.py FILE
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import sha3

CONTRACTS = Path(__file__).resolve().parent
FORGE = CONTRACTS / "node_modules/@foundry-rs/forge-linux-amd64/bin/forge"

# The public CREATE2 deployer: one keyless transaction put it at the same address on
# nearly every chain. https://github.com/Arachnid/deterministic-deployment-proxy
DEPLOYER = "0x4e59b44847b379578588920cA78FbF26c0B4956C"
SALT = bytes(32)


def keccak(message: bytes) -> bytes:
    """Keccak-256 as Ethereum uses it, which is not SHA3-256."""
    return bytes(sha3.keccak_256(message).digest())


def checksummed(address: bytes) -> str:
    """The address in hex with the capitals of EIP-55."""
    digits = address.hex()
    # EIP-55: a letter is a capital where the digit of keccak(lower-case hex) is 8 or more.
    marks = keccak(digits.encode("ascii")).hex()
    return "0x" + "".join(
        digit.upper() if int(mark, 16) >= 8 else digit
        for digit, mark in zip(digits, marks, strict=False)
    )


def build() -> dict[str, Any]:
    """Compiles by the settings of foundry.toml, in folders that nothing else uses."""
    with tempfile.TemporaryDirectory() as scratch:
        # FOUNDRY_* variables of the caller must not change the settings.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("FOUNDRY_")}
        subprocess.run(
            [
                FORGE, "build", "--offline", "--quiet", "--force", "--skip", "test",
                "--out", f"{scratch}/out", "--cache-path", f"{scratch}/cache",
            ],
            cwd=CONTRACTS, env=environment, check=True,
        )  # fmt: skip
        compiled = json.loads(Path(scratch, "out/Anchors.sol/Anchors.json").read_text("utf-8"))

    metadata = compiled["metadata"]
    init_code = bytes.fromhex(compiled["bytecode"]["object"].removeprefix("0x"))
    runtime_code = bytes.fromhex(compiled["deployedBytecode"]["object"].removeprefix("0x"))
    # EIP-1014: keccak(0xff || deployer || salt || keccak(init_code))[12:]
    address = keccak(b"\xff" + bytes.fromhex(DEPLOYER[2:]) + SALT + keccak(init_code))[12:]
    return {
        "contract": "Anchors",
        "solc": metadata["compiler"]["version"],
        "evm_version": metadata["settings"]["evmVersion"],
        "optimizer_runs": metadata["settings"]["optimizer"]["runs"],
        "abi": compiled["abi"],
        "init_code": "0x" + init_code.hex(),
        "init_code_hash": "0x" + keccak(init_code).hex(),
        "runtime_code": "0x" + runtime_code.hex(),
        "runtime_code_hash": "0x" + keccak(runtime_code).hex(),
        "deployer": DEPLOYER,
        "salt": "0x" + SALT.hex(),
        "address": checksummed(address),
    }


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FILE")
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(build(), indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()

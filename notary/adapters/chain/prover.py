"""Runs the stand-alone verifier over one chain proof, as a process of its own.

It gets a file of public content and nothing else: no environment, no settings, no secret
(docs/spec/verification.md §8). Test: tests/scenarios/anchor/test_chain_adapter.py.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from notary.chain_ports import ProofAnswer
from notary.errors import NothingHappened

# -I: neither this folder nor the environment can put another module in the verifier's place.
COMMAND = (sys.executable, "-I", "-m", "verifier.check")
TIMEOUT_S = 120  # one proof takes a third of a second; without safe-pysha3 some seconds
TEXT_LIMIT = 2000  # characters of the verifier's answer that are kept for people


class VerifierProcess:
    """Implements notary.chain_ports.ChainProver."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = tuple(command)

    def check(
        self, evm_json: bytes, chain_id: int, contract: bytes, log_address: bytes
    ) -> ProofAnswer:
        """Run `verifier anchor` over the proof. Raises NothingHappened if it could not be run."""
        with tempfile.TemporaryDirectory(prefix="notary-proof-") as folder:
            file = Path(folder, "evm.json")
            file.write_bytes(evm_json)
            arguments = [
                *self._command,
                "anchor",
                str(file),
                *("--chain-id", str(chain_id)),
                *("--contract", "0x" + contract.hex()),
                *("--log-address", "0x" + log_address.hex()),
            ]
            try:
                done = subprocess.run(
                    arguments,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    cwd=folder,
                    env={"LC_ALL": "C.UTF-8"},
                    timeout=TIMEOUT_S,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise NothingHappened(
                    "VERIFIER_NOT_RUN",
                    f"{self._command[0]}: the verifier could not be run: {error}",
                ) from error
        text = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
        return ProofAnswer(done.returncode, text[-TEXT_LIMIT:])

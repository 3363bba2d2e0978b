"""A local chain for tests: one anvil process, started and stopped by its process id.

Started straight from the npm package's binary, since a wrapper would outlive a kill.
The service has its own way to find and start anvil; this one is for tests alone.
"""

import contextlib
import json
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
BINARY = ROOT / "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"

START_SECONDS = 30  # a start takes 0.2 s on an idle machine; a busy one gets time
RECEIPT_SECONDS = 30  # a block takes as long as --block-time says, and tests say seconds
STOP_SECONDS = 10  # a stop may first write --state

LISTENING = re.compile(r"^Listening on 127\.0\.0\.1:(\d+)$", re.MULTILINE)


class AnvilFailed(Exception):
    """anvil ended or stayed silent when it should have answered."""


class RpcError(Exception):
    """The node answered a call with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = int(error["code"])
        self.revert_data = error.get("data")  # hex, when a contract reverted


class Anvil:
    """One anvil on a free loopback port, with the options that the caller gives.

    `stop` and `start` again is a node's restart: the port stays, and the chain is lost
    unless `--state FILE` is among the options. `kill` is a crash.
    """

    def __init__(self, *options: str) -> None:
        self.options = options
        # 0 lets the system choose, at the moment of binding, so no other process can
        # take the port in between.
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch: Path | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "anvil is not running"
        return self._process.pid

    def start(self) -> Self:
        """Starts the process; returns when its port answers."""
        assert self._process is None, "anvil is running already"
        if not BINARY.exists():
            raise AnvilFailed(f"{BINARY} is missing: run `make setup`; Linux on x86-64 only")
        self._scratch = Path(tempfile.mkdtemp(prefix="anvil-"))
        log = self._scratch / "log"
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [
                    BINARY,
                    *("--host", "127.0.0.1", "--port", str(self.port)),
                    *("--cache-path", self._scratch),
                    *self.options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                # What anvil keeps beside its cache goes under HOME.
                env={"HOME": str(self._scratch)},
            )
        deadline = time.monotonic() + START_SECONDS
        while (listening := LISTENING.search(log.read_text("utf-8", "replace"))) is None:
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text("utf-8", "replace")
                self.kill()
                raise AnvilFailed(f"anvil did not start: {said}")
            time.sleep(0.01)
        self.port = int(listening[1])
        self.rpc("web3_clientVersion")
        return self

    def stop(self) -> None:
        """Asks the process to end, which lets it write its state; nothing if it is stopped."""
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
            self.kill()

    def kill(self) -> None:
        """Ends the process at once; nothing if it is stopped."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._scratch is not None:
            shutil.rmtree(self._scratch)
            self._scratch = None

    def rpc(self, method: str, *params: Any) -> Any:
        """The result of one JSON-RPC call; raises RpcError when the node answers with one."""
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        request = urllib.request.Request(  # noqa: S310  (loopback, a scheme of ours)
            self.url, json.dumps(call).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            answer = json.load(response)
        if "error" in answer:
            raise RpcError(answer["error"])
        return answer["result"]

    def send(self, transaction: dict[str, str]) -> dict[str, Any]:
        """The receipt of a transaction that one of anvil's own accounts signs."""
        sent = self.rpc("eth_sendTransaction", transaction)
        # The node answers before it makes the block, also when it makes one at once.
        deadline = time.monotonic() + RECEIPT_SECONDS
        while (receipt := self.rpc("eth_getTransactionReceipt", sent)) is None:
            if time.monotonic() > deadline:
                raise AnvilFailed(f"no receipt of {sent} within {RECEIPT_SECONDS} s")
            time.sleep(0.01)
        mined: dict[str, Any] = receipt
        return mined

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

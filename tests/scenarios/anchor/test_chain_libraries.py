"""The chain's libraries, loaded in a process of their own: this one has them from elsewhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

DEEP = b"[" * 200_000  # a reader that follows needs some tens of megabytes of stack


class _Hostile(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(DEEP)))
        self.end_headers()
        self.wfile.write(DEEP)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def node() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hostile) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def said(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("module", ["web3_chain", "keystore", "compared", "event_abi", "rpc"])
def test_loading_them_leaves_the_recursion_limit(module: str) -> None:
    code = (
        "import sys; before = sys.getrecursionlimit()\n"
        f"import notary.adapters.chain.{module}\n"
        "print(sys.getrecursionlimit() - before)"
    )
    assert said(code) == "0"


def test_an_answer_of_brackets_is_no_answer_and_kills_nothing(node: str) -> None:
    code = (
        "from notary.adapters.chain.rpc import Rpc\n"
        "from notary.chain_ports import ChainAway\n"
        f"try:\n    Rpc({node!r}).ask('eth_chainId')\n"
        "except ChainAway as error:\n    print(error.code)"
    )
    assert said(code) == "ENDPOINT_SILENT"

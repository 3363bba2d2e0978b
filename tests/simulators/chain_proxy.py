"""Owns the way to a chain: a JSON-RPC proxy that records every call, and lies or breaks where told so.

It stands between the product and anvil, so that what the product asked and what it was told are both
known. Tests speak to anvil directly. Which lies and breaks there are is `tests.simulators.chain_faults`.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Forward = Callable[[], dict[str, Any]]
# Gets the call's parameters and a way to ask the chain; gives the whole answer.
Rule = Callable[[list[Any], Forward], "dict[str, Any] | Raw"]


@dataclass(frozen=True)
class Raw:
    """An answer that is no JSON-RPC, or no JSON, or no success of HTTP."""

    status: int
    content: bytes


@dataclass(frozen=True)
class Dripped(Raw):
    """An answer that comes a byte at a time, with a pause before each."""

    pause_s: float = 0


class Dropped(Exception):
    """A rule's way to close the connection without an answer."""


class ChainProxy:
    """Listens on a free loopback port and forwards to `target`."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.calls: list[tuple[str, list[Any]]] = []
        self._rules: dict[str, Rule] = {}
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def methods(self) -> set[str]:
        """The methods that were called."""
        return {method for method, _ in self.calls}

    def count(self, method: str) -> int:
        """How often a method was called."""
        return sum(1 for called, _ in self.calls if called == method)

    @contextlib.contextmanager
    def rule(self, method: str, rule: Rule) -> Iterator[None]:
        """Let `rule` answer the method's calls inside the block."""
        self._rules[method] = rule
        try:
            yield
        finally:
            del self._rules[method]

    def _answer(self, call: dict[str, Any]) -> Raw:
        method, params = call["method"], call.get("params", [])
        self.calls.append((method, params))

        def forward() -> dict[str, Any]:
            request = urllib.request.Request(  # noqa: S310  (loopback, a scheme of ours)
                self.target, json.dumps(call).encode(), {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
                answer: dict[str, Any] = json.load(response)
            return answer

        rule = self._rules.get(method)
        answer = forward() if rule is None else rule(params, forward)
        if isinstance(answer, dict):
            answer = Raw(HTTPStatus.OK, json.dumps({"id": call.get("id")} | answer).encode())
        return answer

    def __enter__(self) -> Self:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                try:
                    answer = proxy._answer(call)
                except (Dropped, OSError):
                    # Closed without a byte, as when a node dies after it has read the request.
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    # Who asked may have lost patience.
                    if isinstance(answer, Dripped):
                        for byte in answer.content:
                            time.sleep(answer.pause_s)
                            self.wfile.write(bytes([byte]))
                            self.wfile.flush()
                    else:
                        self.wfile.write(answer.content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def answered(result: Any) -> dict[str, Any]:
    """A whole answer with that result."""
    return {"jsonrpc": "2.0", "result": result}


def refused(message: str, code: int = -32000) -> dict[str, Any]:
    """A whole answer with an error."""
    return {"jsonrpc": "2.0", "error": {"code": code, "message": message}}

"""Owns nodes that tests make up: JSON-RPC on loopback, honest, or lying in one of the ways of a node.

A real node stands in wherever one can (tests.anvil); these say what no real one would.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

# Gets the handler of one request, whose body is read, and answers as it likes.
Answer = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]


def send(handler: BaseHTTPRequestHandler, content: bytes, status: int = 200) -> None:
    """A whole answer of HTTP."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def result(value: object) -> Answer:
    """Answers every call with this result."""
    content = json.dumps({"jsonrpc": "2.0", "id": 1, "result": value}).encode()
    return lambda handler, call: send(handler, content)


def raw(content: bytes, status: int = 200) -> Answer:
    """Answers every call with these bytes."""
    return lambda handler, call: send(handler, content, status)


class Node:
    """A node of one chain that has the given hashes, by number; `rules` answer a method otherwise."""

    def __init__(
        self,
        chain_id: int,
        hashes: Mapping[int, bytes],
        rules: Mapping[str, Answer] | None = None,
        *,
        host: str = "127.0.0.1",
    ) -> None:
        self._chain_id = chain_id
        self._hashes = hashes
        self._rules = rules or {}
        self._host = host
        self._closing = threading.Event()
        self.calls: list[dict[str, Any]] = []
        self.paths: list[str] = []

    @property
    def place(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.place}"

    def rest(self, seconds: float) -> None:
        """Wait, but no longer than the test."""
        self._closing.wait(seconds)

    def _answer(self, handler: BaseHTTPRequestHandler, call: dict[str, Any]) -> None:
        method = call["method"]
        if method in self._rules:
            self._rules[method](handler, call)
        elif method == "eth_chainId":
            result(hex(self._chain_id))(handler, call)
        else:
            number = int(call["params"][0], 16)
            hash_ = self._hashes.get(number)
            block = {"number": hex(number), "hash": f"0x{hash_.hex()}"} if hash_ else None
            result(block)(handler, call)

    def __enter__(self) -> Self:
        node = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                node.calls.append(call)
                node.paths.append(self.path)
                # Who asked may have lost patience.
                with contextlib.suppress(OSError):
                    node._answer(self, call)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in node._host else socket.AF_INET

        self._server = Server((self._host, 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

"""Owns an S3 server on this machine's loopback, and a proxy before it that fails as servers and lines do.

The server is moto's, over HTTP; nothing of the client is replaced.
"""

from __future__ import annotations

import http.client
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.server import ThreadedMotoServer

BUCKET = "originals"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
REGION = "eu-central-1"

Fault = Callable[["Call"], None]


class Cut(Exception):
    """The connection ends here."""


@dataclass(frozen=True)
class S3:
    """A running server with one empty bucket."""

    port: int

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def _backend(self) -> Any:
        return get_backend("s3")[DEFAULT_ACCOUNT_ID]["aws"]

    def held(self) -> list[str]:
        """What the bucket holds, asked past the product."""
        return sorted(self._backend.buckets[BUCKET].keys)

    def bytes_of(self, key: str) -> bytes:
        """An object's bytes, asked past the product."""
        found: bytes = self._backend.get_object(BUCKET, key).value
        return found

    def put(self, key: str, content: bytes) -> None:
        """Put an object there, past the product."""
        self._backend.put_object(BUCKET, key, content)

    def delete(self, key: str) -> None:
        """Take an object away, past the product."""
        self._backend.delete_object(BUCKET, key)

    def clear(self) -> None:
        """Take every object away."""
        for key in self.held():
            self.delete(key)


@contextmanager
def s3_server() -> Iterator[S3]:
    """A server that keeps everything in memory."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        found = S3(server.get_host_and_port()[1])
        found._backend.create_bucket(BUCKET, REGION)
        yield found
        found.clear()
        found._backend.delete_bucket(BUCKET)
    finally:
        server.stop()


@dataclass
class Call:
    """One request on its way: its method, its path, and the two halves of being sent on."""

    method: str
    path: str
    _handler: _Handler

    def pass_on(self) -> None:
        """Let the server answer, and give its answer."""
        self._handler.answer(*self._handler.forward())

    def apply(self) -> None:
        """Let the server act, and keep its answer back."""
        self._handler.forward()

    def answer(self, status: int, code: str) -> None:
        """Answer in the server's place."""
        self._handler.body()
        content = f"<Error><Code>{code}</Code><Message>of the test</Message></Error>".encode()
        self._handler.answer(status, {"Content-Type": "application/xml"}, content)

    def cut(self) -> None:
        """End the connection in the middle of the request."""
        raise Cut


@dataclass
class Proxy:
    """Stands before the server; `fault` decides what becomes of each request."""

    target: int
    port: int = 0
    fault: Fault | None = None
    calls: list[str] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy
    _body: bytes | None = None

    def handle_one_request(self) -> None:
        self._body = None
        super().handle_one_request()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._do
        raise AttributeError(name)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""

    def _do(self) -> None:
        self.proxy.calls.append(f"{self.command} {self.path}")
        call = Call(self.command, self.path, self)
        try:
            if self.proxy.fault is None:
                call.pass_on()
            else:
                self.proxy.fault(call)
        except Cut:
            self.close_connection = True
            self.connection.close()

    def body(self) -> bytes:
        if self._body is None:
            self._body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return self._body

    def forward(self) -> tuple[int, dict[str, str], bytes]:
        onward = http.client.HTTPConnection("127.0.0.1", self.proxy.target, timeout=10)
        try:
            onward.request(self.command, self.path, self.body(), dict(self.headers))
            got = onward.getresponse()
            return got.status, dict(got.getheaders()), got.read()
        finally:
            onward.close()

    def answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@contextmanager
def proxied(s3: S3) -> Iterator[Proxy]:
    """A proxy before the server, without a fault yet."""
    proxy = Proxy(s3.port)
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    proxy.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""Owns a real `notary serve` process for tests of the HTTP edge, and a client that speaks plain sockets.

The client is written by hand, because what is tested is what a library would not send: halves of bodies,
heads that never end, answers that nobody reads.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notary import compose, creation
from tests.simulators.ports import free_port

START_SECONDS = 60  # a busy machine takes its time
ANSWER_SECONDS = 60


@dataclass
class Answer:
    """One answer, whole."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def problem(self, status: int, code: str) -> dict[str, Any]:
        """The problem document that it must be."""
        assert self.status == status, (self.status, self.body)
        assert self.headers["content-type"] == "application/problem+json"
        found: dict[str, Any] = self.json()
        assert (found["status"], found["code"]) == (status, code), found
        if status in (429, 503):
            assert int(self.headers["retry-after"]) > 0
        return found


@dataclass
class Server:
    """A server process over a home of its own; its chain is out of reach."""

    home: Path
    token: str
    matter: str
    port: int
    process: subprocess.Popen[bytes]

    def connect(self) -> Connection:
        """A new connection."""
        return Connection(self.port, self.token)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request on a connection of its own. Underscores in header names stand for hyphens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        sent = {"Authorization": f"Bearer {self.token}"}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        try:
            connection.request(method, path, body, sent)
            found = connection.getresponse()
            named = {name.lower(): value for name, value in found.getheaders()}
            return Answer(found.status, named, found.read())
        finally:
            connection.close()

    def post(self, path: str, value: Any) -> Answer:
        """JSON to a route."""
        return self.ask("POST", path, json.dumps(value).encode(), Content_Type="application/json")

    def record(self, key: str, **changed: Any) -> dict[str, Any]:
        """A record that fits."""
        return {**call(self.matter, key), **changed}

    def memory_mib(self, what: str = "VmRSS") -> int:
        """What the process holds now; VmHWM for the most that it held."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        [line] = [line for line in status.splitlines() if line.startswith(what)]
        return int(line.split()[1]) // 1024

    def kill(self) -> None:
        """End it as a power loss would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def counts(self) -> tuple[int, int]:
        """How many matters and records the store holds."""
        with compose.opened(_home(self.home)) as service:
            return service.register.counts(service.agency_id)


class Connection:
    """One connection: requests in pieces, answers as they come."""

    def __init__(self, port: int, token: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._token = token
        self._file = self.socket.makefile("rb")

    def head(self, method: str, path: str, content_type: str, length: int | None = None) -> None:
        """Send the head of a request; without a length its body is chunked."""
        size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        self.socket.sendall(
            (
                f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self._token}\r\n"
                f"Content-Type: {content_type}\r\n{size}\r\n\r\n"
            ).encode()
        )

    def chunk(self, data: bytes) -> None:
        """Send a piece of a chunked body; an empty one ends it."""
        self.socket.sendall(b"%x\r\n%b\r\n" % (len(data), data))

    def answer_head(self) -> tuple[int, dict[str, str]]:
        """Status and headers of the next answer."""
        status = int(self._file.readline().split()[1])
        headers = {}
        while line := self._file.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        return status, headers

    def answer(self) -> Answer:
        """The next answer, whole."""
        status, headers = self.answer_head()
        if "content-length" in headers:
            return Answer(status, headers, self._file.read(int(headers["content-length"])))
        return Answer(status, headers, b"".join(self.pieces()))

    def pieces(self) -> Iterator[bytes]:
        """The pieces of a chunked answer."""
        while size := int(self._file.readline(), 16):
            yield self._file.read(size)
            self._file.readline()
        self._file.readline()

    def lines(self) -> Iterator[dict[str, Any]]:
        """The lines of an answer in NDJSON, each as soon as it is there."""
        rest = b""
        for piece in self.pieces():
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield json.loads(line)
        assert not rest

    def close(self) -> None:
        """Go away."""
        self._file.close()
        self.socket.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def call(matter: str, key: str) -> dict[str, Any]:
    """A call as a dialler states it."""
    return {
        "matter": matter,
        "kind": "call",
        "idempotency_key": key,
        "claims": {
            "occurred_at": "2026-01-05T09:12:33.000Z",
            "account": f"ACC-{key}",
            "direction": "outbound",
            "callee": "+442079460123",
            "duration_s": 61,
            "disposition": "ANSWERED",
        },
    }


def ndjson(records: Iterable[Any]) -> bytes:
    """Lines of JSON."""
    return b"".join(json.dumps(one).encode() + b"\n" for one in records)


def make(folder: Path) -> tuple[Path, str, str]:
    """A new home with one matter: the folder, the token, the matter's number."""
    made = creation.create(
        folder,
        log="http.notary.example/log",
        agency="Test agency",
        rpc="http://127.0.0.1:9",
        chain_id=31337,
        keys="keys",
    )
    with compose.opened(made.home) as service:
        number = service.new_matter(service.agency_id, "A v. B", ()).number
    return made.home.folder, made.token, number


@contextlib.contextmanager
def served(
    home: Path, token: str, matter: str, *before: str, command: Sequence[str] = ()
) -> Iterator[Server]:
    """The server of a home; `before` are words before its command, such as a tracer.

    `command` stands in for `python -m notary`.
    """
    port = free_port()
    program = command or (sys.executable, "-m", "notary")
    words = [*before, *program, "serve", "--port", str(port), "--home", str(home)]
    process = subprocess.Popen(words, start_new_session=True)
    server = Server(home, token, matter, port, process)
    try:
        end = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.05)
        yield server
    finally:
        # All of the session that was started for it: a tracer does not pass the signal on.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _home(folder: Path) -> Any:
    from notary import config

    return config.load(folder)

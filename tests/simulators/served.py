"""The service as it runs: `notary serve` in a process of its own, and a proxy in front that does wrong.

The chain is out of reach; nothing here needs it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from notary import compose, creation
from notary.creation import Created
from tests.simulators.ports import free_port

START_SECONDS = 90


@dataclass
class Served:
    """A home, and `notary serve` over it on `port`."""

    made: Created
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def receipt_key(self) -> str:
        with compose.opened(self.made.home) as service:
            return service.receipt_vkey

    def start(self) -> None:
        command = [sys.executable, "-m", "notary", "serve", "--port", str(self.port)]
        folder = str(self.made.home.folder)
        self.process = subprocess.Popen([*command, "--home", folder], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.process.poll() is None
            time.sleep(0.05)
        raise AssertionError("the server did not start")

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None

    def claims(self, number: str) -> list[dict[str, Any]]:
        """Kind and values of every record of a matter, in order."""
        with compose.opened(self.made.home) as service:
            matter = service.matter(service.agency_id, number)
            views = service.reader.of_matter(service.agency_id, matter.key, 0, 1_000_000)
            return [
                {
                    "kind": view.kind,
                    **service.reader.content(service.agency_id, view.record_id).values,
                }
                for view in views
            ]


@contextmanager
def served(folder: Path, before: Callable[[Created], None] = lambda made: None) -> Iterator[Served]:
    """A new service that answers; `before` is what happens to its store before it does."""
    made = creation.create(
        folder / "home",
        log="served.notary.example/log",
        agency="Test agency",
        rpc="http://127.0.0.1:9",
        chain_id=31337,
        keys="keys",
    )
    before(made)
    one = Served(made, free_port())
    one.start()
    try:
        yield one
    finally:
        one.stop()


@dataclass
class Proxy:
    """A way to the service. `faults` are taken one for each connection; without one it passes.

    "refuse" answers nothing; "busy" answers 503; "garble" answers a page, "empty" and "list" JSON without
    members; a number cuts the answer off after so many bytes, when the service has done its work.
    """

    target: int
    faults: list[str | int] = field(default_factory=list)
    port: int = 0
    connections: int = 0

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            self.port = server.getsockname()[1]
            thread = threading.Thread(target=self._serve, args=(server,), daemon=True)
            thread.start()
            try:
                yield self
            finally:
                with suppress(OSError):
                    server.shutdown(socket.SHUT_RDWR)
                thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _serve(self, server: socket.socket) -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            self.connections += 1
            fault = self.faults.pop(0) if self.faults else None
            threading.Thread(target=self._one, args=(client, fault), daemon=True).start()

    def _one(self, client: socket.socket, fault: str | int | None) -> None:
        with client, suppress(OSError):
            if fault == "refuse":
                return
            if isinstance(fault, str):
                client.recv(65536)
                client.sendall(_ANSWERS[fault])
                return
            with socket.create_connection(("127.0.0.1", self.target)) as service:
                up = threading.Thread(target=_pass, args=(client, service, None), daemon=True)
                up.start()
                _pass(service, client, fault)
                for one in (client, service):
                    with suppress(OSError):
                        one.shutdown(socket.SHUT_RDWR)
                up.join()


_ANSWERS = {
    "busy": b"HTTP/1.1 503 Busy\r\nContent-Type: application/problem+json\r\nRetry-After: 7\r\n"
    b'Content-Length: 42\r\n\r\n{"code": "BUSY", "detail": "wait a while"}',
    "garble": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<html>no</html>",
    "empty": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "list": b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\n[]",
}


def _pass(source: socket.socket, target: socket.socket, most: int | None) -> None:
    passed = 0
    with suppress(OSError):
        while data := source.recv(65536):
            if most is not None and passed + len(data) >= most:
                target.sendall(data[: most - passed])
                return
            target.sendall(data)
            passed += len(data)
        target.shutdown(socket.SHUT_WR)


def kill(process: subprocess.Popen[Any]) -> None:
    """End a process as a power loss would."""
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)
    process.wait()

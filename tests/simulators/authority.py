"""A real time-stamping authority: openssl's, behind a server on loopback that fails when it is told to."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from sqlalchemy import insert

from notary.adapters.store.database import Database
from notary.adapters.store.timestamps import INTENTS, StoredTokens
from notary.timestamp_ports import TokenBook
from notary.usecases.stamp import PinnedAuthority, Stamper, StampSettings
from tests.hostile.authority import (
    OF_AUTHORITY,
    OF_SIGNER,
    POLICY,
    PrivateKey,
    certificate,
    curve_key,
)
from tests.simulators.store import StoreWorld

SETTINGS = f"""\
[tsa]
serial = serial
signer_cert = signer.pem
certs = between.pem
signer_key = signer.key
signer_digest = sha256
default_policy = {POLICY}
digests = sha256
accuracy = secs:1
clock_precision_digits = 3
ess_cert_id_alg = sha256
"""
REJECTED = bytes.fromhex("30053003020102")  # a response with PKI status 2 and no token


class OpensslAuthority:
    """Answers queries with the key and the certificates in its folder. Its clock is the machine's."""

    def __init__(
        self, folder: Path, name: str = "Example", *, until: datetime | None = None
    ) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.name = name
        # With this, each token comes under a certificate that ends so soon after it.
        self.lasts: timedelta | None = None
        self._seed = 1 + sum(name.encode()) * 1000
        self._lock = threading.Lock()
        (folder / "tsa.cnf").write_text(SETTINGS, "ascii")
        (folder / "serial").write_text("01\n", "ascii")
        now = datetime.now(UTC).replace(microsecond=0)
        self._since, far = now - timedelta(days=1), now + timedelta(days=3650)
        root_key, middle_key = curve_key(self._seed), curve_key(self._seed + 1)
        self.root = certificate(
            f"{name} Root", root_key, (f"{name} Root", root_key),
            since=self._since, until=far, extensions=OF_AUTHORITY,
        )  # fmt: skip
        between = certificate(
            f"{name} CA", middle_key, (f"{name} Root", root_key),
            since=self._since, until=far, extensions=OF_AUTHORITY, serial=2,
        )  # fmt: skip
        _write_certificate(folder / "between.pem", between)
        _write_certificate(folder / "root.pem", self.root)
        self.certify(until or far)

    def certify(self, until: datetime) -> None:
        """Take a new key and certificate, which ends then."""
        with self._lock:
            key = curve_key(self._seed + 10 + int(until.timestamp()))
            signer = certificate(
                f"{self.name} TSA", key, (f"{self.name} CA", curve_key(self._seed + 1)),
                since=self._since, until=until, extensions=OF_SIGNER,
                serial=int(until.timestamp()),
            )  # fmt: skip
            _write_key(self.folder / "signer.key", key)
            _write_certificate(self.folder / "signer.pem", signer)

    @property
    def pem(self) -> str:
        """The root, as configurations and policies pin it."""
        return (self.folder / "root.pem").read_text("ascii")

    def reply(self, query: bytes) -> bytes:
        """The response to a query."""
        if self.lasts is not None:
            self.certify(datetime.now(UTC).replace(microsecond=0) + self.lasts)
        with self._lock:
            (self.folder / "query").write_bytes(query)
            subprocess.run(
                ["openssl", "ts", "-reply", "-config", "tsa.cnf", "-section", "tsa",
                 "-queryfile", "query", "-out", "response"],
                cwd=self.folder, check=True, capture_output=True,
            )  # fmt: skip
            return (self.folder / "response").read_bytes()


def _write_certificate(path: Path, one: x509.Certificate) -> None:
    path.write_bytes(one.public_bytes(serialization.Encoding.PEM))


def _write_key(path: Path, key: PrivateKey) -> None:
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


class AuthorityServer:
    """The authority at an address. `mode` says what it does with the next query."""

    def __init__(self, authority: OpensslAuthority) -> None:
        self.authority = authority
        self.mode = "honest"
        self.asked = 0
        self._earlier: bytes | None = None
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        server.daemon_threads = True
        self._server = server
        self.url = f"http://127.0.0.1:{server.server_address[1]}/tsr"

    @contextmanager
    def running(self) -> Iterator[AuthorityServer]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.headers["Content-Type"] == "application/timestamp-query"
                server.asked += 1
                server.answers[server.mode](server, self, query)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def _honest(self, to: BaseHTTPRequestHandler, query: bytes) -> None:
        answer = self.authority.reply(query)
        self._earlier = answer
        _answer(to, 200, answer)

    def _replays(self, to: BaseHTTPRequestHandler, query: bytes) -> None:
        # A true token of an earlier query: the nonce is another, and mostly the imprint.
        assert self._earlier is not None
        _answer(to, 200, self._earlier)

    def _cuts_the_token(self, to: BaseHTTPRequestHandler, query: bytes) -> None:
        answer = self.authority.reply(query)
        _answer(to, 200, answer[:-1] + bytes([answer[-1] ^ 1]))

    def _says_garbage(self, to: BaseHTTPRequestHandler, _: bytes) -> None:
        _answer(to, 200, b"<html>Please pay</html>")

    def _says_too_much(self, to: BaseHTTPRequestHandler, _: bytes) -> None:
        _answer(to, 200, bytes(2**20))

    def _fails(self, to: BaseHTTPRequestHandler, _: bytes) -> None:
        _answer(to, 500, b"")

    def _redirects(self, to: BaseHTTPRequestHandler, _: bytes) -> None:
        to.send_response(307)
        to.send_header("Location", self.url)
        to.send_header("Content-Length", "0")
        to.end_headers()

    def _rejects(self, to: BaseHTTPRequestHandler, _: bytes) -> None:
        _answer(to, 200, REJECTED)

    def _drips(self, to: BaseHTTPRequestHandler, _: bytes) -> None:
        to.send_response(200)
        to.send_header("Content-Length", "100000")
        to.end_headers()
        with suppress(OSError):
            for _i in range(200):
                to.wfile.write(b"0")
                to.wfile.flush()
                time.sleep(0.1)

    def _hangs(self, to: BaseHTTPRequestHandler, _: bytes) -> None:
        to.connection.settimeout(20)
        with suppress(OSError):
            to.connection.recv(1)

    answers: ClassVar[dict[str, Callable[[AuthorityServer, Any, bytes], None]]] = {
        "honest": _honest,
        "replays": _replays,
        "cuts the token": _cuts_the_token,
        "says garbage": _says_garbage,
        "says too much": _says_too_much,
        "fails": _fails,
        "redirects": _redirects,
        "rejects": _rejects,
        "drips": _drips,
        "hangs": _hangs,
    }


def _answer(to: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    to.send_response(status)
    to.send_header("Content-Type", "application/timestamp-reply")
    to.send_header("Content-Length", str(len(body)))
    to.end_headers()
    # Whoever asked may have heard enough.
    with suppress(OSError):
        to.wfile.write(body)


def openssl_verifies(folder: Path, message: bytes, token: bytes, pem: str, at: int | None) -> bool:
    """What `openssl ts -verify` says, at that moment or now."""
    (folder / "message").write_bytes(message)
    (folder / "token").write_bytes(token)
    (folder / "roots.pem").write_text(pem, "ascii")
    done = subprocess.run(
        ["openssl", "ts", "-verify", "-token_in", "-in", "token", "-data", "message",
         "-CAfile", "roots.pem", *([] if at is None else ["-attime", str(at)])],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Verification: " in done.stdout + done.stderr
    return done.returncode == 0


def put_intent(
    database: Database, size: int, mined_at: datetime | None, state: str = "PROVED"
) -> None:
    """An intent in a store, as the sender leaves it: its checkpoint is to be stamped."""
    row = {
        "version": 1,
        "state": state,
        "chain_id": 1,
        "contract": bytes(20),
        "log_address": bytes(20),
        "size": size,
        "root": bytes(32),
        "block_time": None if mined_at is None else int(mined_at.timestamp()),
        "closed": False,
    }
    with database.transaction() as connection:
        connection.execute(insert(INTENTS), row)


def stamper(
    world: StoreWorld,
    authorities: Sequence[PinnedAuthority],
    book: TokenBook | None = None,
    told: list[str] | None = None,
    renew_before: timedelta = timedelta(days=90),
) -> Stamper:
    """What asks for the tokens of a store, for a day at most."""
    return Stamper(
        authorities,
        book or StoredTokens(world.database),
        world.batch_log,
        world.clock,
        world.entropy,
        StampSettings(gap=timedelta(days=1), renew_before=renew_before),
        (lambda line: None) if told is None else told.append,
    )

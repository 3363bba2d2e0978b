"""One receiver of webhooks over HTTP: one request, no redirect, a bounded time, a secret in a file.

The address may hold a token, so messages name the receiver by the operator's word. Test:
tests/unit/service/test_webhook.py, against real servers that hang, drip, refuse and redirect.
"""

from __future__ import annotations

import base64
import binascii
import http.client
import socket
import stat
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from notary.errors import NothingHappened

TIMEOUT_S = 15.0  # what Standard Webhooks asks senders to allow at least
PREFIX = "whsec_"
SECRET_BYTES = range(24, 65)  # as Standard Webhooks has it


@dataclass(frozen=True)
class HttpReceiver:
    """Implements notary.usecases.courier.Receiver."""

    name: str
    url: str
    secret_file: Path
    timeout_s: float = TIMEOUT_S

    def secret(self) -> bytes:
        """The key: the file holds `whsec_` and base64, and nobody else can read it."""
        try:
            mode = stat.S_IMODE(self.secret_file.stat().st_mode)
            text = self.secret_file.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise self._secret(f"can't be read: {error}") from error
        if mode & 0o077:
            raise self._secret(f"has mode {mode:04o}; other accounts can read it: chmod 600")
        try:
            key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        except binascii.Error as error:
            raise self._secret("is not base64") from error
        if not text.startswith(PREFIX) or len(key) not in SECRET_BYTES:
            raise self._secret(f"must hold {PREFIX} and the base64 of 24 to 64 bytes")
        return key

    def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """One POST. Only an answer of the two hundreds says that the receiver took it."""
        parts = urlsplit(self.url)
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        connection = kind(parts.hostname or "", parts.port, timeout=self.timeout_s)
        # The socket's own timeout begins anew with each byte: a receiver that drips would never end.
        watch = threading.Timer(self.timeout_s, _cut, (connection,))
        watch.daemon = True
        watch.start()
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", target, body, dict(headers))
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NothingHappened(
                "WEBHOOK_AWAY", f"no answer within {self.timeout_s:g} s ({type(error).__name__})"
            ) from error
        finally:
            watch.cancel()
            connection.close()
        # A redirect is refused too: what is signed for one place goes to no other.
        if not 200 <= status < 300:
            raise NothingHappened("WEBHOOK_REFUSED", f"it answered {status}")

    def _secret(self, why: str) -> NothingHappened:
        return NothingHappened("WEBHOOK_SECRET", f"{self.secret_file} {why}")


def _cut(connection: http.client.HTTPConnection) -> None:
    """End whatever the connection waits for."""
    found = connection.sock
    if found is not None:
        with suppress(OSError):
            found.shutdown(socket.SHUT_RDWR)

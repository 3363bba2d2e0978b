"""One receiver of webhooks over HTTP: one request, no redirect, a bounded time, a secret in a file.

The address may hold a token, so messages name the receiver by the operator's word. Test:
tests/unit/service/test_webhook.py, against real servers that hang, drip, refuse and redirect.
"""

from __future__ import annotations

import base64
import binascii
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from notary.adapters.bounded_http import NoAnswer, post
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
        try:
            status = post(self.url, body, headers, timeout_s=self.timeout_s).status
        except NoAnswer as error:
            raise NothingHappened("WEBHOOK_AWAY", str(error)) from error
        # A redirect is refused too: what is signed for one place goes to no other.
        if not 200 <= status < 300:
            raise NothingHappened("WEBHOOK_REFUSED", f"it answered {status}")

    def _secret(self, why: str) -> NothingHappened:
        return NothingHappened("WEBHOOK_SECRET", f"{self.secret_file} {why}")

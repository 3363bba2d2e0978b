"""A time-stamping authority over HTTP (RFC 3161 §3.4): one query, one response.

Implements notary.timestamp_ports.TimestampAuthority. Test: tests/scenarios/service/test_timestamps.py,
against openssl's authority behind a server that fails on demand.
"""

from __future__ import annotations

from dataclasses import dataclass

from notary.adapters.bounded_http import NoAnswer, post
from notary.errors import NothingHappened
from verifier.format.digests import Digest

TIMEOUT_S = 20.0  # public authorities answer within one or two
MAX_ANSWER_BYTES = (
    80 * 1024
)  # a token of the largest size that the format has, and the status around it
GRANTED = (0, 1)  # RFC 3161 §2.4.2: granted, granted with modifications


@dataclass(frozen=True)
class HttpAuthority:
    """One authority at one address."""

    name: str
    url: str
    timeout_s: float = TIMEOUT_S

    def stamp(self, imprint: Digest, nonce: int) -> bytes:
        """Ask for a token over the imprint."""
        from notary.adapters import timestamp_messages as messages

        try:
            answer = post(
                self.url,
                messages.query(imprint, nonce),
                {
                    "Content-Type": "application/timestamp-query",
                    "Accept": "application/timestamp-reply",
                },
                timeout_s=self.timeout_s,
                limit=MAX_ANSWER_BYTES,
            )
        except NoAnswer as error:
            raise NothingHappened("TIMESTAMP_AWAY", str(error)) from error
        if answer.status != 200:
            raise NothingHappened("TIMESTAMP_REFUSED", f"it answered {answer.status}")
        try:
            status, token = messages.response(answer.body)
        except ValueError as error:
            raise NothingHappened(
                "TIMESTAMP_GARBLED", f"its answer is no time-stamp response: {error}"
            ) from error
        if status not in GRANTED or token is None:
            raise NothingHappened("TIMESTAMP_REFUSED", f"it answered with PKI status {status}")
        return token

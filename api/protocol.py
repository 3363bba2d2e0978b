"""The server's side of a connection, where the server's own would answer in plain text or wait for ever.

A head that is no HTTP or too long gets a problem document; one that does not come in time, and a body that
goes on long after its answer, end the connection. Chosen by `notary serve`. Contract: docs/http.md
"Limits and waiting", "Problems". Test: tests/scenarios/http/test_connections.py.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import h11
import orjson
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from api import problems

ABORT = "notary.abort"  # the name in the scope's extensions of what lets a connection go at once

TOO_LARGE = 431
HEAD_SECONDS = 30  # a head is a few hundred bytes
# A client that was refused hears it after it has sent its body, so some of that is read and dropped.
MAX_UNWANTED_BYTES = 256 * 2**20


class Protocol(H11Protocol):
    """uvicorn's protocol with limits of its own."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._application = self.app
        self.app = self._asked
        self._unwanted = 0
        self._head_due: asyncio.TimerHandle | None = None

    async def _asked(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["extensions"] = {ABORT: self.transport.abort}
        await self._application(scope, receive, send)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As asyncio.Protocol."""
        super().connection_made(transport)
        self._head_due = self.loop.call_later(HEAD_SECONDS, self._head_missed)

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio.Protocol."""
        self._head_here()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """As asyncio.Protocol."""
        if self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY:
            self._unwanted += len(data)
            if self._unwanted > MAX_UNWANTED_BYTES:
                self.transport.abort()
                return
        super().data_received(data)
        if self._head_due is None:
            if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
                # A further head has begun on a connection that is kept.
                self._head_due = self.loop.call_later(HEAD_SECONDS, self._head_missed)
        elif self.conn.their_state is not h11.IDLE:
            self._head_here()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, if no answer has begun."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        error = sys.exc_info()[1]
        if isinstance(error, h11.RemoteProtocolError) and error.error_status_hint == TOO_LARGE:
            said = problems.body(
                TOO_LARGE,
                "HEAD_SIZE",
                "the request's head is too long; send fewer or shorter headers",
            )
        else:
            said = problems.body(400, "HTTP_INVALID", f"this is no HTTP/1.1 request: {error}")
        text = orjson.dumps(said)
        headers = [
            ("content-type", problems.MEDIA_TYPE),
            ("content-length", str(len(text))),
            ("connection", "close"),
        ]
        for event in (
            h11.Response(status_code=said["status"], headers=headers),
            h11.Data(data=text),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _head_here(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _head_missed(self) -> None:
        self._head_due = None
        self.transport.abort()

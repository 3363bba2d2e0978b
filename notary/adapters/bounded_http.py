"""One POST over HTTP: one request, no redirect, a bounded time and a bounded answer.

Messages name no address: it may hold a key. Tests: tests/unit/service/test_webhook.py and
tests/scenarios/service/test_timestamps.py, against servers that are away, hang, drip and say too much.
"""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit


class NoAnswer(Exception):
    """No whole answer came in time; what happened at the other end nobody knows."""


@dataclass(frozen=True)
class Answer:
    """Status and body."""

    status: int
    body: bytes


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float, limit: int = 0
) -> Answer:
    """Send the body and read at most `limit` bytes of the answer; with 0 its status alone.

    Raises NoAnswer.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout_s)
    # The socket's own timeout begins anew with each byte: a server that drips would never end.
    watch = _Watch(timeout_s)
    try:
        connection.connect()
        watch.over(connection.sock)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, dict(headers))
        response = connection.getresponse()
        content = response.read(limit + 1) if limit else b""
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswer(f"no answer within {timeout_s:g} s ({type(error).__name__})") from error
    finally:
        watch.end()
        connection.close()
    # A socket that was cut reads as one whose other end has said everything.
    if watch.cut:
        raise NoAnswer(f"no whole answer within {timeout_s:g} s")
    if len(content) > limit:
        raise NoAnswer(f"an answer of more than {limit} bytes")
    return Answer(response.status, content)


class _Watch:
    """Ends whatever a socket waits for when its time is over."""

    def __init__(self, seconds: float) -> None:
        self.cut = False
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        # Kept here: the connection forgets it as soon as the answer begins.
        self._socket: socket.socket | None = None

    def over(self, watched: socket.socket) -> None:
        self._socket = watched
        self._timer.start()

    def end(self) -> None:
        self._timer.cancel()

    def _cut(self) -> None:
        self.cut = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

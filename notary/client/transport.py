"""Owns one exchange over HTTP and its repetition: what may be repeated, when, and how long.

A request is repeated only where that can't do anything twice. Test: tests/scenarios/client/test_client.py,
against the service, behind a proxy that refuses, is busy and cuts answers off.
"""

from __future__ import annotations

import http.client
import json
import random
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from notary.errors import CallerError, ConflictError, NotaryError, NothingHappened, OutcomeUnknown

TIMEOUT_S = 70.0  # for one answer; the service itself waits for 60 s
PATIENCE_S = 60.0  # for all repetitions of one request
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
MAX_ANSWER_BYTES = 16 * 2**20  # an array of 1,000 answers has 8
# What the service answers when nothing happened and the same request may come again.
AGAIN = frozenset({408, 429, 503})

Built = TypeVar("Built")


@dataclass(frozen=True)
class Answer:
    """What came back. `date` is the server's own clock, by whole seconds, as its header says."""

    status: int
    body: bytes
    retry_after_s: float | None
    date: str | None

    def json(self) -> Any:
        """The body. Raises OutcomeUnknown ANSWER_GARBLED if it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise OutcomeUnknown(
                "ANSWER_GARBLED",
                f"the answer ({self.status}) is no JSON. Is this the service's address, and no other's?",
            ) from error

    def read(self, build: Callable[[Any], Built]) -> Built:
        """What `build` makes of the body. Raises OutcomeUnknown ANSWER_GARBLED if it can't."""
        told = self.json()
        try:
            return build(told)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise OutcomeUnknown(
                "ANSWER_GARBLED",
                f"the answer ({self.status}) has not the members that it should have ({error!r}).",
            ) from error


def problem(answer: Answer) -> NotaryError:
    """The error that a problem document tells, by what to do next."""
    code, detail = answer.read(
        lambda told: (str(told.get("code", "REFUSED")), str(told.get("detail", "")))
    )
    return by_status(answer.status, code, detail)


def by_status(status: int, code: str, detail: str) -> NotaryError:
    """The error of a status."""
    if status in AGAIN:
        return NothingHappened(code, detail)
    if status == 409:
        return ConflictError(code, detail)
    if 400 <= status < 500:
        return CallerError(code, detail)
    return OutcomeUnknown(code, f"the service failed ({status}): {detail}")


class Transport:
    """Requests to one service. `pause` waits; tests give their own."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        ca: Path | None = None,
        timeout_s: float = TIMEOUT_S,
        patience_s: float = PATIENCE_S,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise CallerError(
                "URL",
                f"{url!r} is no address of a service; want https://host[:port], without a name.",
            )
        if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
            # The key would be there for everybody to read.
            raise CallerError("URL_PLAIN", f"{url!r} is not encrypted; use https.")
        try:
            key.encode("ascii")
        except UnicodeEncodeError:
            raise CallerError("KEY_FORM", "the API key is not ASCII.") from None
        if not key.isprintable():
            raise CallerError("KEY_FORM", "the API key holds a line end or a control character.")
        self._https = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/")
        self._key = key
        self._context = ssl.create_default_context(cafile=ca) if self._https else None
        self._timeout_s = timeout_s
        self._patience_s = patience_s
        self._pause = pause

    def connect(self) -> http.client.HTTPConnection:
        """A new connection, not yet open."""
        if self._https:
            return http.client.HTTPSConnection(
                self._host, self._port, timeout=self._timeout_s, context=self._context
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)

    def begin(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        headers: Mapping[str, str],
    ) -> None:
        """Send the head of a request."""
        connection.putrequest(method, self._prefix + path)
        connection.putheader("Authorization", f"Bearer {self._key}")
        connection.putheader("User-Agent", "notary-client/1")
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()

    def call(
        self,
        method: str,
        path: str,
        body: Callable[[], tuple[Mapping[str, str], Iterable[bytes]]] | None = None,
        *,
        repeatable: bool = True,
    ) -> Answer:
        """The answer of status below 400. `body` makes headers and content anew for each try.

        Raises CallerError and ConflictError as the service says; NothingHappened when it stays away or busy
        for the whole patience; OutcomeUnknown where nobody knows, and the request is not `repeatable`.
        """
        waits = Waits(self._patience_s, self._pause)
        while True:
            try:
                answer = self._once(method, path, body)
            except (OSError, http.client.HTTPException) as error:
                said = f"no answer from the service ({type(error).__name__}: {error})"
                if not repeatable and not isinstance(error, ConnectionRefusedError):
                    raise OutcomeUnknown(
                        "NO_ANSWER", f"{said}. Look whether it was done before asking again."
                    ) from error
                waits.wait(NothingHappened("SERVICE_AWAY", f"{said}. Try again later."), None)
                continue
            if answer.status < 400:
                return answer
            error_told = problem(answer)
            if answer.status not in AGAIN:
                raise error_told
            waits.wait(error_told, answer.retry_after_s)

    def once(self, method: str, path: str) -> Answer:
        """The answer, whatever it is, of a request without body. Raises NothingHappened SERVICE_AWAY."""
        try:
            return self._once(method, path, None)
        except (OSError, http.client.HTTPException) as error:
            said = f"no answer from the service ({type(error).__name__}: {error})"
            raise NothingHappened("SERVICE_AWAY", f"{said}. Try again later.") from error

    def _once(
        self,
        method: str,
        path: str,
        body: Callable[[], tuple[Mapping[str, str], Iterable[bytes]]] | None,
    ) -> Answer:
        connection = self.connect()
        try:
            headers, content = ({}, ()) if body is None else body()
            self.begin(connection, method, path, headers)
            try:
                for block in content:
                    connection.send(block)
            except (BrokenPipeError, ConnectionResetError):
                # The service may have answered before it read everything.
                pass
            return read_answer(connection.getresponse())
        finally:
            connection.close()


def read_answer(response: http.client.HTTPResponse) -> Answer:
    """The whole answer, bounded. Raises HTTPException if it was cut off."""
    if response.length is None and not response.chunked:
        # Its end can't be told from a connection that was lost, even among the headers.
        raise http.client.HTTPException("the answer has no length, or was cut off")
    body = response.read(MAX_ANSWER_BYTES + 1)
    if len(body) > MAX_ANSWER_BYTES:
        raise http.client.HTTPException("the answer is too long")
    return Answer(
        response.status,
        body,
        _seconds(response.getheader("Retry-After")),
        response.getheader("Date"),
    )


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdigit() else None


class Waits:
    """Pauses that double, until patience ends."""

    def __init__(self, patience_s: float, pause: Callable[[float], None]) -> None:
        self._patience_s = patience_s
        self._pause = pause
        self.reset()

    def reset(self) -> None:
        """Something went well."""
        self._waited = 0.0
        self._next = FIRST_PAUSE_S

    def wait(self, error: NotaryError, wanted_s: float | None) -> None:
        """Wait as the service wants, or for longer each time. Raises `error` when patience has ended."""
        pause = self._next if wanted_s is None else min(wanted_s, LONGEST_PAUSE_S)
        if self._waited + pause > self._patience_s:
            raise error
        # Spread, so that many senders don't come back at the same moment.
        self._pause(pause * random.uniform(1.0, 1.25))  # noqa: S311 - no secret
        self._waited += pause
        self._next = min(2 * self._next, LONGEST_PAUSE_S)

"""Owns one exchange over HTTP and its repetition: what may be repeated, when, and how long.

A request is repeated only where that can't do anything twice, and a server that can't prove who it is gets
none. Tests: tests/scenarios/client/test_client.py, against the service, behind a proxy that refuses, is busy
and cuts answers off; tests/scenarios/client/test_tls.py.
"""

from __future__ import annotations

import http.client
import json
import random
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from notary.errors import CallerError, ConflictError, NotaryError, NothingHappened, OutcomeUnknown
from verifier.format import jsonc
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json

TIMEOUT_S = 70.0  # for one answer; the service itself waits for 60 s
PATIENCE_S = 60.0  # for all repetitions of one request
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
MAX_ANSWER_BYTES = 16 * 2**20  # an array of 1,000 answers has 8
# What the service answers when nothing happened and the same request may come again.
AGAIN = frozenset({408, 429, 503})

# What OpenSSL calls the faults of certificates (x509_vfy.h).
_TOO_EARLY, _TOO_LATE = 9, 10
_OTHER_HOST, _OTHER_ADDRESS = 62, 64

Built = TypeVar("Built")
Body = Callable[[], tuple[Mapping[str, str], Iterable[bytes]]]


class Untrusted(NothingHappened):
    """The server did not prove who it is; nothing was sent. Waiting does not mend it."""


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


def json_body(document: Json) -> Body:
    """A body of JSON. Raises CallerError for what no JSON of ours can hold."""
    try:
        body = jsonc.encode(document)
    except FormatError as error:
        raise CallerError(error.code, f"the request can't be written: {error.message}") from error
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return lambda: (headers, (body,))


def away(error: Exception) -> NothingHappened:
    """What a fault of the network says."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(error)
    if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
        return Untrusted(
            "TLS_NONE",
            "what answers at this address does not speak TLS. Nothing was sent. Check host and port.",
        )
    said = f"no answer from the service ({type(error).__name__}: {error})"
    return NothingHappened("SERVICE_AWAY", f"{said}. Try again later.")


def _untrusted(error: ssl.SSLCertVerificationError) -> Untrusted:
    why = f"({error.verify_message}). Nothing was sent."
    if error.verify_code in (_TOO_EARLY, _TOO_LATE):
        now = datetime.now(UTC).isoformat(timespec="minutes")
        return Untrusted(
            "TLS_EXPIRED",
            f"the server's certificate is not valid at {now}, the time of this machine's clock {why} If the "
            "clock is right, the service's operator must renew the certificate.",
        )
    if error.verify_code in (_OTHER_HOST, _OTHER_ADDRESS):
        return Untrusted(
            "TLS_HOST",
            f"the server's certificate is for another name {why} Use the name that it is for, or ask the "
            "service's operator.",
        )
    return Untrusted(
        "TLS_UNTRUSTED",
        f"the server's certificate is of no authority that this machine trusts {why} If the authority is "
        "your house's own, name the file with its root certificate (ca, --ca, or SSL_CERT_FILE in the "
        "environment); otherwise somebody may stand between: ask the service's operator.",
    )


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
        self._context = _context(ca) if self._https else None
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
        body: Body | None = None,
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
                said = away(error)
                sent = not isinstance(error, ConnectionRefusedError | ssl.SSLCertVerificationError)
                if not repeatable and sent:
                    raise OutcomeUnknown(
                        "NO_ANSWER",
                        f"no answer from the service ({type(error).__name__}: {error}). Look whether it was "
                        "done before asking again.",
                    ) from error
                waits.wait(said, None)
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
            raise away(error) from error

    @contextmanager
    def answering(
        self, path: str, headers: Mapping[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer to a question whose body the block reads. Raises as the network does."""
        connection = self.connect()
        try:
            self.begin(connection, "GET", path, headers)
            yield connection.getresponse()
        finally:
            connection.close()

    def _once(
        self,
        method: str,
        path: str,
        body: Body | None,
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


def _context(ca: Path | None) -> ssl.SSLContext:
    """Whom to trust: the authorities in the file, else in SSL_CERT_FILE, else of the machine."""
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise CallerError(
            "CA_FILE", f"{ca} is no file of root certificates (PEM): {error.strerror or error}."
        ) from error


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
        """Wait as the service wants, or for longer each time. Raises `error` when patience has ended, and
        one that waiting does not mend.
        """
        if isinstance(error, Untrusted):
            raise error
        pause = self._next if wanted_s is None else min(wanted_s, LONGEST_PAUSE_S)
        if self._waited + pause > self._patience_s:
            raise error
        # Spread, so that many senders don't come back at the same moment.
        self._pause(pause * random.uniform(1.0, 1.25))  # noqa: S311 - no secret
        self._waited += pause
        self._next = min(2 * self._next, LONGEST_PAUSE_S)

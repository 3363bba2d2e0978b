"""Owns streams of records: lines go out while answers come in (docs/http.md, "Any number of records").

Lines that are not answered are held, and sent again when a stream breaks: the service answers what it has
already with the first receipts. How many they can be the service bounds, as it stops reading then. Test:
tests/scenarios/client/test_client.py.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from notary.client.checking import Acknowledged, Refusal, acknowledged, bad
from notary.client.records import Record
from notary.client.transport import Transport, Waits, away, by_status, problem, read_answer
from notary.errors import NotaryError, NothingHappened, OutcomeUnknown

PATH = "/v1/records/stream"
MAX_LINE_BYTES = 2**20  # of an answer: a receipt has about 2 KiB


class RecordStream:
    """The records of one iterable on their way. Iterate once."""

    def __init__(
        self,
        transport: Transport,
        records: Iterable[Record],
        receipt_keys: tuple[str, ...],
        patience_s: float,
        pause: Callable[[float], None],
    ) -> None:
        self._transport = transport
        self._source = iter(records)
        self._keys = receipt_keys
        self._waits = Waits(patience_s, pause)
        self._lock = threading.Lock()
        # Taken from the source and not answered, in order.
        self._pending: deque[Record] = deque()
        self._exhausted = False
        self._fault: BaseException | None = None

    def outcomes(self) -> Iterator[tuple[Record, Acknowledged | Refusal]]:
        """Each record with its outcome, in order. Raises as `Transport.call` and RECEIPT_BAD."""
        while True:
            try:
                yield from self._one_stream()
            except NothingHappened as error:
                if error is self._fault:
                    # The source's own.
                    raise
                self._waits.wait(error, None)
                continue
            return

    def _one_stream(self) -> Iterator[tuple[Record, Acknowledged | Refusal]]:
        """One request. Returns when everything is answered; raises NothingHappened if it broke."""
        connection = self._transport.connect()
        writer: threading.Thread | None = None
        response: http.client.HTTPResponse | None = None
        try:
            try:
                connection.connect()
                # A line that is sent after the end must not open another connection by itself.
                connection.auto_open = 0
                self._transport.begin(
                    connection,
                    "POST",
                    PATH,
                    {"Content-Type": "application/x-ndjson", "Transfer-Encoding": "chunked"},
                )
                writer = threading.Thread(target=self._write, args=(connection,), daemon=True)
                writer.start()
                response = connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                raise away(error) from error
            yield from self._read(response)
        finally:
            # Ends the writer as well, whatever it waits for on the wire.
            with suppress(OSError):
                if connection.sock is not None:
                    connection.sock.shutdown(2)
            if response is not None:
                response.close()
            connection.close()
            if writer is not None:
                writer.join()
        if self._fault is not None:
            raise self._fault

    def _read(
        self, response: http.client.HTTPResponse
    ) -> Iterator[tuple[Record, Acknowledged | Refusal]]:
        if response.status != 200:
            raise _refused(response)
        expected = 1
        while True:
            answer = _answer_line(response)
            if "end" in answer:
                break
            if answer.get("line") != expected:
                raise bad(f"line {answer.get('line')} is answered where {expected} was due")
            with self._lock:
                if not self._pending:
                    raise bad(f"line {expected} is answered and was not sent")
                record = self._pending[0]
            outcome = self._outcome(answer, record)
            with self._lock:
                self._pending.popleft()
            expected += 1
            self._waits.reset()
            yield record, outcome
        if answer["end"] != "complete":
            raise NothingHappened(
                str(answer.get("code", "STREAM_BROKEN")),
                str(answer.get("detail", "the service ended the stream. Send again.")),
            )
        with self._lock:
            if self._pending or not self._exhausted:
                raise bad("the stream ended as complete, and lines are not answered")

    def _outcome(self, answer: dict[str, Any], record: Record) -> Acknowledged | Refusal:
        status = answer.get("status")
        if status in (200, 201):
            try:
                return acknowledged(answer, record, (), self._keys)
            except (KeyError, TypeError, ValueError, AttributeError) as fault:
                raise bad(f"the outcome has not its members ({fault!r})") from fault
        if not isinstance(status, int):
            raise bad("an outcome has no status")
        code, detail = str(answer.get("code", "REFUSED")), str(answer.get("detail", ""))
        error = by_status(status, code, detail)
        if isinstance(error, NothingHappened | OutcomeUnknown):
            # The line is not answered; the whole rest is sent again.
            raise NothingHappened(code, detail)
        return Refusal(status, code, detail, tuple(answer.get("faults") or ()))

    def _write(self, connection: http.client.HTTPConnection) -> None:
        """What is not answered again, then what the source has. In a thread of its own."""
        with self._lock:
            again = list(self._pending)
        # Once the connection is gone, whoever reads from it says so. (Its socket is None then.)
        with suppress(OSError, http.client.HTTPException, AttributeError):
            for record in again:
                _send(connection, record.line())
            while (taken := self._next()) is not None:
                record, line = taken
                with self._lock:
                    self._pending.append(record)
                _send(connection, line)
            # After a fault of the source as well: what was sent before is still answered.
            connection.send(b"0\r\n\r\n")

    def _next(self) -> tuple[Record, bytes] | None:
        """The source's next record; None at its end, or after its fault."""
        if self._exhausted:
            return None
        try:
            for record in self._source:
                return record, record.line()
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever iterates
            self._fault = error
        self._exhausted = True
        return None


def _send(connection: http.client.HTTPConnection, line: bytes) -> None:
    connection.send(b"%x\r\n%s\r\n" % (len(line), line))


def _answer_line(response: http.client.HTTPResponse) -> dict[str, Any]:
    """The next line. Raises NothingHappened if the answer breaks off."""
    try:
        line = response.readline(MAX_LINE_BYTES)
        if line.endswith(b"\n"):
            answer = json.loads(line)
            if isinstance(answer, dict):
                return answer
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _broken() from error
    raise _broken()


def _refused(response: http.client.HTTPResponse) -> NotaryError:
    try:
        return problem(read_answer(response))
    except (OSError, http.client.HTTPException):
        return _broken()


def _broken() -> NotaryError:
    return NothingHappened("STREAM_BROKEN", "the answer was cut off on the way. Send again.")

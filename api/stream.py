"""Takes any number of records as NDJSON and answers each line while the request goes on.

Three steps run beside each other for each stream: reading cuts lines into chunks, committing hands prepared
chunks to the writer in order, answering writes what was committed. The queues between them are short, so a
writer that is slow, or a client that does not read, stops the reading, and memory stays flat. A crash or a
lost connection loses nothing that was answered, because an answer follows its commit.
Contract: docs/http.md "Any number of records: a stream", docs/design/0029-records-over-http.md. Test:
tests/scenarios/http/test_streams.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from operator import itemgetter
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from api import description, problems, reading
from api.callers import asked
from api.intake import Intake
from api.lines import Line, Lines, TooLong
from api.protocol import ABORT
from api.records import RECORDS, Submitter, status_of
from api.shares import Shares
from notary.core.intake import Outcome, Refused
from notary.core.preparing import Offered
from notary.core.record_names import RecordNames
from notary.core.roles import Act
from notary.errors import NotaryError, NothingHappened
from notary.importers.offered_json import MAX_RECORD_BYTES, too_long

STREAM = f"{RECORDS}/stream"
NDJSON = "application/x-ndjson"

MAX_STREAMS = 8  # at once: each holds a few chunks, and one alone keeps the writer at work
CHUNK_RECORDS = 2_000  # of one commit: large enough that the disk is no limit
CHUNK_BYTES = 2 * 2**20  # lines may be long
CHUNKS_WAITING = 1  # between two steps: one is being made, one waits, one is being used
LINGER_S = 0.005  # how long a chunk waits for more lines while nothing else is to be done
SEND_LINES = 128  # written at a time, some 200 KB: no more than this waits for a client that stops
SEND_SECONDS = 60  # a client that reads nothing for so long gets no more

_LINE = orjson.OPT_APPEND_NEWLINE


def install(app: FastAPI) -> None:
    """The route."""
    app.post(
        STREAM,
        status_code=200,
        response_class=StreamAnswer,
        # A schema is of a whole body; what a line is says docs/http.md.
        openapi_extra=description.body(NDJSON, {}),
    )(stream_records)


async def stream_records(request: Request, caller: Submitter) -> Response:
    """Take records as lines of NDJSON. One line answers each, in order, as soon as it is durable."""
    reading.head_of(request, NDJSON)
    return StreamAnswer(request, caller.agency_id)


@dataclass
class _Chunk:
    """Lines on their way to one commit. `refused` are those that are not offered, by number."""

    numbers: list[int] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    refused: dict[int, Refused] = field(default_factory=dict)
    size: int = 0
    begun: Callable[[], Offered] | None = None

    def add(self, number: int, line: Line) -> None:
        if isinstance(line, TooLong):
            self.refused[number] = too_long(line.length)
        elif line and not line.isspace():
            self.numbers.append(number)
            self.texts.append(line)
            self.size += len(line)

    def __bool__(self) -> bool:
        return bool(self.texts or self.refused)

    @property
    def first(self) -> int:
        """The first line that is answered with this chunk."""
        return min([*self.numbers[:1], *self.refused])

    @property
    def full(self) -> bool:
        return len(self.texts) + len(self.refused) >= CHUNK_RECORDS or self.size >= CHUNK_BYTES


@dataclass(frozen=True)
class _End:
    """How the reading ended. `problem` is None if the body is whole."""

    lines: int
    problem: dict[str, Any] | None


@dataclass
class _Tally:
    accepted: int = 0
    replayed: int = 0
    refused: int = 0


_Waiting = tuple[_Chunk, asyncio.Future[list[Outcome]] | None] | _End


class StreamAnswer(Response):
    """The answer to one stream; reads the request while it is sent."""

    media_type = NDJSON

    def __init__(self, request: Request, agency_id: int) -> None:
        super().__init__()
        # Its end is not known.
        del self.headers["content-length"]
        self._request = request
        self._streams: Shares = request.app.state.streams
        self._intake: Intake = request.app.state.intake
        self._names: RecordNames = request.app.state.service.record_names
        self._agency_id = agency_id
        self._tally = _Tally()
        self._chunks: asyncio.Queue[_Chunk | _End] = asyncio.Queue(CHUNKS_WAITING)
        self._committed: asyncio.Queue[_Waiting] = asyncio.Queue(CHUNKS_WAITING)
        self._underway = 0  # chunks that were read and are not answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI."""
        try:
            with self._streams.taken(self._agency_id, 1):
                start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
                await send(start)
                if not await self._run(receive, send):
                    abort(scope)
        except NothingHappened as error:
            # Only the share raises this, before anything was sent; what the steps raise comes in a group.
            await problems.answer(error)(scope, receive, send)

    async def _run(self, receive: Receive, send: Send) -> bool:
        async with asyncio.TaskGroup() as steps:
            others = [steps.create_task(self._read(receive)), steps.create_task(self._commit())]
            heard = await self._answer(send)
            for one in others:
                one.cancel()
        return heard

    async def _read(self, receive: Receive) -> None:
        """Cut what comes into chunks, until the body ends or stands still."""
        lines = Lines(MAX_RECORD_BYTES)
        chunk = _Chunk()
        number = 0
        coming: asyncio.Future[Any] | None = None
        try:
            while True:
                coming = asyncio.ensure_future(receive()) if coming is None else coming
                patience = LINGER_S if chunk else reading.BODY_SECONDS
                done, _ = await asyncio.wait({coming}, timeout=patience)
                if not done:
                    if not chunk:
                        said = f"nothing came for {reading.BODY_SECONDS} s; open a new stream"
                        await self._chunks.put(
                            _End(number, problems.body(408, "BODY_TIMEOUT", said))
                        )
                        return
                    if not self._underway:
                        if not await self._begin(chunk):
                            return
                        chunk = _Chunk()
                    continue
                message, coming = coming.result(), None
                if message["type"] == "http.disconnect":
                    # Whole lines that wait for a chunk are dropped with the one that is cut off.
                    said = "the stream was cut off"
                    await self._chunks.put(_End(number, problems.body(400, "BODY_CUT", said)))
                    return
                found = lines.feed(message.get("body", b""))
                more = message.get("more_body", False)
                if not more:
                    found += lines.end()
                for line in found:
                    number += 1
                    chunk.add(number, line)
                    if chunk.full:
                        if not await self._begin(chunk):
                            return
                        chunk = _Chunk()
                if not more:
                    if not chunk or await self._begin(chunk):
                        await self._chunks.put(_End(number, None))
                    return
        finally:
            if coming is not None:
                coming.cancel()

    async def _begin(self, chunk: _Chunk) -> bool:
        """Let the chunk be prepared, and wait until the next step takes it.

        False if the key opens nothing any more: a stream can outlast it.
        """
        try:
            await asked(self._request, Act.SUBMIT)
        except problems.EXPECTED as error:
            await self._chunks.put(_End(chunk.first - 1, problems.told(error)))
            return False
        if chunk.texts:
            chunk.begun = self._intake.acceptor.offer_texts(self._agency_id, chunk.texts)
        self._underway += 1
        await self._chunks.put(chunk)
        return True

    async def _commit(self) -> None:
        """Hand prepared chunks to the writer, in order."""
        while True:
            chunk = await self._chunks.get()
            if isinstance(chunk, _End):
                await self._committed.put(chunk)
                return
            future = None
            if chunk.begun is not None:
                offered = await run_in_threadpool(chunk.begun)
                try:
                    future = await self._intake.submit_when_room(offered)
                except NothingHappened as error:
                    # The service is stopping.
                    future = asyncio.get_running_loop().create_future()
                    future.set_exception(error)
            await self._committed.put((chunk, future))

    async def _answer(self, send: Send) -> bool:
        """Write the answers of each commit; False if the client does not read them."""
        try:
            while True:
                waiting = await self._committed.get()
                if isinstance(waiting, _End):
                    await _write(send, self._last(waiting), more=False)
                    return True
                chunk, future = waiting
                try:
                    outcomes = [] if future is None else await future
                except NotaryError as error:
                    text = _broken(chunk.first, problems.told(error))
                    await _write(send, text, more=False)
                    return True
                self._underway -= 1
                for text in self._answers(chunk, outcomes):
                    await _write(send, text, more=True)
        except TimeoutError:
            return False

    def _answers(self, chunk: _Chunk, outcomes: list[Outcome]) -> Iterator[bytes]:
        """The lines that answer a chunk, some at a time."""
        told: Iterator[tuple[int, Outcome]] = zip(chunk.numbers, outcomes, strict=True)
        if chunk.refused:
            told = iter(sorted([*told, *chunk.refused.items()], key=itemgetter(0)))
        while lines := [self._line(*one) for one in islice(told, SEND_LINES)]:
            yield b"".join(lines)

    def _line(self, number: int, outcome: Outcome) -> bytes:
        if isinstance(outcome, Refused):
            self._tally.refused += 1
            return orjson.dumps({"line": number, **problems.refusal(outcome)}, option=_LINE)
        if outcome.replayed:
            self._tally.replayed += 1
        else:
            self._tally.accepted += 1
        return orjson.dumps(
            {
                "line": number,
                "status": status_of(outcome),
                "record_id": self._names.name(self._agency_id, outcome.record_id),
                "position": outcome.position,
                "receipt": outcome.receipt.decode("utf-8"),
                "replayed": outcome.replayed,
            },
            option=_LINE,
        )

    def _last(self, end: _End) -> bytes:
        if end.problem is not None:
            return _broken(end.lines + 1, end.problem)
        told = {"end": "complete", "lines": end.lines, **asdict(self._tally)}
        return orjson.dumps(told, option=_LINE)


def abort(scope: Scope) -> None:
    """Let the connection go with what waits in it (api.protocol); elsewhere the server closes it."""
    abort_connection = scope.get("extensions", {}).get(ABORT)
    if abort_connection is not None:
        abort_connection()


def _broken(line: int, problem: dict[str, Any]) -> bytes:
    told = {"end": "broken", "line": line, **problem}
    if problem["status"] in problems.RETRIED:
        told["retry_after"] = problems.RETRY_AFTER_S
    return orjson.dumps(told, option=_LINE)


async def _write(send: Send, text: bytes, *, more: bool) -> None:
    """Raises TimeoutError if it can't be sent."""
    async with asyncio.timeout(SEND_SECONDS):
        await send({"type": "http.response.body", "body": text, "more_body": more})

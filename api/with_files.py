"""Takes a record with its originals: multipart, cut while it comes and sealed as it streams by.

A thread pulls the body through the parser, the sealing and the object store, so that nothing of a file is
held but the piece under way, and nothing lies in the clear on the disk. The files are kept before the record
is offered to the writer, which therefore waits for no client.
Contract: docs/http.md "A record with its originals". Test: tests/api/test_with_files.py.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.message import Message
from typing import Any

from anyio import CapacityLimiter, from_thread, to_thread
from fastapi import FastAPI, Request, Response
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from api import description, reading
from api.intake import Intake
from api.problems import HttpFault
from api.records import RECORDS, REPLAYED, Submitter, answer
from api.shares import Shares
from api.wire import NewRecordWithFiles, RecordView
from notary.core.acceptance import MAX_FILES
from notary.core.intake import Refused, StreamedFile
from notary.core.preparing import Offered
from notary.errors import CallerError
from notary.importers.json_text import Value
from notary.importers.offered_json import MAX_RECORD_BYTES, offer_of, read_object

WITH_FILES = f"{RECORDS}/with-files"
MULTIPART = "multipart/form-data"

MAX_UPLOADS = 8  # at once: each holds a thread
MAX_UPLOAD_BYTES = 2 * 2**30  # a package's zip holds no more

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEMBERS = frozenset({"filename", "media_type", "sha256", "size"})

Pull = Callable[[], bytes | None]
"""Gives the next piece of the body, None at its end."""


def install(app: FastAPI) -> None:
    """The route."""
    app.post(
        WITH_FILES,
        status_code=201,
        response_model=RecordView,
        responses=REPLAYED,
        openapi_extra={**_described(), **description.declared(404, 409)},
    )(new_record_with_files)


async def new_record_with_files(request: Request, caller: Submitter) -> Response:
    """Take a record and its files; answered only when both are durable. 200 for a replay."""
    agency = caller.agency_id
    content_type, length = reading.head_of(request, MULTIPART)
    boundary = content_type.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise HttpFault(415, "CONTENT_TYPE", f"want `Content-Type: {MULTIPART}; boundary=…`")
    if length is not None and length > MAX_UPLOAD_BYTES:
        raise reading.too_large(MAX_UPLOAD_BYTES)
    uploads: Shares = request.app.state.uploads
    intake: Intake = request.app.state.intake
    with uploads.taken(agency, 1):
        # Threads of its own: slow clients must not take those of other routes.
        limiter: CapacityLimiter = request.app.state.upload_threads
        parts = _Parts(boundary, _pull(request))
        offered = await to_thread.run_sync(_attach, intake, agency, parts, limiter=limiter)
        if isinstance(offered, Refused):
            return answer(request, agency, offered)
        assert offered.kept is not None
        try:
            submitted = await intake.submit_when_room(offered)
        except BaseException:
            # Nothing was queued, so nothing will name the files.
            offered.kept.remove_but(())
            raise
        # Once queued it is committed, whoever still waits: its files go with it.
        [outcome] = await asyncio.shield(submitted)
        return answer(request, agency, outcome)


def _attach(intake: Intake, agency_id: int, parts: _Parts) -> Offered | Refused:
    """Read the record, keep its files, and make it ready for the writer."""
    if parts.next() != "record":
        raise CallerError(
            "PARTS", "want the part `record` first, then a part `file` for each file."
        )
    text = bytearray()
    for piece in parts.pieces():
        text += piece
        if len(text) > MAX_RECORD_BYTES:
            raise reading.too_large(MAX_RECORD_BYTES)
    value = read_object(bytes(text))
    if isinstance(value, Refused):
        return value
    declared = _declared(value.pop("files", None))
    if isinstance(declared, Refused):
        return declared
    offer = offer_of(value)
    if isinstance(offer, Refused):
        return offer
    files = [replace(one, pieces=_file(parts, place)) for place, one in enumerate(declared)]
    if files:
        files[-1] = replace(files[-1], pieces=_last(parts, files[-1].pieces))
    else:
        parts.finish()
    return intake.acceptor.attach(agency_id, offer._replace(files=tuple(files)))


def _declared(value: Value) -> list[StreamedFile] | Refused:
    """What the record says of its files, without their bytes."""
    if not isinstance(value, list):
        return _shape("files", "want an array with an object for each file")
    if len(value) > MAX_FILES:
        return _shape("files", f"a record has at most {MAX_FILES} files, got {len(value)}")
    found = []
    for place, one in enumerate(value):
        field = f"files[{place}]"
        if not isinstance(one, dict) or not one.keys() <= _MEMBERS:
            return _shape(field, f"want an object of {', '.join(sorted(_MEMBERS))}")
        media_type, filename = one.get("media_type"), one.get("filename")
        sha256, size = one.get("sha256"), one.get("size")
        if not isinstance(media_type, str):
            return _shape(f"{field}.media_type", "want a media type like application/pdf")
        if filename is not None and not isinstance(filename, str):
            return _shape(f"{field}.filename", "want a text or null")
        if sha256 is not None and not (isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
            return _shape(f"{field}.sha256", "want 64 lower-case hexadecimal characters or null")
        if size is not None and not (type(size) is int and size >= 0):
            return _shape(f"{field}.size", "want a number of bytes or null")
        found.append(StreamedFile(iter(()), filename, media_type, sha256, size))
    return found


def _file(parts: _Parts, place: int) -> Iterator[bytes]:
    """The bytes of one file as they come. Raises CallerError PARTS if another part stands there."""
    name = parts.next()
    if name != "file":
        came = "the body ended" if name is None else f"the part {name[:80]!a} came"
        raise CallerError("PARTS", f"want a part `file` for files[{place}]; {came}")
    yield from parts.pieces()


def _last(parts: _Parts, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield from pieces
    parts.finish()


class _Parts:
    """The parts of one body, one after the other, each read once."""

    def __init__(self, boundary: str, pull: Pull) -> None:
        self._pull = pull
        # What the parser found and nobody took yet: a part's name, a piece of it, or its end.
        self._found: deque[str | bytes | None] = deque()
        self._header = (bytearray(), bytearray())
        self._name = ""
        self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": lambda data, start, end: self._on_header(0, data[start:end]),
                    "on_header_value": lambda data, start, end: self._on_header(1, data[start:end]),
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": lambda: self._found.append(self._name),
                    "on_part_data": lambda data, start, end: self._found.append(data[start:end]),
                    "on_part_end": lambda: self._found.append(None),
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise _no_multipart(error) from error

    def next(self) -> str | None:
        """Pass over the rest of this part to the next one, and give its name; None at the end."""
        while True:
            found = self._take()
            if isinstance(found, str):
                return found
            if found is None and self._over:
                return None

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the part whose name `next` gave."""
        while isinstance(found := self._take(), bytes):
            yield found

    def finish(self) -> None:
        """Raise CallerError PARTS if there is a further part."""
        if self.next() is not None:
            raise CallerError("PARTS", "more parts came than `files` names")

    @property
    def _over(self) -> bool:
        return self._ended and not self._found

    def _take(self) -> str | bytes | None:
        while not self._found:
            if self._ended:
                return None
            piece = self._pull()
            if piece is None:
                raise CallerError("PARTS", "the body ends before its last boundary")
            try:
                self._parser.write(piece)
            except FormParserError as error:
                raise _no_multipart(error) from error
        return self._found.popleft()

    def _on_part_begin(self) -> None:
        self._name = ""

    def _on_header(self, which: int, part: bytes) -> None:
        self._header[which].extend(part)

    def _on_header_end(self) -> None:
        name, value = (bytes(part) for part in self._header)
        for part in self._header:
            part.clear()
        if name.lower() == b"content-disposition":
            parsed = Message()
            parsed["Content-Disposition"] = value.decode("latin-1")
            found = parsed.get_param("name", "", "content-disposition")
            self._name = found if isinstance(found, str) else ""

    def _on_end(self) -> None:
        self._ended = True


def _pull(request: Request) -> Pull:
    """The body's pieces for a thread, bounded in size and in the time between two."""
    size = 0
    more = True

    async def receive() -> Any:
        try:
            async with asyncio.timeout(reading.BODY_SECONDS):
                return await request.receive()
        except TimeoutError:
            raise reading.stood_still() from None

    def pull() -> bytes | None:
        nonlocal size, more
        if not more:
            return None
        message = from_thread.run(receive)
        if message["type"] == "http.disconnect":
            raise reading.cut()
        piece: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(piece)
        if size > MAX_UPLOAD_BYTES:
            raise reading.too_large(MAX_UPLOAD_BYTES)
        return piece

    return pull


def _no_multipart(error: FormParserError) -> CallerError:
    return CallerError("PARTS", f"the body is no {MULTIPART}: {error}")


def _shape(field: str, reason: str) -> Refused:
    return Refused("RECORD_SHAPE", field, reason)


def _described() -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {
            "record": description.schema_of(NewRecordWithFiles),
            "file": {"type": "array", "items": {"type": "string", "format": "binary"}},
        },
        "required": ["record"],
    }
    found = description.body(MULTIPART, schema)
    content = found["requestBody"]["content"][MULTIPART]
    content["encoding"] = {"record": {"contentType": reading.JSON}}
    return found

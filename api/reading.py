"""Reads request bodies ourselves, before any library parses them.

A body is bounded in bytes, in depth and in time, no member stands twice, and no number is rounded. The usual
way, a parser called by the framework, keeps the last of two equal members without a word, and a body of a
hundred thousand brackets ended the process. Contract: docs/http.md "Limits and waiting".
Test: tests/api/test_bodies.py.
"""

from __future__ import annotations

import asyncio
from email.message import Message
from typing import TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from api.problems import HttpFault
from api.shares import Shares
from notary.errors import CallerError
from notary.importers.json_text import parse_object
from notary.importers.offered_json import MAX_RECORD_BYTES
from notary.importers.rows import BadRow

JSON = "application/json"
# Of all that is being read or waits for its commit. As objects it can take twenty times the room.
MAX_BODIES_BYTES = 32 * 2**20
BODY_SECONDS = 60  # a body of JSON is whole by then, another one has gone on
CLOSE = {"Connection": "close"}

Model = TypeVar("Model", bound=BaseModel)


def head_of(request: Request, media_type: str) -> tuple[Message, int | None]:
    """The parameters of the content type, and the length if it is said.

    Raises HttpFault CONTENT_TYPE, CONTENT_CHARSET or CONTENT_ENCODING.
    """
    kind = b""
    length: int | None = None
    for name, value in request.scope["headers"]:
        if name == b"content-type":
            kind = value
        elif name == b"content-length":
            # The server has refused what is no number.
            length = int(value)
        elif name == b"content-encoding" and value.lower() != b"identity":
            raise HttpFault(
                415,
                "CONTENT_ENCODING",
                "the body is compressed; send it as it is",
                {"Accept-Encoding": "identity"},
            )
    if kind == _USUAL_TYPE and media_type == JSON:
        # What nearly all send: reading a content type takes a twentieth of a record's time.
        return _USUAL, length
    parsed = _content_type(kind)
    if parsed.get_content_type() != media_type:
        raise HttpFault(
            415,
            "CONTENT_TYPE",
            f"want `Content-Type: {media_type}`, got {kind[:80].decode('latin-1')!a}",
        )
    charset = str(parsed.get_param("charset", "utf-8")).lower()
    if charset not in ("utf-8", "utf8"):
        raise HttpFault(415, "CONTENT_CHARSET", f"want UTF-8, got {charset[:80]!a}")
    return parsed, length


class body:  # noqa: N801 - used as a function; a generator takes four times as long, a hundredth of a record
    """The body of JSON, and its part of the memory until the block ends.

    Raises HttpFault as `head_of`, BODY_SIZE and BODY_TIMEOUT, NothingHappened SHARE_USED and BUSY.
    """

    def __init__(self, request: Request, agency_id: int, most: int = MAX_RECORD_BYTES) -> None:
        self._request = request
        self._agency_id = agency_id
        self._most = most
        self._bodies: Shares = request.app.state.bodies
        self._taken = 0

    async def __aenter__(self) -> bytes:
        _, length = head_of(self._request, JSON)
        if length is not None and length > self._most:
            raise too_large(self._most)
        # One that does not say its length counts as the longest.
        taken = self._most if length is None else length
        self._bodies.take(self._agency_id, taken)
        self._taken = taken
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await _whole(self._request, self._most)
        except BaseException as error:
            self._bodies.give_back(self._agency_id, taken)
            if isinstance(error, TimeoutError):
                raise stood_still() from None
            raise

    async def __aexit__(self, *_: object) -> None:
        self._bodies.give_back(self._agency_id, self._taken)


async def read(request: Request, agency_id: int, model: type[Model]) -> Model:
    """The body as `model`. Raises as `body`, CallerError BODY_JSON, RequestValidationError."""
    async with body(request, agency_id) as text:
        try:
            parse_object(text, fractions=False)
        except BadRow as error:
            raise CallerError("BODY_JSON", f"the body can't be read: {error.reason}.") from error
        try:
            # Read once more as JSON, where an array may become a tuple and nothing else changes its type.
            return model.model_validate_json(text)
        except ValidationError as error:
            faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
            raise RequestValidationError(faults) from error


def stood_still() -> HttpFault:
    """The fault of a body that does not come."""
    return HttpFault(408, "BODY_TIMEOUT", f"the body was not there after {BODY_SECONDS} s", CLOSE)


def cut() -> HttpFault:
    """The fault of a body whose sender went away; nobody is left to read it."""
    return HttpFault(400, "BODY_CUT", "the body ended before it was whole", CLOSE)


def too_large(most: int) -> HttpFault:
    """The fault of a body above the limit."""
    return HttpFault(413, "BODY_SIZE", f"the body is larger than {most} bytes; send it in parts")


async def _whole(request: Request, most: int) -> bytes:
    message = await request.receive()
    pieces: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise cut()
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > most:
            raise too_large(most)
        if not message.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        message = await request.receive()


def _content_type(value: bytes) -> Message:
    parsed = Message()
    parsed["Content-Type"] = value.decode("latin-1")
    return parsed


_USUAL_TYPE = JSON.encode()
_USUAL = _content_type(_USUAL_TYPE)

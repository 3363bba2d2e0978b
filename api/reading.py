"""Reads request bodies ourselves, before any library parses them.

A body is bounded in bytes and in depth, no member stands twice, and no number is rounded. The usual way,
a parser called by the framework, keeps the last of two equal members without a word, and a body of a
hundred thousand brackets ended the process. Test: tests/api.
"""

from __future__ import annotations

from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from notary.errors import CallerError
from notary.importers.json_text import parse_object
from notary.importers.rows import BadRow

MAX_BODY_BYTES = 1 << 20  # one record without originals; files go through `notary ingest`

Model = TypeVar("Model", bound=BaseModel)


def described(model: type[BaseModel]) -> dict[str, Any]:
    """The OpenAPI entry of a body that `read` reads."""
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


async def read(request: Request, model: type[Model]) -> Model:
    """The body as `model`. Raises CallerError BODY_SIZE or BODY_JSON, RequestValidationError."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise CallerError("BODY_SIZE", f"the body is larger than {MAX_BODY_BYTES} bytes.")
    try:
        value = parse_object(bytes(body), fractions=False)
    except BadRow as error:
        raise CallerError("BODY_JSON", f"the body can't be read: {error.reason}.") from error
    try:
        # The value is JSON: arrays and objects become tuples and models as they would from text.
        return model.model_validate(value, strict=False)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(faults) from error

"""The description of the interface for programs, OpenAPI, with what the framework can't know of our routes.

Each problem that a route can answer follows from what the route is (private, with a body, with parameters),
or is declared where the route is. Test: tests/scenarios/http/test_description.py, which asks every route in
every way that the description allows.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from api.problems import MEDIA_TYPE, RETRIED
from api.wire import (
    NewErasure,
    NewExport,
    NewHold,
    NewKey,
    NewMatter,
    NewRecord,
    NewRecordWithFiles,
    NewRelease,
    NewRotation,
    NewUser,
    Problem,
)

DECLARED = "x-problems"  # taken out again

_REF = "#/components/schemas/{model}"
_MODELS = (
    NewErasure,
    NewExport,
    NewHold,
    NewKey,
    NewMatter,
    NewRecord,
    NewRecordWithFiles,
    NewRelease,
    NewRotation,
    NewUser,
    Problem,
)
_WORDS = {
    400: "The request is no HTTP, was cut off, or has a key in its URL.",
    401: "No key, or one that opens nothing.",
    403: "The key's roles do not allow it.",
    404: "There is no such thing.",
    408: "The body stood still for too long.",
    409: "The idempotency key came with other content, an export has no package, or a user is there.",
    412: "`If-Match` names other bytes.",
    413: "The body or a part of it is too large.",
    415: "The body is of another content type, charset or encoding.",
    416: "The package has none of these bytes.",
    422: "The request does not fit; repeating it changes nothing.",
    429: "The agency's share is used; repeat it later.",
    431: "The request's head is too long.",
    500: "What is stored contradicts itself; the operator is told.",
    503: "Nothing happened, or nobody knows yet; repeat it later.",
}
_HEADERS: dict[int, dict[str, tuple[str, dict[str, Any]]]] = {
    **{
        status: {"Retry-After": ("The seconds to wait.", {"type": "integer", "minimum": 1})}
        for status in RETRIED
    },
    401: {"WWW-Authenticate": ("Which authentication is wanted.", {"type": "string"})},
    416: {"Content-Range": ("How many bytes there are.", {"type": "string"})},
}
_WITH_BODY = (408, 413, 415, 422, 429)
_WITH_PARAMETERS = (422,)
_PRIVATE = (401, 403, 503)
_ALL = (400, 431, 500)


def declared(*statuses: int) -> dict[str, Any]:
    """For a route's `openapi_extra`: problems of these statuses are among its answers."""
    return {DECLARED: list(statuses)}


def body(media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    """For a route's `openapi_extra`: a body that the route reads by itself."""
    content = {media_type: {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def schema_of(model: type) -> dict[str, Any]:
    """The schema of one of the models of bodies, by its name."""
    return {"$ref": _REF.format(model=model.__name__)}


def install(app: FastAPI) -> None:
    """Let the application describe itself so."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(title=app.title, version=app.version, routes=app.routes)
            app.openapi_schema = _completed(found)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document["components"]["schemas"]
    # The framework's own form of a refusal, which no route gives.
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    _, found = models_json_schema([(model, "validation") for model in _MODELS], ref_template=_REF)
    schemas.update(found["$defs"])
    for operations in document["paths"].values():
        for operation in operations.values():
            _add_problems(operation)
    return document


def _add_problems(operation: dict[str, Any]) -> None:
    statuses = {*operation.pop(DECLARED, ()), *_ALL}
    if "security" in operation:
        statuses.update(_PRIVATE)
    if "requestBody" in operation:
        statuses.update(_WITH_BODY)
    if "parameters" in operation:
        statuses.update(_WITH_PARAMETERS)
    answers = operation["responses"]
    if "HTTPValidationError" in str(answers.get("422")):
        del answers["422"]
    for status in sorted(statuses):
        answers.setdefault(str(status), _problem(status))


def _problem(status: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": _WORDS[status],
        "content": {MEDIA_TYPE: {"schema": schema_of(Problem)}},
    }
    if status in _HEADERS:
        found["headers"] = {
            name: {"description": what, "required": True, "schema": schema}
            for name, (what, schema) in _HEADERS[status].items()
        }
    return found

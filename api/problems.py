"""RFC 9457 problem documents: what went wrong, and what to do, for machines and people.

Contract: docs/http.md "Problems". Tests: tests/api/test_api.py, tests/api/test_bodies.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from notary.core.intake import Refused
from notary.errors import (
    SHARE_USED,
    CallerError,
    ConflictError,
    ForbiddenError,
    NotaryError,
    NothingHappened,
    OutcomeUnknown,
)
from verifier.format.errors import FormatError

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2  # the writer empties its queue within a commit or two
RETRIED = frozenset({429, 503})

_OTHER_METHOD = "this path has other methods; `Allow` names them"

# By code, where the class of the error does not say it.
STATUSES: Mapping[str, int] = {
    "MATTER_UNKNOWN": 404,
    "RECORD_UNKNOWN": 404,
    "SOURCE_UNKNOWN": 404,
    "EXPORT_UNKNOWN": 404,
    "USER_UNKNOWN": 404,
    "KEY_UNKNOWN": 404,
    "USER_EXISTS": 409,
    "EXPORT_UNFINISHED": 409,
    "BATCH_UNKNOWN": 404,
    "CHECKPOINT_UNKNOWN": 404,
    "BODY_SIZE": 413,
    "RECORD_SIZE": 413,
    "FILE_SIZE": 413,
    "VALUES_SIZE": 413,
    SHARE_USED: 429,
}


class HttpFault(Exception):
    """A fault of the request as HTTP has it, with the status of the answer."""

    def __init__(
        self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.headers = headers


EXPECTED = (NotaryError, FormatError, RequestValidationError, HTTPException, HttpFault)


def body(status: int, code: str, detail: str, **members: object) -> dict[str, Any]:
    """The members of a problem document; `code` is its stable name, `detail` says cause and remedy."""
    return {
        "type": f"urn:notary:problem:{code.lower().replace('_', '-')}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        # What a caller sent may stand in it, and need not have a form in UTF-8.
        "detail": _writable(detail),
        **members,
    }


def problem(
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **members: object,
) -> Response:
    """A problem document as an answer."""
    found = dict(headers or {})
    if status in RETRIED:
        found["Retry-After"] = str(RETRY_AFTER_S)
    return Response(
        orjson.dumps(body(status, code, detail, **members)),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers=found,
    )


def refusal(refused: Refused) -> dict[str, Any]:
    """The problem of a record that did not enter."""
    status = 409 if refused.conflict else STATUSES.get(refused.code, 422)
    faults = [{"field": _writable(refused.field), "reason": _writable(refused.reason)}]
    detail = f"{refused.field}: {refused.reason}" if refused.field else refused.reason
    return body(status, refused.code, detail, faults=faults)


def status_of(error: NotaryError) -> int:
    """The HTTP status by what the caller should do next."""
    if error.code in STATUSES:
        return STATUSES[error.code]
    if isinstance(error, ForbiddenError):
        return 403
    if isinstance(error, ConflictError):
        return 409
    if isinstance(error, CallerError):
        return 422
    if isinstance(error, NothingHappened | OutcomeUnknown):
        return 503
    return 500


def install(app: FastAPI) -> None:
    """Answer every error of the application with a problem document."""

    async def answered(request: Request, error: Exception) -> Response:
        found = answer(error)
        if found.status_code == 405:
            found.headers["Allow"] = ", ".join(_methods(app, request))
        return found

    async def failed(_: Request, error: Exception) -> Response:
        return fault()

    for kind in EXPECTED:
        app.add_exception_handler(kind, answered)
    # The server logs the error itself after this answer.
    app.add_exception_handler(Exception, failed)


def fault() -> Response:
    """The answer when something failed that nobody expected; nothing of it is told."""
    return problem(500, "INTERNAL", "the service failed; its log says why. Tell its operator.")


def answer(error: Exception) -> Response:
    """The problem document of an error that is among EXPECTED."""
    if isinstance(error, NotaryError):
        return problem(status_of(error), error.code, str(error))
    if isinstance(error, FormatError):
        return problem(422, error.code, error.message)
    if isinstance(error, HttpFault):
        return problem(error.status, error.code, str(error), error.headers)
    if isinstance(error, RequestValidationError):
        faults: list[dict[str, str]] = []
        for fault in error.errors():
            # The value itself is left out: it may be personal data, and it may be huge.
            place = ".".join(str(part) for part in fault["loc"])
            faults.append({"field": _writable(place), "reason": _writable(str(fault["msg"]))})
        return problem(422, "REQUEST_INVALID", "The request does not fit.", faults=faults)
    assert isinstance(error, HTTPException)
    code = {
        400: "KEY_IN_URL",
        401: "TOKEN_WANTED",
        404: "NOT_FOUND",
        405: "METHOD_NOT_ALLOWED",
    }.get(error.status_code, "REQUEST_REFUSED")
    detail = _OTHER_METHOD if error.status_code == 405 else str(error.detail)
    return problem(error.status_code, code, detail, error.headers)


def told(error: Exception) -> dict[str, Any]:
    """The members of the problem document of an error that is among EXPECTED."""
    members: dict[str, Any] = orjson.loads(answer(error).body)
    return members


def only(method: str) -> Response:
    """The answer to another method than a path has."""
    return problem(405, "METHOD_NOT_ALLOWED", _OTHER_METHOD, {"Allow": method})


def _methods(app: FastAPI, request: Request) -> list[str]:
    """The methods of a path: the framework names those of the first route alone."""
    return sorted(
        {
            method
            for route in app.routes
            if isinstance(route, APIRoute) and route.matches(request.scope)[0] != Match.NONE
            for method in route.methods or ()
        }
    )


def _writable(text: str) -> str:
    """Lone surrogates as escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")

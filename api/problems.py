"""RFC 9457 problem documents: what went wrong, and what to do, for machines and people.

Test: tests/api/test_api.py.
"""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from notary.errors import (
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

EXPECTED = (NotaryError, FormatError, RequestValidationError, HTTPException)
NOT_FOUND = frozenset({"MATTER_UNKNOWN", "RECORD_UNKNOWN", "BATCH_UNKNOWN", "CHECKPOINT_UNKNOWN"})


def problem(status: int, code: str, detail: str, **members: object) -> JSONResponse:
    """A problem document; `code` is its stable name, `detail` says cause and remedy."""
    body: dict[str, object] = {
        "type": f"urn:notary:problem:{code.lower().replace('_', '-')}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        **members,
    }
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else None
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def status_of(error: NotaryError) -> int:
    """The HTTP status by what the caller should do next."""
    if error.code in NOT_FOUND:
        return 404
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

    async def answered(_: Request, error: Exception) -> JSONResponse:
        return answer(error)

    for kind in EXPECTED:
        app.add_exception_handler(kind, answered)


def answer(error: Exception) -> JSONResponse:
    """The problem document of an error that is among EXPECTED."""
    if isinstance(error, NotaryError):
        return problem(status_of(error), error.code, str(error))
    if isinstance(error, FormatError):
        return problem(422, error.code, error.message)
    if isinstance(error, RequestValidationError):
        faults: list[dict[str, str]] = []
        for fault in error.errors():
            # The value itself is left out: it may be personal data, and it may be huge.
            place = ".".join(str(part) for part in fault["loc"])
            faults.append({"field": place, "reason": str(fault["msg"])})
        return problem(422, "REQUEST_INVALID", "The request does not fit.", faults=faults)
    assert isinstance(error, HTTPException)
    code = {
        400: "KEY_IN_URL",
        401: "TOKEN_WANTED",
        404: "NOT_FOUND",
        405: "METHOD_NOT_ALLOWED",
    }.get(error.status_code, "REQUEST_REFUSED")
    found = problem(error.status_code, code, str(error.detail))
    found.headers.update(error.headers or {})
    return found

"""Exports as jobs: ordered, looked at, fetched as often as wanted, cancelled.

The jobs themselves are `notary.usecases.export_jobs`. Contract: docs/http.md, "Exports that take long".
Tests: tests/api/test_exports.py, tests/api/test_ranges.py, tests/scenarios/service/test_export_jobs.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api import description, problems, ranges, reading
from api.callers import allowed
from api.custody import REQUEST_ID, file
from api.wire import ExportView, NewExport, PackageView, Problem, ProgressView
from notary import errors
from notary.compose import Service
from notary.core.roles import Act, Principal
from notary.usecases.export_jobs import Failure, Job, Made, Ordered
from notary.usecases.export_order import ExportOrder, Withhold
from verifier.format import numbers, times
from verifier.format.statement import Kind, Reason

EXPORTS = "/v1/exports"
PACKAGE = EXPORTS + "/{export}/package"
ZIP = "application/zip"


def _header(name: str, what: str) -> dict[str, Any]:
    return {name: {"description": what, "required": True, "schema": {"type": "string"}}}


_BINARY = {ZIP: {"schema": {"type": "string", "format": "binary"}}}
_ETAG = _header("ETag", "The SHA-256 of the whole package, in quotes.")
_LOCATION = {"headers": _header("Location", "The job.")}
_PACKAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": _BINARY, "headers": _ETAG},
    304: {"description": "You have it.", "headers": _ETAG},
}
_PART = {
    "description": "The bytes of the range.",
    "content": _BINARY,
    "headers": _ETAG | _header("Content-Range", "Which bytes, and of how many."),
}
_CONDITIONS = {"parameters": ranges.PARAMETERS, **description.declared(404, 409, 412)}

Exporting = Annotated[Principal, Depends(allowed(Act.EXPORT))]


def install(app: FastAPI) -> None:
    """Add the routes."""

    @app.post(
        EXPORTS,
        status_code=202,
        responses={202: _LOCATION},
        openapi_extra={
            **description.body(reading.JSON, description.schema_of(NewExport)),
            **description.declared(404, 409),
        },
    )
    async def order(request: Request, response: Response, caller: Exporting) -> ExportView:
        """Have a package made. Repeated with the same key and content, it is the same job."""
        body = await reading.read(request, caller.agency_id, NewExport)
        job = await run_in_threadpool(_order, _service(request), caller, body)
        response.headers["Location"] = f"{EXPORTS}/{job.name}"
        return _view(job)

    @app.get(EXPORTS)
    async def all_jobs(request: Request, caller: Exporting) -> list[ExportView]:
        """The agency's exports that are not over, oldest first."""
        jobs = await run_in_threadpool(_service(request).export_jobs.book.all, caller.agency_id)
        return [_view(job) for job in jobs]

    @app.get(EXPORTS + "/{export}", openapi_extra=description.declared(404))
    async def one_job(request: Request, caller: Exporting, export: str) -> ExportView:
        """How far an export is, what came of it, or why nothing did."""
        return _view(await run_in_threadpool(_find, request, caller, export))

    @app.delete(EXPORTS + "/{export}", status_code=204, openapi_extra=description.declared(404))
    async def cancel(request: Request, caller: Exporting, export: str) -> None:
        """Cancel an export, or remove its package."""
        jobs = _service(request).export_jobs
        await run_in_threadpool(jobs.cancel, caller.agency_id, export)

    @app.head(PACKAGE, response_class=Response, responses=_PACKAGE, openapi_extra=_CONDITIONS)
    async def facts(request: Request, caller: Exporting, export: str) -> Response:
        """Length and ETag of the package of an export that is done. Nothing is given out or recorded."""
        made = (await run_in_threadpool(_find, request, caller, export)).package
        found = ranges.Bytes(made.sha256, made.size)
        told = ranges.unchanged(request, found)
        return told or Response(media_type=ZIP, headers=_headers(found, range(made.size)))

    @app.get(
        PACKAGE,
        response_class=StreamingResponse,
        responses={**_PACKAGE, 206: _PART},
        openapi_extra=_CONDITIONS | description.declared(404, 409, 412, 416),
    )
    async def package(request: Request, caller: Exporting, export: str) -> Response:
        """The package of an export that is done, or a range of it. The log records each time who took it."""
        service = _service(request)
        job = await run_in_threadpool(_find, request, caller, export)
        made, ordered = job.package, job.ordered
        found = ranges.Bytes(made.sha256, made.size)
        told = ranges.unchanged(request, found)
        if told is not None:
            return told
        part = ranges.stretch(request, found)
        wanted = part or range(made.size)
        pieces, first = await run_in_threadpool(_opened, service, job, wanted)
        asking = service.custody.request(caller.user, ordered.purpose)
        item = service.custody.export(asking, ordered.order, made.result, made.sha256, made.size)
        await file(request, caller, item)
        headers = {**_headers(found, wanted), REQUEST_ID: asking.request_id}
        if part is not None:
            headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{made.size}"
        return StreamingResponse(
            chain([first], pieces), 200 if part is None else 206, headers, media_type=ZIP
        )


def _headers(found: ranges.Bytes, wanted: range) -> dict[str, str]:
    return {
        **found.headers,
        "Content-Disposition": 'attachment; filename="package.zip"',
        "Content-Length": str(len(wanted)),
    }


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _find(request: Request, caller: Principal, export: str) -> Job:
    return _service(request).export_jobs.book.find(caller.agency_id, export)


def _opened(service: Service, job: Job, wanted: range) -> tuple[Iterator[bytes], bytes]:
    """The pieces of these bytes, the first of them read: what can't be opened is told before all is sent."""
    pieces = service.export_jobs.pieces(job, wanted)
    return pieces, next(pieces)


def _order(service: Service, caller: Principal, body: NewExport) -> Job:
    number = numbers.parse(body.matter)
    if body.kind != Kind.ABSENT:
        service.matter(caller.agency_id, body.matter)
    order = ExportOrder(
        number,
        body.kind,
        body.positions,
        tuple(Withhold(one.position, one.claim, Reason(one.reason)) for one in body.withhold),
        full_history=body.full_history,
        sources=body.sources,
        named_sources=tuple(
            service.named_source(caller.agency_id, one.source, one.since)
            for one in body.named_sources
        ),
    )
    ordered = Ordered(order, body.purpose)
    return service.export_jobs.order(caller.agency_id, body.idempotency_key, ordered)


def _view(job: Job) -> ExportView:
    return ExportView(
        export=job.name,
        matter=job.ordered.order.number.text,
        kind=job.ordered.order.kind,
        state=job.state.value,
        created_at=times.format_time(job.created_at),
        attempts=job.attempts,
        progress=ProgressView(done=job.done, of=job.total),
        package=None if job.made is None else _package(job.made),
        error=None if job.failure is None else Problem(**_problem(job.failure)),
        expires_at=None if job.expires_at is None else times.format_time(job.expires_at),
    )


def _package(made: Made) -> PackageView:
    result = made.result
    return PackageView(
        sha256=made.sha256,
        size=made.size,
        records=result.records,
        shown=result.shown,
        withheld=result.withheld,
        as_of_block=result.as_of_block,
        as_of_time=times.format_block_time(result.as_of_time),
    )


def _problem(failure: Failure) -> dict[str, Any]:
    """The problem that a request would have been answered with."""
    return problems.told(getattr(errors, failure.kind)(failure.code, failure.text))

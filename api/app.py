"""The application: health and public proofs for anyone, everything else by key and role.

Handlers are async and hand blocking work to threads; records go through the one writer of the process.
Nothing is opened at import: `create_app` opens the service and the server's shutdown closes it.
Test: tests/api.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import file_digest
from typing import Annotated, Literal

from anyio import CapacityLimiter
from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BeforeValidator, Field
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from api import (
    custody,
    description,
    erasing,
    exports,
    metrics,
    people,
    problems,
    reading,
    records,
    sources,
    stream,
    with_files,
)
from api.callers import allowed
from api.custody import REQUEST_ID, Purpose, file
from api.intake import Intake
from api.shares import Shares
from api.tokens import TokenChecks
from api.wire import (
    HealthView,
    MatterView,
    MeView,
    NewMatter,
    PriorityView,
    ReceiptView,
    RecordView,
)
from notary import config
from notary.compose import Service, open_service
from notary.core.roles import Act, Principal
from notary.ports import Matter
from notary.usecases.export_order import ExportOrder
from verifier.format import numbers, times

MAX_POSITIONS = 1_000  # what a head of 32 KiB holds, whatever they are


def _digits(value: object) -> object:
    """Digits alone: the framework would take 1.0 or 1_0 for a number."""
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        raise ValueError("want digits alone")
    return value


# What the store can number.
Number = Annotated[int, Field(ge=0, lt=2**63), BeforeValidator(_digits)]

BINARY = {"type": "string", "format": "binary"}
CHUNK_BYTES = 2**20  # a package is streamed: memory stays flat however large it is

ONLY_POSTED = frozenset({records.BULK, stream.STREAM, with_files.WITH_FILES})


class Front:
    """The application, with the one route that many ask at once in front of the framework.

    What the framework finds out, checks and wraps around an endpoint takes as long as a record itself.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI; the framework's own route, which the description is of, gives the same answers."""
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ("POST", records.RECORDS):
            answering: ASGIApp = self._app
            if (
                scope["type"] == "http"
                and scope["path"] in ONLY_POSTED
                and scope["method"] != "POST"
            ):
                # The framework would look for a record of that name.
                answering = problems.only("POST")
            await answering(scope, receive, send)
            return
        scope["app"] = self._app
        try:
            response = await records.new_record(Request(scope, receive))
        except problems.EXPECTED as error:
            response = problems.answer(error)
        except Exception:
            await problems.fault()(scope, receive, send)
            raise
        await response(scope, receive, send)


# Async, though it waits for nothing: the framework hands a plain function to a thread.
async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


TheService = Annotated[Service, Depends(_service)]


def create_app() -> Front:
    """The application over the service of NOTARY_HOME."""
    home = config.load(config.home_folder(None))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service = open_service(home)
        # A store that was put back by hand must not show what was erased (docs/spec/erasure.md §4).
        service.eraser.enforce()
        app.state.service = service
        app.state.tokens = TokenChecks(service.agencies.look_up, service.agencies.note_use)
        app.state.intake = Intake(service.acceptor, service.committer)
        app.state.bodies = Shares("bytes", reading.MAX_BODIES_BYTES)
        app.state.streams = Shares("streams", stream.MAX_STREAMS)
        app.state.uploads = Shares("uploads", with_files.MAX_UPLOADS)
        app.state.upload_threads = CapacityLimiter(with_files.MAX_UPLOADS)
        try:
            with service.export_jobs.at_work():
                yield
        finally:
            service.close()

    # Without a key only health and public proofs answer; the description is behind it.
    app = FastAPI(
        title="Evidence Notary",
        version="1",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    problems.install(app)
    _public(app)
    metrics.install(app)
    _private(app)
    records.install(app)
    erasing.install(app)
    exports.install(app)
    stream.install(app)
    with_files.install(app)
    description.install(app)
    sources.install(app)
    custody.install(app)
    people.install(app)
    return Front(app)


def _public(app: FastAPI) -> None:
    @app.get("/health", responses={503: {"model": HealthView, "description": "They are not."}})
    async def health(service: TheService, response: Response) -> HealthView:
        """Whether records are being sealed and anchored. 503 when they are not."""
        view = await run_in_threadpool(service.health)
        if view.status != "ok":
            response.status_code = 503
        return HealthView(
            status=view.status,
            reasons=view.reasons,
            worker_seen_at=view.worker_seen_at,
            worker_error=view.worker_error,
            sealed=view.sealed,
            anchored=view.anchored,
            held=view.held,
            alarms=view.alarms,
        )

    @app.get(
        "/public/checkpoint",
        response_class=PlainTextResponse,
        openapi_extra=description.declared(404),
    )
    async def newest_checkpoint(service: TheService) -> str:
        """The newest signed checkpoint."""
        return await run_in_threadpool(service.newest_checkpoint)

    @app.get(
        "/public/checkpoints/{size}",
        response_class=PlainTextResponse,
        openapi_extra=description.declared(404),
    )
    async def checkpoint(service: TheService, size: Number) -> str:
        """The signed checkpoint of that size."""
        return await run_in_threadpool(service.batch_log.checkpoint, size)

    @app.get("/public/batches/{batch}", openapi_extra=description.declared(404))
    async def header(service: TheService, batch: Number) -> Response:
        """A batch header, byte for byte."""
        sealed = await run_in_threadpool(service.batch_log.batch, batch)
        return Response(sealed.header_bytes, media_type="application/json")

    @app.get(
        "/public/batches/{batch}/delta",
        response_class=PlainTextResponse,
        openapi_extra=description.declared(404),
    )
    async def delta(service: TheService, batch: Number) -> Response:
        """The batch's delta file: what anyone needs to replay the maps."""
        content = await run_in_threadpool(service.batch_log.delta, batch)
        return Response(content, media_type="text/plain; charset=utf-8")

    @app.get("/public/links")
    async def links(service: TheService) -> list[dict[str, str | int]]:
        """Every proved anchor's fold link, oldest first."""
        anchors = await run_in_threadpool(service.book.anchors)
        return [
            {"root": anchor.link.root.hex(), "size": anchor.link.size, "time": anchor.link.time}
            for anchor in anchors
        ]


def _private(app: FastAPI) -> None:
    @app.get("/v1/openapi.json")
    async def openapi(
        caller: Annotated[Principal, Depends(allowed(Act.DESCRIBE))],
    ) -> dict[str, object]:
        """This description."""
        return app.openapi()

    @app.get("/v1/me")
    async def me(
        service: TheService, caller: Annotated[Principal, Depends(allowed(Act.DESCRIBE))]
    ) -> MeView:
        """Whose key this is."""
        agency = await run_in_threadpool(service.agencies.name_of, caller.agency_id)
        return MeView(agency=agency, user=caller.user, roles=tuple(sorted(caller.roles)))

    @app.get("/v1/matters")
    async def matters(
        service: TheService, caller: Annotated[Principal, Depends(allowed(Act.SEE_MATTERS))]
    ) -> list[MatterView]:
        """Every matter of the agency."""
        found = await run_in_threadpool(service.register.all, caller.agency_id)
        return [_matter_view(matter, caller) for matter in found]

    @app.post(
        "/v1/matters",
        status_code=201,
        openapi_extra=description.body(reading.JSON, description.schema_of(NewMatter)),
    )
    async def new_matter(
        service: TheService,
        caller: Annotated[Principal, Depends(allowed(Act.OPEN_MATTER))],
        request: Request,
    ) -> MatterView:
        """Register a matter and give it its number."""
        body = await reading.read(request, caller.agency_id, NewMatter)
        matter = await run_in_threadpool(
            service.new_matter, caller.agency_id, body.title, body.accounts
        )
        return _matter_view(matter, caller)

    @app.get("/v1/matters/{number}", openapi_extra=description.declared(404))
    async def matter(
        service: TheService,
        caller: Annotated[Principal, Depends(allowed(Act.SEE_MATTERS))],
        number: str,
    ) -> MatterView:
        """One matter."""
        found = await run_in_threadpool(service.matter, caller.agency_id, number)
        return _matter_view(found, caller)

    @app.get("/v1/records/{record_id}", openapi_extra=description.declared(404))
    async def record(
        service: TheService,
        caller: Annotated[Principal, Depends(allowed(Act.READ))],
        request: Request,
        response: Response,
        record_id: str,
        purpose: Purpose = None,
    ) -> RecordView:
        """An acknowledged record again, byte for byte. The log records who read it."""
        asking = service.custody.request(caller.user, purpose)
        row = service.record_names.row(caller.agency_id, record_id)
        found = await run_in_threadpool(service.shelf.first_answer, caller.agency_id, row)
        await file(request, caller, service.custody.reading(asking, found))
        response.headers[REQUEST_ID] = asking.request_id
        return RecordView(**records.members(service.record_names, caller.agency_id, found))

    @app.get("/v1/records/{record_id}/receipt", openapi_extra=description.declared(404))
    async def receipt(
        service: TheService,
        caller: Annotated[Principal, Depends(allowed(Act.SEE_RECEIPT))],
        record_id: str,
    ) -> ReceiptView:
        """A record's leaf and receipt again."""
        row = service.record_names.row(caller.agency_id, record_id)
        found = await run_in_threadpool(service.reader.by_id, caller.agency_id, row)
        return ReceiptView(
            record_id=record_id,
            position=found.position,
            leaf=found.leaf.decode("utf-8"),
            receipt=found.receipt.decode("utf-8"),
        )

    @app.post("/v1/anchor-now", status_code=202)
    async def anchor_now(
        service: TheService, caller: Annotated[Principal, Depends(allowed(Act.ANCHOR_NOW))]
    ) -> PriorityView:
        """Have what is acknowledged sealed and anchored at once. Repeating it changes nothing."""
        told = await run_in_threadpool(service.anchor_now)
        return PriorityView.model_validate(told.shown())

    @app.get("/v1/status")
    async def status(
        service: TheService, caller: Annotated[Principal, Depends(allowed(Act.SEE_STATUS))]
    ) -> dict[str, object]:
        """What is sealed, anchored and late: `notary status --json`, with the agency's own counts."""
        return await run_in_threadpool(service.status, caller.agency_id)

    @app.get(
        "/v1/matters/{number}/package",
        response_class=StreamingResponse,
        responses={200: {"content": {"application/zip": {"schema": BINARY}}}},
        openapi_extra=description.declared(404),
    )
    async def package(
        service: TheService,
        caller: Annotated[Principal, Depends(allowed(Act.EXPORT))],
        request: Request,
        number: str,
        kind: Literal["complete", "extract", "absent"] = "complete",
        position: Annotated[list[Number], Query(max_length=MAX_POSITIONS)] = [],  # noqa: B006 - FastAPI copies
        purpose: Purpose = None,
    ) -> StreamingResponse:
        """The evidence package of a matter, as of the newest usable anchor. The log records who took it."""
        asking = service.custody.request(caller.user, purpose)
        order = ExportOrder(numbers.parse(number), kind, tuple(position))
        # The file has no name: nothing in the clear is left in any folder, whatever happens.
        out = tempfile.TemporaryFile(dir=service.home.data)  # noqa: SIM115 - closed after sending
        try:
            result = await run_in_threadpool(service.exporter.export, caller.agency_id, order, out)
            size = out.tell()
            out.seek(0)
            digest = await run_in_threadpool(file_digest, out, "sha256")
            out.seek(0)
            item = service.custody.export(asking, order, result, digest.hexdigest(), size)
            await file(request, caller, item)
        except BaseException:
            out.close()
            raise
        return StreamingResponse(
            iter(lambda: out.read(CHUNK_BYTES), b""),
            media_type="application/zip",
            headers={
                "Content-Disposition": 'attachment; filename="package.zip"',
                "Content-Length": str(size),
                REQUEST_ID: asking.request_id,
            },
            background=BackgroundTask(out.close),
        )


def _matter_view(matter: Matter, caller: Principal) -> MatterView:
    names = caller.may(Act.SEE_NAMES)
    return MatterView(
        number=matter.number,
        display=numbers.display(numbers.parse(matter.number)),
        title=matter.title if names else None,
        accounts=matter.accounts if names else None,
        records=matter.size,
        created_at=times.format_time(matter.created_at),
    )

"""The application: health and public proofs for anyone, everything else with the bearer token.

Handlers are async and hand blocking work to threads; records go through the one writer of the process.
Nothing is opened at import: `create_app` opens the service and the server's shutdown closes it.
Test: tests/api.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Annotated, Any, Literal

import orjson
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import PlainTextResponse, StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from api import metrics, problems, reading
from api.intake import Intake
from api.tokens import TokenChecks
from api.wire import HealthView, MatterView, NewMatter, NewRecord, PriorityView, RecordView
from notary import config
from notary.compose import Service, open_service
from notary.core.intake import Accepted, Incoming, Refused
from notary.errors import CallerError, ConflictError
from notary.ports import Matter
from notary.usecases.export import ExportOrder
from verifier.format import numbers, times

CHUNK_BYTES = 2**20  # a package is streamed: memory stays flat however large it is

RECORDS = "/v1/records"

KEYS_KEPT = 10_000  # matter numbers whose checksum need not be checked again

bearer = HTTPBearer(auto_error=False)


class Front:
    """The application, with the one route that many ask at once in front of the framework.

    What the framework finds out, checks and wraps around an endpoint takes as long as a record itself.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI; the framework's own route, which the description is of, gives the same answers."""
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ("POST", RECORDS):
            await self._app(scope, receive, send)
            return
        scope["app"] = self._app
        try:
            response = await _new_record(Request(scope, receive))
        except problems.EXPECTED as error:
            response = problems.answer(error)
        await response(scope, receive, send)


# Async, though it waits for nothing: the framework hands a plain function to a thread.
async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


TheService = Annotated[Service, Depends(_service)]


async def _agency(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> int:
    """The agency whose token came with the request."""
    if credentials is not None:
        tokens: TokenChecks = request.app.state.tokens
        agency = await tokens.agency_of(credentials.credentials)
        if agency is not None:
            return agency
    raise HTTPException(
        401,
        "Send `Authorization: Bearer TOKEN` with the token that `notary init` printed.",
        headers={"WWW-Authenticate": "Bearer"},
    )


Agency = Annotated[int, Depends(_agency)]


def create_app() -> Front:
    """The application over the service of NOTARY_HOME."""
    home = config.load(config.home_folder(None))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service = open_service(home)
        app.state.service = service
        app.state.tokens = TokenChecks(service.tokens.agency_of)
        app.state.intake = Intake(service.committer)
        try:
            yield
        finally:
            service.close()

    # Without the token only health and public proofs answer; the description is behind it.
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
    return Front(app)


def _public(app: FastAPI) -> None:
    @app.get("/health")
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

    @app.get("/public/checkpoint", response_class=PlainTextResponse)
    async def newest_checkpoint(service: TheService) -> str:
        """The newest signed checkpoint."""
        return await run_in_threadpool(service.newest_checkpoint)

    @app.get("/public/checkpoints/{size}", response_class=PlainTextResponse)
    async def checkpoint(service: TheService, size: int) -> str:
        """The signed checkpoint of that size."""
        return await run_in_threadpool(service.batch_log.checkpoint, size)

    @app.get("/public/batches/{batch}")
    async def header(service: TheService, batch: int) -> Response:
        """A batch header, byte for byte."""
        sealed = await run_in_threadpool(service.batch_log.batch, batch)
        return Response(sealed.header_bytes, media_type="application/json")

    @app.get("/public/batches/{batch}/delta", response_class=PlainTextResponse)
    async def delta(service: TheService, batch: int) -> Response:
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


async def _new_record(request: Request) -> Response:
    """Take a record; answered only when it is durable. 200 instead of 201 for a replay."""
    agency = await _agency(request, await bearer(request))
    body = await reading.read(request, NewRecord)
    item = Incoming(_key_of(body.matter), body.kind, body.claims, body.idempotency_key)
    intake: Intake = request.app.state.intake
    outcome = await intake.take(agency, item)
    if isinstance(outcome, Refused):
        raised = ConflictError if outcome.conflict else CallerError
        raise raised(outcome.code, f"{outcome.field}: {outcome.reason}")
    return Response(
        orjson.dumps(_record_members(outcome)),
        status_code=200 if outcome.replayed else 201,
        media_type="application/json",
    )


def _private(app: FastAPI) -> None:
    app.post(
        RECORDS,
        name="new_record",
        status_code=201,
        response_model=RecordView,
        openapi_extra={
            **reading.described(NewRecord),
            "security": [{bearer.scheme_name: []}],
        },
    )(_new_record)

    @app.get("/v1/openapi.json")
    async def description(agency: Agency) -> dict[str, object]:
        """This description."""
        return app.openapi()

    @app.get("/v1/matters")
    async def matters(service: TheService, agency: Agency) -> list[MatterView]:
        """Every matter of the agency."""
        found = await run_in_threadpool(service.register.all, agency)
        return [_matter_view(matter) for matter in found]

    @app.post("/v1/matters", status_code=201, openapi_extra=reading.described(NewMatter))
    async def new_matter(service: TheService, agency: Agency, request: Request) -> MatterView:
        """Register a matter and give it its number."""
        body = await reading.read(request, NewMatter)
        matter = await run_in_threadpool(service.new_matter, agency, body.title, body.accounts)
        return _matter_view(matter)

    @app.get("/v1/matters/{number}")
    async def matter(service: TheService, agency: Agency, number: str) -> MatterView:
        """One matter."""
        return _matter_view(await run_in_threadpool(service.matter, agency, number))

    @app.get("/v1/records/{record_id}")
    async def record(service: TheService, agency: Agency, record_id: int) -> RecordView:
        """An acknowledged record again, byte for byte."""
        return _record_view(await run_in_threadpool(service.shelf.first_answer, agency, record_id))

    @app.post("/v1/anchor-now", status_code=202)
    async def anchor_now(service: TheService, agency: Agency) -> PriorityView:
        """Have what is acknowledged sealed and anchored at once. Repeating it changes nothing."""
        told = await run_in_threadpool(service.anchor_now)
        return PriorityView.model_validate(told.shown())

    @app.get("/v1/status")
    async def status(service: TheService, agency: Agency) -> dict[str, object]:
        """What is sealed, anchored and late; the same as `notary status --json`."""
        return await run_in_threadpool(service.status)

    @app.get("/v1/matters/{number}/package", response_class=StreamingResponse)
    async def package(
        service: TheService,
        agency: Agency,
        number: str,
        kind: Literal["complete", "extract", "absent"] = "complete",
        position: Annotated[list[int], Query(max_length=10_000)] = [],  # noqa: B006 - FastAPI copies
    ) -> StreamingResponse:
        """The evidence package of a matter, as of the newest usable anchor."""
        order = ExportOrder(numbers.parse(number), kind, tuple(position))
        # The file has no name: nothing in the clear is left in any folder, whatever happens.
        out = tempfile.TemporaryFile(dir=service.home.data)  # noqa: SIM115 - closed after sending
        try:
            await run_in_threadpool(service.exporter.export, agency, order, out)
            size = out.tell()
            out.seek(0)
        except BaseException:
            out.close()
            raise
        return StreamingResponse(
            iter(lambda: out.read(CHUNK_BYTES), b""),
            media_type="application/zip",
            headers={
                "Content-Disposition": 'attachment; filename="package.zip"',
                "Content-Length": str(size),
            },
            background=BackgroundTask(out.close),
        )


@lru_cache(maxsize=KEYS_KEPT)
def _key_of(number: str) -> bytes:
    """The key of a matter number. Raises FormatError as `numbers.parse` does."""
    return numbers.parse(number).key


def _matter_view(matter: Matter) -> MatterView:
    return MatterView(
        number=matter.number,
        display=numbers.display(numbers.parse(matter.number)),
        title=matter.title,
        accounts=matter.accounts,
        records=matter.size,
        created_at=times.format_time(matter.created_at),
    )


def _record_view(record: Accepted) -> RecordView:
    return RecordView(**_record_members(record))


def _record_members(record: Accepted) -> dict[str, Any]:
    """The members of a RecordView."""
    return {
        "record_id": record.record_id,
        "position": record.position,
        "leaf": record.leaf.decode("utf-8"),
        "disclosures": record.disclosures,
        "receipt": record.receipt.decode("utf-8"),
        "replayed": record.replayed,
    }

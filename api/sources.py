"""The routes of sources: made, listed, shown, described anew, their gaps explained.

Spec: docs/http.md, docs/spec/format.md §16. Test: tests/api/test_sources.py.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from api import description, reading
from api.callers import allowed
from api.wire import Integer, Strict
from notary.compose import Service
from notary.core.roles import Act, Principal
from notary.core.source_profile import LATE_S
from notary.usecases.sources import Source, shown
from verifier.format.numbers import parse_source
from verifier.format.source_log import Profile

_Text = Annotated[str, Field(max_length=500)]
_Texts = Annotated[tuple[_Text, ...], Field(max_length=100)]

SeesSources = Annotated[Principal, Depends(allowed(Act.SEE_STATUS))]
RunsSources = Annotated[Principal, Depends(allowed(Act.RUN_SOURCES))]


class NewProfile(Strict):
    """What may change of a source's profile. Nothing of a person stands in it."""

    host: _Text | None = None
    software: _Text | None = None
    version: _Text | None = None
    clock: _Text | None = None
    offset_ms: Integer | None = None
    hides: _Texts = ()
    outages: _Texts = ()
    late_s: Integer | None = LATE_S
    silent_s: Integer | None = None


class NewSource(NewProfile):
    """A source to register. `numbering` is `source` or `service`."""

    name: Annotated[str, Field(max_length=60)]
    numbering: Annotated[str, Field(max_length=20)]
    zone: Annotated[str, Field(max_length=60)]
    first: Integer = 0
    continues: Annotated[str, Field(max_length=100)] | None = None


class NewGap(Strict):
    """Why numbers are missing."""

    first: Integer
    last: Integer
    reason: Annotated[str, Field(max_length=1000)]


def install(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/v1/sources")
    async def sources(request: Request, caller: SeesSources) -> list[dict[str, Any]]:
        """Every source of the agency, with what is to be said of it."""
        found = await run_in_threadpool(_of(request).sources.all, caller.agency_id)
        return [_view(one) for one in found]

    @app.post("/v1/sources", status_code=201, openapi_extra=_body(NewSource))
    async def new_source(request: Request, caller: RunsSources) -> dict[str, Any]:
        """Register a source and give it its number."""
        body = await reading.read(request, caller.agency_id, NewSource)
        members = body.model_dump()
        if body.continues is not None:
            members["continues"] = parse_source(body.continues)
        made = await run_in_threadpool(
            _of(request).sources.new, caller.agency_id, Profile(**members)
        )
        return _view(made)

    @app.get("/v1/sources/{name}", openapi_extra=description.declared(404))
    async def source(request: Request, caller: SeesSources, name: str) -> dict[str, Any]:
        """One source, by name or number."""
        return _view(await run_in_threadpool(_of(request).sources.find, caller.agency_id, name))

    @app.put("/v1/sources/{name}/profile", openapi_extra=_of_source(NewProfile))
    async def profile(request: Request, caller: RunsSources, name: str) -> dict[str, Any]:
        """State anew what the source is; earlier profiles stay in its log."""
        await run_in_threadpool(_of(request).sources.find, caller.agency_id, name)
        body = await reading.read(request, caller.agency_id, NewProfile)
        changed = await run_in_threadpool(
            _of(request).sources.change, caller.agency_id, name, body.model_dump()
        )
        return _view(changed)

    @app.post("/v1/sources/{name}/gaps", status_code=201, openapi_extra=_of_source(NewGap))
    async def gap(request: Request, caller: RunsSources, name: str) -> dict[str, Any]:
        """State why numbers are missing."""
        await run_in_threadpool(_of(request).sources.find, caller.agency_id, name)
        body = await reading.read(request, caller.agency_id, NewGap)
        told = await run_in_threadpool(
            _of(request).sources.explain,
            caller.agency_id,
            name,
            body.first,
            body.last,
            body.reason,
        )
        return _view(told)


def _body(model: type) -> dict[str, Any]:
    return description.body(reading.JSON, description.schema_of(model))


def _of_source(model: type) -> dict[str, Any]:
    return {**_body(model), **description.declared(404)}


def _of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _view(source: Source) -> dict[str, Any]:
    return shown(source, datetime.now(UTC))

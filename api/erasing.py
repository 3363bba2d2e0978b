"""Erasures and holds over HTTP, for those who may erase. What they do is in notary.usecases.

Spec: docs/spec/erasure.md §1, §5; docs/http.md. Test: tests/api/test_erasing.py.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from starlette.concurrency import run_in_threadpool

from api import description, reading
from api.callers import allowed
from api.wire import NewErasure, NewHold, NewRelease
from notary.compose import Service
from notary.core.erasures import Order, Reason
from notary.core.roles import Act, Principal

Eraser = Annotated[Principal, Depends(allowed(Act.ERASE))]


def install(app: FastAPI) -> None:
    """Add the routes."""

    @app.post("/v1/matters/{number}/erasures", openapi_extra=_described(NewErasure))
    async def erase(request: Request, caller: Eraser, number: str) -> dict[str, Any]:
        """Destroy the content of records for ever. Repeated, it goes on with what is left."""
        body = await reading.read(request, caller.agency_id, NewErasure)
        return await run_in_threadpool(_erase, _service(request), caller, number, body)

    @app.get("/v1/matters/{number}/holds", openapi_extra=description.declared(404))
    async def holds(request: Request, caller: Eraser, number: str) -> list[dict[str, Any]]:
        """The holds of a matter that stand."""
        service = _service(request)
        matter = await run_in_threadpool(service.matter, caller.agency_id, number)
        return [one.shown() for one in await run_in_threadpool(service.holds.standing, matter)]

    @app.post(
        "/v1/matters/{number}/holds",
        status_code=201,
        openapi_extra=_described(NewHold),
    )
    async def hold(request: Request, caller: Eraser, number: str) -> dict[str, Any]:
        """Keep a record, or the whole matter, from being erased."""
        body = await reading.read(request, caller.agency_id, NewHold)
        service = _service(request)
        matter = await run_in_threadpool(service.matter, caller.agency_id, number)
        told = await run_in_threadpool(
            service.holds.set, matter, body.position, body.reason, body.authority
        )
        return {"hold": told.position, "held": body.position, "receipt": told.receipt.decode()}

    @app.post(
        "/v1/matters/{number}/holds/{position}/release",
        status_code=201,
        openapi_extra=_described(NewRelease),
    )
    async def release(
        request: Request, caller: Eraser, number: str, position: int
    ) -> dict[str, Any]:
        """Release the hold at that position."""
        body = await reading.read(request, caller.agency_id, NewRelease)
        service = _service(request)
        matter = await run_in_threadpool(service.matter, caller.agency_id, number)
        told = await run_in_threadpool(
            service.holds.release, matter, position, body.reason, body.authority
        )
        return {"hold": position, "release": told.position, "receipt": told.receipt.decode()}


def _described(model: type) -> dict[str, Any]:
    return {
        **description.body(reading.JSON, description.schema_of(model)),
        **description.declared(404),
    }


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _erase(service: Service, caller: Principal, number: str, body: NewErasure) -> dict[str, Any]:
    matter = service.matter(caller.agency_id, number)
    order = Order(Reason(body.reason), body.authority)
    if body.dry_run:
        planned = service.planner.plan(matter, body.positions, order, early=body.early)
    else:
        planned = service.eraser.erase(
            matter, body.positions, order, lambda done, total: None, early=body.early
        )
    return {
        "matter": matter.number,
        "dry_run": body.dry_run,
        "records": [one.shown() for one in planned],
    }

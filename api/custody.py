"""Who was given content over HTTP: filed before the first byte is sent, and listed.

Contract: docs/http.md, "Who read it". Test: tests/api/test_custody.py.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request
from starlette.concurrency import run_in_threadpool

from api import description
from api.callers import allowed
from api.intake import Intake
from api.wire import CustodyView
from notary.compose import Service
from notary.core.custody import MAX_PURPOSE
from notary.core.intake import Incoming
from notary.core.roles import Act, Principal
from notary.errors import NothingHappened
from notary.usecases.custody import settled

REQUEST_ID = "Request-Id"  # of the record of custody that the answer left
Purpose = Annotated[
    str | None,
    Query(min_length=1, max_length=MAX_PURPOSE, description="Why; the log records it."),
]


def install(app: FastAPI) -> None:
    """The route that lists."""

    @app.get("/v1/matters/{number}/custody", openapi_extra=description.declared(404))
    async def custody_of(
        request: Request,
        caller: Annotated[Principal, Depends(allowed(Act.SEE_CUSTODY))],
        number: str,
    ) -> list[CustodyView]:
        """Who read or exported the matter, what of it, when and why; oldest first."""
        service: Service = request.app.state.service

        def listed() -> list[CustodyView]:
            matter = service.matter(caller.agency_id, number)
            found = service.custody.listed(caller.agency_id, matter)
            return [CustodyView.model_validate(one, strict=False) for one in found]

        return await run_in_threadpool(listed)


async def file(request: Request, caller: Principal, item: Incoming | None) -> None:
    """Have it on record, durably, before anything is given out. Raises as the writer does."""
    if item is None:
        return
    service: Service = request.app.state.service
    intake: Intake = request.app.state.intake
    try:
        settled(await intake.take(caller.agency_id, item))
    except NothingHappened as error:
        await run_in_threadpool(service.custody.refused, caller.agency_id, item, error)

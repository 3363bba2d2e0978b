"""Takes records in one at a time and by the array; answered only when they are durable.

Contract: docs/http.md "One record", "Many records: an array". Tests: tests/api/test_api.py,
tests/api/test_bulk.py.
"""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import Depends, FastAPI, Request, Response

from api import description, reading
from api.callers import allowed, asked
from api.intake import Intake
from api.problems import MEDIA_TYPE, refusal
from api.wire import NewRecord, OutcomeView, RecordView
from notary.core.intake import Accepted, Outcome, Refused
from notary.core.record_names import RecordNames
from notary.core.roles import Act, Principal
from notary.importers.offered_json import read_offer, split_array

RECORDS = "/v1/records"
BULK = f"{RECORDS}/bulk"

MAX_ARRAY_BYTES = 8 * 2**20
MAX_ARRAY_RECORDS = 1_000  # one commit; more go by stream


Submitter = Annotated[Principal, Depends(allowed(Act.SUBMIT))]

REPLAYED: dict[int | str, dict[str, Any]] = {
    200: {"model": RecordView, "description": "It came before."}
}


def install(app: FastAPI) -> None:
    """The two routes."""
    item = description.schema_of(NewRecord)
    app.post(
        RECORDS,
        name="new_record",
        status_code=201,
        response_model=RecordView,
        responses=REPLAYED,
        openapi_extra={
            **description.body(reading.JSON, item),
            **description.declared(404, 409),
        },
        # Asked once more by the handler, which in front of the framework is alone.
        dependencies=[Depends(allowed(Act.SUBMIT))],
    )(new_record)
    # An item that does not fit is refused in its place.
    any_item = {"anyOf": [item, {}]}
    array = {"type": "array", "items": any_item, "minItems": 1, "maxItems": MAX_ARRAY_RECORDS}
    app.post(
        BULK,
        response_model=list[OutcomeView],
        openapi_extra=description.body(reading.JSON, array),
    )(new_records)


async def new_record(request: Request) -> Response:
    """Take a record; answered only when it is durable. 200 instead of 201 for a replay."""
    agency = (await asked(request, Act.SUBMIT)).agency_id
    async with reading.body(request, agency) as text:
        offer = read_offer(text)
        outcome: Outcome
        if isinstance(offer, Refused):
            outcome = offer
        else:
            intake: Intake = request.app.state.intake
            outcome = await intake.take(agency, offer)
    return answer(request, agency, outcome)


async def new_records(request: Request, caller: Submitter) -> Response:
    """Take an array of records: one outcome for each, in order, after the commit of all."""
    agency = caller.agency_id
    async with reading.body(request, agency, MAX_ARRAY_BYTES) as text:
        texts = split_array(text, MAX_ARRAY_RECORDS)
        intake: Intake = request.app.state.intake
        outcomes = await intake.take_texts(agency, texts)
    names: RecordNames = request.app.state.service.record_names
    told = [_outcome_members(names, agency, one) for one in outcomes]
    return Response(orjson.dumps(told), media_type=reading.JSON)


def answer(request: Request, agency_id: int, outcome: Outcome) -> Response:
    """The answer to one record."""
    if isinstance(outcome, Accepted):
        told = members(request.app.state.service.record_names, agency_id, outcome)
        return Response(orjson.dumps(told), status_code=status_of(outcome), media_type=reading.JSON)
    found = refusal(outcome)
    return Response(orjson.dumps(found), status_code=found["status"], media_type=MEDIA_TYPE)


def members(names: RecordNames, agency_id: int, record: Accepted) -> dict[str, Any]:
    """The members of a RecordView."""
    return {
        "record_id": names.name(agency_id, record.record_id),
        "position": record.position,
        "leaf": record.leaf.decode("utf-8"),
        "disclosures": record.disclosures,
        "receipt": record.receipt.decode("utf-8"),
        "replayed": record.replayed,
    }


def status_of(record: Accepted) -> int:
    """201 for a new record, 200 for one that came before."""
    return 200 if record.replayed else 201


def _outcome_members(names: RecordNames, agency_id: int, outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Accepted):
        return {"status": status_of(outcome), **members(names, agency_id, outcome)}
    return refusal(outcome)

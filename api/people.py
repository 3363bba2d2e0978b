"""Users and their keys over HTTP, for operators; what they may give is `notary.core.roles.giver`.

A key's text is answered once, by the request that made it.
Contract: docs/http.md, "Users and keys over HTTP";
docs/design/0036-keys-over-http.md. Tests: tests/api/test_people.py, tests/api/test_roles.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from api import description, reading
from api.callers import allowed
from api.wire import (
    MAX_KEY_DAYS,
    ActView,
    KeyView,
    MadeKeyView,
    NewKey,
    NewRotation,
    NewUser,
    UserView,
)
from notary.adapters.store.agencies import ApiKey, User
from notary.compose import Service
from notary.core.roles import Act, Giver, Principal, giver, read_roles
from verifier.format import times

LONGEST = timedelta(days=MAX_KEY_DAYS)
SHOWN_ACTS = 1_000  # the newest; `notary user log` shows all
SECRET = {"Cache-Control": "no-store"}

Runner = Annotated[Principal, Depends(allowed(Act.RUN_PEOPLE))]
# Not by a name, which would stand in logs.
UserId = Annotated[str, Path(pattern="^u[a-z2-7]{16}$")]
KeyName = Annotated[str, Path(pattern="^k[a-z2-7]{26}$")]


def install(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/v1/users")
    async def users(request: Request, caller: Runner) -> list[UserView]:
        """The agency's users, oldest first, disabled ones included."""
        found = await run_in_threadpool(_service(request).agencies.users, caller.agency_id)
        return [_user(one) for one in found]

    @app.post("/v1/users", status_code=201, openapi_extra=_described(NewUser, 409))
    async def new_user(request: Request, caller: Runner) -> UserView:
        """Add a user: a person, or a machine that hands records in."""
        body = await reading.read(request, caller.agency_id, NewUser)
        made = await run_in_threadpool(
            _service(request).agencies.add_user,
            caller.agency_id,
            body.name,
            read_roles(body.roles),
            _giver(caller),
        )
        return _user(made)

    @app.post("/v1/users/{user}/disable", openapi_extra=description.declared(404))
    async def disable(request: Request, caller: Runner, user: UserId) -> UserView:
        """Let no key of a user open anything, from the next request on."""
        agencies = _service(request).agencies
        found = await run_in_threadpool(agencies.user, caller.agency_id, user)
        return _user(
            await run_in_threadpool(
                agencies.disable_user, caller.agency_id, found.user_id, _giver(caller)
            )
        )

    @app.post("/v1/users/{user}/enable", openapi_extra=description.declared(404))
    async def enable(request: Request, caller: Runner, user: UserId) -> UserView:
        """Let a user's keys open again what they opened."""
        agencies = _service(request).agencies
        found = await run_in_threadpool(agencies.user, caller.agency_id, user)
        return _user(
            await run_in_threadpool(
                agencies.enable_user, caller.agency_id, found.user_id, _giver(caller)
            )
        )

    @app.post("/v1/users/{user}/keys", status_code=201, openapi_extra=_described(NewKey, 404))
    async def new_key(
        request: Request, response: Response, caller: Runner, user: UserId
    ) -> MadeKeyView:
        """Make a key for a user. Its text is in this answer and nowhere else."""
        body = await reading.read(request, caller.agency_id, NewKey)
        response.headers.update(SECRET)
        return await run_in_threadpool(_issue, _service(request), caller, user, body)

    @app.get("/v1/keys")
    async def keys(request: Request, caller: Runner) -> list[KeyView]:
        """The agency's keys, oldest first, those included that open nothing any more."""
        service = _service(request)
        found = await run_in_threadpool(service.agencies.keys, caller.agency_id)
        return [KeyView(**_key(service, caller, one)) for one in found]

    @app.post("/v1/keys/{key}/rotate", status_code=201, openapi_extra=_described(NewRotation, 404))
    async def rotate(
        request: Request, response: Response, caller: Runner, key: KeyName
    ) -> MadeKeyView:
        """Make a key that takes another one's place, which still opens for some days."""
        body = await reading.read(request, caller.agency_id, NewRotation)
        response.headers.update(SECRET)
        return await run_in_threadpool(_rotate, _service(request), caller, key, body)

    @app.delete("/v1/keys/{key}", status_code=204, openapi_extra=description.declared(404))
    async def revoke(request: Request, caller: Runner, key: KeyName) -> None:
        """Let a key open nothing, from the next request on, for ever."""
        service = _service(request)
        row = service.key_names.row(caller.agency_id, key)
        await run_in_threadpool(service.agencies.revoke_key, caller.agency_id, row, _giver(caller))

    @app.get("/v1/people-log")
    async def log(
        request: Request,
        caller: Annotated[Principal, Depends(allowed(Act.SEE_PEOPLE_LOG))],
    ) -> list[ActView]:
        """Who made, changed or ended users and keys, newest first."""
        service = _service(request)
        acts = await run_in_threadpool(service.people_log.last, caller.agency_id, SHOWN_ACTS)
        return [
            ActView(
                at=times.format_time(one.at),
                actor=one.actor,
                act=one.act.value,
                user=one.user,
                key=None
                if one.key_id is None
                else service.key_names.name(caller.agency_id, one.key_id),
                roles=tuple(sorted(one.roles)),
            )
            for one in acts
        ]


def _described(model: type, *statuses: int) -> dict[str, Any]:
    return {
        **description.body(reading.JSON, description.schema_of(model)),
        **description.declared(*statuses),
    }


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _giver(caller: Principal) -> Giver:
    return giver(caller, LONGEST)


def _issue(service: Service, caller: Principal, user: str, body: NewKey) -> MadeKeyView:
    secret = service.agencies.issue_key(
        caller.agency_id,
        service.agencies.user(caller.agency_id, user).user_id,
        body.label,
        roles=None if body.roles is None else read_roles(body.roles),
        valid=timedelta(days=body.days),
        by=_giver(caller),
    )
    return _made(service, caller, secret)


def _rotate(service: Service, caller: Principal, key: str, body: NewRotation) -> MadeKeyView:
    row = service.key_names.row(caller.agency_id, key)
    overlap = timedelta(days=body.overlap_days)
    secret = service.agencies.rotate_key(caller.agency_id, row, overlap, _giver(caller))
    return _made(service, caller, secret)


def _made(service: Service, caller: Principal, secret: str) -> MadeKeyView:
    found = service.agencies.issued(caller.agency_id, secret)
    return MadeKeyView(**_key(service, caller, found), secret=secret)


def _user(one: User) -> UserView:
    return UserView(
        user=one.handle,
        name=one.name,
        roles=tuple(sorted(one.roles)),
        created_at=times.format_time(one.created_at),
        disabled_at=_time(one.disabled_at),
    )


def _key(service: Service, caller: Principal, one: ApiKey) -> dict[str, Any]:
    return {
        "key": service.key_names.name(caller.agency_id, one.key_id),
        "begins": one.prefix,
        "user": one.user,
        "label": one.label,
        "roles": tuple(sorted(one.roles)),
        "created_at": times.format_time(one.created_at),
        "expires_at": _time(one.expires_at),
        "revoked_at": _time(one.revoked_at),
        "last_used": None if one.used_on is None else times.format_time(one.used_on)[:10],
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else times.format_time(at)

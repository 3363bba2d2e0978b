"""Who is asking: from the headers of a request to a principal who may do what the route does.

The one seam of authentication. A route names its act, `Annotated[Principal, Depends(allowed(Act.EXPORT))]`,
and gets nobody who may not; what a role may do is in `notary.core.roles`. Tests: tests/api/test_callers.py,
tests/api/test_roles.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from api.tokens import TokenChecks
from notary.adapters.store.agencies import KEY_PREFIX
from notary.core.roles import Act, Principal

# Only for the description: the header is read here, because the scheme takes the first of two.
bearer = HTTPBearer(auto_error=False)

SCHEME = "bearer "
_IN_URL = KEY_PREFIX.encode()

Allowed = Callable[..., Awaitable[Principal]]


class NoKey(HTTPException):
    """No key, or none that opens anything: all these get one answer."""

    def __init__(self) -> None:
        super().__init__(
            401,
            "Send `Authorization: Bearer KEY`, once, with a key that is neither expired nor revoked. "
            "`notary init` printed the first one; `notary apikey new` makes others.",
            headers={"WWW-Authenticate": "Bearer"},
        )


async def asked(request: HTTPConnection, act: Act) -> Principal:
    """Who sent the request, if they may do this.

    Raises HTTPException 401, or 400 for a key in the URL; ForbiddenError ROLE_WANTED.
    """
    if _IN_URL in request.scope["query_string"] or KEY_PREFIX in request.scope["path"]:
        raise HTTPException(
            400,
            "A key stands in the URL, and so in the logs of whatever lies between. Nothing was done. "
            "Revoke that key (`notary apikey revoke`), and send keys in the header Authorization alone.",
        )
    # Two of them would be read in two ways: by a proxy the one, here the other.
    sent = request.headers.getlist("authorization")
    if len(sent) != 1 or sent[0][: len(SCHEME)].lower() != SCHEME:
        raise NoKey
    tokens: TokenChecks = request.app.state.tokens
    principal = await tokens.principal_of(sent[0][len(SCHEME) :])
    if principal is None:
        raise NoKey
    principal.require(act)
    return principal


def allowed(act: Act) -> Allowed:
    """A dependency that yields who is asking, if they may do this."""

    async def principal(
        request: Request,
        _: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ) -> Principal:
        return await asked(request, act)

    principal.act = act  # type: ignore[attr-defined]  # read by the test that asks every route
    return principal

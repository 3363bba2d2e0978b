"""The reference of the HTTP rows: the same server and framework with a handler that does nothing."""

from __future__ import annotations

from fastapi import FastAPI, Request


def create_app() -> FastAPI:
    """An application that reads a body and answers an empty object."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.post("/v1/records")
    async def empty(request: Request) -> dict[str, str]:
        await request.body()
        return {}

    return app

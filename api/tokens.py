"""Looks bearer tokens up: one look-up for all requests that wait for it at the same time.

Each look-up begins after the last request that it answers came in, so a revoked token is refused
from the moment on at which it is revoked. A thread for each request instead would keep the one
writer from its work: that took four fifths of the time of a record. Test: tests/api/test_tokens.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool


class TokenChecks:
    """The tokens that are being asked for, on one event loop."""

    def __init__(self, agency_of: Callable[[str], int | None]) -> None:
        self._agency_of = agency_of
        # Asked for since the running look-up began, so they are the next one's.
        self._waiting: dict[str, asyncio.Future[int | None]] = {}
        self._running: asyncio.Task[None] | None = None

    async def agency_of(self, token: str) -> int | None:
        """The agency of the token, None if it is nobody's or revoked. Raises as the store does."""
        answer = self._waiting.get(token)
        if answer is None:
            answer = self._waiting[token] = asyncio.get_running_loop().create_future()
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        # A caller that gives up must not take the answer from the others.
        return await asyncio.shield(answer)

    async def _run(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, {}
                await self._answer(asked)
        finally:
            self._running = None

    async def _answer(self, asked: dict[str, asyncio.Future[int | None]]) -> None:
        def look_up() -> list[int | None]:
            return [self._agency_of(token) for token in asked]

        try:
            found = await run_in_threadpool(look_up)
        except Exception as error:  # noqa: BLE001 - whatever it is, every caller must hear of it
            for answer in asked.values():
                answer.set_exception(error)
            return
        for answer, agency in zip(asked.values(), found, strict=True):
            answer.set_result(agency)

"""Looks bearer tokens up: one look-up for all requests that wait for it at the same time.

Each look-up begins after the last request that it answers came in, so a revoked token is refused
from the moment on at which it is revoked. It is made on the event loop: it reads one row by its key, no
writer holds it up, and a thread for it would take turns with the one writer, which took a third of the
time of a record. Test: tests/api/test_tokens.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class TokenChecks:
    """The tokens that are being asked for, on one event loop."""

    def __init__(self, agency_of: Callable[[str], int | None]) -> None:
        self._agency_of = agency_of
        self._waiting: dict[str, asyncio.Future[int | None]] = {}

    async def agency_of(self, token: str) -> int | None:
        """The agency of the token, None if it is nobody's or revoked. Raises as the store does."""
        answer = self._waiting.get(token)
        if answer is None:
            loop = asyncio.get_running_loop()
            if not self._waiting:
                # After all that has come in by now was read.
                loop.call_soon(self._answer)
            answer = self._waiting[token] = loop.create_future()
        # A caller that gives up must not take the answer from the others.
        return await asyncio.shield(answer)

    def _answer(self) -> None:
        asked, self._waiting = self._waiting, {}
        for token, answer in asked.items():
            try:
                answer.set_result(self._agency_of(token))
            except Exception as error:  # noqa: BLE001 - whatever it is, every caller must hear of it
                answer.set_exception(error)

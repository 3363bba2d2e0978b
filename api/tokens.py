"""Looks keys up: one look-up for all requests that wait for it at the same time.

Each look-up begins after the last request that it answers came in, so a revoked key is refused from the
moment on at which it is revoked, by whichever process. It is made on the event loop: it reads one row by its
key, no writer holds it up, and a thread for it would take turns with the one writer, which took a third of
the time of a record. That a key is in use is noted once a day, by a thread. Test: tests/api/test_tokens.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from notary.core.roles import Known, Principal
from notary.errors import NotaryError


class TokenChecks:
    """The keys that are being asked for, on one event loop."""

    def __init__(
        self, look_up: Callable[[str], Known | None], note_use: Callable[[int], None]
    ) -> None:
        self._look_up = look_up
        self._note_use = note_use
        self._noting: set[int] = set()
        self._waiting: dict[str, list[asyncio.Future[Principal | None]]] = {}

    async def principal_of(self, key: str) -> Principal | None:
        """Whom the key speaks for, None if for nobody. Raises as the store does."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            # After all that has come in by now was read.
            loop.call_soon(self._answer)
        # One for each caller: who gives up takes the answer from nobody else.
        answer: asyncio.Future[Principal | None] = loop.create_future()
        self._waiting.setdefault(key, []).append(answer)
        return await answer

    def _answer(self) -> None:
        asked, self._waiting = self._waiting, {}
        for key, answers in asked.items():
            try:
                found = self._look_up(key)
            except Exception as error:  # noqa: BLE001 - whatever it is, every caller must hear of it
                for answer in answers:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            principal = None if found is None else found.principal
            for answer in answers:
                if not answer.done():
                    answer.set_result(principal)
            if found is not None and not found.noted:
                self._note(found.principal.key_id)

    def _note(self, key_id: int) -> None:
        if key_id in self._noting:
            return
        self._noting.add(key_id)
        asyncio.get_running_loop().run_in_executor(None, self._noted, key_id)

    def _noted(self, key_id: int) -> None:
        try:
            # Nobody waits for it, and the next request tries again.
            with suppress(NotaryError):
                self._note_use(key_id)
        finally:
            self._noting.discard(key_id)

"""One look-up answers all who waited for it, and none who came later."""

from __future__ import annotations

import asyncio
import threading

import pytest

from api.tokens import TokenChecks


class Register:
    """Tokens that can be revoked, with a look-up that can be held."""

    def __init__(self) -> None:
        self.agencies = {"good": 7}
        self.asked: list[str] = []
        self.go_on = threading.Event()
        self.entered = threading.Event()
        self.go_on.set()

    def agency_of(self, token: str) -> int | None:
        self.asked.append(token)
        found = self.agencies.get(token)
        self.entered.set()
        assert self.go_on.wait(10)
        if token == "broken":
            raise OSError("the disk is gone")
        return found


def test_each_token_gets_its_own_answer() -> None:
    register = Register()

    async def ask() -> list[int | None]:
        checks = TokenChecks(register.agency_of)
        return await asyncio.gather(*[checks.agency_of(token) for token in ("good", "bad", "good")])

    assert asyncio.run(ask()) == [7, None, 7]
    assert sorted(register.asked) == ["bad", "good"]


def test_who_asks_after_a_revocation_is_refused_though_a_look_up_was_running() -> None:
    register = Register()

    async def ask() -> tuple[int | None, list[int | None]]:
        checks = TokenChecks(register.agency_of)
        register.go_on.clear()
        first = asyncio.create_task(checks.agency_of("good"))
        await asyncio.to_thread(register.entered.wait, 10)
        del register.agencies["good"]
        later = [asyncio.create_task(checks.agency_of("good")) for _ in range(3)]
        await asyncio.sleep(0)
        register.go_on.set()
        return await first, await asyncio.gather(*later)

    assert asyncio.run(ask()) == (7, [None, None, None])
    assert register.asked == ["good", "good"]


def test_who_gives_up_takes_nothing_from_the_others() -> None:
    register = Register()

    async def ask() -> int | None:
        checks = TokenChecks(register.agency_of)
        register.go_on.clear()
        one, other = [asyncio.create_task(checks.agency_of("good")) for _ in range(2)]
        await asyncio.to_thread(register.entered.wait, 10)
        one.cancel()
        register.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await one
        return await other

    assert asyncio.run(ask()) == 7


def test_a_failed_look_up_is_heard_by_all_and_the_next_is_made() -> None:
    register = Register()

    async def ask() -> int | None:
        checks = TokenChecks(register.agency_of)
        failed = await asyncio.gather(
            *[checks.agency_of("broken") for _ in range(2)], return_exceptions=True
        )
        assert [str(error) for error in failed] == ["the disk is gone"] * 2
        return await checks.agency_of("good")

    assert asyncio.run(ask()) == 7

"""One look-up answers all who waited for it, and none who came later; use is noted once a day."""

from __future__ import annotations

import asyncio

import pytest

from api.tokens import TokenChecks
from notary.core.roles import ALL_ROLES, Known, Principal
from notary.errors import NothingHappened

GOOD = Principal(7, "u7", 70, ALL_ROLES)


class Register:
    """Tokens that can be revoked."""

    def __init__(self) -> None:
        self.keys = {"good": GOOD}
        self.asked: list[str] = []
        self.noted: list[int] = []
        self.noting = True

    def look_up(self, key: str) -> Known | None:
        self.asked.append(key)
        if key == "broken":
            raise OSError("the disk is gone")
        found = self.keys.get(key)
        return None if found is None else Known(found, found.key_id in self.noted)

    def note_use(self, key_id: int) -> None:
        if not self.noting:
            raise NothingHappened("STORE_UNAVAILABLE", "the disk is full")
        self.noted.append(key_id)

    def checks(self) -> TokenChecks:
        return TokenChecks(self.look_up, self.note_use)


def test_each_token_gets_its_own_answer() -> None:
    register = Register()

    async def ask() -> list[Principal | None]:
        checks = register.checks()
        return await asyncio.gather(
            *[checks.principal_of(token) for token in ("good", "bad", "good")]
        )

    assert asyncio.run(ask()) == [GOOD, None, GOOD]
    assert sorted(register.asked) == ["bad", "good"]


def test_who_asks_after_a_revocation_is_refused() -> None:
    register = Register()

    async def ask() -> tuple[list[Principal | None], list[Principal | None]]:
        checks = register.checks()
        first = await asyncio.gather(*[checks.principal_of("good") for _ in range(3)])
        del register.keys["good"]
        later = await asyncio.gather(*[checks.principal_of("good") for _ in range(3)])
        return first, later

    assert asyncio.run(ask()) == ([GOOD] * 3, [None, None, None])
    assert register.asked == ["good", "good"]


def test_a_revocation_between_request_and_look_up_counts() -> None:
    register = Register()

    async def ask() -> Principal | None:
        checks = register.checks()
        asking = asyncio.ensure_future(checks.principal_of("good"))
        asyncio.get_running_loop().call_soon(register.keys.clear)
        return await asking

    assert asyncio.run(ask()) is None


def test_who_gives_up_takes_nothing_from_the_others() -> None:
    register = Register()

    async def ask() -> Principal | None:
        checks = register.checks()
        one, other = [asyncio.ensure_future(checks.principal_of("good")) for _ in range(2)]
        asyncio.get_running_loop().call_soon(one.cancel)
        with pytest.raises(asyncio.CancelledError):
            await one
        return await other

    assert asyncio.run(ask()) == GOOD
    assert register.asked == ["good"]


def test_a_failed_look_up_is_heard_by_all_and_the_next_is_made() -> None:
    register = Register()

    async def ask() -> Principal | None:
        checks = register.checks()
        failed = await asyncio.gather(
            *[checks.principal_of("broken") for _ in range(2)], return_exceptions=True
        )
        assert [str(error) for error in failed] == ["the disk is gone"] * 2
        return await checks.principal_of("good")

    assert asyncio.run(ask()) == GOOD


def test_use_is_noted_once_and_not_before_the_answer() -> None:
    register = Register()

    async def ask() -> None:
        checks = register.checks()
        for _ in range(3):
            assert await checks.principal_of("good") == GOOD
            assert await checks.principal_of("bad") is None
        await asyncio.get_running_loop().shutdown_default_executor()

    asyncio.run(ask())
    assert register.noted == [GOOD.key_id]


def test_a_use_that_can_not_be_noted_stops_nobody_and_is_tried_again() -> None:
    register = Register()
    register.noting = False
    checks = register.checks()

    async def ask() -> None:
        assert await checks.principal_of("good") == GOOD
        await asyncio.get_running_loop().shutdown_default_executor()
        assert register.noted == []

    asyncio.run(ask())
    register.noting = True

    async def again() -> None:
        assert await checks.principal_of("good") == GOOD
        await asyncio.get_running_loop().shutdown_default_executor()

    asyncio.run(again())
    assert register.noted == [GOOD.key_id]

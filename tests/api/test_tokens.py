"""One look-up answers all who waited for it, and none who came later."""

from __future__ import annotations

import asyncio

import pytest

from api.tokens import TokenChecks


class Register:
    """Tokens that can be revoked."""

    def __init__(self) -> None:
        self.agencies = {"good": 7}
        self.asked: list[str] = []

    def agency_of(self, token: str) -> int | None:
        self.asked.append(token)
        if token == "broken":
            raise OSError("the disk is gone")
        return self.agencies.get(token)


def test_each_token_gets_its_own_answer() -> None:
    register = Register()

    async def ask() -> list[int | None]:
        checks = TokenChecks(register.agency_of)
        return await asyncio.gather(*[checks.agency_of(token) for token in ("good", "bad", "good")])

    assert asyncio.run(ask()) == [7, None, 7]
    assert sorted(register.asked) == ["bad", "good"]


def test_who_asks_after_a_revocation_is_refused() -> None:
    register = Register()

    async def ask() -> tuple[list[int | None], list[int | None]]:
        checks = TokenChecks(register.agency_of)
        first = await asyncio.gather(*[checks.agency_of("good") for _ in range(3)])
        del register.agencies["good"]
        later = await asyncio.gather(*[checks.agency_of("good") for _ in range(3)])
        return first, later

    assert asyncio.run(ask()) == ([7, 7, 7], [None, None, None])
    assert register.asked == ["good", "good"]


def test_a_revocation_between_request_and_look_up_counts() -> None:
    register = Register()

    async def ask() -> int | None:
        checks = TokenChecks(register.agency_of)
        asking = asyncio.ensure_future(checks.agency_of("good"))
        asyncio.get_running_loop().call_soon(register.agencies.clear)
        return await asking

    assert asyncio.run(ask()) is None


def test_who_gives_up_takes_nothing_from_the_others() -> None:
    register = Register()

    async def ask() -> int | None:
        checks = TokenChecks(register.agency_of)
        one, other = [asyncio.ensure_future(checks.agency_of("good")) for _ in range(2)]
        asyncio.get_running_loop().call_soon(one.cancel)
        with pytest.raises(asyncio.CancelledError):
            await one
        return await other

    assert asyncio.run(ask()) == 7
    assert register.asked == ["good"]


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

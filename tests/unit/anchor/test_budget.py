"""Amounts are exact, the worst case is the dearest attempt of each live intent, and forecasts are honest."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from notary.core import budget
from notary.core.budget import amount_of, committed, forecast, wei_of
from notary.core.intent import State
from notary.errors import CallerError
from tests.unit.anchor.intents import INTENTS, SENT, UNSENT

HOUR = timedelta(hours=1)
BROADCAST = next(one for one in INTENTS if one.state is State.BROADCAST)


@pytest.mark.parametrize(
    ("text", "wei"),
    [
        ("0", 0),
        ("0.05", 5 * 10**16),
        ("1", 10**18),
        ("0.000000000000000001", 1),
        ("123456789012345.000000000000000001", 123456789012345 * 10**18 + 1),
    ],
)
def test_an_amount_is_exact_both_ways(text: str, wei: int) -> None:
    assert wei_of(text) == wei
    assert amount_of(wei) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "-1", "+1", "1e3", ".5", "5.", "1,5", " 1", "1 ", "NaN", "0x1", "1\n", "٣"),
        *("0." + "1" * 19, "1" * 16),
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(CallerError) as caught:
        wei_of(text)
    assert caught.value.code == "AMOUNT_FORM"


def test_of_one_nonce_only_the_dearest_attempt_is_counted() -> None:
    both = replace(BROADCAST, attempts=(UNSENT, SENT))
    assert committed([both]) == UNSENT.gas_limit * UNSENT.max_fee
    assert committed([both, both]) == 2 * UNSENT.gas_limit * UNSENT.max_fee


def test_what_is_not_live_can_cost_nothing_more() -> None:
    for one in INTENTS:
        assert (committed([one]) > 0) == (one.live and bool(one.attempts)), one


def test_the_forecast_follows_the_cadence_or_a_busier_day() -> None:
    told = forecast([10, 30], [10, 30], 5, 100, HOUR, 4800)
    assert (told.spent_today, told.committed, told.cap) == (40, 5, 100)
    assert (told.per_anchor, told.per_day, told.per_month) == (20, 480, 14_400)
    assert told.days_left == 10
    busy = forecast([20] * 48, [20], 0, None, HOUR, None)
    assert (busy.per_day, busy.days_left) == (960, None)


def test_before_the_first_payment_nothing_is_forecast() -> None:
    told = forecast([], [], 0, None, HOUR, 10**18)
    assert (told.per_anchor, told.per_day, told.per_month, told.days_left) == (None,) * 4
    assert budget.forecast([0], [0], 0, None, timedelta(), 1).days_left is None

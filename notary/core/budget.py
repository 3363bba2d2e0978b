"""What the sender may spend in a day, and what it will: amounts in wei, from what was paid.

Spec: docs/spec/sender.md §8. Test: tests/unit/anchor/test_budget.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from notary.core.intent import Attempt, Intent
from notary.errors import CallerError

DAY = timedelta(days=1)
MONTH_DAYS = 30
DECIMALS = 18  # of every EVM chain's native currency
UNIT: Final = 10**18  # wei
AVERAGED = 30  # anchors that a forecast is made from: the last day's at a cadence of an hour, about

_AMOUNT = re.compile(r"\d{1,15}(\.\d{1,18})?", re.ASCII)


def wei_of(amount: str) -> int:
    """The wei of a decimal amount of native currency, like "0.05".

    Raises CallerError AMOUNT_FORM for anything but digits with at most 18 of them after one point.
    """
    if _AMOUNT.fullmatch(amount) is None:
        raise CallerError("AMOUNT_FORM", f'{amount!r} is no amount; want digits like "0.05".')
    whole, _, rest = amount.partition(".")
    return int(whole) * UNIT + int(rest.ljust(DECIMALS, "0"))


def amount_of(wei: int) -> str:
    """The decimal amount of native currency that so many wei are, without needless zeros."""
    whole, rest = divmod(wei, UNIT)
    return f"{whole}.{rest:0{DECIMALS}}".rstrip("0").rstrip(".")


def worst_case(attempt: Attempt) -> int:
    """The most that an attempt can cost."""
    return attempt.gas_limit * attempt.max_fee


def committed(intents: Iterable[Intent]) -> int:
    """The most that the live ones among the intents can still cost.

    All attempts of an intent have one nonce, so only one of them is ever paid.
    """
    return sum(max(map(worst_case, one.attempts), default=0) for one in intents if one.live)


@dataclass(frozen=True)
class Forecast:
    """What anchoring costs, in wei; None where nothing was paid yet or the balance is not known."""

    spent_today: int
    committed: int
    cap: int | None
    per_anchor: int | None
    per_day: int | None
    per_month: int | None
    days_left: float | None


def forecast(
    today: Sequence[int],
    newest: Sequence[int],
    committed: int,
    cap: int | None,
    cadence: timedelta,
    balance: int | None,
) -> Forecast:
    """What the coming days cost, if they are as the last anchors were.

    `today`: what was paid in the last 24 hours; `newest`: what the last anchors cost.
    """
    per_anchor = sum(newest) // len(newest) if newest else None
    per_day = None
    if per_anchor is not None:
        # An empty batch is anchored too, so the cadence is the least; the lane of priority adds.
        per_day = max(per_anchor * int(DAY / cadence) if cadence else 0, sum(today))
    return Forecast(
        spent_today=sum(today),
        committed=committed,
        cap=cap,
        per_anchor=per_anchor,
        per_day=per_day,
        per_month=None if per_day is None else MONTH_DAYS * per_day,
        days_left=None if not per_day or balance is None else balance / per_day,
    )

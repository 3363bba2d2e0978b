"""Owns what is true in the trade case, whatever file says it: when each node was reached, amounts, prices.

Test: tests/unit/importers/test_trade.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from notary.cases.draws import Draws

FIRST_DAY = datetime(2025, 1, 6, 8, 0)  # noqa: DTZ001 - a wall clock; each event has its zone
CONSIGNMENTS = 6  # of the template
DAYS_APART = 21  # between the orders of two consignments
SELLER_ZONE = ZoneInfo("Asia/Shanghai")
BUYER_ZONE = ZoneInfo("Europe/Amsterdam")

# Days after the order is accepted, and whose clock tells the time.
_DAYS = {
    "01": (0, BUYER_ZONE),
    "02": (4, SELLER_ZONE),
    "03": (5, SELLER_ZONE),
    "04": (7, SELLER_ZONE),
    "05": (8, SELLER_ZONE),
    "06": (9, SELLER_ZONE),
    "07": (37, BUYER_ZONE),
    "08": (38, BUYER_ZONE),
    "09": (39, BUYER_ZONE),
    "10": (40, BUYER_ZONE),
    "11": (41, BUYER_ZONE),
    "12": (45, BUYER_ZONE),
}


class TradeFacts:
    """The facts of one seed, by consignment and step of the template."""

    def __init__(self, seed: int) -> None:
        self.draws = Draws(seed)

    def at(self, consignment: str, step: str) -> datetime:
        """When a node was reached, by the clock of the place."""
        days, zone = _DAYS[step]
        start = FIRST_DAY + timedelta(days=DAYS_APART * (int(consignment) - 1))
        minutes = self.draws.below(f"{consignment}.{step}", 8 * 60)
        seconds = self.draws.below(f"{consignment}.{step}/s", 60)
        local = start + timedelta(days=days, minutes=minutes, seconds=seconds)
        return local.replace(tzinfo=zone)

    def number(self, consignment: str, step: str, steps: Sequence[str]) -> int:
        """Which one it is, from 1, among these steps of all consignments in the order of time."""
        at = self.at(consignment, step)
        every = [self.at(str(c + 1), one) for c in range(CONSIGNMENTS) for one in steps]
        return 1 + sum(one < at for one in every)

    def quantity(self, consignment: str) -> int:
        """How many pieces."""
        return 400 + self.draws.below(f"{consignment}/quantity", 200)

    def cents(self, consignment: str) -> int:
        """The price in cents of EUR."""
        return self.quantity(consignment) * (11_950 + self.draws.below(f"{consignment}/price", 400))

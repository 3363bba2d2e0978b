"""What requests hold of the process while they are answered, bounded, and shared between agencies.

Each agency may have half: one that floods the service leaves the others the other half. Whoever would have
more is told to come later, before anything of its body is read. Test: tests/api/test_shares.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from notary.errors import BUSY, SHARE_USED, NothingHappened


class Shares:
    """An amount that agencies share, on one event loop."""

    def __init__(self, what: str, total: int) -> None:
        """`what` is said in refusals, after a number."""
        self._what = what
        self._total = total
        self._held: Counter[int] = Counter()

    @contextmanager
    def taken(self, agency_id: int, amount: int) -> Iterator[None]:
        """Hold so much for a while. Raises as `take`."""
        self.take(agency_id, amount)
        try:
            yield
        finally:
            self.give_back(agency_id, amount)

    def take(self, agency_id: int, amount: int) -> None:
        """Hold so much until it is given back.

        Raises NothingHappened SHARE_USED, or BUSY if nothing is left.
        """
        held = self._held[agency_id]
        if held + amount > self._total // 2:
            raise NothingHappened(
                SHARE_USED,
                f"this agency has {held} {self._what} on the way, of {self._total // 2} that it may "
                "have; send again later",
            )
        if self._held.total() + amount > self._total:
            raise NothingHappened(
                BUSY, f"{self._total} {self._what} are on the way already; send again later"
            )
        self._held[agency_id] = held + amount

    def give_back(self, agency_id: int, amount: int) -> None:
        """Hold so much less."""
        self._held[agency_id] -= amount
        if not self._held[agency_id]:
            del self._held[agency_id]

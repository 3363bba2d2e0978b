"""Owns chance in generated cases: every draw follows from the seed and from what it is for.

A draw is a digest, not the next number of a generator: so it is the same on every machine and version, and an
event that is added or taken out moves no other. Test: tests/unit/cases/test_draws.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


class Draws:
    """The draws of one seed. `what` names a draw; the same name gives the same answer again."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def below(self, what: str, limit: int) -> int:
        """A number from 0 to `limit` − 1."""
        # 64 bits over limits of at most 10^8: the remainder favours no number by more than 10^-11.
        return int.from_bytes(hashlib.sha256(self._name(what)).digest()[:8], "big") % limit

    def hexes(self, what: str) -> str:
        """64 hexadecimal digits."""
        return hashlib.sha256(self._name(what)).hexdigest()

    def one(self, what: str, choices: Sequence[T]) -> T:
        """One of the choices."""
        return choices[self.below(what, len(choices))]

    def weighed(self, what: str, weights: Mapping[T, int]) -> T:
        """One of the choices, each as often as its weight says; they stand in the mapping's order.

        Raises ValueError unless one weight is above 0.
        """
        total = sum(weights.values())
        if total <= 0:
            raise ValueError(f"want a weight above 0, got {dict(weights)}")
        place = self.below(what, total)
        for choice, weight in weights.items():
            place -= weight
            if place < 0:
                return choice
        raise AssertionError("the weights' sum is above every place")

    def _name(self, what: str) -> bytes:
        return f"{self._seed}/{what}".encode()

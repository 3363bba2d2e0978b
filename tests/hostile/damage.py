"""Where a test puts its hand into the world.

A world is built from the bottom up, and every value on the way passes through a named point. A
test gives a function for one point; all layers above are then built on what it returns. So one
damage stays one damage, and no accidental mismatch catches it instead of the check under test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
Change = Callable[..., Any]  # (value, **where) → the value to go on with


class Damage:
    """Functions by point. Each gets the value and, by keyword, where in the world it stands."""

    def __init__(self, **changes: Change) -> None:
        self.changes = changes
        self.fired: set[str] = set()

    def __call__(self, point: str, value: T, **where: Any) -> T:
        change = self.changes.get(point)
        if change is None:
            return value
        changed: T = change(value, **where)
        if changed != value:
            self.fired.add(point)
        return changed

    def require_fired(self) -> None:
        """A damage that changed nothing would make a test that shows nothing."""
        idle = set(self.changes) - self.fired
        if idle:
            raise AssertionError(f"the damage at {sorted(idle)} changed nothing in this world")


NO_DAMAGE = Damage()

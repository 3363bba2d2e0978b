"""Crashes before and after every effect and every durable write, by wrapping store, chain and key.

A crash is a BaseException, so that nothing in the product can catch it by accident.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

T = TypeVar("T")

# What changes something: a row, the chain, or what is known outside.
STORE_WRITES = frozenset(
    {
        "pin",
        "keep_recent_block",
        "seal",
        "advance",
        "add_as_of",
        "release_as_of",
        "drop_as_of",
        "keep_alarms",
    }
)
CHAIN_EFFECTS = frozenset({"send"})
SIGNER_EFFECTS = frozenset({"sign"})
PROVER_EFFECTS = frozenset({"check"})

# These come at every step and don't depend on what the step does: the first few stand for all.
REPEATED = ("keep_recent_block", "keep_alarms")
OF_REPEATED = 2


class Crash(BaseException):
    """The process ends here."""


class CrashPoint:
    """Counts the places where a crash can come, two for each effect, and crashes at one of them."""

    def __init__(self, at: int | None = None, of_repeated: int = OF_REPEATED) -> None:
        self.at = at
        self.of_repeated = of_repeated
        self.passed: list[str] = []

    def pass_by(self, name: str) -> None:
        """Reach a place. Raises Crash if it is the one."""
        if name.endswith(REPEATED) and self.passed.count(name) == self.of_repeated:
            return
        self.passed.append(name)
        if len(self.passed) - 1 == self.at:
            raise Crash(name)


class _Wrapped:
    def __init__(self, target: object, effects: frozenset[str], point: CrashPoint) -> None:
        self._target = target
        self._effects = effects
        self._point = point

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        return self._surrounded(name, found) if name in self._effects else found

    def _surrounded(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            detail = f"{name} {type(args[1]).__name__}" if name == "advance" else name
            self._point.pass_by(f"before {detail}")
            result = method(*args, **kwargs)
            self._point.pass_by(f"after {detail}")
            return result

        return call


def crashing(target: T, effects: frozenset[str], point: CrashPoint) -> T:
    """`target`, whose effects pass by the crash point before and after they apply."""
    return cast("T", _Wrapped(target, effects, point))

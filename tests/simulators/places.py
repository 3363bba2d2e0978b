"""Owns the numbered places where a fault can strike: two for each effect, before and after it applies.

A run passes by its places in order. Given the number of one, it is struck there; given none, the run
lists them, and so a test can strike at each in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


class Crash(BaseException):
    """The process ends here. Not an Exception, so that nothing in the product can catch it."""


def crash(name: str) -> None:
    """The strike by which a process ends, without ending the test's own."""
    raise Crash(name)


@dataclass
class Places:
    """Counts the places that are passed by, and strikes at number `at`.

    With `on`, the first place of that name is struck.

    Places whose names end with one of `repeated` come at every step and don't depend on what it does:
    the first `of_repeated` of each stand for all.
    """

    at: int | None = None
    strike: Callable[[str], None] = crash
    on: str | None = None
    repeated: tuple[str, ...] = ()
    of_repeated: int = 0
    passed: list[str] = field(default_factory=list)

    def pass_by(self, name: str) -> None:
        """Reach a place, which is struck if it is the one."""
        if name.endswith(self.repeated or ("\0",)) and self.passed.count(name) == self.of_repeated:
            return
        self.passed.append(name)
        if len(self.passed) - 1 == self.at or (name == self.on and self.passed.count(name) == 1):
            self.strike(name)

    @contextmanager
    def around(self, effect: str) -> Iterator[None]:
        """Pass by the place before the effect and, if it applied, the one after it."""
        self.pass_by(f"before {effect}")
        yield
        self.pass_by(f"after {effect}")

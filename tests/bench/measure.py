"""How things are timed here: the best of some runs, as a ratio to a reference timed in between.

The machine is shared and noisy; the least time of several is the least disturbed one.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A line of the table: what was measured, the figure in words, the bar in words, whether it holds."""

    what: str
    figure: str
    bar: str
    holds: bool | None


def seconds(action: Callable[[], object]) -> float:
    """How long one run takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def pair(
    ours: Callable[[], object], reference: Callable[[], object], runs: int = 5
) -> tuple[float, float]:
    """The best seconds of each, run in turn so that a slow spell hits both."""
    best_ours = best_reference = float("inf")
    for _ in range(runs):
        best_ours = min(best_ours, seconds(ours))
        best_reference = min(best_reference, seconds(reference))
    return best_ours, best_reference


def process(command: Sequence[str]) -> Callable[[], object]:
    """An action that runs a process to its end."""

    def run() -> None:
        subprocess.run(command, check=True, capture_output=True)

    return run


def at_most(what: str, ratio: float, bar: float, unit: str, detail: str) -> Row:
    """A row whose ratio should not be above the bar."""
    return Row(what, f"{ratio:.2f} {unit} ({detail})", f"≤ {bar:g} {unit}", ratio <= bar)


def at_least(what: str, ratio: float, bar: float, unit: str, detail: str) -> Row:
    """A row whose ratio should not be below the bar."""
    return Row(what, f"{ratio:.2f} {unit} ({detail})", f"≥ {bar:g} {unit}", ratio >= bar)

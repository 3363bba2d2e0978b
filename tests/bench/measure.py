"""How things are timed here: the best of some runs, as a ratio to a reference timed in between.

The machine is shared and noisy; the least time of several is the least disturbed one.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """A line of the table.

    `value` has the unit `unit`; `bar` is in the same unit, None where there is none, and is a least
    value if `least`, else a greatest. `detail` says what else was seen.
    """

    what: str
    value: float
    unit: str
    bar: float | None = None
    least: bool = False
    detail: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the value is on the right side of the bar."""
        if self.bar is None:
            return None
        return self.value >= self.bar if self.least else self.value <= self.bar

    @property
    def figure(self) -> str:
        """The value in words, with the detail."""
        return f"{_figure(self.value, self.unit)}{f' ({self.detail})' if self.detail else ''}"

    @property
    def wanted(self) -> str:
        """The bar in words."""
        if self.bar is None:
            return ""
        return f"{'≥' if self.least else '≤'} {_figure(self.bar, self.unit, bar=True)}"


def _figure(value: float, unit: str, *, bar: bool = False) -> str:
    if bar or value >= 1000:
        return f"{value:,.0f} {unit}" if value >= 1000 else f"{value:g} {unit}"
    return f"{value:.2f} {unit}" if value < 10 else f"{value:.0f} {unit}"


def at_most(what: str, value: float, unit: str, bar: float, detail: str = "") -> Row:
    """A row whose value should not be above the bar."""
    return Row(what, value, unit, bar, detail=detail)


def at_least(what: str, value: float, unit: str, bar: float, detail: str = "") -> Row:
    """A row whose value should not be below the bar."""
    return Row(what, value, unit, bar, least=True, detail=detail)


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


def process(command: Sequence[str], *, cwd: Path | None = None) -> Callable[[], object]:
    """An action that runs a process to its end."""

    def run() -> None:
        subprocess.run(command, check=True, capture_output=True, cwd=cwd)

    return run


def family(process_id: int | str = "self") -> list[int | str]:
    """A process and its children, as far as they run."""
    found: list[int | str] = [process_id] if Path(f"/proc/{process_id}").exists() else []
    for children in Path(f"/proc/{process_id}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, children.read_text("ascii").split())
    return found


def core_seconds() -> float:
    """What this process and its running children have used of the cores."""
    ticks = 0
    for one in family():
        # proc(5): utime and stime are the 14th and the 15th field; the second may hold spaces.
        fields = Path(f"/proc/{one}/stat").read_text("utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def written_bytes() -> int:
    """What this process has given to the disks."""
    [line] = [
        line
        for line in Path("/proc/self/io").read_text("ascii").splitlines()
        if line.startswith("write_bytes")
    ]
    return int(line.split()[1])


def peak_mib(process_id: int | str = "self") -> int:
    """The most memory that a process held; getrusage would count the parent's before exec."""
    status = Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024

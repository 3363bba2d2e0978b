"""How far an audit came, what it found, which drift stands; and the alarm AUDIT_DRIFT that follows.

Spec: docs/spec/sender.md §7. Tests: tests/scenarios/service/test_audit.py, tests/unit/service/test_alarms.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from verifier.format import times

MAX_NAMED = 3  # drifts that the alarm names


@dataclass(frozen=True)
class Finding:
    """What does not hold, or with `drift` false only could not be asked."""

    subject: str
    drift: bool
    text: str


@dataclass
class AuditState:
    """How far an audit came. `standing` are drifts, of this audit or of one before, not yet seen to be gone.

    `since` is a block time; `done` the last step that was done, by kind; `well` the subjects of `standing`
    that this audit found in order. Times are texts.
    """

    begun_at: str
    since: int
    full: bool
    hosts: list[str]
    ended_at: str | None = None
    done: dict[str, int] = field(default_factory=dict)
    steps: int = 0
    found: list[Finding] = field(default_factory=list)
    standing: list[Finding] = field(default_factory=list)
    standing_since: str | None = None
    well: list[str] = field(default_factory=list)


class AuditMemory(Protocol):
    """Where the state is kept."""

    def read(self) -> AuditState | None:
        """What was kept last."""
        ...

    def keep(self, state: AuditState) -> None:
        """Keep it, durably."""
        ...


def alarm_of(state: AuditState | None) -> tuple[str, datetime] | None:
    """What the alarm AUDIT_DRIFT says and since when, while a drift stands."""
    if state is None or not state.standing or state.standing_since is None:
        return None
    named = [f"{one.subject}: {one.text}" for one in state.standing[:MAX_NAMED]]
    more = len(state.standing) - len(named)
    said = "; ".join(named) + (f"; and {more} more" if more else "")
    return said, times.parse_time(state.standing_since)

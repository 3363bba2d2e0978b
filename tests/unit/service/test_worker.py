"""The worker's loop: what it seals, when it ends, what it does with errors."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from notary.errors import Contradiction, NothingHappened
from notary.worker import Worker


class FixedClock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class ScriptedLog:
    """Sealing and anchoring in memory: each sealed batch takes `steps` steps to be proved."""

    waiting: int = 0
    is_due: bool = False
    steps: int = 3
    sealed: int = 0
    proved: int = 0
    progress: int = 0
    faults: list[Exception] = field(default_factory=list)
    held: str | None = None

    def due(self) -> bool:
        return self.is_due

    def pending(self) -> bool:
        return self.waiting > 0

    def seal(self) -> int:
        self.waiting = 0
        self.is_due = False
        self.sealed += 1
        return self.sealed - 1

    def step(self) -> str:
        if self.faults:
            raise self.faults.pop(0)
        if self.held is None and self.proved < self.sealed:
            self.progress += 1
            if self.progress == self.steps:
                self.proved, self.progress = self.sealed, 0
        return ""

    def idle(self) -> bool:
        return self.proved == self.sealed

    def trouble(self) -> str | None:
        return self.held


@dataclass
class KeptPulse:
    """A pulse that remembers every beat."""

    beats: list[str | None] = field(default_factory=list)

    def beat(self, error: str | None) -> None:
        self.beats.append(error)


@dataclass
class KeptWatch:
    """A watch that remembers each look."""

    looks: list[str | None] = field(default_factory=list)

    def look(self, stopped: str | None) -> None:
        self.looks.append(stopped)


def _worker(log: ScriptedLog, pulse: KeptPulse, watch: KeptWatch | None = None) -> Worker:
    return Worker(lambda: 0, log, log, pulse, watch or KeptWatch(), 0, lambda line: None)


def test_until_idle_seals_what_waits_though_nothing_is_due() -> None:
    log, pulse = ScriptedLog(waiting=5), KeptPulse()
    _worker(log, pulse).run_until_idle()
    assert (log.sealed, log.proved, log.waiting) == (1, 1, 0)
    assert pulse.beats == [None] * 3


def test_until_idle_seals_nothing_when_nothing_waits() -> None:
    log = ScriptedLog()
    _worker(log, KeptPulse()).run_until_idle()
    assert log.sealed == 0


def test_a_due_batch_is_sealed_though_nothing_waits() -> None:
    log = ScriptedLog(is_due=True)
    _worker(log, KeptPulse()).run_until_idle()
    assert log.sealed == 1


def test_a_passing_error_is_reported_and_the_work_goes_on() -> None:
    log = ScriptedLog(waiting=1, faults=[NothingHappened("RPC_AWAY", "no answer")])
    pulse = KeptPulse()
    _worker(log, pulse).run_until_idle()
    assert log.proved == 1
    assert pulse.beats[0] == "RPC_AWAY: no answer"
    assert pulse.beats[-1] is None


def test_a_lasting_cause_ends_until_idle_with_its_words() -> None:
    log = ScriptedLog(waiting=1, held="HELD: no funds.")
    with pytest.raises(NothingHappened, match="no funds") as caught:
        _worker(log, KeptPulse()).run_until_idle(patience_s=0)
    assert caught.value.code == "NOT_IDLE"


def test_a_contradiction_stops_the_worker_and_is_left_for_health() -> None:
    log = ScriptedLog(waiting=1, faults=[Contradiction("LOG_FORKED", "two histories")])
    pulse, watch = KeptPulse(), KeptWatch()
    with pytest.raises(Contradiction):
        _worker(log, pulse, watch).run(threading.Event())
    assert pulse.beats == ["LOG_FORKED: two histories"]
    assert watch.looks == ["LOG_FORKED: two histories"]


def test_alarms_are_looked_at_in_each_pass() -> None:
    watch = KeptWatch()
    _worker(ScriptedLog(waiting=1), KeptPulse(), watch).run_until_idle()
    assert watch.looks == [None] * 3


def test_a_set_stop_ends_the_loop_before_its_next_pass() -> None:
    log, stop = ScriptedLog(waiting=1, is_due=True), threading.Event()
    stop.set()
    _worker(log, KeptPulse()).run(stop)
    assert log.sealed == 0


def test_days_are_closed_before_the_batch_is_sealed() -> None:
    log, sealed_when_closed = ScriptedLog(waiting=1), []

    def close_days() -> int:
        sealed_when_closed.append(log.sealed)
        return 2

    lines: list[str] = []
    Worker(close_days, log, log, KeptPulse(), KeptWatch(), 0, lines.append).run_until_idle()
    assert sealed_when_closed[0] == 0
    assert lines[0] == "closed 2 days of sources"


def test_a_day_that_can_not_be_closed_keeps_no_batch_from_being_sealed() -> None:
    log, left = ScriptedLog(waiting=1), [NothingHappened("STORE_UNAVAILABLE", "busy")]

    def close_days() -> int:
        if left:
            raise left.pop()
        return 0

    Worker(close_days, log, log, KeptPulse(), KeptWatch(), 0, lambda line: None).run_until_idle()
    assert log.sealed == 1

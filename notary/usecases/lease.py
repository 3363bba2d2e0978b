"""One worker for a log: whoever holds the lease works, the others stand by and take over when it is gone.

The lease saves work; it keeps nothing apart that the store does not keep apart anyway. Each write of a
holder is made only if the lease still has its epoch, in the same transaction (`leases.require`). Spec:
docs/spec/sender.md §12. Tests: tests/unit/store/test_leases.py, tests/scenarios/service/test_workers.py.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, Protocol

from notary.errors import NotaryError, NothingHappened, OutcomeUnknown

LEASE_LOST = "LEASE_LOST"
# Longer than the longest write transaction, a sealing of 100,000 matters, which keeps a renewal waiting for
# about ten seconds; short beside deadlines of hours.
LEASE_S = 20
RENEW_S = 5  # two renewals may fail
LOOK_S = 1  # how often whoever stands by looks


@dataclass(frozen=True)
class Lease:
    """A lease that was taken; the epoch counts the takings."""

    holder: str
    epoch: int


class Workers(NamedTuple):
    """Who holds the lease, None if it is free or lapsed, and who stands by."""

    holder: str | None
    standby: tuple[str, ...]


class Leases(Protocol):
    """The lease of a log's worker. Each method is one transaction; NothingHappened without the store."""

    def take(self, holder: str, length: timedelta, is_gone: Callable[[str], bool]) -> Lease | None:
        """Take the lease if it is free, has lapsed, or its holder is gone; None if it is another's.

        Also one that the same holder took and does not know of. Raises OutcomeUnknown if the commit failed.
        """
        ...

    def renew(self, lease: Lease, length: timedelta) -> None:
        """Hold it for `length` from now. Raises NothingHappened LEASE_LOST if somebody else took it."""
        ...

    def give_back(self, lease: Lease) -> None:
        """Let whoever stands by take it at once; nothing happens if somebody else has it."""
        ...

    def stand_by(self, holder: str, length: timedelta) -> None:
        """Be known as waiting for `length` from now."""
        ...

    def leave(self, holder: str) -> None:
        """Wait no more."""
        ...

    def workers(self) -> Workers:
        """Who holds the lease and who stands by, as far as is known now."""
        ...


@dataclass(frozen=True)
class Post:
    """The worker's post at one log, for a process of that name. `is_gone` tells of another one by name."""

    leases: Leases
    name: str
    is_gone: Callable[[str], bool]
    report: Callable[[str], None]

    @contextmanager
    def held(self, stop: threading.Event, *, wait: bool) -> Iterator[Lease | None]:
        """The lease, renewed while the block runs and given back at its end.

        Stands by until it can be had; None if `stop` was set before. Raises NothingHappened WORKER_RUNS
        without `wait`, if it is another's.
        """
        lease = self._taken(stop, wait=wait)
        if lease is None:
            yield None
            return
        over = threading.Event()
        # A daemon: a store that hangs must not keep the process from ending.
        renewing = threading.Thread(target=self._renew, args=(lease, over), daemon=True)
        renewing.start()
        try:
            yield lease
        finally:
            over.set()
            renewing.join(RENEW_S)
            # What can't be given back lapses.
            with suppress(NotaryError):
                self.leases.give_back(lease)

    def _taken(self, stop: threading.Event, *, wait: bool) -> Lease | None:
        length = timedelta(seconds=LEASE_S)
        told_at: float | None = None
        said = ""
        while not stop.is_set():
            try:
                lease = self.leases.take(self.name, length, self.is_gone)
                if lease is not None:
                    if told_at is not None:
                        self.report("took over")
                    return lease
                other = self.leases.workers().holder or "another worker"
                if not wait:
                    raise NothingHappened(
                        "WORKER_RUNS",
                        f"{other} is at work for this log; one is enough. If it was killed on another "
                        f"machine, run again in {LEASE_S} seconds.",
                    )
                if told_at is None or time.monotonic() - told_at >= RENEW_S:
                    self.leases.stand_by(self.name, length)
                    told_at = time.monotonic()
                now = f"standing by: {other} is at work"
            except (NothingHappened, OutcomeUnknown) as error:
                # A lease that was taken and is not known of is this process's own at the next look.
                if not wait:
                    raise
                now = f"{error.code}: {error}"
            if now != said:
                said = now
                self.report(said)
            stop.wait(LOOK_S)
        with suppress(NotaryError):
            self.leases.leave(self.name)
        return None

    def _renew(self, lease: Lease, over: threading.Event) -> None:
        while not over.wait(RENEW_S):
            try:
                self.leases.renew(lease, timedelta(seconds=LEASE_S))
            except NotaryError as error:
                if error.code == LEASE_LOST:
                    # The worker finds out by itself, at its next write, and says so.
                    return
                self.report(f"{error.code}: {error}")

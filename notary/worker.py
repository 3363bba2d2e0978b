"""The worker: closes the days of sources, seals on cadence and size, anchors what is sealed, and says
that it is alive.

Owns the loop, not the rules: sealing is `usecases.seal`, anchoring `usecases.anchor`. Every pass reads the
stored state, so a killed worker is replaced by starting another. Test: tests/unit/service/test_worker.py.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from notary.errors import Contradiction, NotaryError, NothingHappened, OutcomeUnknown
from notary.usecases.lease import LEASE_LOST

IDLE_PATIENCE_S = 180  # `--until-idle` gives up on a cause that has not gone away by then
MIN_PAUSE_S = 0.05


class Sealing(Protocol):
    """Seals when there is cause to."""

    def due(self) -> bool:
        """Whether cadence or size asks for a batch now."""
        ...

    def pending(self) -> bool:
        """Whether records wait that no batch holds."""
        ...

    def seal(self) -> int:
        """Seal one batch, also an empty one; its index."""
        ...


class Anchoring(Protocol):
    """Moves anchoring on by one step."""

    def step(self) -> str:
        """Do what can be done now; one word for the log."""
        ...

    def idle(self) -> bool:
        """Whether everything sealed is proved and a final as-of proof covers it."""
        ...

    def trouble(self) -> str | None:
        """Why nothing moves, in a sentence; None while things move."""
        ...


class Pulse(Protocol):
    """Where the worker leaves its sign of life; health reads it."""

    def beat(self, error: str | None) -> None:
        """Record that a pass ended, with the error that it met."""
        ...


class Watch(Protocol):
    """Keeps record of the alarms."""

    def look(self, stopped: str | None) -> None:
        """See which alarms stand now. `stopped`: the contradiction that ends the worker."""
        ...


@dataclass(frozen=True)
class Worker:
    """One sealer and one sender for one log. Whoever runs it holds the log's lease (usecases.lease).

    Every method that runs raises NothingHappened LEASE_LOST when another process took that over.
    """

    close_days: Callable[[], int]  # enters the closings of sources that are due; how many
    sealing: Sealing
    anchoring: Anchoring
    pulse: Pulse
    watch: Watch
    poll_s: float
    report: Callable[[str], None]

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set. A passing error is reported and tried again after a pause."""
        self._look_first()
        while not stop.is_set():
            self._pass(seal_now=False)
            stop.wait(self.poll_s)

    def run_until_idle(self, patience_s: float = IDLE_PATIENCE_S) -> None:
        """Seal what waits and work until all of it is proved and released.

        Raises NothingHappened NOT_IDLE when one cause has held things up for `patience_s` seconds.
        """
        stuck_since: float | None = None
        self._look_first()
        seal_now = self.sealing.pending()
        while True:
            error = self._pass(seal_now=seal_now)
            # What could not be sealed is still wanted.
            seal_now = seal_now and error is not None and self.sealing.pending()
            if error is None and not self.sealing.pending() and self.anchoring.idle():
                return
            trouble = error or self.anchoring.trouble()
            if trouble is None:
                stuck_since = None
            elif stuck_since is None:
                stuck_since = time.monotonic()
            elif time.monotonic() - stuck_since > patience_s:
                raise NothingHappened(
                    "NOT_IDLE", f"{trouble} Nothing is lost; see `notary status`."
                )
            time.sleep(max(MIN_PAUSE_S, self.poll_s))

    def _look_first(self) -> None:
        """One step of anchoring before the first sealing: it finds out whether the store is older than
        the chain, and then nothing is sealed.
        """
        error = self._caught(self._step)
        if error is not None:
            self.report(error)
            self.pulse.beat(error)

    def _pass(self, *, seal_now: bool) -> str | None:
        """One pass: close days, seal if due, then one step of anchoring. A crash anywhere leaves stored
        state.
        """
        # A sealer that may not go on doesn't keep the sender from finding out that it may.
        errors = (
            # Before the batch, so that what closes a day is in the next one.
            self._caught(self._close_days),
            self._caught(lambda: self._seal(seal_now)),
            self._caught(self._step),
            self._caught(lambda: self.watch.look(None)),
        )
        error = "; ".join(one for one in errors if one is not None) or None
        if error is not None:
            self.report(error)
        self.pulse.beat(error)
        return error

    def _close_days(self) -> None:
        closed = self.close_days()
        if closed:
            self.report(f"closed {closed} days of sources")

    def _seal(self, seal_now: bool) -> None:
        if seal_now or self.sealing.due():
            self.report(f"sealed batch {self.sealing.seal()}")

    def _step(self) -> None:
        moved = self.anchoring.step()
        if moved:
            self.report(moved)

    def _caught(self, act: Callable[[], None]) -> str | None:
        """The passing error that the act met, in words. A contradiction is left for health and raised."""
        try:
            act()
        except (NothingHappened, OutcomeUnknown) as caught:
            if caught.code == LEASE_LOST:
                raise
            # The next pass looks at the state again; that is the whole of recovery.
            return _said(caught)
        except Contradiction as caught:
            self.pulse.beat(_said(caught))
            # A store that can't take the alarm must not hide why it would be raised.
            with suppress(NotaryError):
                self.watch.look(_said(caught))
            raise
        return None


def _said(error: NotaryError) -> str:
    return f"{error.code}: {error}"

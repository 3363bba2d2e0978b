"""The worker: seals on cadence and size, anchors what is sealed, and says that it is alive.

Owns the loop, not the rules: sealing is `usecases.seal`, anchoring `usecases.anchor`. Every pass reads the
stored state, so a killed worker is replaced by starting another. Test: tests/unit/service/test_worker.py.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from notary.errors import Contradiction, NotaryError, NothingHappened, OutcomeUnknown

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


@dataclass(frozen=True)
class Worker:
    """One sealer and one sender for one log. Two at once on one log do no harm but gain nothing."""

    sealing: Sealing
    anchoring: Anchoring
    pulse: Pulse
    poll_s: float
    report: Callable[[str], None]

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set. A passing error is reported and tried again after a pause."""
        while not stop.is_set():
            self._pass(seal_now=False)
            stop.wait(self.poll_s)

    def run_until_idle(self, patience_s: float = IDLE_PATIENCE_S) -> None:
        """Seal what waits and work until all of it is proved and released.

        Raises NothingHappened NOT_IDLE when one cause has held things up for `patience_s` seconds.
        """
        stuck_since: float | None = None
        seal_now = self.sealing.pending()
        while True:
            error = self._pass(seal_now=seal_now)
            seal_now = False
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

    def _pass(self, *, seal_now: bool) -> str | None:
        """One pass: seal if due, then one step of anchoring. A crash anywhere leaves stored state."""
        error: str | None = None
        try:
            if seal_now or self.sealing.due():
                self.report(f"sealed batch {self.sealing.seal()}")
            moved = self.anchoring.step()
            if moved:
                self.report(moved)
        except (NothingHappened, OutcomeUnknown) as caught:
            # The next pass looks at the state again; that is the whole of recovery.
            error = _said(caught)
        except Contradiction as caught:
            self.pulse.beat(_said(caught))
            raise
        if error is not None:
            self.report(error)
        self.pulse.beat(error)
        return error


def _said(error: NotaryError) -> str:
    return f"{error.code}: {error}"

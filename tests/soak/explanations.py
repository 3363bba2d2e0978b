"""Owns which fault may raise which alarm, and holds each alarm of a run against the faults before it.

An alarm that none of its faults explains is a false one, or comes of a fault that nobody meant: both end the
soak. What each alarm means: docs/operations.md. Test: tests/soak/test_explanations.py.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from notary.notice_ports import Change, Event
from tests.simulators.chain_faults import TRANSPORT

ON_THE_WAY = frozenset(rule.__name__.replace("_", " ") for rule in TRANSPORT)
# What does not rebuild, or contradicts what does. "No block" and "no number" are answers that can't be.
UNTRUE = frozenset(
    {
        *("forged receipt", "forged header", "forged proof", "receipts denied"),
        *("nonce ahead", "stale blocks", "empty result"),
    }
)
# Alarms with the faults that may raise them; HELD with its cause. Another alarm, or another fault, is none
# that the soak is to see.
MAY_RAISE: Mapping[str, frozenset[str]] = {
    "ENDPOINT_AWAY": ON_THE_WAY | {"lagging nonce", "stale blocks"},
    # One endpoint of another chain is held for; one among several is left out.
    "ENDPOINT_CONTRADICTS": UNTRUE | {"changed chain id"},
    # Only if it is the receipt of a failure of ours: `Trial.look` asks the chain.
    "FOREIGN_NONCE": frozenset({"receipts denied"}),
    "HELD ENDPOINT": UNTRUE,
    "HELD FEE_CAP": frozenset({"fee spike"}),
    "HELD FUNDS": frozenset({"no money"}),
    "HELD HEAD_UNKNOWN": frozenset({"stale blocks"}),
    "HELD NONCE_GAP": frozenset({"nonce ahead"}),
    "HELD REVERTS": frozenset({"error after"}),
    "HELD WRONG_CHAIN_ID": frozenset({"changed chain id"}),
    "NONCE_GAP": frozenset({"nonce ahead"}),
}
# So long after its end a fault may still raise an alarm, by the service's clock: the longest action, since
# the step after it may be the first that sees what it left.
WINDOW = timedelta(seconds=100)
# A gap is one when a fee would have been raised; that waits for a step to follow a send.
LATER = {"HELD NONCE_GAP": timedelta(seconds=300), "NONCE_GAP": timedelta(seconds=300)}
KEPT_FAULTS = 200  # more than any window holds


@dataclass
class Fault:
    """Something that was done to the service, until when by its clock. `detail` is for people."""

    name: str
    detail: str
    until: datetime


class Explanations:
    """The faults of one run and its alarms, each explained or refused."""

    def __init__(self) -> None:
        self.count: Counter[tuple[Change, str]] = Counter()
        self._faults: deque[Fault] = deque(maxlen=KEPT_FAULTS)
        self._standing: dict[str, str] = {}

    @property
    def raised(self) -> set[str]:
        """The codes of the alarms that were raised."""
        return {name.split()[0] for change, name in self.count if change is Change.RAISED}

    def befell(self, name: str, detail: str, now: datetime) -> Fault:
        """A fault that ends now; one that lasts gets a later end by who made it."""
        fault = Fault(name, detail, now)
        self._faults.append(fault)
        return fault

    def note(self, event: Event) -> str:
        """Count a change of an alarm; a sentence that explains it. AssertionError if nothing does."""
        # Without an intent that is held, the text alone has the cause.
        cause = event.stand.text.partition(":")[0]
        name = f"HELD {cause}" if event.code == "HELD" else event.code
        self.count[event.change, name] += 1
        if event.change is Change.RESOLVED:
            self._standing.pop(event.code, None)
            return f"{name} is resolved"
        self._standing[event.code] = event.stand.text
        window, allowed = LATER.get(name, WINDOW), MAY_RAISE.get(name, frozenset())
        before = [fault for fault in self._faults if event.seen_at - fault.until <= window]
        told = [
            f"{fault.name}{fault.detail and f' ({fault.detail})'}, "
            f"{(event.seen_at - fault.until).total_seconds():.0f} s before"
            for fault in reversed(before)
            if fault.name in allowed
        ]
        assert told, (
            f"no fault explains {name}: {event.stand.text}\n"
            f"it may be raised by {sorted(allowed)}, before it were {[one.name for one in before]}"
        )
        return f"{name} by {'; '.join(told)}"

    def check_resolved(self) -> None:
        """Raise AssertionError with the alarms that still stand."""
        assert not self._standing, f"raised and never resolved: {self._standing}"

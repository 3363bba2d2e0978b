"""Which records a retention policy keeps, and which are due. Erases nothing by itself.

Spec: docs/spec/erasure.md §6. Test: tests/unit/store/test_retention.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from notary.core import retention
from notary.core.retention import NO_ACTIVITY, Moments, Policy
from notary.errors import CallerError
from notary.ports import Clock, Matter, MatterRegister, Progress
from notary.usecases.holds import Holds, covering
from notary.usecases.read import RecordReader
from verifier.format import records
from verifier.format.errors import FormatError
from verifier.format.times import parse_time


@dataclass(frozen=True)
class Due:
    """A record that a rule wants erased, since when, by which rule; `hold` is the hold that stops it."""

    matter: Matter
    position: int
    kind: str
    since: datetime
    basis: str
    hold: int | None


@dataclass(frozen=True)
class Retention:
    """Reads the policy of one home at each question. `file` need not exist."""

    file: Path
    reader: RecordReader
    register: MatterRegister
    holds: Holds
    clock: Clock

    def policy(self) -> Policy:
        """The policy; without a file one without rules. Raises CallerError RETENTION_INVALID."""
        try:
            content = self.file.read_bytes()
        except FileNotFoundError:
            return Policy()
        except OSError as error:
            raise CallerError("RETENTION_INVALID", f"{self.file}: {error.strerror}.") from error
        return retention.parse(content, self.file.name)

    def kept_until(
        self, matter: Matter, positions: Sequence[int]
    ) -> Mapping[int, tuple[datetime, str]]:
        """As erasure_plan.Keeping."""
        policy = self.policy()
        if not policy.rules:
            return {}
        now, moments = self.clock.now(), self._moments(matter)
        kept = {}
        for position in positions:
            found = policy.kept_until(moments[position][0]) if position in moments else None
            if found is not None and found[0] > now:
                kept[position] = (found[0], found[1].basis)
        return kept

    def due(self, agency_id: int, progress: Progress) -> Iterator[Due]:
        """Every record that is due now and has content, by matter and position.

        Raises CallerError RETENTION_MISSING without a policy, RETENTION_INVALID.
        """
        policy, now = self.policy(), self.clock.now()
        if not self.file.exists():
            raise CallerError(
                "RETENTION_MISSING",
                f"there is no {self.file}. Write one; docs/spec/erasure.md §6 has an example.",
            )
        matters = self.register.all(agency_id)
        for done, matter in enumerate(matters, 1):
            held = self.holds.standing(matter)
            for position, (moments, has_content) in self._moments(matter).items():
                found = policy.due_from(moments)
                if has_content and found is not None and found[0] <= now:
                    hold = covering(held, position)
                    yield Due(
                        matter,
                        position,
                        moments.kind,
                        found[0],
                        found[1].basis,
                        None if hold is None else hold.position,
                    )
            progress(done, len(matters))

    def _moments(self, matter: Matter) -> dict[int, tuple[Moments, bool]]:
        """Of each record of a matter: the moments that rules count from, and whether it has content."""
        leaves = self.reader.leaves(matter.agency_id, matter.key)
        contents = self.reader.contents(
            matter.agency_id, matter.key, [position for position, _, _ in leaves]
        )
        events: dict[int, tuple[str, datetime, bool]] = {}
        for (position, _, raw), content in zip(leaves, contents, strict=True):
            leaf = records.parse_leaf(raw)
            event = leaf.recorded_at
            told = content.disclosures.get("occurred_at")
            if told is not None:
                event = _time(records.parse_disclosure(told).value) or event
            events[position] = (leaf.kind, event, bool(content.disclosures))
        activity = max(
            (event for kind, event, _ in events.values() if kind not in NO_ACTIVITY),
            default=self.clock.now(),
        )
        return {
            position: (Moments(kind, event, activity), has_content)
            for position, (kind, event, has_content) in events.items()
        }


def _time(value: object) -> datetime | None:
    try:
        return parse_time(value) if isinstance(value, str) else None
    except FormatError:
        return None

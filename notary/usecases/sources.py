"""Sources: made, described, closed each day, and what is to be said of each.

Spec: docs/spec/format.md §16. Test: tests/unit/store/test_sources.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from notary.core.moments import moment
from notary.core.source_edge import SourceEdge, SourceState
from notary.core.source_findings import SourceFinding, count_of, findings, unexplained
from notary.core.source_profile import check_profile, check_reason
from notary.errors import CallerError
from notary.usecases.record_store import GrownSource, RecordsWritten, grown
from verifier.format import source_log, times
from verifier.format.source_log import Closing, Profile


@dataclass(frozen=True)
class Source:
    """A source as people and programs see it. `entries` is the size of its log."""

    number: str
    key: bytes
    entries: int
    profile: Profile
    state: SourceState
    closing: Closing | None


class SourceStore(Protocol):
    """The agency's sources. Raises CallerError SOURCE_UNKNOWN for a name or number that is none of them."""

    def add(self, agency_id: int, profile: Profile) -> Source:
        """Make a source under a number of its own. Raises CallerError SOURCE_EXISTS."""
        ...

    def all(self, agency_id: int) -> list[Source]:
        """Every source of the agency, oldest first."""
        ...

    def find(self, agency_id: int, name: str) -> Source:
        """The source of that name or number."""
        ...

    def change(self, agency_id: int, name: str, profile: Profile) -> Source:
        """Enter a later profile."""
        ...

    def explain(self, agency_id: int, name: str, first: int, last: int, reason: str) -> Source:
        """Enter why numbers are missing."""
        ...

    def close_due(self, now: datetime, *, by_hand: str | None = None) -> int:
        """Enter the closings that are due, of all sources or of the one of that name; how many."""
        ...


class Sources:
    """What the command line and the HTTP edge do with sources."""

    def __init__(self, store: SourceStore) -> None:
        self._store = store

    def new(self, agency_id: int, profile: Profile) -> Source:
        """Make a source. Raises CallerError SOURCE_PROFILE or SOURCE_EXISTS."""
        return self._store.add(agency_id, check_profile(profile))

    def change(self, agency_id: int, name: str, changes: dict[str, Any]) -> Source:
        """Change what a source's profile says. Raises CallerError SOURCE_PROFILE or SOURCE_LASTING."""
        before = self._store.find(agency_id, name).profile
        profile = check_profile(before._replace(**changes))
        if profile.lasting != before.lasting:
            raise CallerError(
                "SOURCE_LASTING",
                "name, numbering, first, zone and continues stay as they are. Make a new source.",
            )
        return self._store.change(agency_id, name, profile)

    def explain(self, agency_id: int, name: str, first: int, last: int, reason: str) -> Source:
        """Say why numbers are missing. Raises CallerError SOURCE_NOT_MISSING or SOURCE_REASON."""
        source = self._store.find(agency_id, name)
        if not any(a <= first <= last <= b for a, b in source.state.count.missing):
            raise CallerError(
                "SOURCE_NOT_MISSING",
                f"{first} to {last} of {source.profile.name} are not all missing. See `notary source "
                "show`.",
            )
        return self._store.explain(agency_id, name, first, last, check_reason(reason))

    def find(self, agency_id: int, name: str) -> Source:
        """The source of that name or number."""
        return self._store.find(agency_id, name)

    def all(self, agency_id: int) -> list[Source]:
        """Every source of the agency, oldest first."""
        return self._store.all(agency_id)

    def close(self, now: datetime, name: str | None = None) -> int:
        """Enter the closings that are due; how many.

        With a name, those of that source alone, also where its clock is doubted.
        """
        return self._store.close_due(now, by_hand=name)

    def findings(self, agency_id: int, now: datetime) -> dict[str, list[SourceFinding]]:
        """What is to be said of each source, by its name; sources without a finding are left out."""
        found = {
            one.profile.name: findings(one.profile, one.state, now)
            for one in self._store.all(agency_id)
        }
        return {name: said for name, said in found.items() if said}


def write_sources(written: RecordsWritten, agency_id: int, edges: Iterable[SourceEdge]) -> None:
    """Write what a transaction added to the logs of sources."""
    changed = [edge for edge in edges if edge.changed]
    longer = [edge for edge in changed if edge.entries]
    if longer:
        # An entry after the last batch would be in none.
        written.require_open()
    if changed:
        written.grow_sources(
            [grown(agency_id, edge) for edge in longer],
            [
                GrownSource(edge.matter_id, edge.old_size, edge.entries, edge.state.to_json())
                for edge in changed
            ],
        )


def shown(source: Source, now: datetime) -> dict[str, Any]:
    """A source as `notary source show --json` and the HTTP edge give it."""
    state, closing = source.state, source.closing
    return {
        **source_log.profile_members(source.profile),
        "source": source.number,
        "key": source.key.hex(),
        "entries": source.entries,
        "next": state.count.next,
        "missing": [list(one) for one in state.count.missing],
        "unexplained": [list(one) for one in unexplained(state)],
        "waiting": state.count.aside,
        "open_day": state.next_day.isoformat(),
        "today": {
            "counts": dict(state.count.counts),
            "late": state.late,
            "back": state.back,
            "conflicts": state.conflicts,
        },
        "last_record_at": None
        if state.received_ms is None
        else times.format_time(moment(state.received_ms)),
        "last_closing": None
        if closing is None
        else {
            "day": closing.day.isoformat(),
            "at": times.format_time(closing.at),
            "first": closing.first,
            "last": closing.last,
            "counts": dict(closing.counts),
            "waiting": closing.aside,
            "late": closing.late,
            "back": closing.back,
            "conflicts": closing.conflicts,
        },
        "findings": [
            {"code": one.code, "text": one.text} for one in findings(source.profile, state, now)
        ],
    }


def source_row(source: Source, now: datetime) -> dict[str, Any]:
    """The short of it, as `notary status --json` has it."""
    whole = shown(source, now)
    missing = count_of(source.state.count.missing)
    return {
        "name": source.profile.name,
        "records": source.state.count.next
        - source.profile.first
        - missing
        - source.state.count.aside,
        "missing": missing,
        "waiting": source.state.count.aside,
        "last_record_at": whole["last_record_at"],
        "open_day": whole["open_day"],
        "findings": whole["findings"],
    }

"""The right edge of a source's log while it grows: which number a record gets, and when days close.

Pure. Whoever holds the store's write lock opens an edge, lets it take records and due closings, and
writes what it has become. Spec: docs/spec/format.md §16; why so, docs/design/0031-source-logs.md.
Test: tests/unit/core/test_source_edge.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from notary.core.intake import Incoming, Refused
from notary.core.moments import milliseconds
from notary.core.waiting import Waiting
from verifier.format import jsonc, source_log, trees
from verifier.format.errors import FormatError
from verifier.format.frontier import Frontier
from verifier.format.jsonc import Json
from verifier.format.source_count import Range, SourceCount
from verifier.format.source_log import (
    SERVICE,
    AsideEntry,
    Closing,
    Entry,
    GapEntry,
    Profile,
    ProfileEntry,
    RecordEntry,
)
from verifier.format.times import parse_time

# A number further ahead than that is a wrong column, not a gap: taken, it could not be undone.
MAX_JUMP = 1_000_000
MAX_GAPS = 10_000  # ranges of missing numbers: a closing lists them all
MAX_REASON = 1_000  # characters
# A clock that is so far ahead of the last closing is more likely wrong than right, and closings can't
# be taken back. Whoever was away for longer closes by hand.
MAX_MISSED_DAYS = 400


@dataclass(slots=True)
class SourceState:
    """What must be known of a source to take its next record, beside its profile."""

    count: SourceCount
    next_day: date
    profile_index: int = 0
    closing_at: int | None = None  # index of the last closing
    late: int = 0
    back: int = 0
    conflicts: int = 0
    newest_ms: int | None = None  # occurred_at of the greatest number that has one
    received_ms: int | None = None  # when the last record came
    explained: list[Range] = field(default_factory=list)

    def to_json(self) -> str:
        """As the store keeps it."""
        count = self.count
        members: dict[str, Json] = {
            "first": count.first,
            "next": count.next,
            "missing": [list(one) for one in count.missing],
            "day_first": count.day_first,
            "day_last": count.day_last,
            "counts": dict(count.counts),
            "aside": count.aside,
            "next_day": self.next_day.isoformat(),
            "profile_index": self.profile_index,
            "closing_at": self.closing_at,
            "late": self.late,
            "back": self.back,
            "conflicts": self.conflicts,
            "newest_ms": self.newest_ms,
            "received_ms": self.received_ms,
            "explained": [list(one) for one in self.explained],
        }
        return jsonc.encode(members).decode()


def read_state(text: str) -> SourceState:
    """What `SourceState.to_json` wrote."""
    members: Any = json.loads(text)
    first, next_ = members.pop("first"), members.pop("next")
    # A state that an earlier version kept sets nothing aside.
    aside = members.pop("aside", 0)
    count = SourceCount(first, next_, map(tuple, members.pop("missing")), aside)
    count.day_first, count.day_last = members.pop("day_first"), members.pop("day_last")
    count.counts = members.pop("counts")
    next_day = date.fromisoformat(members.pop("next_day"))
    explained = [(low, high) for low, high in members.pop("explained")]
    return SourceState(count, next_day, explained=explained, **members)


class StoredSource(NamedTuple):
    """A source as the store has it."""

    matter_id: int
    key: bytes
    frontier: bytes
    profile: Profile
    state: SourceState


class SourceEdge:
    """A source's log while a transaction grows it. `entries` are those added, in order."""

    def __init__(self, stored: StoredSource) -> None:
        self.matter_id = stored.matter_id
        self.key = stored.key
        self.profile = stored.profile
        self.state = stored.state
        self.frontier = Frontier.from_bytes(stored.frontier)
        self.old_size = self.frontier.size
        self.entries: list[bytes] = []
        self.changed = False

    @classmethod
    def new(cls, matter_id: int, key: bytes, profile: Profile, now: datetime) -> SourceEdge:
        """The edge of a source that begins now, with its profile."""
        today = now.astimezone(ZoneInfo(profile.zone)).date()
        state = SourceState(SourceCount(profile.first), today)
        edge = cls(StoredSource(matter_id, key, Frontier().to_bytes(), profile, state))
        edge._append(ProfileEntry(now, profile))
        return edge

    def refusal(self, number: int | None) -> Refused | None:
        """Why a record or a row may not have the number that it comes with; None if it may."""
        count = self.state.count
        if self.profile.numbering == SERVICE:
            if number is None:
                return None
            return _refused(
                "SOURCE_NUMBER_UNWANTED",
                f"the service numbers what {self.profile.name} sends; leave the number out",
            )
        if number is None:
            return _refused(
                "SOURCE_NUMBER_WANTED", f"{self.profile.name} numbers its records; give the number"
            )
        if number < count.first:
            return _refused(
                "SOURCE_NUMBER_LOW",
                f"the numbers of {self.profile.name} begin with {count.first}, got {number}; a source "
                "that counts anew is a new source",
            )
        if not count.may_come(number):
            self.state.conflicts += 1
            self.changed = True
            return _refused(
                "SOURCE_NUMBER_TAKEN",
                f"number {number} of {self.profile.name} is taken already; nothing was "
                "overwritten. If the source counts anew, make a new source for it",
                conflict=True,
            )
        if number - count.next > MAX_JUMP:
            return _refused(
                "SOURCE_NUMBER_JUMP",
                f"number {number} is more than {MAX_JUMP} above the greatest of {self.profile.name} so "
                f"far; see that the column is the right one, or make a new source that begins there",
            )
        if count.gaps >= MAX_GAPS and number >= count.next:
            return _refused(
                "SOURCE_GAPS",
                f"{self.profile.name} has {count.gaps} gaps already; send what is missing first, or let "
                "the service number its records",
            )
        return None

    def number_of(self, item: Incoming) -> int:
        """The number that the record gets, after `refusal` found nothing."""
        return self.state.count.next if item.number is None else item.number

    def take(self, item: Incoming, number: int, leaf: bytes, received_at: datetime) -> None:
        """Enter a record of which `refusal` found nothing."""
        self._come(self.state.count.take, number, item.kind, item.claims, received_at)
        entry = RecordEntry(item.kind, number, source_log.record_digest(leaf))
        self._add(source_log.encode_record(entry))

    def set_aside(self, row: Waiting, salt: bytes, received_at: datetime) -> tuple[int, Waiting]:
        """Enter a row that waits, of which `refusal` found nothing: entry's index, row with salt."""
        assert row.number is not None
        salted, digest = row.salted(salt)
        self._come(self.state.count.set_aside, row.number, row.kind, row.claims, received_at)
        self._add(source_log.encode_aside(AsideEntry(row.kind, row.number, digest)))
        return self.frontier.size - 1, salted

    def move(self, item: Incoming, number: int, leaf: bytes, aside: int) -> None:
        """Enter the record of a row whose number the entry at `aside` holds: nothing comes now."""
        self.state.count.move()
        entry = RecordEntry(item.kind, number, source_log.record_digest(leaf), aside)
        self._add(source_log.encode_record(entry))

    def _come(
        self,
        count: Callable[[int, str], None],
        number: int,
        kind: str,
        claims: Mapping[str, Json],
        received_at: datetime,
    ) -> None:
        """A number comes, counted by `count`; when, and what its event's time says."""
        state = self.state
        received_ms = milliseconds(received_at)
        newest = number >= state.count.next
        count(number, kind)
        occurred_ms = _occurred_ms(claims)
        if occurred_ms is not None:
            late_s = self.profile.late_s
            if late_s is not None and received_ms - occurred_ms > late_s * 1000:
                state.late += 1
            if newest:
                if state.newest_ms is not None and occurred_ms < state.newest_ms:
                    state.back += 1
                state.newest_ms = occurred_ms
        state.received_ms = received_ms

    def close_due(self, now: datetime, *, by_hand: bool = False) -> int:
        """Enter the closing of every day that has ended; how many.

        0 if the clock is further ahead of the last one than MAX_MISSED_DAYS, unless `by_hand`.
        """
        if not by_hand and self.clock_is_far(now):
            return 0
        closed = 0
        while (ends := end_of(self.state.next_day, self.profile.zone)) <= now:
            self._close(ends, now)
            closed += 1
        return closed

    def clock_is_far(self, now: datetime) -> bool:
        """Whether so many days would have to be closed that the clock is doubted."""
        return now - end_of(self.state.next_day, self.profile.zone) > timedelta(
            days=MAX_MISSED_DAYS
        )

    def _close(self, ends: datetime, now: datetime) -> None:
        state = self.state
        day = state.count.close()
        state.closing_at = self.frontier.size
        self._append(
            Closing(
                now,
                state.next_day,
                ends,
                state.profile_index,
                day.first,
                day.last,
                day.counts,
                state.count.next,
                tuple(state.count.missing),
                state.late,
                state.back,
                state.conflicts,
                state.count.aside,
            )
        )
        state.late = state.back = state.conflicts = 0
        state.next_day += timedelta(days=1)

    def change_profile(self, profile: Profile, now: datetime) -> bool:
        """Enter a later profile of the same source, unless it says the same; whether it was entered."""
        if profile == self.profile:
            return False
        self.profile = profile
        self.state.profile_index = self.frontier.size
        self._append(ProfileEntry(now, profile))
        return True

    def explain(self, first: int, last: int, reason: str, now: datetime) -> None:
        """Enter why numbers are missing."""
        self._append(GapEntry(now, first, last, reason))
        self.state.explained = source_log.join_ranges([*self.state.explained, (first, last)])

    def _append(self, entry: Entry) -> None:
        self._add(source_log.encode(entry))

    def _add(self, entry: bytes) -> None:
        self.entries.append(entry)
        self.frontier.append(trees.leaf_hash(entry))
        self.changed = True


def end_of(day: date, zone: str) -> datetime:
    """When a day ends in a zone: the first moment of the next, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone)).astimezone(UTC)


def _occurred_ms(claims: Mapping[str, Json]) -> int | None:
    text = claims.get("occurred_at")
    if not isinstance(text, str):
        return None
    try:
        return milliseconds(parse_time(text))
    except FormatError:
        return None


def _refused(code: str, reason: str, *, conflict: bool = False) -> Refused:
    return Refused(code, "number", reason, conflict)

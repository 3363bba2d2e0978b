"""Owns what a report says of sources, beside the steps (docs/spec/verification.md §6, §7).

Proved by tests/unit/check/test_source_logs.py.
"""

from collections.abc import Iterator
from datetime import datetime

from verifier.check import row_texts
from verifier.check.case import Case
from verifier.check.chain_proof import moment
from verifier.check.evidence import LeafLine
from verifier.check.source_logs import SourceLog
from verifier.format.errors import FormatError
from verifier.format.source_count import Range
from verifier.format.source_log import SERVICE, RecordEntry
from verifier.format.times import parse_time

MAX_NAMED = 10  # ranges or records that one finding names

Shown = list[tuple[LeafLine, tuple[int, RecordEntry]]]
"""Leaves of one source with their entries and the indexes of these, by number."""


def _shown(case: Case, one: SourceLog) -> Shown:
    found = []
    for line in case.numbered.get(one.key, ()):
        entry = one.entry_of(line.leaf.number, line.record)
        if entry is not None:
            found.append((line, entry))
    return sorted(found, key=lambda pair: pair[0].leaf.number or 0)


def _late(one: SourceLog, shown: Shown) -> list[int]:
    """The positions of records that a closing before had called missing."""
    return [line.leaf.position for line, entry in shown if one.came_late(*entry)]


def passed(case: Case) -> tuple[str, str]:
    """What the row says when it passes. Raises Blocked where a step was left out."""
    logs = list(case.sources.values())
    shown = {one.key: _shown(case, one) for one in logs}
    return row_texts.filled(
        row_texts.SOURCES,
        n=sum(map(len, shown.values())),
        sources=len(logs),
        missing=sum(last - first + 1 for one in logs for first, last in one.missing),
        aside=sum(one.last_count.aside for one in logs),
        late=sum(len(_late(one, shown[one.key])) for one in logs),
        without=sum(line.leaf.source is None for line in case.evidence.leaves.values()),
    )


def findings(case: Case) -> Iterator[tuple[str, str]]:
    """What a reader should know of the sources that are shown. Raises Blocked, FormatError."""
    anchored_at = moment(case.last_link.time)
    for one in case.sources.values():
        # A name is the agency's own text.
        profile, name = one.profile, f"{one.profile.name!a:.80}"
        shown = _shown(case, one)
        if one.missing:
            reasons = [f"{_range((r.first, r.last))}: {r.reason!a:.200}" for r in one.reasons]
            stated = f" (stated: {'; '.join(reasons[:MAX_NAMED])})" if reasons else ""
            yield "SOURCE_GAPS", f"{name}: {_ranges(one.missing)}{stated}"
        late = _late(one, shown)
        if late:
            yield "SOURCE_CAME_LATE", f"{name}: records {_some(late)}"
        back = _back(case, shown)
        if back:
            yield "SOURCE_CLOCK_BACK", f"{name}: records {_some(back)}"
        if profile.numbering == SERVICE:
            yield "SOURCE_NUMBERED_BY_SERVICE", name
        if profile.hides:
            hides = "; ".join([f"{text!a:.80}" for text in profile.hides[:MAX_NAMED]])
            yield "SOURCE_HIDES", f"{name}: {hides}"
        early = [
            str(closing.day) for closing in one.closings.values() if closing.ends > anchored_at
        ]
        if early:
            yield "SOURCE_CLOSED_EARLY", f"{name}: {', '.join(early[:MAX_NAMED])}"


def _back(case: Case, shown: Shown) -> list[int]:
    """The positions of records of an earlier time than one before them by number."""
    found: list[int] = []
    latest: datetime | None = None
    for line, _ in shown:
        disclosed = case.disclosed.get(line.leaf.position, {}).get("occurred_at")
        if disclosed is None or not isinstance(disclosed.value, str):
            continue
        try:
            at = parse_time(disclosed.value)
        except FormatError:
            continue
        if latest is not None and at < latest:
            found.append(line.leaf.position)
        else:
            latest = at
    return found


def _ranges(ranges: list[Range]) -> str:
    more = len(ranges) - MAX_NAMED
    return ", ".join(map(_range, ranges[:MAX_NAMED])) + (f" and {more} more" if more > 0 else "")


def _range(one: Range) -> str:
    return str(one[0]) if one[0] == one[1] else f"{one[0]} to {one[1]}"


def _some(positions: list[int]) -> str:
    more = len(positions) - MAX_NAMED
    named = ", ".join(map(str, sorted(positions)[:MAX_NAMED]))
    return named + (f" and {more} more" if more > 0 else "")

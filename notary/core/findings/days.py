"""Days and hours: rows of another day, days without a row, files whose hours are shifted. Pure.

Spec: docs/spec/findings.md §5. Test: tests/unit/core/test_findings_days.py.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from statistics import median
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from notary.core.findings.finding import DAY, EMPTY, SHIFTED, Finding, finding, said_time
from notary.core.findings.seen import Seen

DAILY_PERCENT = 97  # of a stream's rows are of their file's own day, else its files are no days
DAILY_FILES = 3
FILE_LEAST = 3  # rows, of which most are of one day
NEAR_MIDNIGHT = (
    2 * 3_600_000
)  # ms: a file that is closed a little late holds the first of the next day
EMPTY_LEAST = 8  # records on a like day as a rule: none at all is then no chance (e^-8)
FILE_CALLS = 30  # calls whose hours can be compared with those of the others
OTHER_CALLS = 300
HOURS = 14  # by which a shift is looked for, in both directions: the widest step between two zones at work
# Natural logarithm of how much better the shifted hours fit. By chance alone it is passed once in e^15 files.
EVIDENCE = 15.0
_SMOOTH = 0.5  # of a call in each hour: what was never seen is rare, not impossible

# Countries with one zone, by the digits that a number begins with. Where there are several, hours say little.
_ZONES = {
    "+44": "Europe/London",
    "+86": "Asia/Shanghai",
    "+49": "Europe/Berlin",
    "+33": "Europe/Paris",
    "+39": "Europe/Rome",
    "+34": "Europe/Madrid",
    "+31": "Europe/Amsterdam",
    "+41": "Europe/Zurich",
    "+43": "Europe/Vienna",
    "+48": "Europe/Warsaw",
    "+91": "Asia/Kolkata",
    "+81": "Asia/Tokyo",
    "+65": "Asia/Singapore",
    "+852": "Asia/Hong_Kong",
}


def day_findings(name: str, stream: Sequence[Seen]) -> Iterator[Finding]:
    """Rows that are of another day than the rest of their file, and days without a row."""
    zone = _zone_of(stream)
    dated = [one for one in stream if one.at is not None and one.place.file is not None]
    files: dict[str | None, list[tuple[date, Seen]]] = defaultdict(list)
    for one in dated:
        files[one.place.file].append((_day(one.at, zone), one))
    own: dict[str | None, date] = {
        file: Counter(day for day, _ in rows).most_common(1)[0][0] for file, rows in files.items()
    }
    right = sum(day == own[file] for file, rows in files.items() for day, _ in rows)
    if len(files) < DAILY_FILES or right * 100 < DAILY_PERCENT * len(dated):
        return
    for file, rows in files.items():
        if len(rows) >= FILE_LEAST:
            yield from _strangers(name, own[file], rows, zone)
    # Rows that stand in the file of another day don't fill a day.
    counts: Counter[date] = Counter()
    for file, rows in files.items():
        counts[own[file]] += len(rows)
    yield from _empty(name, counts)


def hour_findings(name: str, stream: Sequence[Seen]) -> Iterator[Finding]:
    """Files whose calls keep the hours of the others only if all are shifted."""
    files: dict[str | None, list[tuple[str, int]]] = defaultdict(list)
    records: dict[str | None, list[Seen]] = defaultdict(list)
    places: dict[str, tzinfo] = {}
    for one in stream:
        if one.kind != "call" or one.at is None:
            continue
        zone = _callee_zone(one.outside)
        if zone is None:
            continue
        if zone not in places:
            places[zone] = ZoneInfo(zone)
        hour = datetime.fromtimestamp(one.at // 1000, places[zone]).hour
        files[one.place.file].append((zone, hour))
        records[one.place.file].append(one)
    whole = Counter(pair for pairs in files.values() for pair in pairs)
    if whole.total() < OTHER_CALLS:
        return
    for file, pairs in files.items():
        if len(pairs) < FILE_CALLS or whole.total() - len(pairs) < OTHER_CALLS:
            continue
        shift, evidence = _shift(whole, Counter(pairs))
        if evidence > EVIDENCE:
            text = (
                f"the {len(pairs)} calls of one file, from {said_time(records[file][0].at)}, keep the hours "
                f"of the other files only if they are moved by {-shift:+d} h: by the clock of those who were "
                f"called, they lie {abs(shift)} h {'later' if shift > 0 else 'earlier'} than is usual"
            )
            yield finding(SHIFTED, name, text, records[file])


def _strangers(
    name: str, own: date, rows: Sequence[tuple[date, Seen]], zone: tzinfo
) -> Iterator[Finding]:
    begin = datetime(own.year, own.month, own.day, tzinfo=zone)
    first = int(begin.timestamp() * 1000) - NEAR_MIDNIGHT
    last = int((begin + timedelta(days=1)).timestamp() * 1000) + NEAR_MIDNIGHT
    strangers = [one for _, one in rows if one.at is not None and not first <= one.at < last]
    if strangers:
        days = sorted({str(_day(one.at, zone)) for one in strangers})
        text = (
            f"{len(strangers)} rows of a file whose other rows are of {own} are of {', '.join(days[:5])}: "
            "they were entered on another day than they tell, or their times were changed"
        )
        yield finding(DAY, name, text, strangers)


def _empty(name: str, counts: Mapping[date, int]) -> Iterator[Finding]:
    first, last = min(counts), max(counts)
    usual: dict[int, list[int]] = defaultdict(list)
    calendar = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    for day in calendar:
        usual[day.weekday()].append(counts.get(day, 0))
    for day in calendar:
        # Three of four such days must have their records: what comes in bursts has empty days.
        like = sorted(usual[day.weekday()])[1:]
        if not counts.get(day) and len(like) >= 2 and like[len(like) // 4] >= EMPTY_LEAST:
            text = f"no record is of {day}, where such days of the week have {median(like):.0f} as a rule"
            yield finding(EMPTY, name, text, ())


def _shift(whole: Counter[tuple[str, int]], own: Counter[tuple[str, int]]) -> tuple[int, float]:
    """By how many hours the file lies later than the others, and how much better that explains it."""
    weights: dict[tuple[str, int], float] = {}
    for zone in {zone for zone, _ in own}:
        rest = {hour: whole[zone, hour] - own[zone, hour] + _SMOOTH for hour in range(24)}
        total = sum(rest.values())
        weights.update({(zone, hour): math.log(rest[hour] / total) for hour in range(24)})

    def fits(shift: int) -> float:
        return sum(
            count * weights[zone, (hour - shift) % 24] for (zone, hour), count in own.items()
        )

    shifts = [shift for shift in range(-HOURS, HOURS + 1) if shift]
    best = max(shifts, key=lambda shift: (fits(shift), -abs(shift)))
    return best, fits(best) - fits(0)


def _callee_zone(number: str | None) -> str | None:
    if number is None:
        return None
    return _ZONES.get(number[:3]) or _ZONES.get(number[:4])


def _zone_of(stream: Sequence[Seen]) -> tzinfo:
    zones = Counter(one.zone for one in stream if one.zone is not None)
    try:
        return ZoneInfo(zones.most_common(1)[0][0] or "UTC") if zones else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _day(at: int | None, zone: tzinfo) -> date:
    return datetime.fromtimestamp((at or 0) // 1000, zone).date()

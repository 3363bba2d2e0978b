"""Days and hours: rows of another day, days without a row, files whose hours are shifted. Pure.

Spec: docs/spec/findings.md §5. Test: tests/unit/core/test_findings_days.py.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone, tzinfo
from operator import itemgetter
from statistics import median
from zoneinfo import ZoneInfo

from notary.core.findings.finding import DAY, EMPTY, SHIFTED, Finding, finding, said_time
from notary.core.findings.lateness import NEAR_MIDNIGHT, day_of, start_of, zone_of
from notary.core.findings.seen import Seen

DAILY_PERCENT = 97  # of a stream's rows are of their file's own day, else its files are no days
DAILY_FILES = 3
FILE_LEAST = 3  # rows, of which most are of one day
EMPTY_LEAST = 8  # records on a like day as a rule: none at all is then no chance (e^-8)
FILE_CALLS = 30  # calls whose hours can be compared with those of the others
OTHER_CALLS = 300
ODD_LEAST = 20  # papers, of which one may lie alone
ODD_MINUTES = 120  # between the odd one and the nearest other
HOURS = 14  # by which a shift is looked for, in both directions: the widest step between two zones at work
# Natural logarithm of how much better the shifted hours fit. By chance alone it is passed once in e^15 files.
EVIDENCE = 15.0
SHIFTED_FILES, SHIFTED_PERCENT = 3, 10  # files at most that are shifted; more are another habit
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
    zone = zone_of(stream)
    dated = [one for one in stream if one.at is not None and one.place.file is not None]
    files: dict[str | None, list[tuple[date, Seen]]] = defaultdict(list)
    for one in dated:
        files[one.place.file].append((day_of(one.at, zone), one))
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
    busy = [
        (file, pairs)
        for file, pairs in files.items()
        if len(pairs) >= FILE_CALLS and whole.total() - len(pairs) >= OTHER_CALLS
    ]
    shifted = [
        (file, shift)
        for file, pairs in busy
        for shift, evidence in [_shift(whole, Counter(pairs))]
        if evidence > EVIDENCE
    ]
    # An agency that keeps its own hours calls at other ones of the callee's once a clock is set.
    if len(shifted) > max(SHIFTED_FILES, len(busy) * SHIFTED_PERCENT // 100):
        return
    for file, shift in shifted:
        text = (
            f"the {len(files[file])} calls of one file, from {said_time(records[file][0].at)}, keep the "
            f"hours of the other files only if they are moved by {-shift:+d} h: by the clock of those who "
            f"were called, they lie {abs(shift)} h {'later' if shift > 0 else 'earlier'} than is usual"
        )
        yield finding(SHIFTED, name, text, records[file])


def odd_hour_findings(name: str, stream: Sequence[Seen]) -> Iterator[Finding]:
    """Papers of an hour at which their system, by the clock of the place, has no other."""
    acts: dict[str, list[tuple[int, Seen]]] = defaultdict(list)
    for one in stream:
        if one.kind != "call" and one.at is not None and one.place.row is not None:
            zone = _place_zone(one)
            if zone is not None:
                local = datetime.fromtimestamp(one.at // 1000, zone)
                acts[str(one.facts.get("act"))].append((local.hour * 60 + local.minute, one))
    for timed in acts.values():
        if len(timed) < ODD_LEAST:
            continue
        timed.sort(key=itemgetter(0))
        # The day's other end is beside midnight; what opens at the first hour closes at the last.
        for odd, near in ((timed[0], timed[1]), (timed[-1], timed[-2])):
            if abs(odd[0] - near[0]) < ODD_MINUTES:
                continue
            text = (
                f"{odd[1].place.reference} is of {odd[0] // 60:02}:{odd[0] % 60:02} by the clock of its "
                f"place; the other {len(timed) - 1} lie between {timed[1][0] // 60:02}:00 and "
                f"{timed[-2][0] // 60 + 1:02}:00"
            )
            yield finding(SHIFTED, name, text, [odd[1]])


def _place_zone(one: Seen) -> tzinfo | None:
    """The zone of the place, where the record tells it: an offset it was written with, or a number."""
    offset = _OFFSET.fullmatch(one.zone or "")
    if offset is not None:
        minutes = int(offset[2]) * 60 + int(offset[3])
        return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))
    zone = _callee_zone(one.outside) if one.zone is None or one.zone == "UTC" else None
    return None if zone is None else ZoneInfo(zone)


_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")


def _strangers(
    name: str, own: date, rows: Sequence[tuple[date, Seen]], zone: tzinfo
) -> Iterator[Finding]:
    first = start_of(own, zone) - NEAR_MIDNIGHT
    last = start_of(own + timedelta(days=1), zone) + NEAR_MIDNIGHT
    strangers = [one for _, one in rows if one.at is not None and not first <= one.at < last]
    if strangers:
        days = sorted({str(day_of(one.at, zone)) for one in strangers})
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

"""Records that entered out of turn: after later ones, before their day, after a dispute. Pure.

Spec: docs/spec/findings.md §3. Test: tests/unit/core/test_findings_lateness.py.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from notary.core.findings.finding import (
    DISPUTED,
    LATE,
    ORDER,
    Finding,
    finding,
    said_span,
    said_time,
)
from notary.core.findings.order import MOST_PERCENT, against
from notary.core.findings.seen import Place, Seen

DAY = 86_400_000  # ms. Whoever takes exports in once a day is not late for that
LEAST = 3  # records of a stream: fewer show no order
NEAR_MIDNIGHT = (
    2 * 3_600_000
)  # ms: a file that is closed a little late holds the first of the next day
# Importers of rows. Documents and messages are given by hand, whenever somebody finds them.
_OF_ROWS = ("csv/", "ndjson/", "json/", "epcis/", "vcon/")


def lateness_findings(
    streams: Mapping[str, Sequence[Seen]], named: frozenset[Place]
) -> Iterator[Finding]:
    """What entered out of turn. `named` are records whose time other findings doubt: they are left alone."""
    late: dict[str, list[tuple[Seen, int]]] = {}
    for name, stream in sorted(streams.items()):
        late[name] = _late_in(stream)
    told = {one.place for records in late.values() for one, _ in records}
    for one, beside, near in _beside_days(streams):
        if one.place in told or one.place in named:
            continue
        if beside > 0:
            text = (
                f"{one.place.reference} is dated {said_time(one.at)}, a day or more after records of other "
                "systems that entered after it"
            )
            yield finding(ORDER, one.stream, text, [one, *near])
        else:
            late[one.stream].append((one, beside))
    for name, records in late.items():
        if records:
            text = (
                f"{len(records)} records entered after others that are younger by up to "
                f"{said_span(min(beside for _, beside in records))}: "
                + ", ".join(str(one.place.reference) for one, _ in records[:5])
            )
            yield finding(LATE, name, text, [one for one, _ in records])
    yield from _after_dispute(streams, [one for records in late.values() for one, _ in records])


def zone_of(records: Sequence[Seen]) -> tzinfo:
    """The zone that most records are written in."""
    zones = Counter(one.zone for one in records if one.zone is not None)
    try:
        return ZoneInfo(zones.most_common(1)[0][0] or "UTC") if zones else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def day_of(at: int | None, zone: tzinfo) -> date:
    """The calendar day of a moment."""
    return datetime.fromtimestamp((at or 0) // 1000, zone).date()


def start_of(day: date, zone: tzinfo) -> int:
    """When a day begins."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)


def _late_in(stream: Sequence[Seen]) -> list[tuple[Seen, int]]:
    """Records that entered after others of their stream which are more than a day younger."""
    records = _as_entered(stream)
    times = [one.at or 0 for one in records]
    return [
        (records[one.place], one.beside)
        for one in against(times, DAY, least=LEAST)
        if one.beside < 0
    ]


_Beside: TypeAlias = tuple[Seen, int, list[Seen]]  # by how many ms, and the neighbours in order


def _beside_days(streams: Mapping[str, Sequence[Seen]]) -> list[_Beside]:
    """Records whose day is another than that of the exports which entered with them.

    Only where an agency takes in the exports of each day together: a system whose exports come at other
    times is left out, and if the others keep no order either, nothing is concluded.
    """
    of_rows = {
        name: _as_entered(stream) for name, stream in streams.items() if name.startswith(_OF_ROWS)
    }
    found = _against_days(of_rows)
    loose = _loose(found, of_rows)
    if loose:
        of_rows = {name: stream for name, stream in of_rows.items() if name not in loose}
        found = _against_days(of_rows)
        loose = _loose(found, of_rows)
    return [one for one in found if abs(one[1]) > NEAR_MIDNIGHT and one[0].stream not in loose]


def _loose(found: Sequence[_Beside], of_rows: Mapping[str, Sequence[Seen]]) -> set[str]:
    """The streams of which too many records stand against the days for one of them to be odd."""
    many = Counter(record.stream for record, _, _ in found)
    return {
        name
        for name, count in many.items()
        if count > 1 and count * 100 > MOST_PERCENT * len(of_rows[name])
    }


def _against_days(of_rows: Mapping[str, Sequence[Seen]]) -> list[_Beside]:
    records = _as_entered([one for stream in of_rows.values() for one in stream])
    zone = zone_of(records)
    days = [day_of(one.at, zone) for one in records]
    found = []
    for one in against([day.toordinal() for day in days], 0):
        record = records[one.place]
        if one.beside > 0 and one.after is not None:
            edge = start_of(days[one.after] + timedelta(days=1), zone)
        elif one.before is not None:
            edge = start_of(days[one.before], zone)
        else:
            continue
        near = [records[index] for index in (one.before, one.after) if index is not None]
        found.append((record, (record.at or 0) - edge, near))
    return found


def _as_entered(stream: Sequence[Seen]) -> list[Seen]:
    return sorted(
        (
            one
            for one in stream
            if one.entered is not None and one.at is not None and not one.doubled
        ),
        key=lambda one: one.entered or 0,
    )


def _after_dispute(
    streams: Mapping[str, Sequence[Seen]], late: Sequence[Seen]
) -> Iterator[Finding]:
    """Of what came late: what came once the debtor had disputed, and tells of the time before."""
    disputes: dict[str | None, list[Seen]] = defaultdict(list)
    for stream in streams.values():
        for one in stream:
            if one.facts.get("dispute") and one.entered is not None and one.at is not None:
                disputes[one.place.matter].append(one)
    for one in late:
        for dispute in disputes.get(one.place.matter, ()):
            if (one.entered or 0) > (dispute.entered or 0) and (one.at or 0) < (dispute.at or 0):
                text = (
                    f"{one.place.reference} of {said_time(one.at)} entered after {dispute.place.reference}, "
                    f"in which the debt was disputed at {said_time(dispute.at)}"
                )
                yield finding(DISPUTED, one.stream, text, [one, dispute])
                break

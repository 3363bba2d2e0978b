"""Numbers without gaps: which are missing, which have another form, and times that go against them. Pure.

Spec: docs/spec/findings.md §3. Test: tests/unit/core/test_findings_order.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from operator import itemgetter
from typing import TypeVar

from notary.core.findings.finding import (
    FOREIGN,
    MISSING,
    ORDER,
    SHIFTED,
    Finding,
    finding,
    said_ranges,
    said_span,
    said_time,
)
from notary.core.findings.order import LEAST, MOST_PERCENT, Against, against
from notary.core.findings.seen import UNIQUE, Seen

T = TypeVar("T")

JITTER = 5_000  # ms by which systems write their own order wrongly: threads, caches
# Of a range of numbers may be missing, some days. An exchange that counts two channels for each call misses
# the half, and that is no gap.
MISSING_PERCENT = 40
FORM_PERCENT = 95  # of a stream's records have numbers of one form, else there is no form
RUN = 3  # neighbours that lie beside together: a shifted stretch rather than single records
RUN_LEAST = 900_000  # ms. Zones differ by quarters of an hour; less is no zone


def numbered(stream: Sequence[Seen]) -> list[Seen]:
    """The records that are counted by the stream's own count, by number; none if there is no such count."""
    forms = Counter(one.prefix for one in stream if one.number is not None)
    if not forms:
        return []
    prefix, count = forms.most_common(1)[0]
    if count < LEAST or count * 100 < FORM_PERCENT * len(stream):
        return []
    return sorted(
        (one for one in stream if one.number is not None and one.prefix == prefix),
        key=lambda one: one.number or 0,
    )


def number_findings(name: str, stream: Sequence[Seen]) -> Iterator[Finding]:
    """Missing numbers, foreign forms, and times against the numbers."""
    counted = numbered(stream)
    if not counted:
        return
    prefix = counted[0].prefix
    numbers = sorted({one.number for one in counted if one.number is not None})
    span = numbers[-1] - numbers[0] + 1
    dense = (span - len(numbers)) * 100 <= MISSING_PERCENT * span
    if dense:
        yield from _missing(name, counted, numbers)
        foreign = [one for one in stream if one.prefix != prefix or one.number is None]
        if foreign:
            form = f"{prefix}{numbers[0]}"
            yield finding(
                FOREIGN,
                name,
                f"{len(foreign)} records have a reference of another form than the others of this stream, "
                f"which are like {form}: {', '.join(str(one.place.reference) for one in foreign[:5])}",
                foreign,
            )
        yield from _twice(name, counted)
    dated = [one for one in counted if one.at is not None and not one.doubled]
    yield from out_of_order(name, dated, [one.at or 0 for one in dated], "their numbers")


def out_of_order(
    name: str,
    records: Sequence[Seen],
    times: Sequence[int],
    order: str,
    most: int = MOST_PERCENT,
    least: int = LEAST,
) -> Iterator[Finding]:
    """The records whose time goes against an order that the others keep."""
    for run in _runs(against(times, JITTER, least, most)):
        named = [records[one.place] for one in run]
        near = [
            records[index]
            for index in dict.fromkeys((run[0].before, run[-1].after))
            if index is not None
        ]
        widest = max(run, key=lambda one: abs(one.beside)).beside
        way = "after" if widest > 0 else "before"
        if len(run) >= RUN and abs(widest) >= RUN_LEAST:
            text = (
                f"{len(run)} records in a row lie up to {said_span(widest)} {way} the time that {order} "
                f"give; either these or their neighbours are of another zone or clock"
            )
            yield finding(SHIFTED, name, text, [*named, *near])
            continue
        for one in run:
            record = records[one.place]
            between = " and ".join(
                said_time(times[index]) for index in (one.before, one.after) if index is not None
            )
            text = (
                f"{record.place.reference} is dated {said_time(times[one.place])}, "
                f"{said_span(one.beside)} {'after' if one.beside > 0 else 'before'} the time that {order} "
                f"give; its neighbours are dated {between}"
            )
            beside = [records[i] for i in (one.before, one.after) if i is not None]
            yield finding(ORDER, name, text, [record, *beside])


def file_findings(name: str, stream: Sequence[Seen]) -> Iterator[Finding]:
    """Times against the order of a file's rows, be it that of the starts or that of the ends."""
    rows = sorted(
        (
            one
            for one in stream
            if one.place.row is not None and one.at is not None and not one.doubled
        ),
        key=lambda one: (one.place.file or "", one.place.row or 0),
    )
    files = [list(group) for _, group in groupby(rows, key=lambda one: one.place.file)]
    files = [group for group in files if len(group) >= RUN]
    starts = [[one.at or 0 for one in group] for group in files]
    ends = [[one.finish or 0 for one in group] for group in files]
    orders = (
        (files, starts, "in the order of their starts"),
        (files, ends, "in the order of their ends"),
        (_turned(files), _turned(starts), "from the last start to the first"),
        (_turned(files), _turned(ends), "from the last end to the first"),
    )
    groups, times, what = min(orders, key=lambda order: _down(order[1]))
    steps = sum(len(column) - 1 for column in times)
    if steps < LEAST or _down(times) * 100 > _DOWN_PERCENT * steps:
        return
    for group, moments in zip(groups, times, strict=True):
        order = f"the rows of their file, which stand {what},"
        yield from out_of_order(name, group, moments, order, _FILE_PERCENT, RUN)


def _turned(files: Sequence[Sequence[T]]) -> list[list[T]]:
    return [[*reversed(rows)] for rows in files]


def _down(files: Sequence[Sequence[int]]) -> int:
    """How many rows are before the one above them."""
    return sum(b + JITTER < a for times in files for a, b in pairwise(times))


# A shifted record makes one or two steps down. Logs that are in another order step down at every third row.
_DOWN_PERCENT = 5
# That the stream is in order is known by then: of one file less than the half may have been moved.
_FILE_PERCENT = 50


def _missing(name: str, counted: Sequence[Seen], numbers: Sequence[int]) -> Iterator[Finding]:
    by_number = {one.number: one for one in counted}
    gaps = [(a + 1, b - 1) for a, b in pairwise(numbers) if b > a + 1]
    if not gaps:
        return
    edges = [by_number[edge] for first, last in gaps for edge in (first - 1, last + 1)]
    missing = sum(last - first + 1 for first, last in gaps)
    first, last = gaps[0]
    text = (
        f"{missing} numbers between {numbers[0]} and {numbers[-1]} have no record, counting the rows that "
        f"wait: {said_ranges(gaps)}. The first gap lies between {said_time(by_number[first - 1].at)} and "
        f"{said_time(by_number[last + 1].at)}"
    )
    yield finding(MISSING, name, text, edges)


def _twice(name: str, counted: Sequence[Seen]) -> Iterator[Finding]:
    """Numbers that two records have. Several records of one channel are no contradiction."""
    if counted[0].prefix == UNIQUE:
        return
    counts = Counter(one.number for one in counted)
    twice = [one for one in counted if counts[one.number] > 1]
    if twice and len(twice) * 100 <= (100 - FORM_PERCENT) * len(counted):
        text = (
            f"{len(twice)} records share their number with another one: "
            f"{', '.join(str(one.place.reference) for one in twice[:5])}"
        )
        yield finding(FOREIGN, name, text, twice)


def _runs(found: Iterable[Against]) -> Iterator[list[Against]]:
    """Neighbours that lie beside in the same direction."""
    keyed = [(one.place - rank, one.beside > 0, one) for rank, one in enumerate(found)]
    for _, group in groupby(keyed, key=itemgetter(0, 1)):
        yield [one for _, _, one in group]

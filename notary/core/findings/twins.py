"""Two sources of the same calls, such as an exchange and a carrier: where they differ. Pure.

Spec: docs/spec/findings.md §8. Test: tests/unit/core/test_findings_twins.py.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from operator import itemgetter
from typing import NamedTuple

from notary.core.findings.finding import (
    TWINS,
    UNMATCHED,
    Finding,
    finding,
    said_span,
    said_time,
)
from notary.core.findings.seen import NATIONAL, Seen

NEAR = 10_000  # ms between the starts that two systems write of one call
FAR = (
    26 * 3_600_000
)  # ms by which one call can lie apart in two logs: any zone, and the clock's change
ROUNDING_S = 2  # seconds: two systems begin and end to count at other moments
TWIN_PERCENT = 90  # of the calls of the shorter log are in the other, else they log different calls
LEAST = 20

_REACHED = {
    "answered": True,
    "voicemail": True,
    "no answer": False,
    "busy": False,
    "failed": False,
    "not answered": False,
    "cancelled": False,
}


class _Pairs(NamedTuple):
    same: list[tuple[Seen, Seen]]
    apart: list[tuple[Seen, Seen]]
    only_a: list[Seen]
    only_b: list[Seen]


def twin_findings(streams: Mapping[str, Sequence[Seen]]) -> Iterator[Finding]:
    """Each pair of streams that log the same calls, compared."""
    calls = {
        name: [one for one in stream if one.kind == "call" and one.at is not None and one.account]
        for name, stream in streams.items()
    }
    for a, b in combinations(sorted(name for name in calls if len(calls[name]) >= LEAST), 2):
        pairs = _paired(calls[a], calls[b])
        least = min(len(calls[a]), len(calls[b]))
        if len(pairs.same) * 100 < TWIN_PERCENT * least:
            continue
        yield from _differences(a, b, pairs)


def _paired(a: Sequence[Seen], b: Sequence[Seen]) -> _Pairs:
    """The calls of both logs: of one account, nearest first."""
    others: dict[str | None, list[tuple[int, int, Seen]]] = defaultdict(list)
    for place, one in enumerate(b):
        others[one.account].append((one.at or 0, place, one))
    for choices in others.values():
        choices.sort(key=itemgetter(0, 1))
    same, rest = _nearest(sorted(a, key=lambda one: one.at or 0), others, NEAR)
    apart, only_a = _nearest(rest, others, FAR)
    only_b = [one for choices in others.values() for _, _, one in choices]
    return _Pairs(same, apart, only_a, only_b)


def _nearest(
    calls: Sequence[Seen], others: Mapping[str | None, list[tuple[int, int, Seen]]], limit: int
) -> tuple[list[tuple[Seen, Seen]], list[Seen]]:
    """Each call with the nearest one of its account within the limit, which is taken out; and the rest."""
    pairs, rest = [], []
    for one in calls:
        at, choices = one.at or 0, others.get(one.account, [])
        after = bisect_left(choices, (at,))
        near = [index for index in (after - 1, after) if 0 <= index < len(choices)]
        best = min(near, key=lambda index: abs(choices[index][0] - at), default=None)
        if best is None or abs(choices[best][0] - at) > limit:
            rest.append(one)
        else:
            pairs.append((one, choices.pop(best)[2]))
    return pairs, rest


def _differences(a: str, b: str, pairs: _Pairs) -> Iterator[Finding]:
    plain = [pair for pair in pairs.same if all(x.outside and not x.masked for x in pair)]
    others = {one.place for one, other in plain if _digits(one) != _digits(other)}
    # Where one of them writes extensions or its own lines, numbers are not comparable.
    if len(others) * 100 > (100 - TWIN_PERCENT) * len(plain):
        others = set()
    for one, other in pairs.same:
        wrong = list(_figures(one, other))
        if one.place in others:
            wrong.append(f"with {one.outside} and {other.outside}")
        if wrong:
            yield finding(TWINS, a, f"{_named(one, other, a, b)}: {'; '.join(wrong)}", [one, other])
    for one, other in pairs.apart:
        if one.doubled or other.doubled:
            continue
        beside = (one.at or 0) - (other.at or 0)
        text = (
            f"{_named(one, other, a, b)}: {said_time(one.at)} and {said_time(other.at)}, "
            f"{said_span(beside)} apart"
        )
        yield finding(TWINS, a, text, [one, other])
    for only, here, there in ((pairs.only_a, a, b), (pairs.only_b, b, a)):
        if only:
            names = ", ".join(str(one.place.reference) for one in only[:5])
            text = f"{len(only)} calls of {here} are not in {there}, which logs the same calls: {names}"
            yield finding(UNMATCHED, here, text, only)


def _figures(one: Seen, other: Seen) -> Iterator[str]:
    for what, first, second in (
        ("lasted", one.duration, other.duration),
        ("talked", one.talk, other.talk),
    ):
        if first is not None and second is not None and abs(first - second) > ROUNDING_S:
            yield f"{what} {first} s and {second} s"
    reached = (_REACHED.get(one.disposition or ""), _REACHED.get(other.disposition or ""))
    if None not in reached and reached[0] != reached[1]:
        yield f"{one.disposition} and {other.disposition}"


def _digits(one: Seen) -> str:
    """The last digits of a number, which are the same however a system writes the country."""
    return "".join(filter(str.isdecimal, one.outside or ""))[-NATIONAL:]


def _named(one: Seen, other: Seen, a: str, b: str) -> str:
    return f"{one.place.reference} of {a} and {other.place.reference} of {b} look like one call"

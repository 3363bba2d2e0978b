"""Two sources of the same calls, such as an exchange and a carrier: where they differ. Pure.

Spec: docs/spec/findings.md §8. Test: tests/unit/core/test_findings_twins.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from notary.core.findings.finding import (
    TWINS,
    UNMATCHED,
    Finding,
    finding,
    said_span,
    said_time,
)
from notary.core.findings.seen import Seen

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
    others: dict[str | None, list[Seen]] = defaultdict(list)
    for one in b:
        others[one.account].append(one)
    same: list[tuple[Seen, Seen]] = []
    rest: list[Seen] = []
    for limit, left in ((NEAR, list(a)), (FAR, rest)):
        pairs = []
        missed = []
        for one in sorted(left, key=lambda x: x.at or 0):
            choices = others[one.account]
            best = min(choices, key=lambda x: abs((x.at or 0) - (one.at or 0)), default=None)
            if best is not None and abs((best.at or 0) - (one.at or 0)) <= limit:
                choices.remove(best)
                pairs.append((one, best))
            else:
                missed.append(one)
        if limit == NEAR:
            same = pairs
            rest.extend(missed)
        else:
            only_b = [one for choices in others.values() for one in choices]
            return _Pairs(same, pairs, missed, only_b)
    raise AssertionError("the second pass returns")


def _differences(a: str, b: str, pairs: _Pairs) -> Iterator[Finding]:
    for one, other in pairs.same:
        wrong = list(_figures(one, other))
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


def _named(one: Seen, other: Seen, a: str, b: str) -> str:
    return f"{one.place.reference} of {a} and {other.place.reference} of {b} look like one call"

"""Which records stand against an order that the others keep. Pure.

Spec: docs/spec/findings.md §3. Test: tests/unit/core/test_findings_order.py.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

LEAST = 20  # records: fewer show no order
MOST_PERCENT = 10  # of the records may stand against an order; with more it is none


class Against(NamedTuple):
    """The record at index `place`, and by how much its value lies beside theirs (below 0: before)."""

    place: int
    beside: int
    before: int | None  # the indices of the neighbours that keep the order
    after: int | None


def against(
    values: Sequence[int], tolerance: int, least: int = LEAST, most: int = MOST_PERCENT
) -> list[Against]:
    """The values that keep an ascending order from holding; none where there is no order.

    There is none where more than `most` percent go against it.

    The fewest that must be taken out are those outside a longest ascending part.
    """
    if len(values) < least:
        return []
    kept = _longest(values)
    if (len(values) - len(kept)) * 100 > most * len(values):
        return []
    found = []
    place = 0
    for index, value in enumerate(values):
        if place < len(kept) and kept[place] == index:
            place += 1
            continue
        before = kept[place - 1] if place else None
        after = kept[place] if place < len(kept) else None
        beside = 0
        if after is not None and value > values[after]:
            beside = value - values[after]
        elif before is not None and value < values[before]:
            beside = value - values[before]
        if abs(beside) > tolerance:
            found.append(Against(index, beside, before, after))
    return found


def _longest(values: Sequence[int]) -> list[int]:
    """The indices of a longest part that does not descend."""
    ends: list[int] = []  # the least last value of a part of each length
    at: list[int] = []
    previous: list[int] = []
    for index, value in enumerate(values):
        length = bisect_right(ends, value)
        previous.append(at[length - 1] if length else -1)
        if length == len(ends):
            ends.append(value)
            at.append(index)
        else:
            ends[length] = value
            at[length] = index
    kept = []
    index = at[-1] if at else -1
    while index >= 0:
        kept.append(index)
        index = previous[index]
    return kept[::-1]

"""Owns how a source's numbers are counted: what has come, what is missing, what a closing says of a day.

One piece of code for who makes closings and who checks them. Spec: docs/spec/format.md §16. Proved
by tests/unit/format/test_source_count.py.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from verifier.format.errors import FormatError

Range = tuple[int, int]
"""Numbers from the first to the last, both included."""


class DayCount(NamedTuple):
    """What the entries of one day amount to; where no number came `first` and `last` are None."""

    first: int | None
    last: int | None
    counts: Mapping[str, int]


class SourceCount:
    """The numbers of one source up to some entry, and those since its last closing."""

    __slots__ = ("_firsts", "_lasts", "aside", "counts", "day_first", "day_last", "first", "next")

    def __init__(
        self, first: int, next_: int | None = None, missing: Iterable[Range] = (), aside: int = 0
    ) -> None:
        """`next_`, `missing` and `aside` are those of a closing; without, nothing has come yet."""
        self.first = first
        self.aside = aside
        self.next = first if next_ is None else next_
        # Two lists, so that the range of a number is found by bisection.
        ranges = list(missing)
        self._firsts = [one for one, _ in ranges]
        self._lasts = [one for _, one in ranges]
        self.day_first: int | None = None
        self.day_last: int | None = None
        self.counts: dict[str, int] = {}

    @property
    def missing(self) -> list[Range]:
        """The missing numbers, as ascending ranges that are not adjacent."""
        return list(zip(self._firsts, self._lasts, strict=True))

    @property
    def gaps(self) -> int:
        """How many ranges of numbers are missing."""
        return len(self._firsts)

    def is_missing(self, number: int) -> bool:
        """Whether a greater number has come, and this one has not."""
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number <= self._lasts[at]

    def may_come(self, number: int) -> bool:
        """Whether this number may still come."""
        return number >= self.next or self.is_missing(number)

    def take(self, number: int, kind: str) -> None:
        """Count a number that comes.

        Raises FormatError SOURCE_NUMBER_LOW below the source's first number, SOURCE_NUMBER_TWICE if it
        has come; then nothing is counted.
        """
        if number < self.first:
            raise FormatError(
                "SOURCE_NUMBER_LOW", f"the source's numbers begin with {self.first}, got {number}"
            )
        if number >= self.next:
            if number > self.next:
                self._firsts.append(self.next)
                self._lasts.append(number - 1)
            self.next = number + 1
        elif self.is_missing(number):
            self._fill(number)
        else:
            raise FormatError("SOURCE_NUMBER_TWICE", f"number {number} has come")
        self.day_first = number if self.day_first is None else min(self.day_first, number)
        self.day_last = number if self.day_last is None else max(self.day_last, number)
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def set_aside(self, number: int, kind: str) -> None:
        """Count a number that comes with a row that waits. Raises FormatError as `take`."""
        self.take(number, kind)
        self.aside += 1

    def move(self) -> None:
        """A row that waited has its record now: its number came before.

        Raises FormatError SOURCE_ASIDE_NONE where none waits.
        """
        if not self.aside:
            raise FormatError("SOURCE_ASIDE_NONE", "a record names an aside, and no row waits")
        self.aside -= 1

    def _fill(self, number: int) -> None:
        at = bisect_right(self._firsts, number) - 1
        first, last = self._firsts[at], self._lasts[at]
        left = [(first, number - 1)] if first < number else []
        right = [(number + 1, last)] if number < last else []
        self._firsts[at : at + 1] = [one for one, _ in left + right]
        self._lasts[at : at + 1] = [one for _, one in left + right]

    def close(self) -> DayCount:
        """What has come since the last closing; the next day begins."""
        day = DayCount(self.day_first, self.day_last, dict(sorted(self.counts.items())))
        self.day_first = self.day_last = None
        self.counts = {}
        return day


def check_ranges(ranges: Sequence[Range], first: int, next_: int) -> None:
    """Check that missing numbers have their one form, between `first` and `next_`.

    Raises FormatError SOURCE_MISSING. The number before `next_` has come, so it is not missing.
    """
    before = first - 2
    for low, high in ranges:
        if not before + 1 < low <= high < next_ - 1:
            raise FormatError(
                "SOURCE_MISSING",
                f"missing numbers ascend, apart, from {first} to {next_ - 2}: {low} to {high}",
            )
        before = high


def covers(ranges: Sequence[Range], next_: int, wanted: Sequence[Range]) -> bool:
    """Whether every wanted number is in the ranges, or `next_` or above."""
    at = 0
    for low, high in wanted:
        while at < len(ranges) and ranges[at][1] < low:
            at += 1
        inside = at < len(ranges) and ranges[at][0] <= low
        # A range that ends right before `next_` does not exist: that number has come.
        if not (low >= next_ or (inside and high <= ranges[at][1])):
            return False
    return True

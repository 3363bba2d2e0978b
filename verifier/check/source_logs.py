"""Owns what a package shows of the log of a source (docs/spec/package.md §6).

Nothing here judges; the steps 18.1 to 18.8 do, and the report tells. Proved by
tests/hostile/attacks/sources.py and tests/unit/check/test_source_logs.py.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import pairwise

from verifier.check.evidence import EntryLine, SourceParts
from verifier.check.rows import Blocked
from verifier.format import heads, matter_map
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.heads import Head
from verifier.format.matter_map import MapProof
from verifier.format.source_count import Range, SourceCount, covers
from verifier.format.source_log import Closing, GapEntry, Profile, ProfileEntry, RecordEntry


class SourceLog:
    """The log of one source, as far as the package shows it."""

    def __init__(self, parts: SourceParts, log_name: Callable[[], str]) -> None:
        self.parts = parts
        self.key = parts.key
        self._log_name = log_name

    @property
    def name(self) -> str:
        """Which source, for messages."""
        return self.parts.proof.name

    @cached_property
    def entries(self) -> Mapping[int, EntryLine]:
        """The entries shown, by index, ascending. Blocked unless all can be read and indexes ascend."""
        lines = self.parts.entries.need().need()
        if any(before.place >= after.place for before, after in pairwise(lines)):
            raise Blocked(f"one entry an index in {self.parts.entries.name}")
        return {line.place: line for line in lines}

    @cached_property
    def _indexes(self) -> list[int]:
        return list(self.entries)

    @cached_property
    def map_proof(self) -> MapProof:
        """The proof of the source's head. Raises FormatError as `matter_map.parse`."""
        return matter_map.parse(self.parts.proof.need().map.encode("utf-8", "surrogatepass"))

    @cached_property
    def head(self) -> Head:
        """Size and root of the log. Blocked if they can't be read; step 18.2 says why."""
        try:
            return self.parse_head()
        except FormatError as error:
            raise Blocked(f"the head in {self.name}") from error

    def parse_head(self) -> Head:
        """Read the head. Raises FormatError, HEAD_FORM where the proof is no inclusion."""
        text = self.map_proof.head
        if text is None:
            raise FormatError("HEAD_FORM", f"the map proof is of kind {self.map_proof.kind.value}")
        return heads.parse_head(text, self._log_name(), self.key)

    @cached_property
    def closings(self) -> Mapping[int, Closing]:
        """The closings that are shown, by index, ascending."""
        return {i: one.entry for i, one in self.entries.items() if isinstance(one.entry, Closing)}

    @cached_property
    def profiles(self) -> Mapping[int, Profile]:
        """The profiles that are shown, by index, ascending."""
        return {
            i: one.entry.profile
            for i, one in self.entries.items()
            if isinstance(one.entry, ProfileEntry)
        }

    @property
    def first_profile(self) -> Profile:
        """What entry 0 says. Blocked if it is no profile; step 18.6 says so."""
        if 0 not in self.profiles:
            raise Blocked(f"the first profile in {self.name}")
        return self.profiles[0]

    @property
    def profile(self) -> Profile:
        """The newest profile that is shown."""
        return list(self.profiles.values())[-1] if self.profiles else self.first_profile

    @cached_property
    def numbers(self) -> Mapping[int, list[tuple[int, RecordEntry]]]:
        """The records' entries that are shown, with their indexes, by number."""
        found: dict[int, list[tuple[int, RecordEntry]]] = {}
        for index, line in self.entries.items():
            if isinstance(line.entry, RecordEntry):
                found.setdefault(line.entry.number, []).append((index, line.entry))
        return found

    def entry_of(self, number: int | None, record: Digest) -> tuple[int, RecordEntry] | None:
        """The shown entry of that number and record, and its index."""
        for index, entry in self.numbers.get(-1 if number is None else number, ()):
            if entry.record == record:
                return index, entry
        return None

    def closing_before(self, index: int) -> Closing | None:
        """The last closing shown before an entry."""
        at = bisect_left(self._closed, index)
        return self.closings[self._closed[at - 1]] if at else None

    def closing_after(self, index: int) -> Closing | None:
        """The first closing shown after an entry."""
        at = bisect_left(self._closed, index)
        return self.closings[self._closed[at]] if at < len(self._closed) else None

    @cached_property
    def _closed(self) -> list[int]:
        return list(self.closings)

    def misnumbered(self) -> Iterator[str]:
        """Where an entry's number does not agree with the closing before or after it, in words.

        What holds for these two holds for all, since closings agree with each other (18.7).
        """
        first = self.first_profile.first
        states = {id(one): SourceCount(0, one.next, one.missing) for one in self.closings.values()}
        for number, some in self.numbers.items():
            if number < first:
                yield f"number {number} is below {first}, the first of the source"
            for index, _ in some:
                before, after = self.closing_before(index), self.closing_after(index)
                if before is not None and not states[id(before)].may_come(number):
                    yield f"number {number} had come by {before.day}, and has an entry after that day"
                if after is not None and states[id(after)].may_come(number):
                    yield f"number {number} has its entry before the closing of {after.day}, which lacks it"

    def days(self) -> Iterator[tuple[Closing | None, int, Closing, list[EntryLine]]]:
        """Each day that is shown whole: the closing before, its own with its index, what is between.

        Without a closing before it is the first day.
        """
        before: Closing | None = None
        lines: list[EntryLine] = []
        whole, expected = True, 0
        for index, line in self.entries.items():
            if index != expected:
                # What is left out may be of this day; with its closing the next one begins.
                whole = False
            expected = index + 1
            if not isinstance(line.entry, Closing):
                lines.append(line)
                continue
            if whole:
                yield before, index, line.entry, lines
            before, lines, whole = line.entry, [], True

    def faults_of_days(self) -> Iterator[str]:
        """Where the closing of a day is not what follows from its entries, in words."""
        first = self.first_profile.first
        for before, at, closing, lines in self.days():
            count = SourceCount(first) if before is None else _after(first, before)
            profile = 0 if before is None else before.profile
            try:
                for line in lines:
                    if isinstance(line.entry, RecordEntry):
                        count.take(line.entry.number, line.entry.kind)
                    elif isinstance(line.entry, ProfileEntry):
                        profile = line.place
            except FormatError:
                # A number that can't come is a matter of step 18.6.
                continue
            day = count.close()
            if (closing.first, closing.last, dict(closing.counts)) != (*day[:2], dict(day.counts)):
                yield f"entry {at}, {closing.day}: first, last or counts are not those of its day"
            if (closing.next, closing.missing) != (count.next, tuple(count.missing)):
                yield f"entry {at}, {closing.day}: next or missing do not follow"
            if closing.profile != profile:
                yield f"entry {at}, {closing.day}: names profile {closing.profile}, not {profile}"

    def faults_between(self) -> Iterator[str]:
        """Where two closings shown one after the other can't both be, in words."""
        for (at, before), (later, after) in pairwise(self.closings.items()):
            days, between = (after.day - before.day).days, later - at - 1
            shown = bisect_left(self._indexes, later) - bisect_left(self._indexes, at) - 1
            if after.ends < before.ends:
                yield f"entry {later}: {after.day} ends before {before.day}"
            if not 1 <= days <= 1 + between - shown:
                yield f"entry {later}: {after.day} does not follow {before.day}"
            if after.next < before.next or not covers(before.missing, before.next, after.missing):
                yield f"entry {later}: {after.day} lacks what had come by {before.day}"

    # What the report tells.

    @cached_property
    def missing(self) -> list[Range]:
        """The numbers that are missing as of the head: by the last closing and all after it."""
        first = self.first_profile.first
        last = self._closed[-1] if self._closed else -1
        count = SourceCount(first) if last < 0 else _after(first, self.closings[last])
        for index, line in self.entries.items():
            if index > last and isinstance(line.entry, RecordEntry):
                count.take(line.entry.number, line.entry.kind)
        return count.missing

    @property
    def reasons(self) -> list[GapEntry]:
        """What is stated of missing numbers, as far as it is shown."""
        return [one.entry for one in self.entries.values() if isinstance(one.entry, GapEntry)]

    def came_late(self, index: int, number: int) -> bool:
        """Whether a closing before the entry called its number missing."""
        before = self.closing_before(index)
        return before is not None and number < before.next


def _after(first: int, closing: Closing) -> SourceCount:
    return SourceCount(first, closing.next, closing.missing)

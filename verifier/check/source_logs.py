"""Owns what a package shows of the log of a source (docs/spec/package.md §6).

Nothing here judges; the steps 18.1 to 18.10 do, and the report tells. Proved by
tests/hostile/attacks/sources.py and tests/unit/check/test_source_logs.py.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
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
from verifier.format.source_log import (
    SERVICE,
    AsideEntry,
    Closing,
    GapEntry,
    Profile,
    ProfileEntry,
    RecordEntry,
)

Numbered = RecordEntry | AsideEntry


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
    def since(self) -> int | None:
        """From which entry on all are shown; None where only those of some days are."""
        return self.parts.proof.need().since

    @property
    def first_profile(self) -> Profile:
        """What entry 0 says. Blocked if it is no profile; step 18.6 says so."""
        if 0 not in self.profiles:
            raise Blocked(f"the first profile in {self.name}")
        return self.profiles[0]

    @property
    def begun_at(self) -> datetime:
        """When entry 0 was made, as the service states it. Blocked if it is no profile."""
        found = self.entries.get(0)
        if found is None or not isinstance(found.entry, ProfileEntry):
            raise Blocked(f"the first profile in {self.name}")
        return found.entry.at

    @property
    def profile(self) -> Profile:
        """The newest profile that is shown."""
        return list(self.profiles.values())[-1] if self.profiles else self.first_profile

    @cached_property
    def numbers(self) -> Mapping[int, list[tuple[int, Numbered]]]:
        """The shown entries of records and of rows that wait, with their indexes, by number."""
        found: dict[int, list[tuple[int, Numbered]]] = {}
        for index, line in self.entries.items():
            if isinstance(line.entry, (RecordEntry, AsideEntry)):
                found.setdefault(line.entry.number, []).append((index, line.entry))
        return found

    def entry_of(self, number: int | None, record: Digest) -> tuple[int, RecordEntry] | None:
        """The shown entry of that number and record, and its index."""
        for index, entry in self.numbers.get(-1 if number is None else number, ()):
            if isinstance(entry, RecordEntry) and entry.record == record:
                return index, entry
        return None

    def aside_of(self, index: int, entry: RecordEntry) -> AsideEntry | None:
        """What the entry at that index names as its aside, where it is shown and is one."""
        line = (
            None if entry.aside is None or entry.aside >= index else self.entries.get(entry.aside)
        )
        return line.entry if line is not None and isinstance(line.entry, AsideEntry) else None

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
            for came in {came_at(index, entry) for index, entry in some}:
                before, after = self.closing_before(came), self.closing_after(came)
                if before is not None and not states[id(before)].may_come(number):
                    yield f"number {number} had come by {before.day}, and has an entry after that day"
                if after is not None and states[id(after)].may_come(number):
                    yield f"number {number} has its entry before the closing of {after.day}, which lacks it"

    def wrong_asides(self) -> Iterator[str]:
        """Where an entry names as its aside what can't be it, in words."""
        for number, some in self.numbers.items():
            for index, entry in some:
                if not isinstance(entry, RecordEntry) or entry.aside is None:
                    continue
                found = self.aside_of(index, entry)
                hidden = entry.aside < index and entry.aside not in self.entries
                if not hidden and (
                    found is None or (found.kind, found.number) != (entry.kind, number)
                ):
                    yield f"entry {index} names entry {entry.aside} as the aside of number {number}"

    def numbers_twice(self) -> Iterator[int]:
        """The numbers of two entries that are not an aside and the record that names it."""
        for number, some in self.numbers.items():
            match some:
                case [_]:
                    continue
                case [(index, AsideEntry()), (_, RecordEntry() as record)] if record.aside == index:
                    continue
            yield number

    @property
    def sets_aside_in_vain(self) -> bool:
        """Whether a number is set aside although the service gives them."""
        return self.first_profile.numbering == SERVICE and any(
            isinstance(entry, AsideEntry) for some in self.numbers.values() for _, entry in some
        )

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
            for line in lines:
                if isinstance(line.entry, ProfileEntry):
                    profile = line.place
            try:
                _count(count, lines)
            except FormatError as error:
                # A number that can't come is a matter of step 18.6.
                if error.code == "SOURCE_ASIDE_NONE":
                    yield f"entry {at}, {closing.day}: {error.message}"
                continue
            day = count.close()
            if (closing.first, closing.last, dict(closing.counts)) != (*day[:2], dict(day.counts)):
                yield f"entry {at}, {closing.day}: first, last or counts are not those of its day"
            if (closing.next, closing.missing) != (count.next, tuple(count.missing)):
                yield f"entry {at}, {closing.day}: next or missing do not follow"
            if closing.aside != count.aside:
                yield f"entry {at}, {closing.day}: {closing.aside} set aside, {count.aside} follow"
            if closing.profile != profile:
                yield f"entry {at}, {closing.day}: names profile {closing.profile}, not {profile}"
        try:
            _ = self.last_count
        except FormatError as error:
            if error.code == "SOURCE_ASIDE_NONE":
                yield f"after the last closing {error.message}"

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
    def last_count(self) -> SourceCount:
        """What has come as of the head: by the last closing and all after it. Raises FormatError."""
        first = self.first_profile.first
        last = self._closed[-1] if self._closed else -1
        count = SourceCount(first) if last < 0 else _after(first, self.closings[last])
        _count(count, [line for index, line in self.entries.items() if index > last])
        return count

    @property
    def missing(self) -> list[Range]:
        """The numbers that are missing as of the head. Raises FormatError."""
        return self.last_count.missing

    @property
    def reasons(self) -> list[GapEntry]:
        """What is stated of missing numbers, as far as it is shown."""
        return [one.entry for one in self.entries.values() if isinstance(one.entry, GapEntry)]

    def came_late(self, index: int, entry: RecordEntry) -> bool:
        """Whether a closing before the number of this entry came called it missing."""
        before = self.closing_before(came_at(index, entry))
        return before is not None and entry.number < before.next


def came_at(index: int, entry: Numbered) -> int:
    """Where the number of an entry came: with what set it aside, else with the entry itself."""
    if isinstance(entry, RecordEntry) and entry.aside is not None:
        return entry.aside
    return index


def _after(first: int, closing: Closing) -> SourceCount:
    return SourceCount(first, closing.next, closing.missing, closing.aside)


def _count(count: SourceCount, lines: Iterable[EntryLine]) -> None:
    """Count what comes with entries. Raises FormatError SOURCE_NUMBER_… or SOURCE_ASIDE_NONE."""
    for line in lines:
        entry = line.entry
        if isinstance(entry, AsideEntry):
            count.set_aside(entry.number, entry.kind)
        elif isinstance(entry, RecordEntry):
            if entry.aside is None:
                count.take(entry.number, entry.kind)
            else:
                count.move()

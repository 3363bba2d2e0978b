"""What the records of an agency show by themselves, asked of the store.

Spec: docs/spec/findings.md. Test: tests/unit/store/test_findings.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from notary.core.findings.analysis import analyse
from notary.core.findings.finding import KINDS, Finding, said_place
from notary.core.findings.seen import Place, Seen, seen
from notary.core.moments import milliseconds
from notary.ports import MatterRegister, Progress
from notary.usecases.import_store import ImportStore
from notary.usecases.read import RecordReader
from notary.usecases.sources import Sources
from verifier.format.source_log import SOURCE, Profile

WAITING_AT_ONCE = 2_000  # rows that are read in one statement


@dataclass(frozen=True)
class Report:
    """The findings, and on what they rest: records, rows that wait, and records whose content is gone."""

    findings: tuple[Finding, ...]
    records: int
    waiting: int
    erased: int

    def named(self) -> dict[str, list[int]]:
        """The positions that the findings name, ascending, by matter number."""
        found: dict[str, set[int]] = defaultdict(set)
        for one in self.findings:
            for place in one.places:
                if place.matter is not None and place.position is not None:
                    found[place.matter].add(place.position)
        return {matter: sorted(positions) for matter, positions in sorted(found.items())}


class FindFindings:
    """The use case. It reads everything the agency has, since frauds show between matters."""

    def __init__(
        self,
        reader: RecordReader,
        register: MatterRegister,
        imports: ImportStore,
        sources: Sources,
    ) -> None:
        self._reader = reader
        self._register = register
        self._imports = imports
        self._sources = sources

    def run(
        self,
        agency_id: int,
        *,
        matter: str | None = None,
        source: str | None = None,
        progress: Progress | None = None,
    ) -> Report:
        """What does not fit; with a matter or source only what names a record of it.

        `matter` is a matter's number. Raises CallerError KEY_MISSING without keys, or SOURCE_UNKNOWN.
        """
        if source is not None:
            source = self._sources.find(agency_id, source).profile.name
        reading = _Reading(self, agency_id, progress)
        found = analyse(reading.records())
        if matter is not None:
            found = [one for one in found if any(place.matter == matter for place in one.places)]
        if source is not None:
            found = [one for one in found if one.stream.endswith(f" of {source}")]
        return Report(tuple(found), reading.entered, reading.waiting, reading.erased)


class _Reading:
    """One pass over the store, and what was counted in it."""

    def __init__(self, of: FindFindings, agency_id: int, progress: Progress | None) -> None:
        self._reader = of._reader
        self._imports = of._imports
        self._agency_id = agency_id
        self._progress = progress
        self._matters = {one.key: one for one in of._register.all(agency_id)}
        self._profiles = {one.key: one.profile for one in of._sources.all(agency_id)}
        self._total = sum(one.size for one in self._matters.values())
        self._total += of._imports.waiting_count(agency_id)
        self.entered = self.waiting = self.erased = 0

    def records(self) -> Iterator[Seen]:
        for record in self._reader.entered(self._agency_id):
            self.entered += 1
            self._tell()
            if record.opened is None:
                self.erased += 1
                continue
            leaf = record.opened.leaf
            profile = self._profiles.get(leaf.source or b"")
            yield seen(
                leaf.kind,
                record.opened.values,
                matter=self._matters[record.matter_key].number,
                position=leaf.position,
                entered=record.record_id,
                received=milliseconds(record.received_at),
                source="" if profile is None else profile.name,
                number=_own(profile, leaf.number),
            )
        after = 0
        while rows := self._imports.all_waiting(self._agency_id, after, WAITING_AT_ONCE):
            after = rows[-1][0]
            for _, row in rows:
                self.waiting += 1
                self._tell()
                profile = self._profiles.get(row.source or b"")
                yield seen(
                    row.kind,
                    row.claims,
                    source="" if profile is None else profile.name,
                    number=_own(profile, row.number),
                )

    def _tell(self) -> None:
        if self._progress is not None:
            done = self.entered + self.waiting
            self._progress(done, max(done, self._total))


def _own(profile: Profile | None, number: int | None) -> int | None:
    """A number that the source gave itself. What the service counts is the order of entry, not of events."""
    return number if profile is not None and profile.numbering == SOURCE else None


def shown(report: Report) -> dict[str, Any]:
    """The report as JSON values."""
    return {
        "records": report.records,
        "waiting": report.waiting,
        "erased": report.erased,
        "findings": [_finding(one) for one in report.findings],
    }


def said(report: Report) -> str:
    """The report for people."""
    lines = []
    for one in report.findings:
        kind = KINDS[one.code]
        lines += [
            f"{one.code}: {kind.english} ({kind.chinese}), in {one.stream}",
            f"  {one.text}.",
            f"  It is cleared by {kind.clears}.",
            *(f"  - {said_place(place)}" for place in one.places[:_SHOWN]),
        ]
        if one.records > _SHOWN:
            lines.append(f"  - and {one.records - _SHOWN} more; --json names up to 50")
    counted = f"{report.records} records and {report.waiting} rows that wait"
    lines.append(f"{len(report.findings)} findings in {counted}")
    if report.erased:
        lines.append(
            f"{report.erased} records were erased and not looked at; numbers that are missing may be theirs"
        )
    if report.findings:
        lines.append(
            "A finding says what looks as if. It is no verdict, and an honest cause may clear it."
        )
    return "\n".join(lines)


_SHOWN = 8  # records of a finding that a screen shows


def _finding(one: Finding) -> dict[str, Any]:
    kind = KINDS[one.code]
    return {
        "code": one.code,
        "title": kind.english,
        "title_zh": kind.chinese,
        "stream": one.stream,
        "text": one.text,
        "cleared_by": kind.clears,
        "count": one.records,
        "records": _places(one.places),
    }


def _places(places: Sequence[Place]) -> list[dict[str, Any]]:
    return [place._asdict() for place in places]

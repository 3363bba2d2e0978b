"""Runs every analysis over the records of an agency. Pure.

Nothing here knows an answer key: all follows from the records. Spec: docs/spec/findings.md. Tests:
tests/unit/cases/test_frauds.py, tests/unit/cases/test_hand_made_frauds.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from notary.core.findings.calls import account_findings, masked_findings, split_findings
from notary.core.findings.days import day_findings, hour_findings
from notary.core.findings.finding import CODES, ORDER, Finding
from notary.core.findings.numbers import file_findings, late_findings, number_findings
from notary.core.findings.papers import paper_findings
from notary.core.findings.rows import clock_findings, figure_findings, seal_findings
from notary.core.findings.seen import Seen
from notary.core.findings.twins import twin_findings

_OF_A_STREAM = (
    number_findings,
    file_findings,
    clock_findings,
    figure_findings,
    seal_findings,
    day_findings,
    hour_findings,
    late_findings,
    masked_findings,
    split_findings,
    account_findings,
)


def analyse(records: Iterable[Seen]) -> list[Finding]:
    """What does not fit, by code in the order of `CODES`, then by stream."""
    streams: dict[str, list[Seen]] = defaultdict(list)
    for one in records:
        streams[one.stream].append(one)
    found = [*_of_streams(streams), *twin_findings(streams)]
    found += paper_findings([one for stream in streams.values() for one in stream])
    return sorted(found, key=lambda one: (CODES.index(one.code), one.stream))


def _of_streams(streams: dict[str, list[Seen]]) -> Iterator[Finding]:
    for name, stream in sorted(streams.items()):
        named: set[object] = set()
        for analysis in _OF_A_STREAM:
            for one in analysis(name, stream):
                # The order of numbers and that of rows say the same of a record; once is enough.
                if one.code == ORDER:
                    if one.places[0] in named:
                        continue
                    named.add(one.places[0])
                yield one

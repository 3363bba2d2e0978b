"""Runs every analysis over the records of an agency. Pure.

Nothing here knows an answer key: all follows from the records. Spec: docs/spec/findings.md. Tests:
tests/unit/cases/test_frauds.py, tests/unit/cases/test_hand_made_frauds.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from notary.core.findings.calls import account_findings, busy_findings, split_findings
from notary.core.findings.days import day_findings, hour_findings, odd_hour_findings
from notary.core.findings.finding import CLOCKS, CODES, DAY, ORDER, SHIFTED, Finding
from notary.core.findings.habits import habit_findings
from notary.core.findings.lateness import lateness_findings
from notary.core.findings.mailed import mailed_findings
from notary.core.findings.masks import masked_findings
from notary.core.findings.numbers import file_findings, number_findings
from notary.core.findings.papers import paper_findings
from notary.core.findings.rows import clock_findings, figure_findings, seal_findings, word_findings
from notary.core.findings.seen import Seen
from notary.core.findings.steps import step_findings
from notary.core.findings.totals import total_findings
from notary.core.findings.twins import twin_findings

_OF_A_STREAM = (
    number_findings,
    file_findings,
    clock_findings,
    figure_findings,
    word_findings,
    seal_findings,
    day_findings,
    hour_findings,
    odd_hour_findings,
    masked_findings,
    split_findings,
    busy_findings,
    account_findings,
    habit_findings,
)


def analyse(records: Iterable[Seen]) -> list[Finding]:
    """What does not fit, by code in the order of `CODES`, then by stream."""
    streams: dict[str, list[Seen]] = defaultdict(list)
    for one in records:
        streams[one.stream].append(one)
    found = [*_of_streams(streams), *twin_findings(streams), *total_findings(streams)]
    # Neither calls nor what the service counts is on paper.
    papers = [one for stream in streams.values() for one in stream if one.kind != "call"]
    found += [*paper_findings(papers), *mailed_findings(papers), *step_findings(papers)]
    doubted = (place for one in found if one.code in _OF_TIME for place in one.places)
    found += lateness_findings(streams, frozenset(doubted))
    return sorted(found, key=lambda one: (CODES.index(one.code), one.stream))


_OF_TIME = frozenset({ORDER, CLOCKS, SHIFTED, DAY})


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

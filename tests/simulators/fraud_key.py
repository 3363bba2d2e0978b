"""Holds findings against the key of what was planted. The findings themselves never see the key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

from notary.cases.frauds.answer import Planted
from notary.core.findings.analysis import analyse
from notary.core.findings.finding import Finding
from tests.simulators.case_records import days_of, mails_of, switch_of

# Which findings name a fraud of each kind. One of them is enough: an edit can show in several ways.
NAMES = {
    "backdated": {"TIME_OUT_OF_ORDER", "CLOCKS_DIFFER", "DAY_OTHER"},
    "dropped": {"NUMBER_MISSING", "DAY_EMPTY", "REFERENCE_MISSING", "BALANCE_DIFFERS"},
    "edited": {"FIGURES_DIFFER", "BALANCE_DIFFERS", "SEAL_BROKEN"},
    "masked": {"NUMBER_MASKED"},
    "wrong-zone": {"HOURS_SHIFTED"},
    "split": {"SPLIT", "ACCOUNT_OTHER"},
    "late": {"DAY_OTHER", "ENTERED_LATE"},
}


def unnamed(key: Iterable[Planted], found: Sequence[Finding], folder: Path) -> list[Planted]:
    """The frauds that no finding names."""
    return [one for one in key if not any(_names(finding, one, folder) for finding in found)]


def unexplained(key: Sequence[Planted], found: Iterable[Finding], folder: Path) -> list[Finding]:
    """The findings that no fraud explains."""
    return [one for one in found if not any(_touches(one, fraud, folder) for fraud in key)]


def _names(finding: Finding, fraud: Planted, folder: Path) -> bool:
    if finding.code not in NAMES[fraud.kind]:
        return False
    if finding.code == "DAY_EMPTY":
        return fraud.file.split("/")[-2] in finding.text
    if finding.code == "NUMBER_MISSING":
        gone = {_count(reference) for reference in fraud.references}
        edge = min(gone) - 1
        return edge in {_count(place.reference or "0") for place in finding.places}
    return _touches(finding, fraud, folder)


def _count(reference: str) -> int:
    """The counter at the end of a reference."""
    return int(re.split(r"\D", reference)[-1] or 0)


def _touches(finding: Finding, fraud: Planted, folder: Path) -> bool:
    path = folder / fraud.file
    digest = sha256(path.read_bytes()).hexdigest() if path.exists() else None
    references = {place.reference for place in finding.places}
    if references & {*fraud.references, *fraud.beside}:
        return True
    if fraud.kind in ("wrong-zone", "dropped", "late") and any(
        place.file == digest for place in finding.places
    ):
        return True
    if fraud.format == "letters" and fraud.references[0].rpartition("-")[0] in finding.text:
        return True
    # The paper that is gone, and the day, are named by the text alone.
    return any(name in finding.text for name in (*fraud.references[:3], fraud.file.split("/")[-2]))


def findings_of(case: Path) -> list[Finding]:
    """What is found in the exports of a case: the daily ones, the mails, the log of each switch."""
    switches = sorted(path.name for path in (case / "switches").iterdir())
    streams = [days_of(case), mails_of(case), *(switch_of(case, name) for name in switches)]
    return [one for records in streams for one in analyse(records)]

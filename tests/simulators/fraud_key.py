"""Holds findings against the key of what was planted. The findings themselves never see the key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from pathlib import Path

from notary.cases.collection.hours import AGENCY_ZONE
from notary.cases.frauds.answer import Planted
from notary.core.findings.analysis import analyse
from notary.core.findings.finding import Finding
from tests.simulators.case_records import bills_of, days_of, mails_of, switch_of

# Which findings name a fraud of each kind. One of them is enough: an edit can show in several ways.
NAMES = {
    "backdated": {"TIME_OUT_OF_ORDER", "CLOCKS_DIFFER", "DAY_OTHER"},
    "dropped": {
        *("NUMBER_MISSING", "DAY_EMPTY", "REFERENCE_MISSING", "BALANCE_DIFFERS", "TOTALS_DIFFER"),
    },
    "edited": {"FIGURES_DIFFER", "BALANCE_DIFFERS", "SEAL_BROKEN"},
    "masked": {"NUMBER_MASKED"},
    "wrong-zone": {"HOURS_SHIFTED"},
    "split": {"SPLIT", "ACCOUNT_OTHER"},
    "late": {"DAY_OTHER", "ENTERED_LATE", "ENTERED_AFTER_DISPUTE"},
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
    if finding.code in ("DAY_EMPTY", "TOTALS_DIFFER"):
        return fraud.file.split("/")[-2] in finding.text
    if finding.code == "NUMBER_MISSING" and fraud.format != "sms":
        gone = {_count(reference) for reference in fraud.references}
        edge = min(gone) - 1
        return edge in {_count(place.reference or "0") for place in finding.places}
    return _touches(finding, fraud, folder)


def _days_in(fraud: Planted) -> set[str]:
    """Every day of which the key speaks, however the export writes its times."""
    found = set(_DAY.findall(json.dumps(fraud.to_json())))
    for text in (str(one) for change in fraud.changed for pair in change.values() for one in pair):
        if text.isdecimal() and len(text) == len(str(MICROSECONDS)):
            at = datetime.fromtimestamp(int(text) / 1_000_000, UTC)
        elif text[-6:-4] == " +":
            at = parsedate_to_datetime(text)
        else:
            continue
        found.add(str(at.astimezone(AGENCY_ZONE).date()))
    return found


MICROSECONDS = 1_700_000_000_000_000  # of the epoch, as long as those of every case
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


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
    if finding.code == "TOTALS_DIFFER":
        # A row that is moved to another day is missing in its own; hours later may be the next one.
        days = _DAY.findall(finding.text)
        if fraud.kind == "wrong-zone":
            days += [str(date.fromisoformat(day) - timedelta(days=1)) for day in days]
        return not _days_in(fraud).isdisjoint(days)
    # The paper that is gone, and the day, are named by the text alone.
    return any(name in finding.text for name in (*fraud.references[:3], fraud.file.split("/")[-2]))


def findings_of(case: Path) -> list[Finding]:
    """What is found in the exports of a case: the daily ones with the mails, and the log of each switch.

    The carrier's bills stand beside each, since a switch's log is taken in in place of the dialler's.
    """
    switches = sorted(path.name for path in (case / "switches").iterdir())
    bills = bills_of(case)
    streams = [
        [*days_of(case), *mails_of(case)],
        *(switch_of(case, name) for name in switches),
    ]
    return [one for records in streams for one in analyse([*records, *bills])]

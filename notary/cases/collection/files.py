"""Writes the collection case into a folder: a folder for each day, the maps, the register, and the answer.

Tests: tests/unit/cases/test_collection_files.py, tests/scenarios/ingest/test_collection_case.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from notary.cases import case_folder, pdf, register
from notary.cases.case_folder import CaseFolder
from notary.cases.collection import exports, mails, switches
from notary.cases.collection.bills import bills
from notary.cases.collection.expected import Answer, expected
from notary.cases.collection.make import FULL, Size, make
from notary.cases.collection.model import Call, Collection, Debtor, Event
from notary.cases.collection.switch import path_of
from notary.cases.draws import Draws

EXPECTED = "expected.json"
# The one export of the case that is counted and whose rows are all the agency's own.
_SMS_SOURCE = """
[source]
name = "sms-gateway"
number = "seq"
"""


@dataclass(frozen=True)
class CollectionFiles:
    """A case that was written. `answer` is what stands in `expected.json`."""

    folder: Path
    case: Collection
    answer: Answer
    files: tuple[Path, ...]

    @property
    def maps(self) -> Path:
        """The folder of the daily exports' maps."""
        return self.folder / "maps"

    def day_folders(self) -> tuple[Path, ...]:
        """The daily exports, in order."""
        return tuple(self.folder / "days" / str(day) for day in self.case.calendar)

    def documents(self, debtor: Debtor) -> Path:
        """The folder of a matter's documents."""
        return self.folder / _documents(debtor)

    def mails(self, debtor: Debtor) -> Path:
        """The folder of a matter's messages; not there where no letter went by e-mail."""
        return self.folder / "mail" / debtor.accounts[0]

    def switch(self, name: str) -> Path:
        """The folder of a switch's logs and their map."""
        return self.folder / "switches" / name


def generate(folder: Path, seed: int = 1, size: Size = FULL) -> CollectionFiles:
    """Make the case of a seed and write it into `folder`, which is made."""
    return write(folder, make(seed, size))


def write(folder: Path, case: Collection) -> CollectionFiles:
    """Write a case, as it was made or as it was edited."""
    out = CaseFolder(folder)
    answer = expected(case)
    _days(out, case)
    for name in sorted(exports.TABLES):
        stem = name.split(".")[0]
        out.write_map(f"maps/{stem}", case_folder.map_text("collection", stem))
    out.write_map("sources/sms", case_folder.map_text("collection", "sms") + _SMS_SOURCE)
    _switches(out, case)
    _mails(out, case)
    for name, data in bills(case).items():
        out.write(name, data)
    out.write_map("bills/bill", case_folder.map_text("collection", "bill"))
    for debtor in case.debtors:
        out.write(f"{_documents(debtor)}/contract-{debtor.contract}.pdf", _contract(debtor))
    entries = [register.Entry(one.matter, one.title, one.accounts) for one in case.debtors]
    register.write(out, entries)
    out.write(EXPECTED, (json.dumps(answer, ensure_ascii=False, indent=1) + "\n").encode())
    out.write("README.md", _readme(case))
    return CollectionFiles(folder, case, answer, tuple(sorted((*out.files, *out.maps))))


def _days(out: CaseFolder, case: Collection) -> None:
    draws = Draws(case.seed)
    files: dict[str, list[Event]] = {}
    for event in case.events:
        files.setdefault(exports.file_of(event), []).append(event)
    for name, events in files.items():
        out.write(name, exports.content(events[0].export, events))
        folder = name.rpartition("/")[0]
        for event in events:
            for beside, data in exports.attachments(event, draws).items():
                out.write(f"{folder}/{beside}", data)


def _switches(out: CaseFolder, case: Collection) -> None:
    draws = Draws(case.seed)
    for switch in switches.SWITCHES:
        out.write_map(
            f"switches/{switch.name}/{switch.name}", case_folder.map_text("collection", switch.name)
        )
        files: dict[str, list[Call]] = {}
        for call in case.calls:
            if switch.holds(call):
                files.setdefault(path_of(switch, call), []).append(call)
        for path, calls in files.items():
            out.write(path, switch.content(calls, draws))


def _mails(out: CaseFolder, case: Collection) -> None:
    accounts = {debtor.matter: debtor.accounts[0] for debtor in case.debtors}
    for letter in mails.mailed(case):
        lines = exports.letter_text(letter)
        data = mails.message(letter, lines, pdf.page(lines))
        account = accounts[letter.matter] if letter.matter is not None else letter.account
        out.write(f"mail/{account}/{letter.reference}.eml", data)


def _documents(debtor: Debtor) -> str:
    return f"documents/{debtor.accounts[0]}"


def _contract(debtor: Debtor) -> bytes:
    return pdf.page(
        [
            f"CONTRACT {debtor.contract}",
            f"Sum: {exports.money(debtor.principal, debtor.currency)}, due on {debtor.due}",
            "Clause 14: sums due are claimed in writing, in three stages.",
        ]
    )


def _readme(case: Collection) -> bytes:
    text = resources.files("notary.cases.collection").joinpath("case-readme.md").read_text("utf-8")
    return text.format(
        debtors=len(case.debtors), days=case.days, first=case.first_day, seed=case.seed
    ).encode()

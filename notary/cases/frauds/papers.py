"""Plants frauds in letters, visits and text messages, which are few: each by what another export says of it.

Test: tests/unit/cases/test_frauds.py.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from notary.cases.draws import Draws
from notary.cases.frauds.answer import Planted
from notary.cases.frauds.sheets import Form, Row, csv_form, lines_form

_LETTERS, _VISITS, _LINES = csv_form(delimiter=";"), csv_form(), lines_form()
BACK_DAYS = 12  # by which a letter is dated earlier: more than a weekend before the post took it
VISIT_LEAST = 15 * 60  # seconds of a visit that is made to be two
_FIRST_ROW = 2  # after the header


@dataclass
class _Line:
    path: Path
    form: Form
    rows: list[Row]
    index: int

    @property
    def row(self) -> Row:
        return self.rows[self.index]

    def save(self) -> None:
        if self.rows:
            self.path.write_bytes(self.form.write(self.rows))
        else:
            self.path.unlink()


def _lines(folder: Path, export: str, form: Form) -> list[_Line]:
    found = []
    for path in sorted(folder.glob(f"days/*/{export}")):
        rows = form.read(path.read_bytes())
        found += [_Line(path, form, rows, index) for index in range(len(rows))]
    return found


def _planted(
    folder: Path,
    kind: str,
    what: str,
    line: _Line,
    references: Sequence[str],
    changed: Mapping[str, tuple[Any, Any]],
    rows: Sequence[int],
    beside: Sequence[str] = (),
) -> Planted:
    file = line.path.relative_to(folder).as_posix()
    return Planted(
        kind,
        line.path.stem,
        what,
        file,
        tuple(rows),
        tuple(references),
        tuple(beside),
        (changed,),
    )


def _letters(folder: Path) -> dict[str, list[_Line]]:
    """The letters to the debtors themselves, in order, by account."""
    found: dict[str, list[_Line]] = defaultdict(list)
    for line in _lines(folder, "letters.csv", _LETTERS):
        if line.row["letter_no"][-1].isdecimal():
            found[line.row["account"]].append(line)
    return found


def _one(draws: Draws, what: str, choices: Sequence[_Line]) -> _Line | None:
    return draws.one(f"papers/{what}", choices) if choices else None


def backdated(folder: Path, draws: Draws) -> list[Planted]:
    """A posted letter is dated some days earlier."""
    posted = [
        line
        for lines in _letters(folder).values()
        for line in lines
        if line.row["by"] == "P" and line.row["stage"] == "2"
    ]
    line = _one(draws, "backdated", posted)
    if line is None:
        return []
    before = line.row["sent_on"]
    day = datetime.strptime(before, "%d/%m/%Y") - timedelta(days=BACK_DAYS)  # noqa: DTZ007
    line.row["sent_on"] = day.strftime("%d/%m/%Y")
    line.save()
    changed = {"sent_on": (before, line.row["sent_on"])}
    what = f"a letter dated {BACK_DAYS} days earlier"
    rows = (line.index + _FIRST_ROW,)
    return [_planted(folder, "backdated", what, line, [line.row["letter_no"]], changed, rows)]


def dropped(folder: Path, draws: Draws) -> list[Planted]:
    """A letter of the first stage, and a text message, are taken out."""
    return [*_dropped_letter(folder, draws), *_dropped_sms(folder, draws)]


def _dropped_sms(folder: Path, draws: Draws) -> list[Planted]:
    messages = _lines(folder, "sms.ndjson", _LINES)
    # The gateway's count shows what is missing between two others.
    inner = messages[1:-1]
    line = _one(draws, "dropped/sms", inner)
    if line is None:
        return []
    place = messages.index(line)
    beside = [messages[place + n].row["sms_id"] for n in (-1, 1)]
    gone = line.rows.pop(line.index)
    line.save()
    what = "a text message taken out"
    return [_planted(folder, "dropped", what, line, [gone["sms_id"]], {}, (), beside)]


def _dropped_letter(folder: Path, draws: Draws) -> list[Planted]:
    firsts = [
        lines[0]
        for lines in _letters(folder).values()
        if len(lines) > 1 and lines[0].row["by"] == "P"
    ]
    line = _one(draws, "dropped", firsts)
    if line is None:
        return []
    gone = line.rows.pop(line.index)
    line.save()
    what = "a letter of the first stage taken out"
    return [_planted(folder, "dropped", what, line, [gone["letter_no"]], {}, ())]


def edited(folder: Path, draws: Draws) -> list[Planted]:
    """The sum of a letter is made greater."""
    # Not the accounts whose letters other frauds take out or move.
    later = [lines[-1] for lines in _letters(folder).values() if len(lines) > _STAGES - 1]
    line = _one(draws, "edited", later)
    if line is None:
        return []
    before = line.row["open"]
    minor = int(before.replace(",", "").replace(".", "")) + 10_000
    line.row["open"] = f"{minor // 100:,}.{minor % 100:02}"
    line.save()
    changed = {"open": (before, line.row["open"])}
    what = "the open sum made greater by 100.00"
    rows = (line.index + _FIRST_ROW,)
    return [_planted(folder, "edited", what, line, [line.row["letter_no"]], changed, rows)]


def late(folder: Path, draws: Draws) -> list[Planted]:
    """A first letter is written into a file of after the day on which the debtor disputed."""
    disputed = {
        line.row["account"]: line.path.parent.name
        for line in _lines(folder, "email.ndjson", _LINES)
        if line.row["label"] == "dispute"
    }
    letters = _letters(folder)
    choices = [letters[account][0] for account in sorted(disputed) if account in letters]
    line = _one(draws, "late", choices)
    if line is None:
        return []
    row = line.rows.pop(line.index)
    day = date.fromisoformat(disputed[row["account"]]) + timedelta(days=LATE_DAYS)
    path = folder / "days" / str(day) / line.path.name
    rows = _LETTERS.read(path.read_bytes()) if path.exists() else []
    page = path.parent / row["page"]
    page.parent.mkdir(parents=True, exist_ok=True)
    (line.path.parent / row["page"]).rename(page)
    line.save()
    rows.append(row)
    moved = _Line(path, _LETTERS, rows, len(rows) - 1)
    moved.save()
    what = f"a letter of {line.path.parent.name} in a file of after the dispute"
    number = (moved.index + _FIRST_ROW,)
    return [_planted(folder, "late", what, moved, [row["letter_no"]], {}, number)]


def split(folder: Path, draws: Draws) -> list[Planted]:
    """A visit is made to be two."""
    visits = [
        line for line in _lines(folder, "visits.csv", _VISITS) if _length(line.row) >= VISIT_LEAST
    ]
    line = _one(draws, "split", visits)
    if line is None:
        return []
    arrived = datetime.fromisoformat(line.row["arrived"])
    middle = arrived + timedelta(seconds=_length(line.row) // 2)
    second = copy.deepcopy(line.row)
    changed = {"left": (line.row["left"], middle.isoformat())}
    line.row["left"] = middle.isoformat()
    second["visit_no"] += "-2"
    second["arrived"] = (middle + timedelta(minutes=2)).isoformat()
    line.rows.insert(line.index + 1, second)
    line.save()
    references = [line.row["visit_no"], second["visit_no"]]
    rows = (line.index + _FIRST_ROW, line.index + 1 + _FIRST_ROW)
    return [_planted(folder, "split", "a visit made two", line, references, changed, rows)]


def _length(row: Row) -> int:
    ends = (datetime.fromisoformat(row["left"]), datetime.fromisoformat(row["arrived"]))
    return int((ends[0] - ends[1]).total_seconds())


LATE_DAYS = 3  # after the dispute
_STAGES = 3
PAPERS: Mapping[str, Callable[[Path, Draws], list[Planted]]] = {
    "backdated": backdated,
    "dropped": dropped,
    "edited": edited,
    "late": late,
    "split": split,
}

"""Plants frauds in the exported files of a collection case, each in a day of its own, and keeps the key.

What is done follows from the seed alone. Spec: docs/spec/findings.md §9.
Test: tests/unit/cases/test_frauds.py.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from notary.cases.draws import Draws
from notary.cases.frauds.answer import Planted, known_accounts
from notary.cases.frauds.layouts import LAYOUTS
from notary.cases.frauds.papers import PAPERS
from notary.cases.frauds.sheets import Layout, Sheet, member
from notary.cases.frauds.singles import SINGLES
from notary.errors import CallerError

KEY = "frauds.json"
FORMAT = "notary-frauds/1"
KINDS = ("backdated", "dropped", "edited", "masked", "wrong-zone", "split", "late")
ALL = "all"

FILE_LEAST = (
    30  # rows of a day in which a fraud is planted: on emptier days there are no neighbours
)
SPAN = 12  # rows that a wrong zone covers, where it is not the whole file
TALK_LEAST = 120  # seconds that a conversation lasts which is made to be two


def parse_kinds(text: str) -> tuple[str, ...]:
    """The kinds asked for: `all`, or names joined by commas. Raises CallerError FRAUD_UNKNOWN."""
    if text == ALL:
        return KINDS
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name not in KINDS:
            raise CallerError(
                "FRAUD_UNKNOWN",
                f"{name!a} is none of {', '.join(KINDS)}. Say {ALL} for each of them.",
            )
    return names


def plant(folder: Path, seed: int, kinds: Sequence[str] = KINDS) -> list[Planted]:
    """Plant each kind in each export where it makes sense, and write the key beside the case."""
    draws = Draws(seed)
    planted: list[Planted] = []
    for layout in LAYOUTS.values():
        planted += _Planter(folder, layout, draws).all(kinds)
    for kind in kinds:
        planted += PAPERS[kind](folder, draws) if kind in PAPERS else ()
        planted += SINGLES[kind](folder, draws) if kind in SINGLES else ()
    key = {"format": FORMAT, "seed": seed, "frauds": [one.to_json() for one in planted]}
    (folder / KEY).write_text(json.dumps(key, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return planted


@dataclass
class _Planter:
    """Plants in the files of one export, each file once at most, so that rows keep their places."""

    folder: Path
    layout: Layout
    draws: Draws
    sheets: list[Sheet] = field(default_factory=list)
    free: list[int] = field(default_factory=list)
    known: frozenset[str] = frozenset()

    def all(self, kinds: Sequence[str]) -> Iterator[Planted]:
        """Plant these kinds, those that make sense here."""
        layout = self.layout
        paths = sorted(self.folder.glob(layout.files))
        self.sheets = [Sheet.read(layout, path) for path in paths]
        # The first and the last day have neighbours on one side only.
        busy = [n for n in range(1, len(paths) - 1) if len(self.sheets[n].rows) >= FILE_LEAST]
        self.free = sorted(busy, key=lambda n: self.draws.hexes(f"{layout.name}/order/{n}"))
        self.known = known_accounts(self.folder)
        for kind in kinds:
            for plant_one in _KINDS[kind]:
                planted = plant_one(self)
                if planted is not None:
                    yield planted

    def backdated_days(self) -> Planted | None:
        """One conversation is dated some days earlier."""
        hours = 26 + self.draws.below(f"{self.layout.name}/days", 70)
        return self._backdated(timedelta(hours=-hours), "dated some days earlier")

    def backdated_hours(self) -> Planted | None:
        """One conversation is dated some hours earlier."""
        minutes = 150 + self.draws.below(f"{self.layout.name}/minutes", 90)
        return self._backdated(timedelta(minutes=-minutes), "dated some hours earlier")

    def dropped_rows(self) -> Planted | None:
        """Three rows are taken out of the middle of a file, the first of a call that the carrier bills."""
        sheet = self._sheet()
        if sheet is None:
            return None
        third = len(sheet.rows) // 3
        placed = [n for n in range(third, 2 * third) if self._placed(sheet, n)]
        first = placed[self._below("dropped", len(placed))]
        gone = [str(sheet.value(first + n, self.layout.reference)) for n in range(3)]
        beside = (
            str(sheet.value(first - 1, self.layout.reference)),
            str(sheet.value(first + 3, self.layout.reference)),
        )
        del sheet.rows[first : first + 3]
        sheet.save()
        return self._planted("dropped", "three rows taken out", sheet, (), tuple(gone), beside)

    def dropped_day(self) -> Planted | None:
        """The file of a whole day is taken away."""
        sheet = self._sheet()
        if sheet is None:
            return None
        place = self.sheets.index(sheet)
        start, reference = self.layout.stamps[0], self.layout.reference
        neighbours = (self.sheets[place - 1], self.sheets[place + 1])
        # The layouts whose rows are counted write times that ascend as text.
        beside = tuple(
            str(member(choose(one.rows, key=lambda row: member(row, start)), reference))
            for one, choose in zip(neighbours, (max, min), strict=True)
            if one.rows and not self.layout.alone
        )
        gone = tuple(str(member(row, reference)) for row in sheet.rows)
        sheet.path.unlink()
        return self._planted("dropped", "the file of a day taken away", sheet, (), gone, beside)

    def edited(self) -> Planted | None:
        """The length of a conversation is made greater."""
        layout = self.layout
        found = self._row("edited", lambda sheet, n: layout.answered(sheet.rows[n]))
        if found is None:
            return None
        sheet, index = found
        more = 60 + self._below("edited/more", 400)
        # The dialler's export has no end: whoever edits it there forgets the sum.
        names = layout.lengths if len(layout.stamps) > 1 else layout.lengths[:1]
        changed = {
            name: sheet.put(index, name, _like(sheet.value(index, name), more)) for name in names
        }
        return self._saved("edited", "talk made longer", sheet, {index: changed})

    def masked(self) -> Planted | None:
        """The number of an account is hidden in one file."""
        layout = self.layout
        found = self._row("masked", self._often_called())
        if found is None:
            return None
        sheet, index = found
        account = sheet.value(index, layout.account)
        changed = {
            n: {
                layout.outside: sheet.put(
                    n, layout.outside, _hidden(sheet.value(n, layout.outside))
                )
            }
            for n in range(len(sheet.rows))
            if sheet.value(n, layout.account) == account and self._plain_call(sheet, n)
        }
        return self._saved("masked", "the number hidden in one file", sheet, changed)

    def zone_file(self) -> Planted | None:
        """A whole file is written by the clock of Shanghai."""
        sheet = self._sheet()
        if sheet is None:
            return None
        changed = {n: sheet.move(n, timedelta(hours=7)) for n in range(len(sheet.rows))}
        return self._saved("wrong-zone", "a whole file shifted by 7 h", sheet, changed)

    def zone_span(self) -> Planted | None:
        """A stretch of a file is shifted by some hours."""
        sheet = self._sheet()
        if sheet is None:
            return None
        first = 2 + self._below("span", len(sheet.rows) // 3)
        if self.layout.newest_first:
            # In the morning here too, so that the shifted rows pass others.
            first = len(sheet.rows) - SPAN - first
        hours = 3 + self._below("span/hours", 5)
        changed = {n: sheet.move(n, timedelta(hours=hours)) for n in range(first, first + SPAN)}
        return self._saved("wrong-zone", f"{SPAN} rows shifted by {hours} h", sheet, changed)

    def split(self) -> Planted | None:
        """A conversation is made to be two."""
        layout = self.layout
        found = self._row(
            "split",
            lambda sheet, n: (
                layout.answered(sheet.rows[n])
                and int(sheet.value(n, layout.lengths[0])) >= TALK_LEAST
            ),
        )
        if found is None:
            return None
        sheet, index = found
        talk, whole = (int(sheet.value(index, layout.lengths[n])) for n in (0, -1))
        part = talk // 2
        pause = 4 + self._below("split/pause", 12)
        second = copy.deepcopy(sheet.rows[index])
        sheet.rows.insert(index + 1, second)
        first_end, second_talk = whole - talk + part, talk - part - pause
        lengths = ((part, first_end), (second_talk, second_talk))
        for n, pair in enumerate(lengths):
            # The whole is the last, and of an export that tells no talk the only one.
            for name, seconds in zip(layout.lengths, pair[-len(layout.lengths) :], strict=True):
                sheet.put(index + n, name, _as(sheet.value(index + n, name), seconds))
        self._restamp(sheet, index, first_end, whole, pause)
        layout.copied(second, 0)
        if layout.newest_first:
            sheet.rows[index : index + 2] = [second, sheet.rows[index]]
        sheet.save()
        rows = (index + layout.first_row, index + 1 + layout.first_row)
        references = tuple(str(sheet.value(index + n, layout.reference)) for n in range(2))
        what = f"a conversation of {talk} s made two"
        return self._planted("split", what, sheet, rows, references)

    def split_account(self) -> Planted | None:
        """Calls to a debtor are written under an account that no register knows."""
        layout = self.layout
        often = self._often_called()
        found = self._row(
            "account",
            lambda sheet, n: str(sheet.value(n, layout.account)) in self.known and often(sheet, n),
        )
        if found is None:
            return None
        sheet, index = found
        account = sheet.value(index, layout.account)
        other = f"P9-{100_000 + self._below('account/other', 900_000)}"
        changed = {
            n: {layout.account: sheet.put(n, layout.account, other)}
            for n in range(len(sheet.rows))
            if sheet.value(n, layout.account) == account
        }
        return self._saved("split", "calls written under another account", sheet, changed)

    def late(self) -> Planted | None:
        """Two calls of one day are written into the file of a later one."""
        first, last = self._sheet(), self._sheet()
        if first is None or last is None:
            return None
        first, last = sorted((first, last), key=lambda sheet: sheet.path)
        index = self._below("late", len(first.rows) - 2)
        moved = first.rows[index : index + 2]
        del first.rows[index : index + 2]
        first.save()
        start = len(last.rows)
        last.rows += moved
        last.save()
        rows = tuple(start + n + self.layout.first_row for n in range(2))
        references = tuple(str(member(row, self.layout.reference)) for row in moved)
        what = f"two rows of {first.path.parent.name} in a later file"
        return self._planted("late", what, last, rows, references)

    def _backdated(self, by: timedelta, what: str) -> Planted | None:
        layout = self.layout
        # In the afternoon, so that hours earlier there are other calls of the day.
        found = self._row(
            f"backdated/{what}",
            lambda sheet, n: (
                layout.answered(sheet.rows[n])
                and (len(sheet.rows) - 1 - n if layout.newest_first else n)
                > len(sheet.rows) * 2 // 3
            ),
        )
        if found is None:
            return None
        sheet, index = found
        return self._saved("backdated", what, sheet, {index: sheet.move(index, by)})

    def _restamp(self, sheet: Sheet, index: int, first_end: int, whole: int, pause: int) -> None:
        """Ends and starts of the two halves, where the export has them."""
        layout = self.layout
        start, *others = layout.stamps
        at = sheet.value(index, start)
        again = layout.moved(at, timedelta(seconds=first_end + pause))
        sheet.put(index + 1, start, again)
        if others:
            *answer, end = others
            sheet.put(index, end, layout.moved(at, timedelta(seconds=first_end)))
            for name in answer:
                sheet.put(index + 1, name, again)
            sheet.put(index + 1, end, layout.moved(at, timedelta(seconds=whole)))

    def _placed(self, sheet: Sheet, n: int) -> bool:
        """Whether the agency placed the call."""
        outbound = self.layout.outbound
        return outbound is None or bool(sheet.value(n, outbound[0]) == outbound[1])

    def _plain_call(self, sheet: Sheet, n: int) -> bool:
        return self._placed(sheet, n) and "*" not in str(sheet.value(n, self.layout.outside))

    def _often_called(self) -> Callable[[Sheet, int], bool]:
        """Whether a row's number is called often under its account, and shown."""
        layout = self.layout

        def called(sheet: Sheet, n: int) -> tuple[str, str]:
            return str(sheet.value(n, layout.account)), str(sheet.value(n, layout.outside))

        plain = Counter(
            called(sheet, n)
            for sheet in self.sheets
            for n in range(len(sheet.rows))
            if self._plain_call(sheet, n)
        )
        return lambda sheet, n: (
            self._plain_call(sheet, n) and plain[called(sheet, n)] >= _PLAIN_LEAST
        )

    def _sheet(self) -> Sheet | None:
        return self.sheets[self.free.pop(0)] if self.free else None

    def _row(self, what: str, wanted: Callable[[Sheet, int], bool]) -> tuple[Sheet, int] | None:
        """A row of a free file, one of a matter before others."""
        for place in self.free:
            sheet = self.sheets[place]
            found = [n for n in range(len(sheet.rows)) if wanted(sheet, n)]
            found = [
                n for n in found if str(sheet.value(n, self.layout.account)) in self.known
            ] or found
            if found:
                self.free.remove(place)
                return sheet, found[self._below(what, len(found))]
        return None

    def _below(self, what: str, limit: int) -> int:
        return self.draws.below(f"{self.layout.name}/{what}", limit)

    def _saved(
        self,
        kind: str,
        what: str,
        sheet: Sheet,
        changed: Mapping[int, Mapping[str, tuple[Any, Any]]],
    ) -> Planted:
        sheet.save()
        rows = tuple(n + self.layout.first_row for n in changed)
        references = tuple(str(sheet.value(n, self.layout.reference)) for n in changed)
        return self._planted(kind, what, sheet, rows, references, (), tuple(changed.values()))

    def _planted(
        self,
        kind: str,
        what: str,
        sheet: Sheet,
        rows: tuple[int, ...],
        references: tuple[str, ...],
        beside: tuple[str, ...] = (),
        changed: tuple[Mapping[str, tuple[Any, Any]], ...] = (),
    ) -> Planted:
        file = sheet.path.relative_to(self.folder).as_posix()
        return Planted(kind, self.layout.name, what, file, rows, references, beside, changed)


_PLAIN_LEAST = 5  # calls of an account that show its number, so that enough others still do
_KINDS: Mapping[str, Sequence[Callable[[_Planter], Planted | None]]] = {
    "backdated": (_Planter.backdated_days, _Planter.backdated_hours),
    "dropped": (_Planter.dropped_rows, _Planter.dropped_day),
    "edited": (_Planter.edited,),
    "masked": (_Planter.masked,),
    "wrong-zone": (_Planter.zone_file, _Planter.zone_span),
    "split": (_Planter.split, _Planter.split_account),
    "late": (_Planter.late,),
}


def _like(value: Any, more: int) -> Any:
    return _as(value, int(value) + more)


def _as(value: Any, seconds: int) -> Any:
    """The seconds as the export writes them: as text, or as a number."""
    return str(seconds) if isinstance(value, str) else seconds


def _hidden(phone: str) -> str:
    return f"{phone[:6]}****{phone[-4:]}"

"""Frauds made by hand in the exported files, as somebody with a text editor makes them: each is named.

Nothing here uses the generator's own code for frauds. The last tests are those that can't be named from the
data: they hold what docs/spec/findings.md §9 says.
"""

from __future__ import annotations

import csv
import io
import random
import re
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from notary.cases.collection.files import generate
from notary.cases.collection.make import Size
from notary.core.findings.analysis import analyse
from notary.core.findings.finding import Finding
from tests.simulators.case_records import days_of, switch_of

SEED = 77
CALLS, ASTERISK, FREESWITCH = "calls.csv", "Master.csv-*", "Master.csv.*"
SWITCH = {ASTERISK: "asterisk", FREESWITCH: "freeswitch"}
# Which columns are times, from 0; the called number; the reference.
STARTS = {CALLS: (1,), ASTERISK: (9, 10, 11), FREESWITCH: (4, 5, 6)}
CALLED = {CALLS: 7, ASTERISK: 2, FREESWITCH: 2}
REFERENCE = {CALLS: 0, ASTERISK: 16, FREESWITCH: 10}
TALK = {CALLS: 3, ASTERISK: 13, FREESWITCH: 8}
ACCOUNT = {CALLS: 8, ASTERISK: 0, FREESWITCH: 12}
FORM = "%Y-%m-%d %H:%M:%S"


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean") / "case"
    generate(folder, SEED, Size(debtors=12, days=28, working_day_calls=70, peak_day_calls=200))
    return folder


@pytest.fixture
def case(clean: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clean, tmp_path / "case"))


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(request.node.name)


class Hand:
    """One file, line by line, as an editor shows it."""

    def __init__(self, case: Path, export: str, chance: random.Random) -> None:
        self.export = export
        self.case = case
        name = SWITCH.get(export)
        pattern = f"switches/{name}/*/{export}" if name else f"days/*/{export}"
        self.files = sorted(case.glob(pattern))
        busy = [n for n in range(2, len(self.files) - 2) if len(self._lines(n)) > 50]
        self.place = chance.choice(busy)
        self.path = self.files[self.place]
        self.lines = self._lines(self.place)

    def _lines(self, place: int) -> list[str]:
        return self.files[place].read_text("utf-8").splitlines()

    @property
    def first(self) -> int:
        return 1 if self.export == CALLS else 0

    def pick(self, chance: random.Random, wanted: Callable[[list[str]], bool]) -> int:
        lines = range(len(self.lines) // 3, len(self.lines) - 5)
        found = [n for n in lines if wanted(self.cells(n))]
        assert found
        return chance.choice(found)

    def cells(self, n: int) -> list[str]:
        return next(csv.reader([self.lines[n]]))

    def reference(self, n: int) -> str:
        return self.cells(n)[REFERENCE[self.export]]

    def put(self, n: int, column: int, text: str) -> None:
        """Type another text over that of a cell."""
        cells = self.cells(n)
        cells[column] = text
        out = io.StringIO()
        if self.export == CALLS:
            csv.writer(out, lineterminator="").writerow(cells)
        else:
            csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="").writerow(cells)
        self.lines[n] = out.getvalue()

    def shift(self, n: int, by: timedelta) -> None:
        for column in STARTS[self.export]:
            text = self.cells(n)[column]
            if text:
                self.put(n, column, (datetime.strptime(text, FORM) + by).strftime(FORM))  # noqa: DTZ007

    def save(self) -> list[Finding]:
        end = "\r\n" if self.export == CALLS else "\n"
        self.path.write_text("".join(line + end for line in self.lines), "utf-8", newline="")
        return self.found()

    def found(self) -> list[Finding]:
        name = SWITCH.get(self.export)
        return analyse(days_of(self.case) if name is None else switch_of(self.case, name))


def named(found: list[Finding], code: str, *references: str) -> bool:
    return any(
        one.code == code and {*references} <= {place.reference for place in one.places}
        for one in found
    )


def codes(found: list[Finding]) -> set[str]:
    return {one.code for one in found}


everywhere = pytest.mark.parametrize("export", [CALLS, ASTERISK, FREESWITCH])
counted = pytest.mark.parametrize("export", [CALLS, ASTERISK])


@everywhere
@pytest.mark.parametrize("by", [timedelta(minutes=-95), timedelta(hours=4), timedelta(days=-3)])
def test_a_time_that_was_typed_over(
    case: Path, export: str, by: timedelta, chance: random.Random
) -> None:
    hand = Hand(case, export, chance)
    n = hand.pick(chance, lambda cells: True)
    hand.shift(n, by)
    found = hand.save()
    reference = hand.reference(n)
    assert any(
        named(found, code, reference)
        for code in ("TIME_OUT_OF_ORDER", "CLOCKS_DIFFER", "DAY_OTHER")
    )


@counted
@pytest.mark.parametrize("count", [1, 10])
def test_lines_that_were_deleted(
    case: Path, export: str, count: int, chance: random.Random
) -> None:
    hand = Hand(case, export, chance)
    n = hand.pick(chance, lambda cells: True)
    number = int(re.split(r"\D", hand.reference(n))[-1])
    del hand.lines[n : n + count]
    [found] = hand.save()
    assert found.code == "NUMBER_MISSING"
    assert f"{count} numbers" in found.text
    assert str(number) in found.text or count > 1


@counted
def test_the_last_lines_of_a_file_that_was_not_the_last(
    case: Path, export: str, chance: random.Random
) -> None:
    hand = Hand(case, export, chance)
    del hand.lines[-4:]
    assert codes(hand.save()) == {"NUMBER_MISSING"}


@everywhere
def test_a_file_of_a_day_that_was_deleted(case: Path, export: str, chance: random.Random) -> None:
    hand = Hand(case, export, chance)
    hand.path.unlink()
    found = hand.found()
    assert any(one.code == "DAY_EMPTY" and hand.path.parent.name in one.text for one in found)


@everywhere
def test_a_length_that_was_typed_over(case: Path, export: str, chance: random.Random) -> None:
    hand = Hand(case, export, chance)
    n = hand.pick(chance, lambda cells: int(cells[TALK[export]] or 0) > 40)
    hand.put(n, TALK[export], str(int(hand.cells(n)[TALK[export]]) // 3))
    assert named(hand.save(), "FIGURES_DIFFER", hand.reference(n))


def test_a_conversation_that_was_made_an_attempt(case: Path, chance: random.Random) -> None:
    hand = Hand(case, CALLS, chance)
    n = hand.pick(chance, lambda cells: cells[10] == "ANS")
    hand.put(n, 10, "NA")
    assert named(hand.save(), "FIGURES_DIFFER", hand.reference(n))


@everywhere
def test_digits_that_were_replaced_by_asterisks(
    case: Path, export: str, chance: random.Random
) -> None:
    hand = Hand(case, export, chance)
    # An account that is called on several days, with its number shown.
    text = "".join(path.read_text("utf-8") for path in hand.files)
    n = hand.pick(
        chance,
        lambda cells: (
            "*" not in cells[CALLED[export]]
            and cells[CALLED[export]] != "+447700900990"
            and text.count(cells[CALLED[export]]) > 4
        ),
    )
    number = hand.cells(n)[CALLED[export]]
    hand.put(n, CALLED[export], f"{number[:-6]}******")
    assert named(hand.save(), "NUMBER_MASKED", hand.reference(n))


@everywhere
@pytest.mark.parametrize("hours", [-5, 2, 8])
def test_a_file_that_was_moved_by_hours(
    case: Path, export: str, hours: int, chance: random.Random
) -> None:
    hand = Hand(case, export, chance)
    for n in range(hand.first, len(hand.lines)):
        hand.shift(n, timedelta(hours=hours))
    found = [one for one in hand.save() if one.code == "HOURS_SHIFTED"]
    moved = sha256(hand.path.read_bytes()).hexdigest()
    assert any({place.file for place in one.places} == {moved} for one in found)


@everywhere
def test_a_stretch_of_a_file_that_was_moved_by_an_hour(
    case: Path, export: str, chance: random.Random
) -> None:
    hand = Hand(case, export, chance)
    start = hand.pick(chance, lambda cells: True) - 12
    for n in range(start, start + 6):
        hand.shift(n, timedelta(hours=3))
    found = hand.save()
    moved = {hand.reference(n) for n in range(start, start + 6)}
    seen = {place.reference for one in found for place in one.places}
    assert moved <= seen


@everywhere
def test_a_call_that_was_cut_into_two(case: Path, export: str, chance: random.Random) -> None:
    hand = Hand(case, export, chance)
    talk = TALK[export]
    answered = "ANS" if export == CALLS else ""
    n = hand.pick(
        chance,
        lambda cells: int(cells[talk] or 0) > 150 and (not answered or cells[10] == answered),
    )
    hand.lines.insert(n + 1, hand.lines[n])
    seconds = int(hand.cells(n)[talk])
    whole = {CALLS: 4, ASTERISK: 12, FREESWITCH: 7}[export]
    ring = int(hand.cells(n)[whole]) - seconds
    for row, part in ((n, seconds // 2), (n + 1, seconds - seconds // 2)):
        hand.put(row, talk, str(part))
        hand.put(row, whole, str(part + ring))
    if export == CALLS:
        hand.put(n + 1, 2, str(ring))
    hand.shift(n + 1, timedelta(seconds=seconds // 2 + ring + 3))
    other = {CALLS: "D9999999", ASTERISK: "1700000000.99999", FREESWITCH: "f" * 8 + "-0000" * 3}[
        export
    ]
    hand.put(n + 1, REFERENCE[export], other)
    if export == ASTERISK:
        hand.put(n + 1, 19, other)
        hand.put(n + 1, 20, "99999")
    if export == FREESWITCH:
        hand.put(n + 1, REFERENCE[export], "f0000000-0000-4000-8000-000000000000")
    found = hand.save()
    assert "SPLIT" in codes(found) or named(found, "FIGURES_DIFFER", hand.reference(n))


@everywhere
def test_old_lines_that_were_appended_to_a_newer_file(
    case: Path, export: str, chance: random.Random
) -> None:
    hand = Hand(case, export, chance)
    older = hand.files[hand.place - 2]
    old = older.read_text("utf-8").splitlines()
    lines = old[3:6]
    older.write_text("".join(f"{line}\n" for line in [*old[:3], *old[6:]]), "utf-8", newline="")
    start = len(hand.lines)
    hand.lines += lines
    found = hand.save()
    assert named(found, "DAY_OTHER", *(hand.reference(n) for n in range(start, start + 3)))


def test_a_log_that_was_edited_with_care_differs_from_another_log(
    case: Path, chance: random.Random
) -> None:
    hand = Hand(case, CALLS, chance)
    n = hand.pick(chance, lambda cells: cells[10] == "ANS" and int(cells[3]) > 100)
    cells = hand.cells(n)
    hand.put(n, 3, str(int(cells[3]) - 60))
    hand.put(n, 4, str(int(cells[4]) - 60))
    assert hand.save() == []
    gone = hand.pick(chance, lambda cells: cells[8] != hand.cells(n)[8])
    reference = hand.reference(gone)
    del hand.lines[gone]
    hand.save()
    found = analyse([*days_of(case), *switch_of(case, "freeswitch")])
    changed = hand.reference(n if gone > n else n - 1)
    assert any(one.code == "SOURCES_DIFFER" and one.places[0].reference == changed for one in found)
    [lacks] = [one for one in found if one.code == "SOURCE_LACKS"]
    assert lacks.records == 1, reference


def test_one_line_less_where_nothing_counts_leaves_no_trace(
    case: Path, chance: random.Random
) -> None:
    hand = Hand(case, FREESWITCH, chance)
    del hand.lines[hand.pick(chance, lambda cells: True)]
    assert hand.save() == []


@everywhere
def test_the_last_lines_of_the_newest_file_leave_no_trace(
    case: Path, export: str, chance: random.Random
) -> None:
    hand = Hand(case, export, chance)
    hand.path = hand.files[-1]
    hand.lines = hand.path.read_text("utf-8").splitlines()[:-2]
    assert hand.save() == []


def test_a_time_that_was_moved_less_than_its_neighbours_are_away_leaves_no_trace(
    case: Path, chance: random.Random
) -> None:
    hand = Hand(case, CALLS, chance)
    starts = [datetime.strptime(hand.cells(n)[1], FORM) for n in range(1, len(hand.lines))]  # noqa: DTZ007
    gap = max(range(1, len(starts)), key=lambda n: starts[n] - starts[n - 1])
    hand.shift(gap + 1, (starts[gap - 1] - starts[gap]) / 2)
    found = hand.save()
    assert not named(found, "TIME_OUT_OF_ORDER", hand.reference(gap + 1))

"""The model is the same for a seed, and an edit of it is an edit of the exports and of the answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from notary.cases.collection.expected import expected
from notary.cases.collection.files import write
from notary.cases.collection.make import Size, make
from notary.cases.collection.model import DAY, Call

SMALL = Size(debtors=10, days=14, working_day_calls=10, peak_day_calls=30)


def test_a_seed_gives_the_same_model_and_another_seed_another() -> None:
    assert make(3, SMALL) == make(3, SMALL)
    assert make(3, SMALL).events != make(4, SMALL).events


def test_references_are_unique_within_an_export() -> None:
    events = make(3, SMALL).events
    assert len({(event.export, event.reference) for event in events}) == len(events)


def test_a_dropped_call_is_missing_from_its_day_and_leaves_a_gap(tmp_path: Path) -> None:
    case = make(3, SMALL)
    dropped = next(call for call in case.calls if call.matter is not None)
    edited = replace(case, events=tuple(event for event in case.events if event is not dropped))
    before, after = expected(case), expected(edited)
    assert before["records"] == after["records"] + 1  # type: ignore[operator]
    write(tmp_path / "clean", case)
    write(tmp_path / "edited", edited)
    name = f"days/{dropped.exported_on}/calls.csv"
    clean = (tmp_path / "clean" / name).read_text("utf-8").splitlines()
    damaged = (tmp_path / "edited" / name).read_text("utf-8").splitlines()
    gone = [line for line in clean if line not in damaged]
    assert [line.split(",")[0] for line in gone] == [dropped.reference]
    numbers = sorted(call.number for call in edited.calls)
    assert set(range(1, numbers[-1] + 1)) - set(numbers) == {dropped.number}


def test_a_late_row_moves_to_another_day_with_its_own_time(tmp_path: Path) -> None:
    case = make(3, SMALL)
    call = next(one for one in case.calls if one.matter is not None)
    late = replace(call, exported_on=call.exported_on + 2 * DAY)
    edited = replace(case, events=tuple(late if one is call else one for one in case.events))
    write(tmp_path / "edited", edited)
    days = tmp_path / "edited" / "days"
    found = [path for path in days.glob("*/calls.csv") if call.reference in path.read_text("utf-8")]
    assert [path.parent.name for path in found] == [str(late.exported_on)]
    assert isinstance(late, Call)
    assert late.at == call.at


@pytest.mark.parametrize(
    ("size", "fault"),
    [
        (Size(days=6), "want 7 days or more, got 6"),
        (Size(debtors=51), "want 1 to 50 debtors, got 51"),
        (Size(debtors=0), "want 1 to 50 debtors, got 0"),
    ],
)
def test_a_size_that_can_not_be_made_is_refused(size: Size, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        make(1, size)

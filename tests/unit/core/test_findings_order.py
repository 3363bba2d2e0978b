"""Which records stand against an order, and which numbers are missing."""

from __future__ import annotations

from itertools import combinations, permutations

import pytest

from notary.core.findings.finding import CODES
from notary.core.findings.numbers import number_findings
from notary.core.findings.order import against
from tests.simulators.sightings import HOUR, MINUTE, call, stream


def test_the_fewest_records_are_taken_out() -> None:
    for values in permutations(range(6)):
        found = against(values, 0, least=1, most=100)
        # The longest ascending part by trying all of them.
        longest = max(
            size
            for size in range(1, 7)
            if any(list(part) == sorted(part) for part in combinations(values, size))
        )
        assert len(found) == 6 - longest, values


@pytest.mark.parametrize("by", [-3 * HOUR, 3 * HOUR])
def test_one_record_that_was_moved_is_named_with_its_neighbours(by: int) -> None:
    records = stream(40)
    records[20] = call(20, at=20 * 10 * MINUTE + by)
    [found] = number_findings("s", records)
    assert found.code == "TIME_OUT_OF_ORDER"
    assert [place.reference for place in found.places] == ["D0020", "D0019", "D0021"]


def test_a_record_that_stays_between_its_neighbours_is_not_seen() -> None:
    records = stream(40)
    records[20] = call(20, at=20 * 10 * MINUTE + 9 * MINUTE)
    assert list(number_findings("s", records)) == []


def test_a_stretch_that_was_moved_is_one_finding() -> None:
    records = stream(100)
    for n in range(40, 46):
        records[n] = call(n, at=n * 10 * MINUTE + 5 * HOUR)
    [found] = number_findings("s", records)
    assert found.code == "HOURS_SHIFTED"
    assert {f"D{n:04}" for n in range(40, 46)} <= {place.reference for place in found.places}


def test_missing_numbers_are_named_between_their_neighbours() -> None:
    records = [one for n, one in enumerate(stream(60)) if n not in (7, 30, 31)]
    [found] = number_findings("s", records)
    assert found.code == "NUMBER_MISSING"
    assert "3 numbers between 0 and 59" in found.text
    assert "7, 30 to 31" in found.text
    assert [place.reference for place in found.places] == ["D0006", "D0008", "D0029", "D0032"]


def test_numbers_that_are_no_count_miss_nothing() -> None:
    records = [call(n * n + 1000, at=n * MINUTE) for n in range(50)]
    assert list(number_findings("s", records)) == []


def test_a_number_of_another_form_is_named() -> None:
    records = [*stream(40), call(12, reference="D0012B", at=121 * MINUTE)]
    [found] = number_findings("s", records)
    assert (found.code, found.places[0].reference) == ("NUMBER_FOREIGN", "D0012B")


def test_a_number_that_stands_twice_is_named() -> None:
    records = [*stream(40), call(12, at=120 * MINUTE, account="B")]
    [found] = number_findings("s", records)
    assert (found.code, found.records) == ("NUMBER_FOREIGN", 2)


def test_each_code_is_there_once() -> None:
    assert len(set(CODES)) == len(CODES)

"""What has come and what is missing, against a count by sets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.format.errors import FormatError
from verifier.format.source_count import Range, SourceCount, check_ranges, covers

numbers = st.lists(st.integers(0, 30), max_size=40)


def missing_of(came: set[int], first: int) -> set[int]:
    return set(range(first, max(came, default=first - 1) + 1)) - came


def spread(ranges: list[Range]) -> set[int]:
    return {number for first, last in ranges for number in range(first, last + 1)}


@given(st.integers(0, 5), numbers)
def test_ranges_are_what_sets_say_in_their_one_form(first: int, given_: list[int]) -> None:
    count, came = SourceCount(first), set[int]()
    for number in given_:
        may = number >= first and number not in came
        assert count.may_come(number) or not may
        if may:
            count.take(number, "call")
            came.add(number)
        else:
            with pytest.raises(FormatError) as caught:
                count.take(number, "call")
            low = number < first
            assert caught.value.code == ("SOURCE_NUMBER_LOW" if low else "SOURCE_NUMBER_TWICE")
        assert spread(count.missing) == missing_of(came, first)
        assert count.next == max(came, default=first - 1) + 1
        check_ranges(count.missing, first, count.next)


@given(numbers)
def test_a_count_goes_on_from_its_closing(given_: list[int]) -> None:
    whole = SourceCount(0)
    for number in dict.fromkeys(given_):
        whole.take(number, "call")
        day = whole.close()
        assert (day.first, day.last, day.counts) == (number, number, {"call": 1})
        whole = SourceCount(0, whole.next, whole.missing)
    assert spread(whole.missing) == missing_of(set(given_), 0)


def test_a_day_has_its_least_and_greatest_number_and_counts_by_kind() -> None:
    count = SourceCount(0)
    for number, kind in ((5, "call"), (3, "message"), (9, "call")):
        count.take(number, kind)
    assert count.close() == (3, 9, {"call": 2, "message": 1})
    assert count.close() == (None, None, {})


@pytest.mark.parametrize(
    "ranges",
    [
        [(2, 1)],
        [(5, 6), (1, 2)],
        [(1, 2), (3, 4)],
        [(1, 3), (3, 5)],
        [(0, 9)],
        [(1, 10)],
        [(-1, 0)],
    ],
)
def test_ranges_out_of_their_form_are_refused(ranges: list[Range]) -> None:
    with pytest.raises(FormatError) as caught:
        check_ranges(ranges, 0, 10)
    assert caught.value.code == "SOURCE_MISSING"


@given(st.sets(st.integers(0, 20)), st.integers(0, 22), st.sets(st.integers(0, 25)))
def test_covering_is_being_a_subset(came: set[int], first: int, wanted: set[int]) -> None:
    def joined(some: set[int]) -> list[Range]:
        found: list[Range] = []
        for number in sorted(some):
            if found and found[-1][1] == number - 1:
                found[-1] = (found[-1][0], number)
            else:
                found.append((number, number))
        return found

    ranges = [(a, min(b, first - 2)) for a, b in joined(came) if a < first - 1]
    allowed = spread(ranges) | set(range(first, 40))
    assert covers(ranges, first, joined(wanted)) == (wanted <= allowed)


def test_a_number_that_is_set_aside_comes_once_and_moves_once() -> None:
    count = SourceCount(0)
    count.take(0, "call")
    count.set_aside(2, "call")
    assert (count.missing, count.aside, count.counts) == ([(1, 1)], 1, {"call": 2})
    with pytest.raises(FormatError, match="has come"):
        count.take(2, "call")
    count.move()
    assert (count.missing, count.aside, count.counts) == ([(1, 1)], 0, {"call": 2})
    with pytest.raises(FormatError) as caught:
        count.move()
    assert caught.value.code == "SOURCE_ASIDE_NONE"


def test_the_count_goes_on_from_a_closing() -> None:
    count = SourceCount(0, 5, [(1, 2)], 2)
    count.move()
    assert (count.next, count.missing, count.aside) == (5, [(1, 2)], 1)
    assert count.close() == (None, None, {})

"""Step 11.1: positions stand (docs/spec/verification.md §3)."""

from collections.abc import Iterator

from verifier.check.case import Case
from verifier.check.rows import Blocked, Trouble

RESTS_ON = ("6.5", "7.3")
RESTS_ON_FULL_HISTORY = (*RESTS_ON, "7.7")


def step_11_1(case: Case) -> Iterator[Trouble]:
    """Steps 6.5 and 7.3, with a full history also 7.7, hold for at least one record."""
    if not case.leaf_hashes:
        raise Blocked("any record")
    for number in RESTS_ON_FULL_HISTORY if case.history_is_full else RESTS_ON:
        # A step that was not run holds as little as one that failed.
        if case.found.get(number) != []:
            raise Blocked(f"step {number}")
    yield from ()

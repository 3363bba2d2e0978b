"""The numbered steps of docs/spec/verification.md §3, each a function that finds troubles.

A step looks at nothing that another step owns; where its material is missing it is blocked. So a
report names every rule that is broken, and taking a step out lets through what only it catches.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from verifier.check.rows import Row, Trouble
from verifier.check.steps import (
    anchor,
    checkpoint,
    completeness,
    container,
    events,
    finality,
    history,
    inclusion,
    integrity,
    order,
    receipts,
    sources,
    time,
    timestamp,
    withheld,
)
from verifier.format.statement import Kind

# A step of a chain proof alone takes a `ChainProof`, of which every `Case` is one.
Run = Callable[[Any], Iterator[Trouble]]

# Rows that say nothing of a package of that kind, with the code that says why (§4).
NOT_APPLICABLE: Mapping[Kind, Mapping[Row, str]] = {
    Kind.COMPLETE: {},
    Kind.EXTRACT: {Row.COMPLETENESS: "EXTRACT"},
    Kind.ABSENT: {
        Row.INTEGRITY: "NO_RECORDS",
        Row.ORDER: "NO_RECORDS",
        Row.TIME: "NO_RECORDS",
        Row.EVENTS: "NO_RECORDS",
        Row.WITHHELD: "NO_RECORDS",
        Row.SOURCES: "NO_RECORDS",
    },
}

# What a step catches must be caught too where its own row is not applicable: a package of another
# matter is no evidence of any kind, and no header in evm.json may go unread.
_ELSEWHERE: Mapping[Kind, Mapping[str, Row]] = {
    Kind.COMPLETE: {},
    Kind.EXTRACT: {"8.2": Row.INCLUSION, "8.3": Row.INCLUSION},
    Kind.ABSENT: {"10.2": Row.ANCHOR},
}


class Step(NamedTuple):
    """A step: its number, the row that it counts for, and what finds its troubles."""

    number: str
    row: Row
    run: Run

    @property
    def sentence(self) -> str:
        """What the step requires, in the specification's words."""
        return (self.run.__doc__ or "").strip().split("\n")[0]

    @property
    def order(self) -> tuple[int, ...]:
        """Sorts 4.10 after 4.9."""
        return tuple(int(part) for part in self.number.split("."))

    def row_in(self, kind: Kind | None) -> Row | None:
        """The row in a package of that kind, None if the step is not judged there."""
        if kind is None or self.row not in NOT_APPLICABLE[kind]:
            return self.row
        return _ELSEWHERE[kind].get(self.number)


def _steps(row: Row, *functions: Run) -> dict[str, Step]:
    steps = {}
    for function in functions:
        number = function.__name__.removeprefix("step_").replace("_", ".")
        steps[number] = Step(number, row, function)
    return steps


STEPS: dict[str, Step] = {
    **_steps(
        Row.CONTAINER,
        container.step_2_1,
        container.step_2_2,
        container.step_2_3,
        container.step_2_4,
        container.step_2_5,
        container.step_2_6,
        container.step_2_7,
        container.step_2_8,
    ),
    **_steps(
        Row.INTEGRITY,
        integrity.step_3_1,
        integrity.step_3_2,
        integrity.step_3_3,
        integrity.step_3_4,
        integrity.step_3_5,
        integrity.step_3_6,
        integrity.step_3_7,
        integrity.step_3_8,
    ),
    **_steps(
        Row.ANCHOR,
        anchor.step_4_1,
        anchor.step_4_2,
        anchor.step_4_3,
        anchor.step_4_4,
        anchor.step_4_5,
        anchor.step_4_6,
        anchor.step_4_7,
        anchor.step_4_8,
        anchor.step_4_9,
        anchor.step_4_10,
        anchor.step_4_11,
        anchor.step_4_12,
    ),
    **_steps(
        Row.CHECKPOINT,
        checkpoint.step_5_1,
        checkpoint.step_5_2,
        checkpoint.step_5_3,
        checkpoint.step_5_4,
        checkpoint.step_5_5,
        checkpoint.step_5_6,
    ),
    **_steps(
        Row.INCLUSION,
        inclusion.step_6_1,
        inclusion.step_6_2,
        inclusion.step_6_3,
        inclusion.step_6_4,
        inclusion.step_6_5,
    ),
    **_steps(
        Row.HISTORY,
        history.step_7_1,
        history.step_7_2,
        history.step_7_3,
        history.step_7_4,
        history.step_7_5,
        history.step_7_6,
        history.step_7_7,
        history.step_7_8,
        history.step_7_9,
    ),
    **_steps(
        Row.COMPLETENESS,
        completeness.step_8_1,
        completeness.step_8_2,
        completeness.step_8_3,
        completeness.step_8_4,
        completeness.step_8_5,
        completeness.step_8_6,
        completeness.step_8_7,
        completeness.step_8_8,
        completeness.step_8_9,
    ),
    **_steps(
        Row.FINALITY, finality.step_9_1, finality.step_9_2, finality.step_9_3, finality.step_9_4
    ),
    **_steps(Row.TIME, time.step_10_1, time.step_10_2, time.step_10_3, time.step_10_4),
    **_steps(Row.ORDER, order.step_11_1),
    **_steps(
        Row.RECEIPTS,
        receipts.step_12_1,
        receipts.step_12_2,
        receipts.step_12_3,
        receipts.step_12_4,
        receipts.step_12_5,
    ),
    **_steps(
        Row.EVENTS,
        events.step_17_1,
        events.step_17_2,
        events.step_17_3,
        events.step_17_4,
        events.step_17_5,
        events.step_17_6,
        events.step_17_7,
        events.step_17_8,
        events.step_17_9,
    ),
    **_steps(Row.WITHHELD, withheld.step_13_1, withheld.step_13_2, withheld.step_13_3),
    **_steps(
        Row.TIMESTAMP,
        timestamp.step_15_1,
        timestamp.step_15_2,
        timestamp.step_15_3,
        timestamp.step_15_4,
        timestamp.step_15_5,
        timestamp.step_15_6,
        timestamp.step_15_7,
    ),
    **_steps(
        Row.SOURCES,
        sources.step_18_1,
        sources.step_18_2,
        sources.step_18_3,
        sources.step_18_4,
        sources.step_18_5,
        sources.step_18_6,
        sources.step_18_7,
        sources.step_18_8,
        sources.step_18_9,
        sources.step_18_10,
    ),
}

# What `verifier anchor` runs (§8).
ANCHOR_STEPS = ("4.1", "4.4", "4.5", "4.6", "4.7", "4.8", "4.10", "4.11")

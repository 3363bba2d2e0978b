"""Holds the register of erasures against the log: neither may say of an erasure what the other does not know.

The key of the register lies beside it, so whoever runs the service could write it anew; the tombstones
stand in the log, which the chain anchors. Spec: docs/spec/erasure.md §4.
Test: tests/unit/store/test_erasure_check.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from notary.core.erasures import (
    ERASURE,
    Order,
    Reason,
    Standing,
    State,
    Target,
    read_target,
    standings,
)
from notary.errors import Contradiction
from notary.ports import Clock
from notary.usecases.erase import ErasureRegister, lines_now
from notary.usecases.read import RecordReader
from verifier.format import records
from verifier.format.digests import Digest
from verifier.format.times import format_time


class LoggedErasures(Protocol):
    """What the store holds of erasures."""

    def emptied_or_stones(self) -> list[tuple[int, Target, bool]]:
        """Of the whole store the records without content, and the tombstones with True: agency and place."""
        ...

    def without_tombstone(self, targets: Sequence[Target]) -> list[Target]:
        """Of those that are in the store, the records of which the log does not say that they were erased."""
        ...


@dataclass(frozen=True)
class ErasureCheck:
    """The register of one store, and what the store's log says of erasures."""

    logged: LoggedErasures
    reader: RecordReader
    erasures: ErasureRegister

    def lines(self) -> None:
        """Every line is whole, and each erasure that it calls recorded has its tombstone.

        Raises CallerError as ErasureRegister.lines, Contradiction ERASURES_UNSAID.
        """
        gone = {
            one.target: one
            for one in standings(self.erasures.lines()).values()
            if one.state in (State.RECORDED, State.DESTROYED)
        }
        # A record that is not here came after the backup that this store was restored from.
        for target in self.logged.without_tombstone(list(gone)):
            raise Contradiction(
                "ERASURES_UNSAID",
                f"the register says since {format_time(gone[target].at)} that record {target.position} of "
                f"matter {target.matter.hex()} was erased, and the log does not. Whoever wrote that line "
                "holds the keys.",
            )

    def store(self) -> None:
        """Every tombstone, and every record without content, stands in the register.

        Raises Contradiction ERASURES_BEHIND or CONTENT_GONE, CallerError as `lines`.
        """
        stones, emptied = self._said()
        # Read after the store: a line is durable before what the store says of it.
        known = standings(self.erasures.lines())
        require_known(unknown(stones, known))
        for target in emptied:
            # Its tombstone was just found in the register, or a restored store lacks it yet.
            if target.leaf not in known:
                raise Contradiction(
                    "CONTENT_GONE",
                    f"record {target.position} of matter {target.matter.hex()} has no content, and neither "
                    "the log nor the register says that it was erased. Restore a backup that has it.",
                )

    def stones(self) -> list[Standing]:
        """What each tombstone of the store says."""
        return self._said()[0]

    def _said(self) -> tuple[list[Standing], list[Target]]:
        found = self.logged.emptied_or_stones()
        emptied = [target for _, target, is_stone in found if not is_stone]
        matters = {
            (agency_id, target.matter): None for agency_id, target, is_stone in found if is_stone
        }
        stones = []
        for agency_id, key in matters:
            for view, said in self.reader.of_kind(agency_id, key, ERASURE):
                target = read_target(said["target"], key)
                assert target is not None  # only the service writes this kind
                text = said.get("text")
                order = Order(
                    Reason(str(said["reason"])),
                    str(said["authority"]),
                    None if text is None else str(text),
                )
                at = records.parse_leaf(view.leaf).recorded_at
                stones.append(Standing(State.RECORDED, at, target, order))
        return stones, emptied


def unknown(stones: list[Standing], known: Mapping[Digest, Standing]) -> list[Standing]:
    """Those of the log's erasures that the register does not have, or has as dropped."""
    return [
        one
        for one in stones
        if one.target.leaf not in known or known[one.target.leaf].state is State.DROPPED
    ]


def require_known(missing: list[Standing]) -> None:
    """Raise Contradiction ERASURES_BEHIND naming the first erasure that the register lacks."""
    for one in missing:
        raise Contradiction(
            "ERASURES_BEHIND",
            f"the log says since {format_time(one.at)} that record {one.target.position} of matter "
            f"{one.target.matter.hex()} was erased, and the register of erasures does not have it, nor "
            f"{len(missing) - 1} others: it is older than the store, or its end was cut off. Take its newest "
            "copy (notary restore --erasures FILE).",
        )


def take_from_log(erasures: ErasureRegister, clock: Clock, missing: list[Standing]) -> None:
    """Write what the log says into a register that lacks it."""
    for state in (State.BEGUN, State.RECORDED):
        erasures.append(lines_now(clock, state, missing))

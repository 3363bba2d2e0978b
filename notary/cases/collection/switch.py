"""Owns what all ways to log the calls have in common: a folder for each day, files, and identifiers.

Test: tests/scenarios/ingest/test_collection_case.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from notary.cases.collection.model import Call, Disposition
from notary.cases.draws import Draws

COMPANY = "Northway Example"


def _every(call: Call) -> bool:
    return True


@dataclass(frozen=True)
class Switch:
    """A way to log calls: the file of a call, a file's content, and the word for each ending (or none).

    `local` says that its times are those of the agency's clock, without offset. `holds` tells the calls that
    it logs.
    """

    name: str
    file: Callable[[Call], str]
    content: Callable[[Sequence[Call], Draws], bytes]
    endings: Callable[[Disposition], str | None]
    local: bool = False
    holds: Callable[[Call], bool] = _every


def path_of(switch: Switch, call: Call) -> str:
    """The file that holds the call: its path below the case's folder."""
    return f"switches/{switch.name}/{call.exported_on}/{switch.file(call)}"


def as_they_ended(calls: Sequence[Call]) -> list[Call]:
    """The calls in the order in which a switch writes them: when they end."""
    return sorted(calls, key=lambda call: (call.ended_at, call.number))


def uuid(draws: Draws, what: str) -> str:
    """A UUID of version 4 (RFC 9562 §5.4) whose random bits are drawn."""
    digits = draws.hexes(f"uuid/{what}")
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"

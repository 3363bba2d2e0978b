"""Checks the senders' signatures of the records that a package shows (docs/spec/handed-in.md §3).

Reads what the package shows and believes nothing of it: that the records are the log's, the verifier says.
Test: tests/scenarios/agent/test_handed_in.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from notary.agent.signing import check
from notary.errors import CallerError, Contradiction
from notary.usecases.reissue import Earlier
from verifier.format import records
from verifier.format.jsonc import Json


class Standing(StrEnum):
    """How a record's signature stands."""

    HOLDS = "HOLDS"
    BAD = "BAD"
    NOT_SIGNED = "NOT SIGNED"
    NOT_CHECKED = "NOT CHECKED"


@dataclass(frozen=True)
class Handed:
    """One record. `key` and `source` are those of a signature that holds."""

    position: int
    kind: str
    standing: Standing
    key: str | None
    source: str | None
    reason: str


def handed_in(package: Earlier, key: str | None) -> Iterator[Handed]:
    """Each record of the package, in order. With `key`, a signature by another one is BAD."""
    shown: dict[int, dict[str, Json]] = {}
    for line in package.lines:
        place, _, raw = line.partition(b" ")
        one = records.open_disclosure(raw)
        shown.setdefault(int(place), {})[one.name] = one.value
    matter = package.stated.choices.matter.text
    for position, data in package.leaves.items():
        leaf = records.parse_leaf(data)
        claims = shown.get(position, {})
        hidden = set(leaf.claims) - set(claims)
        if hidden:
            reason = f"{min(hidden)} is withheld, so what was signed is not known"
            yield Handed(position, leaf.kind, Standing.NOT_CHECKED, None, None, reason)
            continue
        try:
            found = check(matter, leaf.kind, claims)
        except CallerError as error:
            yield Handed(position, leaf.kind, Standing.NOT_SIGNED, None, None, str(error))
        except Contradiction as error:
            yield Handed(position, leaf.kind, Standing.BAD, None, None, str(error))
        else:
            good = key in (None, found.key)
            reason = (
                "" if good else f"it is by the key {found.key}, which is not the one that you name"
            )
            standing = Standing.HOLDS if good else Standing.BAD
            yield Handed(position, leaf.kind, standing, found.key, found.source, reason)

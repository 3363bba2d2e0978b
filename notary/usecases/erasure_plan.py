"""What erasing records would take, what stays provable, and what stands in the way. Writes nothing.

Spec: docs/spec/erasure.md §1, §2. Test: tests/unit/store/test_erase.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from notary.core.erasures import NEVER_ERASED, Order, Target, check_stated
from notary.core.personal import require_impersonal, spellings, telling_values
from notary.errors import CallerError
from notary.ports import Matter
from notary.usecases.erasure_store import ErasureStore
from notary.usecases.evidence_store import RecordContent
from notary.usecases.holds import Hold, Holds, covering, values_of
from notary.usecases.read import RecordReader
from verifier.format import records
from verifier.format.digests import Digest
from verifier.format.jsonc import Json
from verifier.format.kinds import is_attachment
from verifier.format.times import format_time


class Keeping(Protocol):
    """What the operator's rules say of how long records are kept."""

    def kept_until(
        self, matter: Matter, positions: Sequence[int]
    ) -> Mapping[int, tuple[datetime, str]]:
        """Of each of these records that a rule still keeps: until when, and the rule's basis."""
        ...


@dataclass(frozen=True)
class Planned:
    """What erasing one record would do.

    `originals` are their sizes in bytes, `kept` counts stretches of source files, `also` are other records of
    the matter that hold the same original. `tombstone` is the position of the one that is there already,
    `early` what a tombstone says before the end of a minimum retention, `refused` what stands in the way.
    """

    target: Target
    kind: str
    recorded_at: datetime
    claims: tuple[str, ...]
    originals: tuple[int, ...]
    kept: int
    also: tuple[int, ...]
    has_content: bool
    tombstone: int | None
    early: str | None
    refused: CallerError | None

    def shown(self) -> dict[str, Any]:
        """The same for programs."""
        refused = self.refused
        return {
            "position": self.target.position,
            "kind": self.kind,
            "recorded_at": format_time(self.recorded_at),
            "leaf": self.target.leaf.hex(),
            "claims": list(self.claims),
            "originals": list(self.originals),
            "kept_stretches": self.kept,
            "also_in": list(self.also),
            "had_content": self.has_content,
            "tombstone": self.tombstone,
            "early": self.early,
            "refused": None if refused is None else {"code": refused.code, "text": str(refused)},
        }


@dataclass(frozen=True)
class Planner:
    """Plans erasures of one service's records."""

    store: ErasureStore
    reader: RecordReader
    holds: Holds
    keeping: Keeping

    def plan(
        self, matter: Matter, positions: Sequence[int], order: Order | None, *, early: bool = False
    ) -> list[Planned]:
        """The plan for each position, ascending; without an order its words alone are not looked at.

        Raises CallerError POSITIONS_WANTED, RECORD_UNKNOWN, STATED_TEXT or STATED_PERSONAL.
        """
        wanted = sorted(set(positions))
        if not wanted:
            raise CallerError("POSITIONS_WANTED", "name the positions of the records to erase.")
        agency_id, key = matter.agency_id, Digest(matter.key)
        with self.store.reading() as seen:
            places = seen.places(agency_id, key, wanted)
            targets = [
                Target(key, position, place.content.leaf_hash) for position, place in places.items()
            ]
            stones = {
                target.position: position
                for target, position in seen.tombstones(agency_id, targets).items()
            }
        for position in wanted:
            if position not in places:
                raise CallerError(
                    "RECORD_UNKNOWN", f"{matter.number} has no record at position {position}."
                )
        contents = dict(zip(wanted, self.reader.contents(agency_id, key, wanted), strict=True))
        if order is not None:
            _check_order(order, contents.values())
        held = self.holds.standing(matter)
        kept = self.keeping.kept_until(matter, wanted)
        same = self._same_originals(matter, contents)
        planned = []
        for position in wanted:
            place, leaf = places[position], records.parse_leaf(places[position].leaf)
            target = Target(key, position, place.content.leaf_hash)
            refused = None
            if leaf.kind in NEVER_ERASED:
                refused = CallerError(
                    "ERASURE_KIND",
                    f"record {position} is of kind {leaf.kind}: it says what was done, and stays.",
                )
            elif place.content.has_content and position not in stones:
                refused = _blocked(matter, position, held, {} if early else kept)
            planned.append(
                Planned(
                    target,
                    leaf.kind,
                    leaf.recorded_at,
                    tuple(leaf.claims),
                    place.originals,
                    place.kept,
                    tuple([one for one in same.get(position, ()) if one not in contents]),
                    place.content.has_content,
                    stones.get(position),
                    _early(*kept[position]) if early and position in kept else None,
                    refused,
                )
            )
        return planned

    def with_content(self, matter: Matter) -> list[int]:
        """The positions of the records that can be erased."""
        with self.store.reading() as seen:
            places = seen.places(matter.agency_id, matter.key, range(matter.size))
        return [
            position
            for position, place in sorted(places.items())
            if place.content.has_content and records.parse_leaf(place.leaf).kind not in NEVER_ERASED
        ]

    def _same_originals(
        self, matter: Matter, wanted: Mapping[int, RecordContent]
    ) -> dict[int, list[int]]:
        """Other records of the matter that hold an original, or the source file, of each of these."""
        names = {position: _names_of(content) for position, content in wanted.items()}
        if not any(names.values()):
            return {}
        found: dict[int, list[int]] = {}
        everything = range(matter.size)
        for other, content in zip(
            everything, self.reader.contents(matter.agency_id, matter.key, everything), strict=True
        ):
            theirs = _names_of(content, held=True)
            for position, ours in names.items():
                if position != other and ours & theirs:
                    found.setdefault(position, []).append(other)
        return found


def require_free(planned: Iterable[Planned]) -> None:
    """Raise what stands in the way of the first record that may not be erased."""
    for one in planned:
        if one.refused is not None:
            raise one.refused


def held_by(matter: Matter, position: int, hold: Hold) -> CallerError:
    """The refusal that names the hold."""
    return CallerError(
        "ERASURE_HELD",
        f"record {position} is under the hold that record {hold.position} set at "
        f"{format_time(hold.recorded_at)}: {hold.reason} ({hold.authority}). Release it first: "
        f"notary hold release {matter.number} {hold.position}",
    )


def _blocked(
    matter: Matter,
    position: int,
    held: Sequence[Hold],
    kept: Mapping[int, tuple[datetime, str]],
) -> CallerError | None:
    hold = covering(held, position)
    if hold is not None:
        return held_by(matter, position, hold)
    if position in kept:
        until, basis = kept[position]
        return CallerError(
            "ERASURE_EARLY",
            f"record {position} is kept until {format_time(until)} by {basis}. Wait until then, or say "
            "--early and the authority that allows it.",
        )
    return None


def _early(until: datetime, basis: str) -> str:
    return (
        f"erased before the end of its minimum retention: {basis}, kept until {format_time(until)}"
    )


def _check_order(order: Order, contents: Iterable[RecordContent]) -> None:
    check_stated("authority", order.authority)
    require_impersonal("authority", order.authority)
    for content in contents:
        told = telling_values(values_of(content.disclosures))
        parts = [part for _, text in told for part in spellings(text)]
        require_impersonal("authority", order.authority, parts)


def _names_of(content: RecordContent, *, held: bool = False) -> set[str]:
    """What names the files that a record holds; without `held` also the one that it was read from."""
    found = set()
    for name, text in content.disclosures.items():
        if is_attachment(name):
            found.add(_member(records.parse_disclosure(text).value, "sha256"))
        elif name == "import" and not held:
            found.add(_member(records.parse_disclosure(text).value, "file_sha256"))
        elif name == "fields" and not held:
            found.add(_member(records.parse_disclosure(text).value, "bytes_in"))
        elif name == "reference" and held and content.originals:
            value = records.parse_disclosure(text).value
            found.add(value if isinstance(value, str) else "")
    return found - {""}


def _member(value: Json, name: str) -> str:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, str) else ""

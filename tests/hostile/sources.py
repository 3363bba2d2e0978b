"""A world whose records come from a source, and the package that shows the source's log.

A second reading of docs/spec/format.md §16 and package.md §6: numbers are counted by sets, roots
by the whole tree. Attacks edit the entries, what is shown of them, or the files. Test of the undamaged
one: the first attack of tests/hostile/attacks/sources.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from tests.hostile.case import Case, case
from tests.hostile.log import Log, Matter, Record, map_proof
from tests.hostile.package import Package
from tests.hostile.world import CASE, STRANGERS_CALL, World
from verifier.format import jsonc, numbers, trees
from verifier.format.digests import b64url_encode
from verifier.format.jsonc import Json

Entry = dict[str, Any]
Edit = Callable[[list[Entry]], Any]
"""Changes the entries of a source's log before anything is hashed."""

DAY = 86_400  # seconds
PBX, OTHER_PBX = "pbx-1", "pbx-2"

PROFILE: dict[str, Any] = {
    "name": PBX, "numbering": "source", "first": 1, "zone": "Europe/Berlin", "continues": None,
    "host": None, "software": "Asterisk", "version": "20", "clock": "NTP", "offset_ms": None,
    "hides": ["unanswered=no"], "outages": [], "late_s": None, "silent_s": None,
}  # fmt: skip


class Source:
    """One source: its number in a log, and the entries so far."""

    def __init__(self, log: Log, name: str = PBX, tag: bytes | None = None) -> None:
        self.log, self.name = log, name
        tag = tag or numbers.log_tag(log.chain.chain_id, log.contract, log.address)
        self.number = numbers.make_source(log.secrets.take(f"source {name}", 16), tag)
        self.entries: list[Entry] = []
        self.day = 1
        self.profile(**{**PROFILE, "name": name})

    @property
    def key(self) -> str:
        return self.number.key.hex()

    def _at(self) -> str:
        return f"2026-10-{self.day:02}T22:00:00.000Z"

    def profile(self, **members: Any) -> None:
        self.entries.append({"entry": "profile", "at": self._at(), "profile": members})

    def aside(self, number: int, row: bytes) -> int:
        """A row of no matter, which begins to wait; the index of its entry."""
        message = b"notary/source-aside/v1\n" + bytes.fromhex(self.key) + number.to_bytes(8, "big")
        digest = hashlib.sha256(message + self.salt(number) + row).digest()
        self.entries.append(
            {"entry": "aside", "kind": "call", "number": number, "row": b64url_encode(digest)}
        )
        return len(self.entries) - 1

    def salt(self, number: int) -> bytes:
        return self.log.secrets.take(f"aside {self.name} {number}", 32)

    def moved(self, matter: str, number: int, index: int, claims: dict[str, Json]) -> Record:
        """A row that waited comes into a matter; its number was set aside in the entry at the index."""
        waited: Json = {"salt": b64url_encode(self.salt(number))}
        record = self.call(matter, number, **{"aside": waited, **claims})
        self.entries[-1]["aside"] = index
        return record

    def call(self, matter: str, number: int, **more: Json) -> Record:
        """A call of the source in a matter."""
        claims: dict[str, Json] = {"direction": "out", "duration_s": number, **more}
        record = self.log.add(matter, "call", claims, source=self.key, number=number)
        digest = hashlib.sha256(b"notary/source-record/v1\n" + record.leaf).digest()
        self.entries.append(
            {
                "entry": "record",
                "kind": "call",
                "number": number,
                "record": b64url_encode(digest),
            }
        )
        return record

    def close(self) -> None:
        """The closing of the present day, counted by sets."""
        last = max(
            (i for i, one in enumerate(self.entries) if one["entry"] == "closing"), default=-1
        )
        came = [one for one in self.entries if comes(one)]
        today = [one for one in self.entries[last + 1 :] if comes(one)]
        waiting = {one["number"] for one in self.entries if one["entry"] == "aside"} - {
            one["number"] for one in self.entries if one["entry"] == "record"
        }
        seen = {one["number"] for one in came}
        next_ = max(seen, default=0) + 1
        lost = sorted(set(range(1, next_)) - seen)
        ranges: list[list[int]] = []
        for number in lost:
            if ranges and ranges[-1][1] == number - 1:
                ranges[-1][1] = number
            else:
                ranges.append([number, number])
        kinds = [one["kind"] for one in today]
        profile = max(i for i, one in enumerate(self.entries) if one["entry"] == "profile")
        self.entries.append(
            {
                "entry": "closing",
                "at": self._at(),
                "day": f"2026-10-{self.day:02}",
                "ends": self._at(),
                "profile": profile,
                "first": min((one["number"] for one in today), default=None),
                "last": max((one["number"] for one in today), default=None),
                "counts": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
                "next": next_,
                "missing": ranges,
                "late": 0,
                "back": 0,
                "conflicts": 0,
                **({"aside": len(waiting)} if waiting else {}),
            }
        )
        self.day += 1

    @property
    def lines(self) -> list[bytes]:
        return [jsonc.encode(one) for one in self.entries]

    def enter(self) -> None:
        """Put the log as it is now where the next batch finds it: beside the matters."""
        records = [Record(i, "", line, {}, {}) for i, line in enumerate(self.lines)]
        # Matter and source are one thing to the map: a key and leaves.
        self.log.matters[f"source {self.name}"] = Matter(self.name, self.number, records)  # type: ignore[arg-type]


def comes(entry: Entry) -> bool:
    """Whether a number comes with the entry."""
    return entry["entry"] == "aside" or (entry["entry"] == "record" and "aside" not in entry)


def nothing(entries: list[Entry]) -> None:
    """No edit."""


def told(
    edit: Edit = nothing,
    tail: Edit = nothing,
    *,
    other: bool = False,
    last: str = CASE,
    tag: bytes | None = None,
) -> tuple[World, Source]:
    """A case of three calls of a source, on the first and third day and in the open one.

    Entries: 0 profile · 1 case, 2 other · 3 closing · 4 closing of an empty day · 5 case, number 5, so
    that 3 and 4 are missing · 6 other, number 3, late · 7 closing · 8 other, 9 closing: a day that is not
    shown · 10 a new profile · 11 other · 12 closing, the last one in batch 0 · 13 a call of `last`, in
    batch 1.
    """
    world = World()
    world.wait()
    source = Source(world.log, tag=tag)
    source.call(CASE, 1)
    source.call("other", 2)
    source.close()
    source.close()
    source.call(CASE, 5)
    source.call("other", 3)
    source.close()
    source.call("other", 6)
    source.close()
    source.profile(**{**PROFILE, "version": "21"})
    source.call("other", 7)
    source.close()
    edit(source.entries)
    source.enter()
    if other:
        second_source(world).enter()
    world.log.seal()
    world.wait()
    world.log.anchor(1, before=[STRANGERS_CALL])
    world.wait()
    source.call(last, 9)
    tail(source.entries)
    source.enter()
    world.log.seal()
    world.wait()
    world.log.anchor(2, before=[STRANGERS_CALL])
    world.wait()
    return world, source


def second_source(world: World, edit: Edit = nothing) -> Source:
    """The log of another exchange, all of whose calls are of other accounts.

    Entries: 0 profile · 1 number 1 waits · 2 closing · 3 number 4 waits, so that 2 and 3 are missing ·
    4 closing · 5 closing of an empty day.
    """
    source = Source(world.log, OTHER_PBX)
    source.aside(1, b"one")
    source.close()
    source.aside(4, b"four")
    source.close()
    source.close()
    edit(source.entries)
    return source


def told_of_another(edit: Edit = nothing) -> tuple[World, Source]:
    """A case without any record of a source, beside an exchange that counts."""
    world = World()
    world.wait()
    world.log.add(CASE, "call", {"direction": "out", "duration_s": 1})
    source = second_source(world, edit)
    source.enter()
    for anchor in (1, 2):
        world.log.seal()
        world.wait()
        world.log.anchor(anchor, before=[STRANGERS_CALL])
        world.wait()
        if anchor == 1:
            world.log.add(CASE, "call", {"direction": "out", "duration_s": 2})
    return world, source


def shown_of(entries: list[Entry], matter: Matter | None, since: int | None = None) -> list[int]:
    """package.md §6, entry by entry; without a matter nothing of the log is of the package."""
    hashes = {
        b64url_encode(hashlib.sha256(b"notary/source-record/v1\n" + one.leaf).digest())
        for one in (() if matter is None else matter.records)
    }
    closed = [i for i, one in enumerate(entries) if one["entry"] == "closing"]
    wanted = {0, len(entries) - 1, *range(max(closed, default=0), len(entries))}
    if since is not None:
        wanted |= set(range(since, len(entries)))
    for i, one in enumerate(entries):
        if one["entry"] == "record" and one["record"] in hashes:
            for at in {i, min(i, one.get("aside", i))}:
                before = max((c for c in closed if c < at), default=0)
                after = min((c for c in closed if c > at), default=len(entries) - 1)
                wanted |= set(range(before, after + 1))
    wanted |= {entries[i]["profile"] for i in wanted if entries[i]["entry"] == "closing"}
    return sorted(wanted)


def rest_of(lines: list[bytes], shown: Iterable[int]) -> list[str]:
    """The hashes that stand for entries that are not shown: package.md §6, by its recursive definition."""
    chosen = set(shown)

    def walk(first: int, end: int) -> list[str]:
        if not chosen & set(range(first, end)):
            return [trees.root([trees.leaf_hash(one) for one in lines[first:end]]).hex()]
        if end - first == 1:
            return []
        half = 1
        while half * 2 < end - first:
            half *= 2
        return walk(first, first + half) + walk(first + half, end)

    return walk(0, len(lines))


def paths(source: Source) -> tuple[str, str]:
    return f"data/sources/{source.key}.json", f"data/sources/{source.key}.txt"


def files(
    world: World,
    source: Source,
    shown: Iterable[int] | None = None,
    batch: int = 1,
    since: int | None = None,
) -> dict[str, bytes]:
    """The two files of the source, as of a batch; `since` is what the proof says, whatever is shown."""
    sealed = world.log.batches[batch]
    held = sealed.matters[f"source {source.name}"]
    lines = list(held.leaves)
    entries_then = source.entries[: len(lines)]
    if shown is None:
        shown = shown_of(entries_then, world.log.matters[CASE], since)
    chosen = sorted(shown)
    proof = map_proof(sealed, source.number.key, held)
    name, entries = paths(source)
    document: dict[str, Any] = {
        "format": "notary-source/1",
        "source": source.number.text,
        "map": jsonc.encode(proof).decode(),
        "hashes": rest_of(lines, chosen),
    }
    if since is not None:
        document["since"] = since
    return {
        name: jsonc.encode(document),
        entries: b"".join(b"%d %b\n" % (i, lines[i]) for i in chosen),
    }


def packed(world: World, more: dict[str, bytes], kind: str = "complete", **omitted: Any) -> Package:
    """The package of the case with these files beside it; `omitted` says what is not disclosed."""
    if kind == "complete":
        package = world.complete(**{"withheld": {}, "erased": {}, **omitted})
    else:
        package = world.extract((0,), withheld={})
    return Package({**package.files, **more}).restated()


def judged(world: World, package: Package, *, required: bool = False) -> Case:
    """A person who is well informed; with `required` she asks for the sources' logs."""
    policy = world.policy()
    if required:
        policy["required"]["complete"] = [*policy["required"]["complete"], "sources"]
    return case(package, world, policy=policy)


def source_case(
    edit: Edit = nothing,
    tail: Edit = nothing,
    *,
    shown: Callable[[list[int]], Iterable[int]] | None = None,
    document: Callable[[dict[str, Any]], Any] | None = None,
    lines: Callable[[list[bytes]], list[bytes]] | None = None,
    kind: str = "complete",
) -> Case:
    """The story with one damage: to the entries, to which are shown, or to one of the two files."""
    world, source = told(edit, tail)
    indexes = shown_of(source.entries, world.log.matters[CASE])
    made = files(world, source, None if shown is None else shown(indexes))
    name, entries = paths(source)
    if document is not None:
        members = jsonc.decode(made[name], "proof")
        assert isinstance(members, dict)
        document(members)
        made[name] = jsonc.encode(members)
    if lines is not None:
        made[entries] = b"".join(lines(made[entries].splitlines(keepends=True)))
    return judged(world, packed(world, made, kind), required=kind == "complete")

"""Very many packages, changed at random, and not one of them is VALID that should not be.

SOAK_MUTATIONS says how many, SOAK_SECONDS that fewer are enough when this time is over, SOAK_SEED
from which seed, SOAK_FIRST from which one on. A failure names the number of each mutation, and
`SOAK_SEED=… SOAK_FIRST=number SOAK_MUTATIONS=1` repeats it. A package that is VALID must be an
honest one by tests/soak/oracle.py, and nothing may crash or hang.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random, SystemRandom
from time import monotonic

import pytest

from tests.hostile.package import Package
from tests.hostile.small import small, small_world
from tests.hostile.world import CASE, NOBODY, World
from tests.soak.edits import EDITS, Edit
from tests.soak.judging import Person, judged
from tests.soak.mutators import HASH_FILES, MUTATORS, Mutator, Parts
from tests.soak.oracle import differences

MUTATIONS = 100_000
TIMEOUT_S = 6 * 3600  # seconds for all of them: five milliseconds each, with room for slow machines
MAX_COMBINED = 3
VERDICTS = ("VALID", "INVALID", "INDETERMINATE", "ERROR")
KINDS = ("complete", "extract", "absent")

# How the files above the change are made anew, and how often of 20.
RESEALED: dict[Callable[[Package], Package], int] = {
    lambda package: package: 1,
    Package.manifested: 4,
    Package.sealed: 3,
    Package.readdressed: 3,
    Package.restated: 9,
}


@dataclass(frozen=True)
class Honest:
    """An honest package and a person who is to judge it."""

    package: Package
    person: Person


@dataclass(frozen=True)
class Changed:
    """A mutation: what was done, and what the person gets to see."""

    words: str
    person: Person
    package: Package | bytes
    sm3: bool = False
    as_folder: bool = False


@cache
def worlds() -> tuple[World, World, World]:
    """A small world, the story, and the story again by another service under the same numbers."""
    story, other = World.told(), World(seed="another service")
    other.log.numbered_by = story.log
    return small_world(), story, other.tell()


@cache
def exports() -> tuple[Package, ...]:
    """Honest packages to take parts from, those of `subjects` among them."""
    found = [small(kind) for kind in KINDS]
    for world in worlds()[1:]:
        anchored = world.log.anchors[2].block
        for full in (False, True):
            found += [getattr(world, kind)(full_history=full) for kind in KINDS]
        found += [world.complete(as_of=anchored), world.extract((0, 1, 2), as_of=anchored)]
        found += [world.complete("other"), world.complete(erased={}, withheld=hidden(world))]
    return tuple(found)


def hidden(world: World) -> dict[tuple[int, str], str]:
    """Every field of the erased record, which is to be listed as withheld, and the usual one."""
    leaf = json.loads(world.complete().leaf(2))
    return {(0, "text"): "privilege"} | {(2, claim): "other" for claim in leaf["claims"]}


def subjects(folder: Path) -> list[Honest]:
    """What is changed: the three kinds, of the small world and of the story, and full histories."""
    little, story, _ = worlds()
    found = []
    for name, world, packages in (
        ("small", little, [small(kind) for kind in KINDS]),
        ("story", story, [story.complete(), story.extract(), story.absent()]),
        ("full", story, [getattr(story, kind)(full_history=True) for kind in KINDS]),
    ):
        for kind, package in zip(KINDS, packages, strict=True):
            matter = NOBODY if kind == "absent" else CASE
            receipts = [] if kind == "absent" else [world.log.receipt(CASE, 0)]
            person = Person.honest(
                folder / f"{name}-{kind}", world.policy(), world.inputs(matter), receipts
            )
            found.append(Honest(package, person))
    return found


# ---------------------------------------------------------------------- one mutation


def mutation(rng: Random, subjects: list[Honest]) -> Changed:
    """A random change of a random package, or of what its person has."""
    subject = rng.choices(subjects, (4, 4, 4, 3, 3, 2, 2, 2, 1))[0]
    what = rng.random()
    if what < 0.06:
        return person_changed(rng, subject)
    if what < 0.10:
        name, edit = some_edit(rng)
        return Changed(f"zip: {name}", subject.person, edit(rng, subject.package.zipped()))
    count = rng.choices(range(1, MAX_COMBINED + 1), (12, 5, 3))[0]
    chosen = rng.choices(list(MUTATORS.items()), k=count)
    package = resealed(rng, mutated(rng, subject.package, [mutate for _, mutate in chosen]))
    words = chosen[0][0] if count == 1 else f"{count} combined"
    sm3, as_folder = rng.random() < 0.1, rng.random() < 0.01 and can_be_a_folder(package)
    return Changed(words, subject.person, package, sm3, as_folder)


def mutated(rng: Random, package: Package, mutators: list[Mutator]) -> Package:
    for mutate in mutators:
        if package.files:
            package = mutate(rng, package, Parts(exports()))
    return package


def resealed(rng: Random, package: Package) -> Package:
    """The files above the change made anew, as far as the changed files let it be done."""
    make = rng.choices(list(RESEALED), list(RESEALED.values()))[0]
    try:
        return make(package)
    except Exception:  # noqa: BLE001 - the builder reads broken documents and is not made for that
        return package.sealed()


def can_be_a_folder(package: Package) -> bool:
    """Whether these names can be written at all, and in the folder."""
    parts = [path.split("/") for path in package.files]
    folders = {"/".join(one[:end]) for one in parts for end in range(1, len(one))}
    return folders.isdisjoint(package.files) and all(
        part not in ("", ".", "..") and len(part.encode("utf-8", "surrogateescape")) < 256
        for one in parts
        for part in one
    )


def some_edit(rng: Random) -> tuple[str, Edit]:
    return rng.choice(sorted(EDITS.items(), key=lambda one: one[0]))


def person_changed(rng: Random, subject: Honest) -> Changed:
    """The honest package, and a policy, inputs or a receipt that was changed."""
    person = subject.person
    _, edit = some_edit(rng)
    if rng.random() < 0.4:
        return Changed("policy", replace(person, policy=edit(rng, person.policy)), subject.package)
    if person.receipts and rng.random() < 0.5:
        receipts = {name: edit(rng, content) for name, content in person.receipts.items()}
        return Changed("receipt", replace(person, receipts=receipts), subject.package)
    return Changed("inputs", replace(person, inputs=edit(rng, person.inputs)), subject.package)


# ---------------------------------------------------------------------- all of them


def is_one(changed: Changed) -> bool:
    """Whether anything was changed: bytes that equal an honest package's are no mutation."""
    if isinstance(changed.package, bytes):
        return all(changed.package != honest.zipped() for honest in exports())
    if changed.words in ("policy", "inputs", "receipt"):
        return True
    return all(changed.package.files != honest.files for honest in exports())


def fault(changed: Changed, verdict: str) -> str | None:
    """What is wrong with the verdict, None if nothing is."""
    if verdict not in VERDICTS:
        return verdict
    if verdict != "VALID" or changed.words in ("policy", "inputs", "receipt"):
        return None
    if isinstance(changed.package, bytes):
        return "false VALID: a zip in another form"
    listed = changed.person.listed
    departures = [
        differences(changed.package, one, sm3=changed.sm3, listed=listed) for one in exports()
    ]
    nearest = min(departures, key=lambda paths: (len(set(paths) - HASH_FILES), len(paths)))
    return f"false VALID: differs in {nearest}" if nearest else None


def table(counts: Counter[tuple[str, str]]) -> Iterator[str]:
    """Mutator by verdict, and a last line of sums."""
    columns = (*VERDICTS, "unchanged")
    yield f"{'mutator':<22}" + "".join(f"{column:>15}" for column in columns)
    for words in (*sorted({words for words, _ in counts}), None):
        sums = [
            sum(n for (w, v), n in counts.items() if v == column and words in (None, w))
            for column in columns
        ]
        yield f"{words or 'all':<22}" + "".join(f"{n:>15}" for n in sums)


@pytest.mark.soak
@pytest.mark.timeout(TIMEOUT_S, method="thread")  # the alarm signal is the limit of each
def test_no_mutated_package_is_valid_crashes_or_hangs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = int(os.environ.get("SOAK_MUTATIONS", MUTATIONS))
    first = int(os.environ.get("SOAK_FIRST", "0"))
    seed = os.environ.get("SOAK_SEED") or str(SystemRandom().randrange(2**32))
    with capsys.disabled():
        print(f"\nSOAK_SEED={seed} SOAK_FIRST={first} SOAK_MUTATIONS={wanted}", flush=True)
    honest = subjects(tmp_path)
    for one in honest:
        assert judged(one.person, one.package, sm3=True, as_folder=False) == "VALID"
    counts: Counter[tuple[str, str]] = Counter()
    faults = []
    done, number = 0, first
    over_at = monotonic() + float(os.environ.get("SOAK_SECONDS", TIMEOUT_S))
    while done < wanted and monotonic() < over_at:
        changed = mutation(Random(f"{seed}/{number}"), honest)
        if is_one(changed):
            verdict = judged(
                changed.person, changed.package, sm3=changed.sm3, as_folder=changed.as_folder
            )
            counts[changed.words, verdict.partition(" ")[0]] += 1
            done += 1
            if (sentence := fault(changed, verdict)) is not None:
                faults.append(f"SOAK_FIRST={number} ({changed.words}): {sentence}")
                with capsys.disabled():
                    print(faults[-1], flush=True)
        else:
            counts[changed.words, "unchanged"] += 1
        number += 1
    with capsys.disabled():
        print("\n".join(table(counts)), flush=True)
    assert faults == []

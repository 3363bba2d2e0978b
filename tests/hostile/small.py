"""Small packages, and a judge that is quick about refusing, for tests of very many variants."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Self

from tests.hostile import persons
from tests.hostile.package import (
    MANIFESTS,
    SM3,
    TAG_MANIFESTS,
    Package,
)
from tests.hostile.world import CASE, NOBODY, World
from verifier.check import judge
from verifier.check.inputs import read_inputs
from verifier.check.policy import read_policy
from verifier.check.steps import STEPS

# The files whose content decides nothing (docs/spec/verification.md §3, step 2.8).
NOT_COVERED = frozenset({SM3})


@cache
def small_world() -> World:
    """One batch with one record of each of two matters, one anchor."""
    world = World(header_size=15, neighbours=False)
    title = {"title": "note", "text": "kept back"}
    world.log.add(CASE, "document", {**title, "occurred_at": None}, [("scan.bin", b"\x00\x01")])
    world.log.add("other", "document", {**title, "occurred_at": world.now()})
    world.log.seal()
    world.log.anchor()
    world.wait()
    return world


def small(kind: str, matter: str = CASE) -> Package:
    """A package of the small world; of kind `full`, the complete one with the full history."""
    world = small_world()
    if kind == "absent":
        return world.absent()
    kept = {(0, "text"): "privilege"}
    if kind in ("complete", "full"):
        full = kind == "full"
        return world.export("complete", matter, None, None, withheld=kept, full_history=full)
    return world.export("extract", matter, None, None, withheld=kept, positions=(0,))


def remanifested(package: Package, changed: str) -> Package:
    """Every list of digests above the changed file made anew."""
    if changed in TAG_MANIFESTS:
        return package
    if changed in MANIFESTS or changed == "bagit.txt":
        return package.tagged()
    return package.manifested()


class Judge:
    """Judges many packages for one person, who knows all of one world. Close it after use."""

    def __init__(self, world: World, matter: str, folder: Path) -> None:
        self.policy = read_policy(persons.write(world.policy(), folder / "policy.toml"))
        self.inputs = read_inputs(persons.write(world.inputs(matter), folder / "inputs.toml"))
        self.path = folder / "package.zip"
        self.file = self.path.open("wb", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def write(self, package: Package) -> None:
        """Write the package's zip over the last one: opening a file anew costs more than judging."""
        self.file.seek(0)
        self.file.truncate(self.file.write(package.zipped()))

    def verdict(self, package: Package) -> str:
        """The verdict over all steps."""
        self.write(package)
        return judge.check(self.path, self.policy, self.inputs).verdict.value

    def refuses(self, package: Package, *first: str) -> bool:
        """Whether the verdict is another than VALID.

        The steps whose numbers begin with one of `first` are tried alone: a FAIL among them is
        INVALID whatever the others say. Only where there is none, all steps decide.
        """
        self.write(package)
        everything = dict(STEPS)
        for number in everything:
            if not number.startswith(first):
                del STEPS[number]
        try:
            if judge.check(self.path, self.policy, self.inputs).verdict.value == "INVALID":
                return True
        finally:
            STEPS.update(everything)
        return self.verdict(package) != "VALID"


def matter_of(kind: str) -> str:
    return NOBODY if kind == "absent" else CASE

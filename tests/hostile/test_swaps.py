"""No two files can be exchanged: neither between two valid packages nor within one.

The manifests are made anew after each exchange (the other layers can't be: the exchanged file is
the other layer).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest

from tests.hostile.case import honest
from tests.hostile.package import Package
from tests.hostile.small import (
    NOT_COVERED,
    Judge,
    matter_of,
    remanifested,
    small,
    small_world,
)
from tests.hostile.world import CASE, NOBODY, World

KINDS = ("complete", "extract", "absent")


def exchanges(first: Package, second: Package) -> Iterator[tuple[str, Package]]:
    """The first package with each file of the second that differs, under new manifests."""
    for path in sorted(first.files.keys() & second.files.keys()):
        if first[path] != second[path]:
            yield path, remanifested(first.put(path, second[path]), path)


def let_through(judge: Judge, variants: Iterator[tuple[str, Package]]) -> tuple[int, list[str]]:
    """How many variants there are, and the names of those that are VALID."""
    names = [(name, judge.refuses(package, "2.")) for name, package in variants]
    return len(names), [name for name, refused in names if not refused]


@cache
def pairs() -> dict[str, tuple[World, str, Package, Package]]:
    """Pairs of valid packages: world, matter of the first, both packages."""
    world = honest()
    earlier = world.log.anchors[-2].block
    later = World.told(seed="another service")
    two_hours = World.told(last_wait_s=7200)
    found = {
        "two matters of one log, small": (
            small_world(), CASE, small("complete"), small("complete", "other"),
        ),
        "two matters of one log, small extracts": (
            small_world(), CASE, small("extract"), small("extract", "other"),
        ),
        "two matters of one log": (world, CASE, world.complete(), world.complete("other")),
        "two numbers that aren't there": (world, NOBODY, world.absent(), world.absent("nobody 2")),
        "one matter at two moments": (
            world, CASE, world.complete(), world.complete(as_of=earlier),
        ),
        "one matter at two moments, the earlier first": (
            world, CASE, world.complete(as_of=earlier), world.complete(),
        ),
        "two extracts of one matter": (
            world, CASE, world.extract((0, 3)), world.extract((1, 4)),
        ),
        "an extract and the complete matter": (world, CASE, world.extract(), world.complete()),
        "the complete matter and an extract": (world, CASE, world.complete(), world.extract()),
        "two logs": (world, CASE, world.complete(), later.complete()),
        "two branches of a chain": (world, CASE, world.complete(), two_hours.complete()),
        "an absence and a presence": (world, NOBODY, world.absent(), world.complete()),
        "full histories of two matters": (
            world, CASE, world.complete(full_history=True), world.complete("other", full_history=True),
        ),
        "a full history at two moments": (
            world, CASE, world.complete(full_history=True),
            world.complete(full_history=True, as_of=earlier),
        ),
        "full histories of two logs": (
            world, CASE, world.extract(full_history=True), later.extract(full_history=True),
        ),
        "a full history and the shown one": (
            world, CASE, world.extract(full_history=True), world.extract(),
        ),
    }  # fmt: skip
    more_withheld = {(0, "text"): "privilege", (3, "place"): "other"}
    for kind in ("complete", "extract"):
        export = getattr(world, kind)
        found[f"two redactions, {kind}"] = (world, CASE, export(), export(withheld=more_withheld))
    return found


@pytest.mark.parametrize("name", pairs())
def test_no_file_of_another_valid_package_fits(name: str, tmp_path: Path) -> None:
    world, matter, first, second = pairs()[name]
    with Judge(world, matter, tmp_path) as judge:
        assert judge.verdict(first) == "VALID"
        tried, valid = let_through(judge, exchanges(first, second))
        assert tried
        assert set(valid) <= NOT_COVERED


@pytest.mark.parametrize("full", [False, True], ids=["shown", "full"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_two_files_of_a_package_can_change_places(kind: str, full: bool, tmp_path: Path) -> None:
    package = getattr(honest(), kind)(full_history=full)
    with Judge(honest(), matter_of(kind), tmp_path) as judge:

        def variants() -> Iterator[tuple[str, Package]]:
            for a, b in combinations(sorted(package.files.keys() - NOT_COVERED), 2):
                if package[a] != package[b]:
                    swapped = package.put(a, package[b]).put(b, package[a])
                    both_tags = not (a.startswith("data/") or b.startswith("data/"))
                    yield f"{a} and {b}", swapped if both_tags else swapped.manifested()

        tried, valid = let_through(judge, variants())
        assert tried > 50
        assert valid == []

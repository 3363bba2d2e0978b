"""What the soak found and no attack of tests/hostile shows. Quick, so part of `make test`."""

from __future__ import annotations

from pathlib import Path

from tests.hostile.small import small, small_world
from tests.hostile.world import CASE
from tests.soak.judging import Person, judged
from verifier.format.bag import LEAVES


def test_a_name_outside_ascii_is_refused_when_sm3_is_asked_for_too(tmp_path: Path) -> None:
    world = small_world()
    person = Person.honest(tmp_path / "person", world.policy(), world.inputs(CASE), [])
    for name in ("data/é", "data/\udcff"):
        package = small("complete").put(name, b"").sealed()
        assert judged(person, package, sm3=True, as_folder=False) == "INVALID"


def test_leaves_that_cannot_be_read_are_invalid_for_whoever_has_a_receipt_too(
    tmp_path: Path,
) -> None:
    world = small_world()
    receipt = world.log.receipt(CASE, 0)
    person = Person.honest(tmp_path / "person", world.policy(), world.inputs(CASE), [receipt])
    honest = small("complete")
    lines = honest.files[LEAVES].splitlines(keepends=True)
    for content in (
        b"\xff\n",  # a line that is none
        b"".join([lines[0], *lines]),  # a position twice
        b"",
    ):
        package = honest.put(LEAVES, content).sealed()
        assert judged(person, package, sm3=True, as_folder=False) == "INVALID"

"""What the soak found, each made small. Quick, so part of `make test`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.package import EVM
from tests.hostile.small import Judge, small, small_world
from tests.hostile.world import CASE, NOBODY
from tests.soak.judging import Person, judged


def test_a_name_outside_ascii_is_refused_when_sm3_is_asked_for_too(tmp_path: Path) -> None:
    world = small_world()
    person = Person.honest(tmp_path / "person", world.policy(), world.inputs(CASE), [])
    for name in ("data/é", "data/\udcff"):
        package = small("complete").put(name, b"").sealed()
        assert judged(person, package, sm3=True, as_folder=False) == "INVALID"


@pytest.mark.xfail(reason="step 10.2 is of the row `time`, which an absent package does not have")
def test_an_absent_package_with_another_not_before_header_is_not_valid(tmp_path: Path) -> None:
    honest = small("absent")
    evm = honest.json(EVM)
    # The block before the named one: canonical RLP, yet not the block of the batch header.
    evm["not_before"] = ["0x" + small_world().chain.blocks[0].header.hex()]
    with Judge(small_world(), NOBODY, tmp_path) as judge:
        changed = honest.put_json(EVM, evm)
        assert changed[EVM] != honest[EVM]
        assert judge.verdict(changed.restated()) == "INVALID"

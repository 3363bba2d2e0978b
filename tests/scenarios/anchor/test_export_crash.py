"""Without power at any place of an export: there is no package under its name, or a whole one; what was said
to be exported is there; and the same command gives the same bytes.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from signal import SIGKILL

import pytest

from notary.compose import Service
from notary.config import Config, Home
from notary.core.intake import IncomingFile
from notary.usecases.export_order import ExportOrder
from tests.anvil import Anvil
from tests.simulators.chain_world import ANVIL_OPTIONS, World
from tests.simulators.check_world import check_world
from tests.simulators.store import CANARY, StoreWorld, reopen_world
from tests.simulators.store_process import Forks, Say
from verifier.format import numbers

NO_NODE = "http://127.0.0.1:1"  # an export asks no chain
EVERY_WRITE = 4  # of the writes of one file, which are all alike, each so-many-th is struck


def export(world: StoreWorld, say: Say) -> None:
    """What the operator types; says the name once it is told that the package is there."""
    identity = world.identity
    settings = Config(
        *("Agency", identity.name, identity.chain_id, NO_NODE),
        *("0x" + identity.contract.hex(), "0x" + identity.log_address.hex()),
    )
    service = Service(Home(world.folder, settings), world.database, identity, world.keys)
    [matter] = world.register.all(world.agency_id)
    out = world.folder / "out" / "package.zip"
    order = ExportOrder(numbers.parse(matter.number))
    service.export(world.agency_id, order, out, lambda done, total: None)
    say("exported")


@pytest.mark.slow
def test_an_export_that_was_struck_anywhere_leaves_a_whole_package_or_none(
    forks: Forks, tmp_path: Path
) -> None:
    with Anvil(*ANVIL_OPTIONS) as anvil:
        world = World(anvil, tmp_path)
        template = world.store.folder
        (template / "scan").write_bytes(CANARY.encode() * 100)
        scan = IncomingFile(template / "scan", "scan.pdf", "application/pdf")
        world.store.take(world.matter, "with a file", scan)
        world.seal()
        world.settle()
        check_world(world.store, anvil, settled=True)
        world.close()
    (template / "out").mkdir()
    whole = shutil.copytree(template, tmp_path / "whole")
    run = forks.run(export, whole, "whole")
    assert run.promised == ["exported"]
    package = (whole / "out" / "package.zip").read_bytes()
    places = run.places
    for effect in ("create part", "write part", "force part", "rename zip", "force folder"):
        assert f"before {effect}" in places
        assert f"after {effect}" in places
    # What follows one effect precedes the next, so it is struck once; and at the very end.
    before = [at for at, place in enumerate(places) if place.startswith("before")]
    writes = [at for at in before if places[at].endswith("write part")]
    struck = [at for at in before if at not in writes or writes.index(at) % EVERY_WRITE == 0]
    struck.append(len(places) - 1)
    for at in struck:
        home = shutil.copytree(template, tmp_path / "struck")
        out = home / "out" / "package.zip"
        run = forks.run(export, home, "struck", at, strike="power")
        assert run.status == -SIGKILL, run.said
        assert out.exists() or not run.said, f"told that it was there, {places[at]}"
        assert not out.exists() or out.read_bytes() == package, places[at]
        store = reopen_world(home, "again")
        said: list[str] = []
        export(store, said.append)
        store.close()
        assert [path.name for path in out.parent.iterdir()] == [out.name]
        assert out.read_bytes() == package
        shutil.rmtree(home)

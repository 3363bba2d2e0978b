"""The reference builder's log, published and replayed with its chain proof (format.md §13).

The hostile tests' builder is no part of the service, so both sides of the specification meet here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.case import honest
from tests.hostile.package import EVM
from tests.hostile.verify import command
from tests.hostile.world import World
from tests.reference.toy_log import write
from verifier.check.replay import ReplayReport, replay_folder
from verifier.format import jsonc, public
from verifier.format.digests import ZERO, Digest
from verifier.format.fold import Fold, Link
from verifier.format.statement import Log


def folder_of(world: World, folder: Path) -> Path:
    """The public folder of a world's log."""
    log = world.log
    identity = Log(world.chain.chain_id, log.contract, log.address, log.name)
    links = [Link(Digest(one.root), one.size, one.block.timestamp) for one in log.anchors]
    files = {
        public.LOG_FILE: public.encode_log(identity),
        public.FOLD_FILE: public.encode_fold(Fold(ZERO, tuple(links))),
    }
    for batch in log.batches:
        files[public.batch_file(batch.index, public.HEADER)] = batch.header
        files[public.batch_file(batch.index, public.DELTA)] = batch.delta
        note = log.checkpoint(batch.index + 1)[1].encode()
        files[public.batch_file(batch.index, public.CHECKPOINT)] = note
        files[public.key_set_file(Digest(bytes.fromhex(batch.keys.digest)))] = batch.keys.text
    return write(files, folder)


def replayed(folder: Path, change: Callable[[dict[str, Any]], object]) -> ReplayReport:
    """The honest log's folder with a changed chain proof."""
    document = honest().complete().json(EVM)
    change(document)
    return replay_folder(folder_of(honest(), folder), chain=jsonc.encode(document))


def test_the_reference_builder_s_log_replays(tmp_path: Path) -> None:
    report = replayed(tmp_path, lambda document: None)
    assert (report.exit, report.fault) == (0, None)
    tip = honest().chain.tip
    assert report.block == (tip.number, tip.hash)
    assert report.head == honest().chain.heads[honest().contract, honest().log.address]
    assert f"0x{tip.hash.hex()}" in report.text()


@pytest.mark.parametrize(
    ("change", "file", "expected"),
    [
        (lambda d: d.update(chain_id=1), "the chain proof", "step 4.2 to hold"),
        (lambda d: d["fold"].update(prev="11" * 32), "the chain proof", "step 4.8 to hold"),
        (lambda d: d["fold"]["links"].pop(), "the chain proof", "step 4."),
        (lambda d: d.update(format="notary-evm/2"), "the chain proof", "step 4.1 to hold"),
    ],
)
def test_a_chain_proof_that_does_not_hold_is_said_so(
    change: Callable[[dict[str, Any]], object], file: str, expected: str, tmp_path: Path
) -> None:
    report = replayed(tmp_path, change)
    assert report.fault is not None
    assert (report.exit, report.fault.file) == (2, file)
    assert report.fault.expected.startswith(expected)


@pytest.mark.parametrize("damage", ["time", "missing", "root"])
def test_anchors_that_the_chain_does_not_hold_are_found(damage: str, tmp_path: Path) -> None:
    """The folder leaves an anchor out, or dates it otherwise; only the chain proof knows."""
    folder = folder_of(honest(), tmp_path)
    fold = public.parse_fold((folder / public.FOLD_FILE).read_bytes())
    links = list(fold.links)
    if damage == "time":
        links[-1] = links[-1]._replace(time=links[-1].time + 1)
    elif damage == "missing":
        links.pop()
    else:
        del links[1]
    (folder / public.FOLD_FILE).write_bytes(public.encode_fold(Fold(ZERO, tuple(links))))
    assert replay_folder(folder).exit == 0
    chain = jsonc.encode(honest().complete().json(EVM))
    report = replay_folder(folder, chain=chain)
    assert report.fault is not None
    assert (report.exit, report.fault.file) == (2, public.FOLD_FILE)


def test_a_chain_proof_that_begins_later_holds_from_its_head_on(tmp_path: Path) -> None:
    """It says nothing of the first anchors; the head before its own says that they were others."""
    chain = honest().absent().json(EVM)
    assert chain["fold"]["prev"] != "00" * 32
    folder = folder_of(honest(), tmp_path)
    assert replay_folder(folder, chain=jsonc.encode(chain)).exit == 0
    fold = public.parse_fold((folder / public.FOLD_FILE).read_bytes())
    first = fold.links[0]._replace(time=fold.links[0].time + 1)
    (folder / public.FOLD_FILE).write_bytes(
        public.encode_fold(Fold(ZERO, (first, *fold.links[1:])))
    )
    report = replay_folder(folder, chain=jsonc.encode(chain))
    assert report.fault is not None
    assert (report.exit, report.fault.file) == (2, public.FOLD_FILE)
    assert report.fault.expected == f"anchors that lead to head {chain['fold']['prev']}"


def test_the_command_compares_with_the_chain_proof_that_it_is_given(tmp_path: Path) -> None:
    folder = folder_of(honest(), tmp_path / "public")
    chain = honest().complete().json(EVM)
    (tmp_path / "evm.json").write_bytes(jsonc.encode(chain))
    alone = command("replay", folder)
    assert (alone.returncode, "was not checked (--chain)" in alone.stdout) == (0, True)
    proved = command("replay", folder, "--chain", tmp_path / "evm.json")
    assert (proved.returncode, "the chain proof holds under block" in proved.stdout) == (0, True)
    (tmp_path / "evm.json").write_bytes(jsonc.encode(chain | {"chain_id": 1}))
    assert command("replay", folder, "--chain", tmp_path / "evm.json").returncode == 2

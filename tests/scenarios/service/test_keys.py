"""Keys are changed while the service lives, and whoever pinned the old ones still verifies alone."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from notary import demo
from notary.usecases.export_order import ExportOrder
from tests.anvil import Anvil
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live
from verifier.format import numbers

RECORDS = 6


@dataclass(frozen=True)
class Rotated:
    """A service with a hand-over in batch 1, three anchors, and the policy from before it."""

    live: Live
    policy: Path
    receipts: list[bytes]
    said: dict[str, Any]
    number: numbers.MatterNumber


@pytest.fixture(scope="module")
def rotated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rotated]:
    folder = tmp_path_factory.mktemp("keys")
    with Anvil(*scene.CHAIN) as anvil:
        live = scene.make(folder / "home", anvil)
        receipts = []
        with live.opened() as service:
            matter = service.new_matter(1, "Seller v. Buyer", ("A-1",))
            _take(service, folder / "one", 0)
            scene.work(service)
            demo.write_policy(service, folder)
            receipts.append(service.shelf.first_answer(1, 1).receipt)
            # By the command line, while this process holds the service open.
            done = live.run("keys", "rotate", "--json")
            assert done.returncode == 0, done.stderr
            said = json.loads(done.stdout)
            _take(service, folder / "two", RECORDS)
            receipts.append(service.shelf.first_answer(1, RECORDS + 1).receipt)
            scene.work(service)
            _take(service, folder / "three", 2 * RECORDS)
            scene.work(service)
        yield Rotated(live, folder / "policy.toml", receipts, said, numbers.parse(matter.number))


def _take(service: Any, folder: Path, first: int) -> None:
    path = scene.letters(folder, "A-1", first, RECORDS)
    service.ingest(1, (path,), column_map=folder / "letters.map.toml")


def _export(rotated: Rotated, folder: Path, order: ExportOrder) -> Path:
    """The package beside the policy from before the hand-over, and inputs with both receipts."""
    out = folder / "package.zip"
    with rotated.live.opened() as service:
        result = service.export(1, order, out, lambda done, total: None)
    shutil.copy(rotated.policy, folder / "policy.toml")
    demo.write_inputs(folder, order.number.text, rotated.live.anvil.url, [result])
    for i, receipt in enumerate(rotated.receipts):
        (folder / f"receipt-{i}.json").write_bytes(receipt)
    inputs = folder / "inputs.toml"
    listed = ", ".join(f'"receipt-{i}.json"' for i in range(len(rotated.receipts)))
    text = inputs.read_text("utf-8").replace("[[block]]", f"receipts = [{listed}]\n\n[[block]]", 1)
    inputs.write_text(text, "utf-8")
    return out


def test_old_pins_lead_to_the_new_keys(rotated: Rotated, tmp_path: Path) -> None:
    package = _export(rotated, tmp_path, ExportOrder(rotated.number))
    code, report = scene.judge(tmp_path, package)
    assert (code, report["verdict"]) == (0, "VALID"), report["rows"]
    assert report["handovers"] == [{"batch": 1, "keys": rotated.said["keys"]}]
    assert "KEYS_HANDED_OVER" in {finding["code"] for finding in report["findings"]}
    rows = {row["row"]: row["result"] for row in report["rows"]}
    # One receipt is by the old receipt key, one by the new one.
    assert (rows["checkpoint"], rows["receipts"]) == ("PASS", "PASS")
    with zipfile.ZipFile(package) as archive:
        names = {name.removeprefix("evidence/data/keys/") for name in archive.namelist()}
    assert {"000000.json", "000000.tlog-proof", f"{rotated.said['keys']}.txt"} <= names


@pytest.mark.parametrize("kind", ["extract", "absent"])
def test_so_do_those_of_an_extract_and_of_an_absent_package(
    rotated: Rotated, tmp_path: Path, kind: str
) -> None:
    number = rotated.number
    if kind == "absent":
        number = numbers.make(b"\x07" * 16, number.log_tag)
        rotated = Rotated(rotated.live, rotated.policy, [], rotated.said, number)
    order = ExportOrder(number, kind, (2 * RECORDS,) if kind == "extract" else ())
    package = _export(rotated, tmp_path, order)
    inputs = tmp_path / "inputs.toml"
    inputs.write_text(inputs.read_text("utf-8").replace("receipts = ", "# receipts = "), "utf-8")
    code, report = scene.judge(tmp_path, package)
    assert (code, report["verdict"]) == (0, "VALID"), report["rows"]


def test_without_the_hand_over_nothing_leads_to_the_new_keys(
    rotated: Rotated, tmp_path: Path
) -> None:
    """The person's policy is one of a stranger's keys: the package can't vouch for itself."""
    package = _export(rotated, tmp_path, ExportOrder(rotated.number))
    policy = tmp_path / "policy.toml"
    with rotated.live.opened() as service:
        unused = next(one for one in service.key_sets() if one.state == "comes next")
    text = policy.read_text("utf-8").splitlines()
    pins = [
        f'vkeys = ["{unused.checkpoint_vkeys[0]}"]' if line.startswith("vkeys") else line
        for line in text
    ]
    policy.write_text("\n".join(pins) + "\n", "utf-8")
    code, report = scene.judge(tmp_path, package)
    assert (code, report["verdict"]) == (3, "INDETERMINATE")
    [row] = [row for row in report["rows"] if row["row"] == "checkpoint"]
    assert (row["result"], row["code"]) == ("NOT CHECKED", "CHECKPOINT_KEY_NOT_PINNED")


def test_the_old_keys_are_gone_and_the_commands_say_what_is_there(rotated: Rotated) -> None:
    keys = rotated.live.made.home.keys
    assert sorted(path.name for path in keys.glob("set-*")) == ["set-2", "set-3"]
    shown = rotated.live.run("keys", "show", "--json")
    assert shown.returncode == 0, shown.stderr
    states = {one["number"]: (one["state"], one["digest"]) for one in json.loads(shown.stdout)}
    assert states == {
        2: ("in force, since batch 1", rotated.said["keys"]),
        3: ("comes next", rotated.said["next_keys"]),
    }
    assert rotated.said["now"] is True
    assert (rotated.said["batch"], rotated.live.run("keys", "show").returncode) == (1, 0)

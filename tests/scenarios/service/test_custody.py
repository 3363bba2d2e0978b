"""Exports on a real chain leave records that later packages hold, and that the verifier counts."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from notary import demo
from tests.anvil import Anvil
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live

ME = f"local:{pwd.getpwuid(os.geteuid()).pw_name}"


@dataclass(frozen=True)
class Story:
    """A matter of three records, anchored; then exported, read, and anchored again."""

    live: Live
    folder: Path
    number: str

    def run(self, *words: str, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
        done = self.live.run(*words)
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done

    def custody(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.run("custody", self.number, "--json").stdout)
        return found

    def export(self, name: str, *words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            self.run("export", *words, "-o", str(self.folder / name), "--json").stdout
        )
        return found

    def verdict(self, name: str, exported: dict[str, Any]) -> dict[str, Any]:
        """What a person says of it who knows every block that it names."""
        lines = ['format = "notary-inputs/1"', f'matter = "{self.number}"']
        lines += ['earliest_as_of = "2026-01-01T00:00:00.000Z"']
        for block in exported["blocks"]:
            found = self.live.anvil.rpc("eth_getBlockByNumber", hex(block["number"]), False)
            lines += ["[[block]]", f"chain_id = {block['chain_id']}"]
            lines += [f"number = {block['number']}", f'hash = "{found["hash"]}"']
        (self.folder / "inputs.toml").write_text("\n".join(lines) + "\n", "utf-8")
        return scene.judge(self.folder, self.folder / name)[1]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("custody")
    with Anvil(*scene.CHAIN) as anvil:
        made = scene.make(folder / "home", anvil)
        with made.opened() as service:
            matter = service.new_matter(1, "Seller v. Buyer", ("A-1",))
            first = scene.letters(folder / "one", "A-1", 0, 3)
            service.ingest(1, (first,), column_map=folder / "one" / "letters.map.toml")
            scene.work(service)
            demo.write_policy(service, folder)
        yield Story(made, folder, matter.number)


def shown(package: Path) -> set[int]:
    with zipfile.ZipFile(package) as opened:
        lines = opened.read("evidence/data/disclosures.txt").splitlines()
    return {int(line.split(b" ")[0]) for line in lines}


@pytest.mark.slow
def test_what_is_read_and_exported_stands_in_the_matter_from_then_on(story: Story) -> None:
    assert story.custody() == []
    assert "nobody has read" in story.run("custody", story.number).stdout
    # What gives nothing out leaves nothing: a dry run, an order that can't be met.
    story.run("export", story.number, "-o", str(story.folder / "x.zip"), "--dry-run")
    story.run(
        "export", story.number, "-o", str(story.folder / "x.zip"), "--position", "9", exit_code=2
    )
    assert not (story.folder / "x.zip").exists()
    assert story.custody() == []

    kept = ("--withhold", "0:subject=privilege")
    first = story.export("first.zip", story.number, *kept, "--purpose", "to the tribunal")
    story.export("part.zip", story.number, "--position", "2", "--position", "0")
    story.run("record", "show", "2", "--purpose", "a call of the debtor")
    rows = story.custody()
    assert [(row["position"], row["action"], row["shown"]) for row in rows] == [
        (3, "export", [[0, 3]]),
        (4, "export", [[0, 1], [2, 3]]),
        (5, "read", [[1, 2]]),
    ]
    assert [row["purpose"] for row in rows] == ["to the tribunal", None, "a call of the debtor"]
    assert {row["actor"] for row in rows} == {ME}
    raw = (story.folder / "first.zip").read_bytes()
    assert rows[0]["package"] == {
        "kind": "complete",
        "sha256": hashlib.sha256(raw).hexdigest(),
        "size": len(raw),
    }
    assert "to the tribunal" in story.run("custody", story.number).stdout
    # Reading one of these leaves no other.
    story.run("record", "show", "4")
    assert len(story.custody()) == 3

    # The package of an export can't hold its own record: it is as of a block before.
    report = story.verdict("first.zip", first)
    assert report["verdict"] == "VALID", report["rows"]
    assert [one["kind"] for one in report["records"]] == ["letter"] * 3
    with story.live.opened() as service:
        scene.work(service)

    # A later one holds it, and its fields can be kept back like any other's.
    second = story.export(
        "second.zip", story.number, "--withhold", "3:purpose=privilege", "--withhold", "5=privilege"
    )
    report = story.verdict("second.zip", second)
    assert report["verdict"] == "VALID", report["rows"]
    assert [one["kind"] for one in report["records"]] == ["letter"] * 3 + ["custody"] * 3
    assert second["withheld"] == 1 + 6
    assert shown(story.folder / "second.zip") == {0, 1, 2, 3, 4}

    # Again, as of the later block: what came since are the earlier exports' own traces.
    again = story.export("again.zip", "--again", str(story.folder / "first.zip"))
    assert again["added"] == [3, 4, 5]
    assert shown(story.folder / "again.zip") == {0, 1, 2}
    assert story.verdict("again.zip", again)["verdict"] == "VALID"
    whole = story.export("whole.zip", "--again", str(story.folder / "first.zip"), "--show-added")
    assert whole["added"] == [3, 4, 5]
    assert shown(story.folder / "whole.zip") == {0, 1, 2, 3, 4, 5}

    # Nothing public says who, what or why.
    with story.live.opened() as service:
        scene.work(service)
    story.run("publish", str(story.folder / "public"))
    public = b"".join(
        path.read_bytes() for path in (story.folder / "public").rglob("*") if path.is_file()
    )
    leaves = zipfile.ZipFile(story.folder / "whole.zip").read("evidence/data/matter/leaves.txt")
    for word in (ME, "tribunal", "debtor", rows[0]["request"], rows[0]["package"]["sha256"]):
        assert word.encode() not in public + leaves

    # A retired log takes no more records; people still export, and it is still on record.
    story.run("retire", "--log", scene.LOG, "--successor", "next.notary.example/log")
    before = len(story.custody())
    story.export("last.zip", story.number, "--purpose", "after the end")
    story.run("record", "show", "1")
    rows = story.custody()
    assert [row["purpose"] for row in rows[before:]] == ["after the end", None]
    assert [row["position"] for row in rows[before:]] == [None, None]
    assert "held" in story.run("custody", story.number).stdout
    with story.live.opened() as service:
        scene.work(service)
    assert story.custody() == rows

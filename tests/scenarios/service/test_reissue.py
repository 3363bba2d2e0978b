"""An earlier package again, as of a later block: the same records, and never a field more of them."""

from __future__ import annotations

import json
import shutil
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

KEPT = ("--withhold", "1:subject=trade_secret", "--withhold", "2=privilege")


@dataclass(frozen=True)
class Story:
    """A matter of three records, exported three times, which left three more; then two more came."""

    live: Live
    folder: Path
    number: str

    def run(self, *words: str, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
        done = self.live.run(*words)
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done

    def again(self, name: str, out: Path, *words: str) -> Any:
        old = str(self.folder / name)
        return json.loads(
            self.run("export", "--again", old, "-o", str(out), "--json", *words).stdout
        )


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("reissue")
    with Anvil(*scene.CHAIN) as anvil:
        made = scene.make(folder / "home", anvil)
        with made.opened() as service:
            matter = service.new_matter(1, "Seller v. Buyer", ("A-1",))
            first = scene.letters(folder / "one", "A-1", 0, 3)
            service.ingest(1, (first,), column_map=folder / "one" / "letters.map.toml")
            scene.work(service)
            demo.write_policy(service, folder)
        told = Story(made, folder, matter.number)
        told.run("export", matter.number, "-o", str(folder / "complete.zip"), *KEPT)
        told.run("export", matter.number, "-o", str(folder / "open.zip"))
        told.run(
            "export", matter.number, "-o", str(folder / "extract.zip"), "--position", "1", *KEPT[:2]
        )
        early = told.run("export", "--again", str(folder / "open.zip"), "-o", "x.zip", exit_code=75)
        assert "ASOF_NOT_LATER" in early.stderr
        with made.opened() as service:
            second = scene.letters(folder / "two", "A-1", 10, 2)
            service.ingest(1, (second,), column_map=folder / "two" / "letters.map.toml")
            scene.work(service)
        yield told


def disclosed(package: Path) -> set[tuple[int, str]]:
    with zipfile.ZipFile(package) as opened:
        lines = opened.read("evidence/data/disclosures.txt").splitlines()
    return {(int(line.split(b" ")[0]), json.loads(line.split(b" ", 1)[1])[1]) for line in lines}


def statement(package: Path) -> dict[str, Any]:
    with zipfile.ZipFile(package) as opened:
        found: dict[str, Any] = json.loads(opened.read("evidence/data/statement.json"))
    return found


@pytest.mark.slow
def test_a_complete_package_again_shows_no_more_of_its_records(
    story: Story, tmp_path: Path
) -> None:
    out = tmp_path / "new.zip"
    undecided = story.run(
        "export", "--again", str(story.folder / "complete.zip"), "-o", str(out), exit_code=2
    )
    assert "RECORDS_ADDED" in undecided.stderr
    assert "2 records came since, from position 6 on" in undecided.stderr
    assert not out.exists()

    said = story.again("complete.zip", out, "--show-added", "--withhold", "7=mediation")
    assert (said["records"], said["added"]) == (8, [3, 4, 5, 6, 7])
    old = disclosed(story.folder / "complete.zip")
    assert {one for one in disclosed(out) if one[0] < 3} == old
    assert {position for position, _ in disclosed(out)} == {0, 1, 3, 4, 5, 6}
    before, after = statement(story.folder / "complete.zip"), statement(out)
    kept = [one for one in after["withheld"] if one["position"] < 3]
    assert kept == before["withheld"]
    assert after["as_of"]["block"] > before["as_of"]["block"]

    demo.write_inputs(tmp_path, story.number, story.live.anvil.url, [])
    shutil.copy(story.folder / "policy.toml", tmp_path)
    code, report = scene.judge(tmp_path, out)
    rows = {row["row"]: (row["result"], row["code"]) for row in report["rows"]}
    assert (code, rows["finality"]) == (3, ("NOT CHECKED", "LEVEL_0"))
    assert not [row for row, (result, _) in rows.items() if result == "FAIL"]


@pytest.mark.slow
def test_a_package_that_kept_nothing_back_takes_new_records_in(
    story: Story, tmp_path: Path
) -> None:
    out = tmp_path / "new.zip"
    said = story.again("open.zip", out)
    assert (said["records"], said["added"]) == (8, [3, 4, 5, 6, 7])
    # All but who exported it meanwhile, which nobody asked to show.
    assert {position for position, _ in disclosed(out)} == {0, 1, 2, 6, 7}
    assert {one["position"] for one in statement(out)["withheld"]} == {3, 4, 5}
    said = story.again("open.zip", out, "--show-added", "--force")
    assert said["withheld"] == 0


@pytest.mark.slow
def test_an_extract_again_has_the_same_record_and_the_same_fields(
    story: Story, tmp_path: Path
) -> None:
    out = tmp_path / "new.zip"
    said = story.again("extract.zip", out)
    assert (said["kind"], said["shown"], said["records"], said["added"]) == ("extract", 1, 8, [])
    assert disclosed(out) == disclosed(story.folder / "extract.zip")


def rewritten(source: Path, target: Path, name: str, old: bytes, new: bytes) -> Path:
    """The package with other bytes in one file; nothing else is made to fit."""
    with zipfile.ZipFile(source) as read, zipfile.ZipFile(target, "w") as written:
        for entry in read.namelist():
            content = read.read(entry)
            if entry == f"evidence/data/{name}":
                assert old in content
                content = content.replace(old, new)
            written.writestr(entry, content)
    return target


@pytest.mark.slow
def test_whoever_changes_the_earlier_package_gains_no_field(story: Story, tmp_path: Path) -> None:
    """The lists of the earlier package are the attacker's; what it disclosed is what the store knows."""
    source = story.folder / "complete.zip"
    withheld = json.dumps(statement(source)["withheld"], separators=(",", ":"), sort_keys=True)
    cut = rewritten(source, tmp_path / "cut.zip", "statement.json", withheld.encode(), b"[]")
    out = tmp_path / "new.zip"
    words = ("export", "--again", str(cut), "-o", str(out), "--show-added")
    story.run(*words)
    assert {one for one in disclosed(out) if one[0] < 3} == disclosed(source)
    assert {one["reason"] for one in statement(out)["withheld"]} == {"other"}

    forged = _with_line(source, tmp_path / "forged.zip")
    story.run("export", "--again", str(forged), "-o", str(tmp_path / "f.zip"), "--show-added")
    assert {one for one in disclosed(tmp_path / "f.zip") if one[0] < 3} == disclosed(source)


def _with_line(source: Path, target: Path) -> Path:
    """The package with a disclosure that nobody made, of a field that was kept back."""
    with zipfile.ZipFile(source) as read:
        last = read.read("evidence/data/disclosures.txt").splitlines()[-1]
    line = b'2 ["AAAAAAAAAAAAAAAAAAAAAA","subject","x"]'
    return rewritten(source, target, "disclosures.txt", last + b"\n", last + b"\n" + line + b"\n")


@pytest.mark.slow
def test_what_is_no_package_of_this_log_is_refused(story: Story, tmp_path: Path) -> None:
    leaf = b'"kind":"letter"'
    other = rewritten(
        story.folder / "open.zip", tmp_path / "o.zip", "matter/leaves.txt", leaf, b'"kind":"filing"'
    )
    nothing = tmp_path / "nothing.zip"
    nothing.write_bytes(b"PK")
    cases = [
        (("--again", str(other)), "AGAIN_OTHER"),
        (("--again", str(nothing)), "AGAIN_UNREADABLE"),
        (("--again", str(tmp_path / "missing.zip")), "AGAIN_UNREADABLE"),
        ((story.number, "--again", str(other)), "ORDER_MIXED"),
        (("--again", str(other), "--position", "1"), "ORDER_MIXED"),
        ((story.number, "--as-of", "yesterday"), "AS_OF_FORM"),
        ((), "ORDER_MIXED"),
    ]
    for words, code in cases:
        done = story.run("export", *words, "-o", str(tmp_path / "x.zip"), exit_code=2)
        assert f"error {code}" in done.stderr, words


@pytest.mark.slow
def test_an_earlier_block_or_time_can_be_asked_for(story: Story, tmp_path: Path) -> None:
    old = statement(story.folder / "open.zip")["as_of"]
    for as_of in (str(old["block"]), old["time"]):
        out = tmp_path / "asof.zip"
        story.run("export", story.number, "-o", str(out), "--as-of", as_of, "--force")
        assert statement(out)["as_of"] == old
    done = story.run(
        "export", story.number, "-o", str(tmp_path / "x.zip"), "--as-of", "0", exit_code=75
    )
    assert "ASOF_MISSING" in done.stderr

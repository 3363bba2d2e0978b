"""`notary case` writes a case that its own README and register suffice to take in."""

from __future__ import annotations

import csv
import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from notary.cases.command import write_case
from notary.cli.app import app
from notary.errors import CallerError


@pytest.mark.parametrize(("name", "matters"), [("collection", 40), ("trade", 1)])
def test_a_case_is_written_with_its_register_and_readme(
    tmp_path: Path, name: str, matters: int
) -> None:
    out = tmp_path / "case"
    done = CliRunner().invoke(app, ["case", name, "--seed", "5", "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    written = json.loads(done.stdout)
    assert written["matters"] == matters
    assert written["files"] == len([path for path in out.rglob("*") if path.is_file()])
    assert sum(written["by_kind"].values()) == written["records"]
    assert "seed 5" in (out / "README.md").read_text("utf-8")


def test_the_commands_register_what_the_table_says(tmp_path: Path) -> None:
    write_case("collection", 1, tmp_path / "case")
    with (tmp_path / "case" / "accounts.csv").open(encoding="utf-8", newline="") as file:
        table = [(row["title"], row["account"]) for row in csv.DictReader(file)]
    found = []
    for line in (tmp_path / "case" / "register.sh").read_text("utf-8").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["notary"]:
            assert words[:3] == ["notary", "matter", "new"]
            assert set(words[4::2]) == {"--account"}
            found += [(words[3], account) for account in words[5::2]]
    assert found == table


def test_the_paths_of_a_readme_are_there(tmp_path: Path) -> None:
    for name in ("collection", "trade"):
        out = tmp_path / name
        write_case(name, 1, out)
        for line in (out / "README.md").read_text("utf-8").splitlines():
            if line.startswith("| `"):
                path = line.split("`")[1].split("<")[0]
                assert (out / path).exists(), line


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("mine", "ascii")
    with pytest.raises(CallerError, match="is not an empty folder"):
        write_case("collection", 1, tmp_path)
    assert list(tmp_path.iterdir()) == [kept]


def test_an_unknown_case_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["case", "mediation", "--out", str(tmp_path / "case")])
    assert done.exit_code == 2
    assert "error CASE_UNKNOWN: want collection or trade, got 'mediation'." in done.output
    assert not (tmp_path / "case").exists()


def test_the_same_command_gives_the_same_bytes(tmp_path: Path) -> None:
    for out in ("one", "two"):
        write_case("trade", 9, tmp_path / out)
    one = {
        path.relative_to(tmp_path / "one"): path.read_bytes()
        for path in (tmp_path / "one").rglob("*")
        if path.is_file()
    }
    for path, content in one.items():
        assert (tmp_path / "two" / path).read_bytes() == content

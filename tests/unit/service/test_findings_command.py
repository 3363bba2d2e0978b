"""`notary findings` and `notary case --frauds`, as people run them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from notary.cli.app import app

MAP = """\
id = "calls"
version = 1
format = "csv"
kind = "call"
[account]
column = "account"
[source]
name = "pbx-1"
number = "seq"
[occurred_at]
column = "at"
format = "iso8601"
[identity]
columns = ["seq"]
[claims.reference]
type = "text"
column = "seq"
"""


def run(home: Path, *words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, [*words, "--home", str(home)])
    assert done.exit_code == code, done.output
    return done.output


def report(home: Path, *words: str, code: int) -> Any:
    return json.loads(run(home, "findings", *words, "--json", code=code))


def take(home: Path, folder: Path, numbers: list[int]) -> None:
    rows = [f"{n},2026-03-02T10:{n:02}:00Z,{'A-1' if n % 2 else 'B-9'}" for n in numbers]
    (folder / "calls.map.toml").write_text(MAP)
    (folder / "calls.csv").write_text("\n".join(["seq,at,account", *rows]) + "\n")
    run(home, "source", "new", "pbx-1", "--zone", "UTC", "--numbered-by", "source")
    run(home, "matter", "new", "M", "--account", "A-1")
    # Rows of unknown accounts wait: exit code 1.
    words = ("ingest", str(folder / "calls.csv"), "--map", str(folder / "calls.map.toml"))
    run(home, *words, code=1)


def test_nothing_found_ends_with_0_and_something_with_1(home: Path, tmp_path: Path) -> None:
    assert report(home, code=0)["findings"] == []
    # The numbers of the source run through rows that wait, too: 30 has neither.
    take(home, tmp_path, [n for n in range(50) if n != 30])
    [one] = report(home, code=1)["findings"]
    assert one["code"] == "NUMBER_MISSING"
    assert one["title_zh"] == "编号缺失"
    assert [record["reference"] for record in one["records"]] == ["29", "31"]
    text = run(home, "findings", code=1)
    assert "It is cleared by the records with these numbers" in text
    assert "It is no verdict" in text


def test_findings_are_told_by_source_and_by_matter(home: Path, tmp_path: Path) -> None:
    take(home, tmp_path, [n for n in range(50) if n != 30])
    [matter] = json.loads(run(home, "matter", "list", "--json"))
    assert (
        len(report(home, "--matter", matter["number"], "--purpose", "audit", code=1)["findings"])
        == 1
    )
    assert len(report(home, "--source", "pbx-1", code=1)["findings"]) == 1
    [filed, *_] = json.loads(run(home, "custody", matter["number"], "--json"))
    assert filed["purpose"] == "audit"
    assert filed["action"] == "read"
    assert "SOURCE_UNKNOWN" in run(home, "findings", "--source", "pbx-2", code=2)
    assert "NUMBER_LENGTH" in run(home, "findings", "--matter", "nm1nothing", code=2)


def test_the_case_is_written_with_the_frauds_that_were_asked_for(tmp_path: Path) -> None:
    words = ["case", "collection", "--out", str(tmp_path / "case"), "--frauds", "dropped,late"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "frauds are planted; frauds.json says where" in done.output
    key = json.loads((tmp_path / "case" / "frauds.json").read_text("utf-8"))
    assert {one["kind"] for one in key["frauds"]} == {"dropped", "late"}


@pytest.mark.parametrize(
    ("name", "frauds", "code"),
    [("collection", "theft", "FRAUD_UNKNOWN"), ("trade", "all", "FRAUD_CASE")],
)
def test_a_fraud_that_can_not_be_planted_leaves_nothing_behind(
    tmp_path: Path, name: str, frauds: str, code: str
) -> None:
    done = CliRunner().invoke(app, ["case", name, "-o", str(tmp_path / "x"), "--frauds", frauds])
    assert done.exit_code == 2
    assert code in done.output
    assert not (tmp_path / "x").exists()

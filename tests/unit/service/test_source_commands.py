"""`notary source` and `notary ingest` of numbered rows, as people run them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from notary import compose, config
from notary.cases.collection.files import generate
from notary.cases.collection.make import Size
from notary.cli.app import app
from notary.usecases.set_aside import EarlierRows

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
[identity]
columns = ["id"]
[claims.caller]
type = "text"
column = "caller"
"""


def run(home: Path, *words: str, code: int = 0) -> Any:
    done = CliRunner().invoke(app, [*words, "--home", str(home), "--json"])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout) if code in (0, 1) else done.output


def make(home: Path, name: str = "pbx-1", by: str = "source") -> Any:
    return run(home, "source", "new", name, "--zone", "Europe/Berlin", "--numbered-by", by)


def calls(folder: Path, *rows: str) -> Path:
    (folder / "calls.map.toml").write_text(MAP)
    file = folder / "calls.csv"
    file.write_text("\n".join(["id,seq,account,caller", *rows]) + "\n")
    return file


def ingest(home: Path, folder: Path, code: int = 0, *more: str) -> Any:
    words = ["ingest", str(folder / "calls.csv"), "--map", str(folder / "calls.map.toml"), *more]
    [file] = run(home, *words, code=code)["files"]
    return file


def test_the_numbers_of_a_table_are_those_of_its_source(home: Path, tmp_path: Path) -> None:
    make(home)
    run(home, "matter", "new", "A", "--account", "A-1")
    calls(tmp_path, "x,0,A-1,+1", "y,1,A-1,+2", "z,4,A-1,+3")
    assert ingest(home, tmp_path)["accepted"] == 3
    assert ingest(home, tmp_path)["replayed"] == 3
    assert run(home, "source", "show", "pbx-1")["missing"] == [[2, 3]]


def test_a_row_that_waits_for_its_account_keeps_its_number(home: Path, tmp_path: Path) -> None:
    make(home)
    run(home, "matter", "new", "A", "--account", "A-1")
    calls(tmp_path, "x,0,A-1,+1", "y,1,B-1,+2", "z,2,A-1,+3")
    assert ingest(home, tmp_path, 1)["unassigned"] == 1
    shown = run(home, "source", "show", "pbx-1")
    assert (shown["missing"], shown["waiting"], shown["findings"]) == ([], 1, [])
    [status] = run(home, "status", code=1)["sources"]
    assert (status["records"], status["missing"], status["waiting"]) == (2, 0, 1)
    run(home, "matter", "new", "B", "--account", "B-1")
    run(home, "ingest", "--unassigned")
    shown = run(home, "source", "show", "pbx-1")
    assert (shown["missing"], shown["waiting"]) == ([], 0)


@pytest.mark.parametrize(
    ("row", "field"), [("y,,A-1,+2", "seq"), ("y,1.5,A-1,+2", "seq"), ("y,0,A-1,+2", "number")]
)
def test_a_row_without_a_number_of_its_own_comes_back_and_the_others_enter(
    home: Path, tmp_path: Path, row: str, field: str
) -> None:
    make(home)
    run(home, "matter", "new", "A", "--account", "A-1")
    calls(tmp_path, "x,0,A-1,+1", row, "z,2,A-1,+3")
    done = ingest(home, tmp_path, 1)
    assert (done["accepted"], done["rejected"]) == (2, 1)
    assert field in done["problems"][0]


def test_a_file_of_an_unknown_source_is_refused_whole(home: Path, tmp_path: Path) -> None:
    calls(tmp_path, "x,0,A-1,+1")
    done = ingest(home, tmp_path, 1)
    assert done["accepted"] == 0
    assert "pbx-1" in done["problems"][0]


def test_documents_of_one_source_are_numbered_by_the_service(home: Path, tmp_path: Path) -> None:
    make(home, "mail", "service")
    number = run(home, "matter", "new", "A")["number"]
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
        run(home, "ingest", str(tmp_path / name), "--matter", number, "--source", "mail")
    shown = run(home, "source", "show", "mail")
    assert (shown["next"], shown["missing"]) == (2, [])


def test_a_map_and_a_command_that_name_two_sources_are_refused(home: Path, tmp_path: Path) -> None:
    make(home)
    make(home, "other")
    calls(tmp_path, "x,0,A-1,+1")
    done = ingest(home, tmp_path, 1, "--source", "other")
    assert "names source pbx-1" in done["problems"][0]


def test_a_source_is_described_explained_and_listed(home: Path, tmp_path: Path) -> None:
    make(home)
    run(home, "source", "profile", "pbx-1", "--software", "Asterisk", "--hides", "unanswered=no")
    run(home, "matter", "new", "A", "--account", "A-1")
    calls(tmp_path, "x,5,A-1,+1")
    ingest(home, tmp_path)
    run(home, "source", "explain", "pbx-1", "0", "4", "before the installation")
    [listed] = run(home, "source", "list")
    assert (listed["software"], listed["hides"]) == ("Asterisk", ["unanswered=no"])
    assert (listed["missing"], listed["unexplained"]) == ([[0, 4]], [])
    assert run(home, "source", "close", "pbx-1") == {"closed": 0}
    newer = ["--zone", "UTC", "--numbered-by", "source", "--continues", "pbx-1"]
    assert run(home, "source", "new", "pbx-2", *newer)["continues"] == listed["source"]


def test_tables_for_people_name_the_source(home: Path) -> None:
    make(home)
    for words in (["source", "list"], ["source", "show", "pbx-1"]):
        done = CliRunner().invoke(app, [*words, "--home", str(home)])
        assert done.exit_code == 0, done.output
        assert "pbx-1" in done.stdout


def test_a_name_that_is_no_source_is_said(home: Path) -> None:
    done = CliRunner().invoke(app, ["source", "show", "pbx-9", "--home", str(home)])
    assert done.exit_code != 0
    assert "'pbx-9' is no source of this agency" in done.output


def test_a_message_taken_out_of_the_made_up_case_is_a_gap_of_its_gateway(
    home: Path, tmp_path: Path
) -> None:
    size = Size(debtors=7, days=21, working_day_calls=1, peak_day_calls=1)
    case = generate(tmp_path / "case", 3, size)
    for debtor in case.case.debtors:
        words = [word for account in debtor.accounts for word in ("--account", account)]
        run(home, "matter", "new", debtor.title, *words)
    # As the case's README says it.
    new = ["--zone", "Europe/London", "--numbered-by", "source", "--first", "1"]
    run(home, "source", "new", "sms-gateway", *new)
    shutil.copy(case.folder / "sources" / "sms.map.toml", case.maps)
    exports = sorted(case.folder.glob("days/*/sms.ndjson"))
    rows = sum(len(path.read_bytes().splitlines()) for path in exports)
    whole = exports[1].read_bytes()
    first, *others = whole.splitlines(keepends=True)
    exports[1].write_bytes(b"".join(others))
    words = [str(path) for path in (case.maps, *exports)]
    run(home, "ingest", *words)
    gone = json.loads(first)["seq"]
    assert 1 < gone < rows
    shown = run(home, "source", "show", "sms-gateway")
    assert shown["missing"] == [[gone, gone]]
    assert "SOURCE_GAP" in {one["code"] for one in shown["findings"]}
    # It comes late, and nothing else is missing.
    exports[1].write_bytes(whole)
    run(home, "ingest", *words)
    assert run(home, "source", "show", "sms-gateway")["missing"] == []


def test_the_worker_sets_aside_what_an_earlier_version_let_wait(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Sequence[int]] = []

    def enter(_: EarlierRows, agency_ids: Sequence[int]) -> int:
        asked.append(agency_ids)
        return 2

    monkeypatch.setattr(EarlierRows, "enter", enter)
    said: list[str] = []
    with compose.opened(config.load(home)) as service:
        service.worker(said.append)
    assert asked == [[1]]
    assert said == ["set aside the numbers of 2 rows that wait"]

"""The command line's exit codes and its way of reading words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from notary.cli import present
from notary.cli.app import app
from notary.cli.exporting import export_order
from notary.cli.matters import record_text
from notary.cli.output import (
    EXIT_AGAIN,
    EXIT_CALLER,
    EXIT_CONTRADICTION,
    errors_said,
    exit_code,
    say,
    say_json,
)
from notary.cli.panels import PANELS, arrange
from notary.cli.present import table
from notary.errors import (
    CallerError,
    ConflictError,
    Contradiction,
    NotaryError,
    NothingHappened,
    OutcomeUnknown,
)
from notary.importers.map_file import parse_map
from notary.importers.rows import Reject
from notary.usecases.export_order import Withhold
from notary.usecases.import_report import FileReport, IngestReport, Preview
from verifier.format import numbers
from verifier.format.errors import FormatError
from verifier.format.statement import Reason

NUMBER = numbers.make(bytes(16), bytes(4)).text


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CallerError("A", ""), EXIT_CALLER),
        (ConflictError("A", ""), EXIT_CALLER),
        (FormatError("A", ""), EXIT_CALLER),
        (NothingHappened("A", ""), EXIT_AGAIN),
        (OutcomeUnknown("A", ""), EXIT_AGAIN),
        (Contradiction("A", ""), EXIT_CONTRADICTION),
    ],
)
def test_the_exit_code_says_what_to_do_next(error: NotaryError | FormatError, code: int) -> None:
    assert exit_code(error) == code


def test_an_error_that_is_not_ours_passes_through() -> None:
    with pytest.raises(ZeroDivisionError), errors_said():
        _ = 1 // 0


def test_a_missing_home_is_said_in_one_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["status", "--home", str(tmp_path)])
    assert done.exit_code == EXIT_CALLER
    assert done.stderr.startswith("error HOME_MISSING: ")
    assert done.stderr.count("\n") == 1


def test_a_refused_init_leaves_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    words = ["init", "--log", "https://bad", "--agency", "x", "--rpc", "http://127.0.0.1:9"]
    done = CliRunner().invoke(app, [*words, "--chain-id", "1", "--home", str(home)])
    assert done.exit_code == EXIT_CALLER
    assert done.stderr.startswith("error LOG_NAME: want ")
    assert not home.exists()


def test_every_command_has_a_sentence_of_help() -> None:
    names = {command.name or command.callback.__name__ for command in app.registered_commands}  # type: ignore[union-attr]
    assert names >= {"init", "ingest", "work", "serve", "status", "export", "demo"}
    for command in app.registered_commands:
        assert command.callback is not None
        assert (command.callback.__doc__ or "").strip().endswith((".", "tells."))


def test_every_command_stands_under_its_heading_and_no_heading_names_another() -> None:
    listed = [(one.rich_help_panel, one.name) for one in app.registered_commands]
    listed += [(one.rich_help_panel, one.name) for one in app.registered_groups]
    assert sorted(listed) == sorted((panel, name) for panel, names in PANELS for name in names)


def test_a_command_without_a_heading_is_refused() -> None:
    lost = typer.Typer()
    lost.command("lost")(lambda: None)
    with pytest.raises(ValueError, match="no heading for the command lost"):
        arrange(lost)


def test_withheld_fields_are_read_with_their_reasons() -> None:
    order = export_order(
        NUMBER, (), absent=False, withhold=("5:amount=trade_secret", "7=privilege")
    )
    assert order.kind == "complete"
    assert order.withhold == (
        Withhold(5, "amount", Reason.TRADE_SECRET),
        Withhold(7, None, Reason.PRIVILEGE),
    )


@pytest.mark.parametrize(
    "words", ["5", "5:amount", "x=privilege", "=privilege", "-1=privilege", "²=other"]
)
def test_a_withhold_of_another_form_is_refused_with_an_example(words: str) -> None:
    with pytest.raises(CallerError, match="5=privilege") as caught:
        export_order(NUMBER, (), absent=False, withhold=(words,))
    assert caught.value.code == "WITHHOLD_FORM"


def test_an_unknown_reason_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CallerError, match="trade_secret") as caught:
        export_order(NUMBER, (), absent=False, withhold=("5=because",))
    assert caught.value.code == "WITHHOLD_REASON"


def test_absent_and_positions_exclude_each_other() -> None:
    with pytest.raises(CallerError) as caught:
        export_order(NUMBER, (1,), absent=True, withhold=())
    assert caught.value.code == "ORDER_MIXED"
    assert export_order(NUMBER, (1,), absent=False, withhold=()).kind == "extract"
    assert export_order(NUMBER, (), absent=True, withhold=()).kind == "absent"


def test_columns_are_aligned_and_lines_have_no_blanks_at_their_end() -> None:
    assert table(("a", "b"), [("long", ""), ("x", "y")]) == "a     b\nlong\nx     y"


def test_a_chinese_letter_takes_two_columns() -> None:
    assert table(("a", "b"), [("例三明", "x"), ("abcdef", "y")]).splitlines()[1:] == [
        "例三明  x",
        "abcdef  y",
    ]


def test_a_field_that_is_no_text_is_shown_as_json() -> None:
    shown = dict.fromkeys(
        (
            "record_id",
            "position",
            "matter",
            "kind",
            "recorded_at",
            "leaf_hash",
            "deadline",
            "state",
        ),
        "",
    )
    fields = {"caller": {"number": "+44", "masked": False, "name": None}, "addressee": "例三明"}
    lines = record_text({**shown, "fields": fields}).splitlines()[-2:]
    assert [line.split(maxsplit=1)[1] for line in lines] == [
        '{"number": "+44", "masked": false, "name": null}',
        "例三明",
    ]


def test_what_commands_a_terminal_is_shown_and_not_obeyed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hostile = "a\x1b[31mb\u202ec\udcffd\x85"
    say(hostile + "\ttext\n催款函")
    say_json({hostile: hostile})
    said = capsys.readouterr().out
    assert said.startswith("a\\u001b[31mb\\u202ec\\udcffd\\u0085\ttext\n催款函\n")
    shown = json.loads(said[said.index("{") :])
    assert shown == {hostile: hostile}


def test_a_file_of_any_name_has_one_line() -> None:
    report = IngestReport(True, (FileReport(Path("in/a\nb.csv"), "csv/m", why="x"),))
    assert present.ingest_text(report).splitlines()[1].startswith("in/a\\nb.csv  csv/m")


def test_a_line_of_a_text_does_not_look_like_ours() -> None:
    row = Preview(1, "message", None, {"text": "Hi\nb.csv: refused"}, ())
    file = FileReport(Path("a.csv"), "csv/m", preview=(row,))
    said = present.ingest_text(IngestReport(True, (file,))).splitlines()
    assert said[-3:-1] == ["    text: Hi", "        b.csv: refused"]


def test_a_log_without_zone_is_answered_with_the_map_that_it_wants() -> None:
    zone = Reject(1, "start", "ROW_ZONE", "no zone", "declare it", 0, 9, None)
    file = FileReport(Path("Master.csv"), "csv/asterisk", problems=(zone,), shipped_map="asterisk")
    said = present.ingest_text(IngestReport(False, (file,))).splitlines()
    at = next(i for i, line in enumerate(said) if line.startswith("    base"))
    text = "\n".join(said[at : at + 4])
    assert parse_map(text.encode(), "zone.map.toml").time.zone_name == "Europe/Madrid"
    assert "--map zone.map.toml" in said[at - 1]


def test_a_table_kept_as_a_document_is_said_to_be_unread() -> None:
    files = [
        FileReport(Path(name), "document", why="no map fits: none is near")
        for name in ("calls.csv", "letter.pdf")
    ]
    said = present.ingest_text(IngestReport(False, tuple(files))).splitlines()[3:]
    assert said == [
        "calls.csv: kept whole as one document, nothing in it is read: no map fits: none is near"
    ]

"""Folders, maps beside files, documents, attachments, and files that do not behave."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from notary.core.preparing import Offered
from notary.core.waiting import Waiting
from notary.errors import CallerError, NothingHappened
from notary.importers import original
from notary.importers.column_map import ColumnMap
from notary.importers.map_file import parse_map
from notary.usecases import import_file
from tests.simulators.intake import LETTERS, LETTERS_CSV, IntakeWorld, counts
from verifier.format import numbers

ACTS = b"""
id = "acts"
version = 1
format = "csv"
kind = "act"
[account]
column = "contract"
[identity]
columns = ["no"]
[attachments]
columns = ["file", "second"]
[claims.act]
type = "text"
column = "act"
"""


@pytest.fixture
def acts() -> ColumnMap:
    return parse_map(ACTS, "acts.map.toml")


def test_a_folder_is_taken_in_with_its_maps_and_each_file_once(world: IntakeWorld) -> None:
    world.file("in/letters.map.toml", LETTERS)
    world.file("in/acts.map.toml", ACTS)
    world.file("in/letters.csv", LETTERS_CSV)
    world.file("in/acts.csv", "no,contract,act,file,second\n1,C-1,acceptance,papers/a.txt,\n")
    world.file("in/papers/a.txt", "signed")
    world.file("in/papers/b.txt", "not listed")
    world.file("in/old.rejects.csv", "not read")
    world.file("in/.hidden", "not read")
    (world.folder / "in" / "link.txt").symlink_to(world.folder / "in" / "letters.csv")
    reports = world.take_all(world.folder / "in", matter=world.matter)
    assert {report.path.name: counts(report) for report in reports} == {
        "acts.csv": (1, 0, 0, 0, 0),
        "letters.csv": (3, 0, 0, 0, 0),
        "b.txt": (1, 0, 0, 0, 0),
    }
    [act] = [claims for claims in world.claims() if claims["kind"] == "act"]
    attachment = act["attachment-0"]
    assert isinstance(attachment, dict)
    assert (attachment["filename"], attachment["media_type"]) == ("a.txt", "text/plain")
    assert act["occurred_at"] is None


def test_a_file_that_no_importer_knows_is_a_document(world: IntakeWorld) -> None:
    path = world.file("contract.pdf", b"%PDF-1.4\n...")
    report = world.take(path, matter=world.matter)
    assert report.importer == "document"
    assert counts(report) == (1, 0, 0, 0, 0)
    [document] = world.claims()
    assert document["kind"] == "document"
    assert document["filename"] == "contract.pdf"
    assert document["occurred_at"] is None
    assert isinstance(document["attachment-0"], dict)
    assert document["attachment-0"]["media_type"] == "application/pdf"
    assert counts(world.take(path, matter=world.matter)) == (0, 1, 0, 0, 0)
    other = world.store.open_matter("Other")
    assert counts(world.take(path, matter=other)) == (1, 0, 0, 0, 0)


def test_a_document_without_matter_is_refused(world: IntakeWorld) -> None:
    report = world.take(world.file("contract.pdf", b"%PDF-1.4\n..."))
    assert counts(report) == (0, 0, 1, 0, 0)
    assert "--matter" in report.problems[0].remedy


def test_an_attachment_outside_the_folder_or_missing_refuses_its_row(
    world: IntakeWorld, acts: ColumnMap
) -> None:
    world.file("outside.txt", "outside")
    world.file("in/inside.txt", "inside")
    (world.folder / "in" / "way-out").symlink_to(world.folder)
    names = ["../outside.txt", "missing.txt", "way-out/outside.txt", ".", "/etc/passwd", "a\\b"]
    rows = "".join(f"{number},C-1,x,{name},\n" for number, name in enumerate(names))
    path = world.file(
        "in/acts.csv", f"no,contract,act,file,second\n{rows}9,C-1,x,inside.txt,inside.txt\n"
    )
    report = world.take(path, maps=[acts])
    assert counts(report) == (1, 0, len(names), 0, 0)
    assert {problem.code for problem in report.problems} == {"ROW_ATTACHMENT"}


def test_a_row_with_another_attachment_is_a_conflict(world: IntakeWorld, acts: ColumnMap) -> None:
    paper = world.file("in/a.txt", "first")
    table = "no,contract,act,file,second\n1,C-1,acceptance,a.txt,\n"
    path = world.file("in/acts.csv", table)
    assert counts(world.take(path, maps=[acts])) == (1, 0, 0, 0, 0)
    # By another file, with the same attachment: the same record.
    longer = world.file("in/more.csv", table + "2,C-1,acceptance,a.txt,\n")
    assert counts(world.take(longer, maps=[acts])) == (1, 1, 0, 0, 0)
    paper.write_bytes(b"other")
    assert counts(world.take(path, maps=[acts])) == (0, 0, 0, 0, 1)
    assert counts(world.take(longer, maps=[acts])) == (0, 0, 0, 0, 2)
    assert world.size() == 2


def test_a_row_with_attachments_can_not_wait(world: IntakeWorld, acts: ColumnMap) -> None:
    world.file("in/a.txt", "first")
    path = world.file("in/acts.csv", "no,contract,act,file,second\n1,C-9,acceptance,a.txt,\n")
    report = world.take(path, maps=[acts])
    assert counts(report) == (0, 0, 1, 0, 0)
    assert report.problems[0].code == "ROW_ACCOUNT"


def test_two_maps_that_fit_are_named(world: IntakeWorld, letters: ColumnMap) -> None:
    other = parse_map(LETTERS.replace(b'"letters"', b'"other"'), "other.map.toml")
    world.file("b.csv", LETTERS_CSV)
    path = world.file("letters.csv", LETTERS_CSV)
    report = world.take(path, maps=[letters, other])
    assert report.problems[0].code == "MAP_AMBIGUOUS"
    assert "letters.map.toml and other.map.toml" in report.problems[0].reason


def test_one_file_and_a_map_that_does_not_fit_name_the_columns(
    world: IntakeWorld, letters: ColumnMap
) -> None:
    path = world.file("letters.csv", "id,contract,date,amount,subject\n")
    report = world.take(path, maps=[letters], matter=world.matter)
    assert counts(report) == (0, 0, 1, 0, 0)
    assert "the header has no column sent; it has id, contract" in report.problems[0].reason
    assert world.size() == 0


def test_what_can_not_be_read_is_reported_and_the_others_enter(
    world: IntakeWorld, letters: ColumnMap, tmp_path: Path
) -> None:
    world.file("in/letters.csv", LETTERS_CSV)
    pipe = world.folder / "pipe"
    os.mkfifo(pipe)
    reports = world.take_all(world.folder / "in", pipe, maps=[letters])
    assert [counts(report) for report in reports] == [(2, 0, 0, 1, 0), (0, 0, 1, 0, 0)]
    assert reports[1].problems[0].code == "FILE_KIND"
    with pytest.raises(CallerError, match="no such file or folder"):
        world.take_all(tmp_path / "missing.csv")


def test_a_folder_that_can_not_be_listed_is_reported_and_not_passed_over(
    world: IntakeWorld, letters: ColumnMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.file("in/letters.csv", LETTERS_CSV)
    locked = world.file("in/locked/more.csv", LETTERS_CSV).parent
    scandir = os.scandir

    def denied(path: str) -> Any:
        if Path(path) == locked:
            raise PermissionError(13, "Permission denied", str(locked))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    entered, refused = world.take_all(world.folder / "in", maps=[letters])
    assert counts(entered) == (2, 0, 0, 1, 0)
    assert (refused.path, refused.problems[0].code) == (locked, "FOLDER_UNREADABLE")
    assert refused.problems[0].sentence() == (
        "the folder can't be listed: Permission denied. Check its rights."
    )


def test_a_name_that_no_file_can_have_is_refused(world: IntakeWorld) -> None:
    with pytest.raises(CallerError, match="File name too long"):
        world.take_all(world.folder / ("x" * 5_000))


def test_a_run_says_what_each_file_was_taken_for(world: IntakeWorld) -> None:
    header = b"Call Sid,From,To,Status,Start Time\n"
    path = world.file("calls.csv", header)
    report = world.take(path, matter=world.matter)
    assert report.importer == "document"
    assert report.unread
    assert "twilio-csv.toml; its first line has no duration" in report.why
    mail = world.take(world.file("a.eml", b"From: a@example.com\nDate: x\n\n"), matter=world.matter)
    assert (mail.importer, mail.unread) == ("mail", False)
    assert mail.why == "its first lines are the headers of a message"


def test_a_matter_that_is_not_the_agencys_is_refused(world: IntakeWorld) -> None:
    with pytest.raises(CallerError, match="no matter with this number"):
        world.ingest.run(world.agency_id, [], matter_key=bytes(32))


def test_a_file_that_changes_while_it_is_read_is_refused_and_can_be_taken_again(
    world: IntakeWorld, letters: ColumnMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(original, "BLOCK_BYTES", 4_096)
    monkeypatch.setattr(import_file, "ROWS_PER_COMMIT", 50)
    row = "L{0},C-1,2026-02-01 09:00,100.50,Reminder {0}\n"
    rows = [row.format(number) for number in range(400)]
    header = "id,contract,sent,amount,subject\n"
    path = world.file("long.csv", header + "".join(rows))
    acceptor = world.ingest._acceptor  # the world's real one

    class Meddler:
        """Lets the file grow after the first commit, as an export that is still being written."""

        offer = acceptor.offer

        def take_all(self, offered: Offered, waiting: Sequence[Waiting]) -> object:
            with path.open("ab") as file:
                file.write(row.format("new").encode())
            return acceptor.take_all(offered, waiting)

    with monkeypatch.context() as patched:
        patched.setattr(world.ingest, "_acceptor", Meddler())
        report = world.take(path, maps=[letters])
    assert report.problems[0].code == "FILE_CHANGED"
    assert 0 < report.accepted < 400
    # What had entered is known by its identity, whatever file it is in now.
    path.write_text(header + "".join(rows))
    again = world.take(path, maps=[letters])
    assert counts(again) == (400 - report.accepted, report.accepted, 0, 0, 0)
    assert world.rebuilt(path) == path.read_bytes()


def test_a_matter_number_in_the_row_leads_there(world: IntakeWorld) -> None:
    map_ = parse_map(LETTERS.replace(b"[account]", b"[matter]"), "by-number.map.toml")
    good = world.matter.number
    broken = good[:-1] + ("q" if good[-1] != "q" else "p")
    unknown = numbers.make(bytes(16), world.store.identity.tag).text
    rows = [
        f"L{index},{number},2026-02-01 09:00,1.00,x"
        for index, number in enumerate([good, broken, unknown, ""])
    ]
    path = world.file("by-number.csv", "id,contract,sent,amount,subject\n" + "\n".join(rows))
    report = world.take(path, maps=[map_])
    assert counts(report) == (1, 0, 3, 0, 0)
    assert {problem.code for problem in report.problems} == {"ROW_MATTER"}


@pytest.fixture
def no_trace(world: IntakeWorld) -> Iterator[None]:
    yield
    assert not list(world.folder.rglob("*.part"))


@pytest.mark.usefixtures("no_trace")
def test_an_acceptor_that_fails_ends_the_run_and_leaves_no_rejects(
    world: IntakeWorld, letters: ColumnMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        offer = world.ingest._acceptor.offer

        def take_all(self, offered: object, waiting: object) -> object:
            raise NothingHappened("STORE_UNAVAILABLE", "the disk is full")

    path = world.file(
        "letters.csv", "id,contract,sent,amount,subject\nL0,C-1,x,1,y\n" + LETTERS_CSV
    )
    with monkeypatch.context() as patched:
        patched.setattr(world.ingest, "_acceptor", Broken())
        with pytest.raises(NothingHappened, match="the disk is full"):
            world.take(path, maps=[letters])
    assert sorted(world.folder.iterdir()) == [path]
    assert world.size() == 0

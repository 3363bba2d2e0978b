"""Whole files are taken when they stand still; their copies are bounded, and swept when nobody needs them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from notary.agent import scan
from notary.agent.making import names_of
from notary.agent.settings import DIGESTS
from tests.simulators.agency import HEADER, Agency, sms, sms_map


@pytest.fixture
def agency(tmp_path: Path) -> Iterator[Agency]:
    one = Agency(tmp_path)
    yield one
    one.journal.close()


def test_a_file_is_taken_once_it_stands_still(agency: Agency) -> None:
    path = agency.files / "a.bin"
    path.write_bytes(b"half")
    assert agency.look() == []
    path.write_bytes(b"half and more")
    assert agency.look(after_s=9) == []
    assert agency.look(after_s=9) == []
    [one] = agency.look(after_s=2)
    assert (one.kind, one.claims["filename"]) == ("document", "a.bin")
    [copy] = one.files
    assert (agency.spool / copy.name).read_bytes() == b"half and more"
    assert agency.look(after_s=100) == []


def test_hidden_files_links_and_folders_of_the_agent_are_passed_over(agency: Agency) -> None:
    (agency.files / ".part").write_bytes(b"x")
    (agency.files / "link").symlink_to("/etc/passwd")
    assert agency.settle() == []


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ("*", ["a.csv", "b.txt", "deep/c.csv", "deep/er/a.csv"]),
        ("*.csv", ["a.csv", "deep/c.csv", "deep/er/a.csv"]),
        ("a.*", ["a.csv", "deep/er/a.csv"]),
        ("deep/*.csv", ["deep/c.csv"]),
        ("A.csv", []),
    ],
)
def test_files_are_named_by_pattern_at_any_depth_in_order(
    tmp_path: Path, names: str, wanted: list[str]
) -> None:
    for name in ("a.csv", "b.txt", "deep/c.csv", "deep/er/a.csv", ".hidden/a.csv", ".a.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "deep")
    (tmp_path / "z.csv").symlink_to(tmp_path / "a.csv")
    found = [os.path.relpath(one, tmp_path) for one in names_of(tmp_path, names)]
    assert found == wanted
    assert names_of(tmp_path / "gone", names) == []


def test_a_touched_file_is_the_same_and_a_changed_one_another_record(agency: Agency) -> None:
    path = agency.files / "a.bin"
    path.write_bytes(b"one")
    [first] = agency.settle()
    path.touch()
    assert agency.settle() == []
    path.write_bytes(b"two")
    [second] = agency.settle()
    assert first.key != second.key


def test_of_a_file_that_stays_only_digests_are_queued(tmp_path: Path) -> None:
    agency = Agency(tmp_path, originals=DIGESTS)
    (agency.files / "a.bin").write_bytes(b"secret")
    [one] = agency.settle()
    assert one.files == ()
    fields: Any = one.claims["fields"]
    [kept] = fields["originals"]
    assert kept["sha256"] == hashlib.sha256(b"secret").hexdigest()
    assert kept["sha512"] == hashlib.sha512(b"secret").hexdigest()
    assert (kept["size"], kept["kept_by"], len(kept["sm3"])) == (6, "the sender", 64)
    assert list(agency.spool.iterdir()) == []
    assert b"secret" not in (agency.state / "journal.db").read_bytes()
    agency.journal.close()


def test_copies_are_bounded_and_what_has_no_room_waits_where_it_is(tmp_path: Path) -> None:
    agency = Agency(tmp_path, spool_mb=1)
    (agency.files / "a.bin").write_bytes(b"a" * 700_000)
    (agency.files / "b.bin").write_bytes(b"b" * 700_000)
    [first] = agency.settle()
    first_full = agency.scanner.full
    agency.journal.acknowledged([(agency.journal.waiting(0, 9)[0], "r", b"{}")], "now")
    agency.scanner.sweep()
    [second] = agency.look()
    assert {first.claims["filename"], second.claims["filename"]} == {"a.bin", "b.bin"}
    assert (first_full, agency.scanner.full) == (True, False)
    agency.journal.close()


def test_a_full_queue_leaves_rows_in_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "MAX_QUEUE", 2)
    agency = Agency(tmp_path, sms_map(tmp_path))
    path = agency.files / "out.csv"
    path.write_text(HEADER + sms(1) + sms(2), "utf-8")
    assert len(agency.look()) == 2
    with path.open("a") as file:
        file.write(sms(3))
    assert agency.look() == []
    assert agency.scanner.full
    done = [(one, "r", b"{}") for one in agency.journal.waiting(0, 9)]
    agency.journal.acknowledged(done, "now")
    assert len(agency.look()) == 1
    agency.journal.close()


def test_a_copy_of_a_crash_is_swept(agency: Agency) -> None:
    (agency.spool / "left").write_bytes(b"x")
    (agency.files / "a.bin").write_bytes(b"x")
    [one] = agency.settle()
    agency.scanner.sweep()
    assert [path.name for path in agency.spool.iterdir()] == [one.files[0].name]


def test_a_message_is_read_by_its_own_importer(agency: Agency) -> None:
    (agency.files / "a.eml").write_bytes(b"From: a@example.com\r\nDate: x\r\n\r\nHello\r\n")
    [one] = agency.settle()
    assert (one.kind, one.claims["text"]) == ("message", "Hello")
    assert one.files[0].media_type == "message/rfc822"

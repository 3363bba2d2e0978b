"""Tables that grow: each row once, when its line is whole, whatever becomes of the file."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from notary.agent import tables
from notary.importers.map_file import load_map
from tests.simulators.agency import HEADER, SMS, Agency, sms, sms_map, texts


@pytest.fixture
def agency(tmp_path: Path) -> Iterator[Agency]:
    one = Agency(tmp_path, sms_map(tmp_path))
    yield one
    one.journal.close()


def wanted(*numbers: int) -> list[str]:
    return [f"Please call {number}" for number in numbers]


def append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(text)


def test_rows_are_taken_as_their_lines_appear(agency: Agency) -> None:
    path = agency.files / "out.csv"
    append(path, HEADER)
    assert agency.look() == []
    append(path, sms(1) + sms(2)[:20])
    assert texts(agency.look()) == wanted(1)
    assert agency.look() == []
    append(path, sms(2)[20:] + sms(3))
    assert texts(agency.look()) == wanted(2, 3)
    assert agency.faults() == []


def test_lines_of_json_grow_as_well(tmp_path: Path) -> None:
    path = tmp_path / "json.map.toml"
    path.write_text(SMS.replace('"csv"', '"ndjson"'), "utf-8")
    agency = Agency(tmp_path, load_map(path))
    rows = [{"account": "C-1", "sent": "2026-02-01T09:00:00Z", "text": f"t{n}"} for n in range(3)]
    lines = [json.dumps(one) + "\n" for one in rows]
    append(agency.files / "out.ndjson", lines[0] + lines[1][:9])
    assert texts(agency.look()) == ["t0"]
    agency.restart()
    append(agency.files / "out.ndjson", lines[1][9:] + lines[2])
    found = agency.look()
    assert texts(found) == ["t1", "t2"]
    places: list[Any] = [one.claims["import"] for one in found]
    assert [one["row"] for one in places] == [2, 3]
    agency.journal.close()


def test_a_switchs_own_log_is_followed_by_its_shipped_map(tmp_path: Path) -> None:
    path = tmp_path / "switch.map.toml"
    path.write_text(
        'id = "switch"\nversion = 1\nbase = "asterisk"\n[occurred_at]\nzone = "Europe/Berlin"\n',
        "utf-8",
    )
    agency = Agency(tmp_path, load_map(path))
    got = []
    for second in range(3):
        times = f'"2026-02-02 10:00:0{second}","2026-02-02 10:00:05","2026-02-02 10:01:05"'
        line = f'"","100","2025550100","out","A","SIP/1","SIP/2","Dial","x",{times},60,55,"ANSWERED","X"'
        append(agency.files / "Master.csv", line[:50])
        got += agency.look()
        append(agency.files / "Master.csv", line[50:] + "\n")
        got += agency.look()
    assert agency.faults() == []
    assert [one.claims["occurred_at"] for one in got] == [
        f"2026-02-02T09:00:0{second}.000Z" for second in range(3)
    ]
    agency.journal.close()


def test_every_way_to_cut_the_writing_gives_the_same_records(tmp_path: Path) -> None:
    whole = HEADER + sms(1) + 'C-1,2026-02-01T09:00:00Z,"Two\nlines, ""quoted"""\n' + "\n" + sms(3)
    expected = None
    for seed in range(30):
        dice = random.Random(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        agency = Agency(folder, sms_map(folder))
        path = agency.files / "out.csv"
        cuts = sorted({0, len(whole), *(dice.randrange(len(whole)) for _ in range(6))})
        got = []
        for start, end in pairwise(cuts):
            append(path, whole[start:end])
            got += agency.look()
            if dice.random() < 0.3:
                agency.restart()
        agency.journal.close()
        found: list[Any] = [
            (one.claims["text"], one.claims["import"], one.claims["raw"]) for one in got
        ]
        expected = expected or found
        assert found == expected
    assert expected is not None
    assert [text for text, _, _ in expected] == [
        "Please call 1",
        'Two\nlines, "quoted"',
        "Please call 3",
    ]


def test_a_rows_place_is_in_the_file_and_its_digest_of_all_before_its_end(agency: Agency) -> None:
    path = agency.files / "out.csv"
    append(path, HEADER + sms(1))
    first = agency.look()
    append(path, sms(2))
    agency.restart()
    content = path.read_bytes()
    for number, one in enumerate(first + agency.look(), start=2):
        place: Any = one.claims["import"]
        raw: Any = one.claims["raw"]
        assert content[place["start"] : place["end"]].decode() == raw["text"]
        assert place["file_sha256"] == hashlib.sha256(content[: place["end"]]).hexdigest()
        assert place["row"] == number


def test_a_last_line_without_end_waits_until_the_file_stands_still(agency: Agency) -> None:
    append(agency.files / "out.csv", HEADER + sms(1) + sms(2).rstrip("\n"))
    assert texts(agency.look()) == wanted(1)
    assert agency.look(after_s=59) == []
    assert texts(agency.look(after_s=2)) == wanted(2)
    assert agency.look(after_s=1_000) == []


def test_a_file_that_is_cut_is_read_anew_and_says_so(agency: Agency) -> None:
    path = agency.files / "out.csv"
    append(path, HEADER + sms(1) + sms(2))
    agency.look()
    path.write_text(HEADER + sms(7), "utf-8")
    assert texts(agency.look()) == wanted(7)
    assert agency.faults() == [tables.CUT]


@pytest.mark.parametrize("restart", [False, True])
def test_a_file_with_other_bytes_is_read_anew_and_known_rows_are_passed_over(
    agency: Agency, restart: bool
) -> None:
    path = agency.files / "out.csv"
    append(path, HEADER + sms(1) + sms(2) + sms(3))
    assert texts(agency.look()) == wanted(1, 2, 3)
    path.write_text(HEADER + sms(1) + sms(8) + sms(3) + sms(4), "utf-8")
    if restart:
        agency.restart()
    # The row 3 stands behind other bytes now, so nothing says that it is the one that came before.
    assert texts(agency.look()) == wanted(8, 3, 4)
    assert agency.faults() == [tables.REPLACED]


def test_with_an_identity_a_row_is_the_same_wherever_it_stands(tmp_path: Path) -> None:
    agency = Agency(tmp_path, sms_map(tmp_path, "text"))
    append(agency.files / "a.csv", HEADER + sms(1) + sms(2))
    assert texts(agency.look()) == wanted(1, 2)
    append(agency.files / "b.csv", HEADER + sms(2) + sms(3))
    assert texts(agency.look()) == wanted(3)
    append(agency.files / "c.csv", HEADER + "C-2,2026-02-01T09:00:00Z,Please call 1\n")
    assert agency.look() == []
    assert agency.faults() == ["ROW_CONFLICT"]
    agency.journal.close()


def test_equal_rows_are_two_records(agency: Agency) -> None:
    append(agency.files / "out.csv", HEADER + sms(1) + sms(1))
    first = agency.look()
    assert texts(first) == wanted(1, 1)
    assert len({one.key for one in first}) == 2


def test_a_rewritten_whole_export_gives_only_its_new_rows(agency: Agency) -> None:
    path = agency.files / "out.csv"
    append(path, HEADER + sms(1))
    assert texts(agency.look()) == wanted(1)
    part = agency.files / ".out.part"
    part.write_text(HEADER + sms(1) + sms(2), "utf-8")
    part.rename(path)
    assert texts(agency.look()) == wanted(2)
    assert agency.faults() == []


def test_rotated_files_are_read_on_under_their_new_names(agency: Agency) -> None:
    names = [agency.files / name for name in ("out.csv", "out.csv.1", "out.csv.2")]
    got = []
    for turn in range(4):
        append(names[0], HEADER + sms(10 * turn) + sms(10 * turn + 1))
        got += agency.look()
        # Written before the rotation and not read by then.
        append(names[0], sms(10 * turn + 2))
        for old, new in ((names[1], names[2]), (names[0], names[1])):
            if old.exists():
                old.rename(new)
    got += agency.look()
    assert sorted(texts(got)) == sorted(wanted(*[10 * t + n for t in range(4) for n in range(3)]))
    assert agency.faults() == []


def test_a_bad_row_is_noted_with_its_place_and_the_others_are_taken(agency: Agency) -> None:
    path = agency.files / "out.csv"
    append(path, HEADER + sms(1) + "C-1,yesterday,x\n" + sms(2))
    assert texts(agency.look()) == wanted(1, 2)
    [fault] = agency.journal.told(9)["faults"]
    assert (fault["code"], fault["byte"]) == ("ROW_TIME", len(HEADER + sms(1)))
    assert fault["text"].startswith("row 3, sent: ")


def test_a_header_that_does_not_fit_is_said_and_nothing_is_read(agency: Agency) -> None:
    append(agency.files / "out.csv", "a,b\n1,2\n")
    assert agency.look() == []
    [one] = agency.journal.files().values()
    assert one.error is not None
    assert "account" in one.error


def test_a_line_without_end_is_given_up_and_costs_no_more_memory(
    agency: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "READ_BYTES", 1_000)
    append(agency.files / "out.csv", HEADER + sms(1) + "x" * 5_000)
    assert texts(agency.look()) == wanted(1)
    [one] = agency.journal.files().values()
    assert one.error == f"the row at byte {len(HEADER + sms(1))} has no end within 1000 bytes"


def test_much_is_read_in_pieces(agency: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "READ_BYTES", 700)
    append(agency.files / "out.csv", HEADER + "".join(map(sms, range(200))))
    assert texts(agency.look()) == wanted(*range(200))

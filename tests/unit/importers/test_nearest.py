"""The help for a file that no map fits: the nearest map and its first difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from notary.importers.column_map import ColumnMap
from notary.importers.map_file import parse_map, shipped_map
from notary.importers.original import Original
from notary.importers.recognise import Recognised, open_rows, recognise
from notary.importers.rows import Reject
from tests.simulators.intake import LETTERS

FREESWITCH = (
    b'"A","+447700900100","+447700900101","default","2026-02-02T09:00:00","2026-02-02 09:00:10",'
    b'"2026-02-02 09:01:00","60","50","NORMAL_CLEARING","1d2a1c0c-0000-4000-8000-00000000000a","","C-1",'
    b'"PCMA","PCMA"\n'
)


def why(path: Path, content: bytes, *maps: ColumnMap) -> str:
    path.write_bytes(content)
    with Original(path) as original:
        found = recognise(original, maps, alone=False)
    assert isinstance(found, Recognised)
    return found.why


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            b"Call Sid,From,To,Status,Start-Time\n",
            "no map fits: the nearest is shipped map twilio-csv.toml; its first line has no duration, "
            "start_time (is it 'Start-Time'?)",
        ),
        (
            b"Call Sid;From;To;Status;Start Time;Duration\n",
            "no map fits: shipped map twilio-csv.toml fits but for the sign between its cells, ';': give "
            "a map with it under [csv] delimiter",
        ),
        (
            FREESWITCH,
            "no map fits: the nearest is shipped map freeswitch.toml; in its first line cell 5 is "
            "'2026-02-02T09:00:00', which is no start_stamp there",
        ),
        (
            b'{"calls": [{"sid": "CA1", "account_sid": "AC1", "from": "a", "to": "b", "status": "busy"}]}',
            "no map fits: the nearest is shipped map twilio.toml; its first row has no parent_call_sid, "
            "start_time",
        ),
        (
            b'{"eventID": "1", "eventType": "T", "eventClassifierCode": "ACT", "eventDateTime": "x"}\n{',
            "no map fits: its rows are those of shipped map dcsa.toml, but stand in another place",
        ),
        (
            b"item;price;a;b;c;d\n",
            "no map fits: its first line has 6 cells (item, price, a, b, c, …); a column map (--map) says",
        ),
        (
            b'[{"a": 1, "b": {"c": 2}}, {}]',
            "no map fits: its first object has 2 members (a, b); a column map (--map) says what they mean",
        ),
        (b"[1, 2, 3]", "no map fits: none is near"),
        (b'a,"b" c,d\n', "no map fits: the quotes of its first line don't match"),
        (b"PK\x03\x04", "no map fits: it is a ZIP archive"),
        (b'{"a": ' * 20_000, "no map fits: none is near"),
        (b"\x00\x01\x02", "no map fits: none is near"),
        (b"", "no map fits: it is empty"),
    ],
)
def test_the_nearest_map_is_named_with_what_is_missing(
    tmp_path: Path, content: bytes, says: str
) -> None:
    assert why(tmp_path / "file", content).startswith(says)


def test_a_map_that_fits_is_named_with_its_reason(tmp_path: Path) -> None:
    letters = parse_map(LETTERS, "letters.map.toml")
    header = b"id,contract,sent,amount,subject\n"
    assert why(tmp_path / "a.csv", header, letters) == (
        "its first line has the columns of letters.map.toml"
    )
    assert why(tmp_path / "b.csv", FREESWITCH.replace(b"T09", b" 09")) == (
        "its first line has 15 cells as in shipped map freeswitch.toml"
    )
    assert why(tmp_path / "c.json", b'{"epcisBody": {}}') == "it is a JSON object with epcisBody"
    assert why(tmp_path / "d.eml", b"From: a@example.com\nDate: x\n\n") == (
        "its first lines are the headers of a message"
    )


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (b"ID,contract,sent,amount,subject\n", "no column id (is it 'ID'?); it has ID, contract"),
        (
            b"id;contract;sent;amount;subject\n",
            "the cells of the header stand apart by ';', and by the map they should by ','",
        ),
    ],
)
def test_a_header_that_is_not_the_maps_says_what_it_may_be_called(
    tmp_path: Path, header: bytes, says: str
) -> None:
    path = tmp_path / "letters.csv"
    path.write_bytes(header)
    with Original(path) as original:
        [item] = open_rows(original, parse_map(LETTERS, "letters.map.toml"), bytes(32))
    assert isinstance(item, Reject)
    assert says in item.reason


def test_the_map_that_wants_most_columns_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "cdr.csv"
    columns = [*shipped_map("freepbx").wanted_columns, *shipped_map("freepbx").optional]
    path.write_text(",".join(columns) + "\n")
    with Original(path) as original:
        found = recognise(original, (), alone=False)
    assert isinstance(found, Recognised)
    assert found.map is not None
    assert found.map.id == "freepbx"

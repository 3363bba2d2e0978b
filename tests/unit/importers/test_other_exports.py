"""Other exports of calls and events, known by header, template or array (docs/spec/importers.md §3 to §5)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from notary.errors import CallerError
from notary.importers.column_map import ColumnMap
from notary.importers.map_file import parse_map
from notary.importers.original import Original
from notary.importers.recognise import Recognised, open_rows, recognise
from notary.importers.rows import ImportedRow, Reject
from tests.simulators.intake import LETTERS

A_LEG, B_LEG = "1d2a1c0c-0000-4000-8000-00000000000a", "1d2a1c0c-0000-4000-8000-00000000000b"
FREEPBX = (
    "calldate,clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,duration,billsec,disposition,"
    "amaflags,accountcode,uniqueid,userfield,did,cnum,cnam,outbound_cnum,outbound_cnam,dst_cnam,"
    "recordingfile,linkedid,peeraccount,sequence\n"
    '"2026-02-02 09:00:00","""Agency"" <200>","200","0770090****","from-internal","PJSIP/200-1","PJSIP/t-1",'
    '"Dial","PJSIP/0770090****@t,300","60","50","ANSWERED","3","C-1","1770022800.10","","","200","Agency",'
    '"0207","","","out.wav","1770022800.9","","12"\n'
)
TABLE = (
    "calldate,clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,duration,billsec,disposition,"
    "amaflags,accountcode,uniqueid,userfield\n"
    "2026-02-02 09:00:00,,200,07700900101,ctx,SIP/200-1,,Dial,x,30,0,NO ANSWER,3,C-1,1770022800.10,\n"
)
# The templates of FreeSWITCH's own cdr_csv.conf.xml, filled.
LEG = (
    '"Agency","+447700900100","+447700900101","default","2026-02-02 09:00:00","2026-02-02 09:00:10",'
    f'"2026-02-02 09:01:00","60","50","NORMAL_CLEARING","{A_LEG}","{B_LEG}",'
)
TEMPLATES = {
    "freeswitch-snom": LEG + ' "C-1","PCMA","PCMA","snom370/8.7","7","RX=1","TX=2","/rec/a.wav"\n',
    "freeswitch-linksys": LEG + '"C-1","PCMA","PCMA","Linksys/SPA942","PS=1,OS=2"\n',
    "freeswitch-asterisk": (
        '"C-1","+447700900100","+447700900101","default","""Agency"" <1>","sofia/a","sofia/b","bridge","x",'
        '"2026-02-02 09:00:00","2026-02-02 09:00:10","2026-02-02 09:01:00","60","50","NORMAL_CLEARING","",'
        f'"{A_LEG}",""\n'
    ),
    "freeswitch-opencdrrate": (
        f'"{B_LEG}","{A_LEG}","inbound","+447700900100","+447700900101","2026-02-02 09:00:10",'
        '"2026-02-02 09:01:00","50","C-1","","192.0.2.1","Agency",""\n'
    ),
}
TNT = {
    "eventID": "84db923d-2a19-4eb0-beb5-446c1ec57d34",
    "eventType": "TRANSPORT",
    "eventDateTime": "2026-01-02T07:41:00+08:30",
    "eventCreatedDateTime": "2026-01-02T08:00:00Z",
    "eventClassifierCode": "EST",
    "transportEventTypeCode": "ARRI",
}


def in_madrid(base: str) -> ColumnMap:
    text = f'base = "{base}"\nid = "own"\nversion = 1\noccurred_at.zone = "Europe/Madrid"\n'
    return parse_map(text.encode(), "own.map.toml")


def read(path: Path, content: str, *maps: ColumnMap) -> tuple[str, list[Any]]:
    path.write_text(content)
    with Original(path) as original:
        found = recognise(original, maps, alone=False)
        assert isinstance(found, Recognised), found
        assert found.map is not None, found
        return found.map.id, list(open_rows(original, found.map, bytes(32)))


@pytest.mark.parametrize(
    ("map_id", "content", "wanted", "fields"),
    [
        (
            "freepbx",
            FREEPBX,
            {
                "reference": "1770022800.10",
                "caller": {"number": "200", "masked": False},
                "callee": {"number": "0770090****", "masked": True},
                "duration_s": 60,
                "talk_s": 50,
                "disposition": "answered",
            },
            {"conversation": "1770022800.9", "recording": "out.wav", "caller_id": '"Agency" <200>'},
        ),
        (
            "asterisk-table",
            TABLE,
            {"reference": "1770022800.10", "talk_s": 0, "disposition": "no answer"},
            {"conversation": "1770022800.10", "disposition": "NO ANSWER"},
        ),
    ],
)
def test_a_table_of_asterisk_is_known_by_its_header(
    tmp_path: Path, map_id: str, content: str, wanted: dict[str, Any], fields: dict[str, Any]
) -> None:
    found, [item] = read(tmp_path / "cdr.csv", content)
    assert found == map_id
    assert (item.code, item.field) == ("ROW_ZONE", "calldate")
    found, [item] = read(tmp_path / "cdr.csv", content, in_madrid(map_id))
    assert item.account == "C-1"
    assert item.claims["occurred_at"] == "2026-02-02T08:00:00.000Z"
    assert {name: item.claims[name] for name in wanted} == wanted
    assert {name: item.claims["fields"][name] for name in fields} == fields


def test_a_call_that_got_its_recording_later_is_a_conflict_and_no_second_call(
    tmp_path: Path,
) -> None:
    map_ = in_madrid("freepbx")
    _, [first] = read(tmp_path / "a.csv", FREEPBX.replace("out.wav", ""), map_)
    _, [second] = read(tmp_path / "b.csv", FREEPBX, map_)
    assert first.identity == second.identity
    assert not first.counted


@pytest.mark.parametrize("map_id", TEMPLATES)
def test_each_template_of_freeswitch_is_known_by_its_cells(tmp_path: Path, map_id: str) -> None:
    path = tmp_path / "Master.csv"
    found, [item] = read(path, TEMPLATES[map_id])
    assert found == map_id
    assert item.code == "ROW_ZONE"
    _, [item] = read(path, TEMPLATES[map_id], in_madrid(map_id))
    assert item.account == "C-1"
    assert item.claims["caller"]["number"] == "+447700900100"
    assert item.claims["callee"]["number"] == "+447700900101"
    assert (item.claims["talk_s"], item.claims["disposition"]) == (50, "answered")
    fields = item.claims["fields"]
    assert fields["conversation"] == A_LEG
    assert fields["answered_at"]["at"] == "2026-02-02T08:00:10.000Z"
    if map_id == "freeswitch-opencdrrate":
        # It logs no start, and the answer is another moment.
        assert item.claims["occurred_at"] is None
        assert (item.claims["direction"], fields["other_leg"]) == ("inbound", A_LEG)
    else:
        assert item.claims["occurred_at"] == "2026-02-02T08:00:00.000Z"
        assert fields["hangup_cause"] == "NORMAL_CLEARING"


@pytest.mark.parametrize(
    ("header", "row", "direction"),
    [
        (
            "Account SID,Call SID,Parent Call SID,From,To,Status,Direction,Start Time,End Time,Duration,X",
            'AC1,CA1,,+14155550108,+14155550109,completed,inbound,"Tue, 31 Aug 2010 20:36:29 +0000",,15,',
            "inbound",
        ),
        (
            "Call Sid,Type,From,To,Status,Start Time,Duration",
            "CA1,Phone,+14155550108,+14155550109,Completed,2010-08-31 20:36:29+00:00,15",
            None,
        ),
    ],
)
def test_twilio_csv_may_lack_what_not_every_export_has(
    tmp_path: Path, header: str, row: str, direction: str | None
) -> None:
    found, [item] = read(tmp_path / "log.csv", f"{header}\n{row}\n")
    assert found == "twilio-csv"
    assert isinstance(item, ImportedRow), item
    assert item.claims["occurred_at"] == "2010-08-31T20:36:29.000Z"
    assert item.claims.get("direction") == direction
    assert item.claims["disposition"] == "answered"
    fields = item.claims["fields"]
    assert isinstance(fields, dict)
    assert fields["conversation"] == "CA1"


@pytest.mark.parametrize("form", ["an array", "one event"])
def test_an_event_of_dcsa_is_a_milestone(tmp_path: Path, form: str) -> None:
    other = {**TNT, "eventID": "2", "eventClassifierCode": "XXX"}
    content = json.dumps([TNT, other] if form == "an array" else TNT)
    found, [item, *more] = read(tmp_path / "events.json", content)
    assert found == "dcsa"
    assert item.kind == "milestone"
    assert item.claims["occurred_at"] == "2026-01-01T23:11:00.000Z"
    assert (item.claims["status"], item.claims["label"]) == ("estimated", "ARRI")
    assert item.raw == content.encode()[item.start : item.end]
    assert [(bad.code, bad.row) for bad in more] == ([("ROW_VALUE", 2)] if more else [])


def test_a_base_may_say_that_the_document_itself_holds_the_rows(tmp_path: Path) -> None:
    [call, _] = json.loads(Path("tests/samples/calls/twilio-calls.json").read_text())["calls"]
    text = b'base = "twilio"\nid = "own"\nversion = 1\n[json]\nrows = "."\n'
    for content in (json.dumps([call]), json.dumps(call)):
        found, [item] = read(tmp_path / "calls.json", content, parse_map(text, "own.map.toml"))
        assert found == "own"
        assert isinstance(item, ImportedRow), item


@pytest.mark.parametrize("bad", ['"sid": "CA1"', '"duration": NaN', '"duration": 1e400'])
def test_a_page_is_known_also_by_a_first_row_that_is_refused(tmp_path: Path, bad: str) -> None:
    text = Path("tests/samples/calls/twilio-calls.json").read_text()
    found, [first, second] = read(
        tmp_path / "calls.json", text.replace('"sid": "', f'{bad}, "sid": "', 1)
    )
    assert found == "twilio"
    assert isinstance(first, Reject)
    assert (first.row, first.whole) == (1, False)
    assert isinstance(second, ImportedRow)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0:01:23", 83), ("00:00:00", 0), ("100:00:59", 360059), ("83", 83), ("0", 0)],
)
def test_a_length_of_time_is_recorded_in_seconds(tmp_path: Path, text: str, seconds: int) -> None:
    assert talked(tmp_path, text).claims["talk_s"] == seconds


@pytest.mark.parametrize(
    "text",
    ["1:23", "0:60:00", "0:00:60", "-1", "1.5", "55s", "0:01:23.5", "٨٣", "9" * 16, "1e3", "1:2:3"],
)
def test_a_length_of_time_is_never_guessed(tmp_path: Path, text: str) -> None:
    bad = talked(tmp_path, text)
    assert (bad.code, bad.field) == ("ROW_VALUE", "talking")
    assert "no length of time, as 0:01:23 or whole seconds" in bad.reason


def talked(tmp_path: Path, text: str) -> Any:
    map_ = (
        b'id = "m"\nversion = 1\nformat = "csv"\nkind = "call"\n'
        b'[claims.talk_s]\ntype = "duration"\ncolumn = "talking"\n'
    )
    _, [item] = read(tmp_path / "c.csv", f"talking\n{text}\n", parse_map(map_, "m.map.toml"))
    return item


def test_a_column_may_be_missing_only_where_the_map_says_so(tmp_path: Path) -> None:
    header, row = "id,contract,sent,amount\n", "L1,C-1,2026-02-01 09:00,100.50\n"
    letters = LETTERS + b'[recognise]\noptional = ["subject"]\n'
    _, [item] = read(tmp_path / "l.csv", header + row, parse_map(letters, "letters.map.toml"))
    assert isinstance(item, ImportedRow), item
    assert "subject" not in item.claims
    _, [bad] = read(tmp_path / "l.csv", header + row[:-1] + ",x\n", parse_map(letters, "letters"))
    assert bad.code == "ROW_COLUMNS"


@pytest.mark.parametrize("name", ["id", "sent", "other"])
def test_what_makes_a_row_this_row_is_never_optional(name: str) -> None:
    with pytest.raises(
        CallerError, match=f"recognise.optional: {name} is no column that may be missing"
    ):
        parse_map(LETTERS + f'[recognise]\noptional = ["{name}"]\n'.encode(), "letters.map.toml")

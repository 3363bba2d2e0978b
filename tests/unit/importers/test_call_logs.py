"""The logs of telephone systems, as their systems write them (docs/spec/importers.md §3 to §5)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from notary.importers.column_map import ColumnMap
from notary.importers.map_file import parse_map, shipped_map
from notary.importers.original import Original
from notary.importers.recognise import open_rows, recognise
from notary.importers.rows import ImportedRow, Reject

PAGE = Path("tests/samples/calls/twilio-calls.json")
SPEC = Path("docs/spec/importers.md")

ASTERISK = (
    '"C-1","+447700900100","+447700900101","outbound","""Agency"" <+447700900100>","PJSIP/7-1","PJSIP/t-1",'
    '"Dial","PJSIP/+447700900101@trunk,45","2026-02-02 09:00:00",{answer},"2026-02-02 09:01:00",60,{talk},'
    '"{end}","DOCUMENTATION"{more}\n'
)
MORE = {
    "asterisk": "",
    "asterisk-17": ',"1770022800.1"',
    "asterisk-18": ',"pbx-1770022800.1","HUMAN"',
    "asterisk-19": ',"","1770022799.9",1',
    "asterisk-20": ',"1770022800.1","","1770022799.9",1',
    "asterisk-21": ',"1770022800.1","HUMAN","","1770022799.9",1',
}
A_LEG, B_LEG = "1d2a1c0c-0000-4000-8000-00000000000a", "1d2a1c0c-0000-4000-8000-00000000000b"
FREESWITCH = (
    '"Agency","+447700900100","+447700900101","default","2026-02-02 09:00:00","{answer}",'
    '"2026-02-02 09:01:00","60","{talk}","NORMAL_CLEARING","{uuid}","{other}","C-1","PCMA","PCMA"\n'
)


def asterisk(more: str = "", end: str = "ANSWERED") -> str:
    answer, talk = ('"2026-02-02 09:00:10"', 50) if end == "ANSWERED" else ("", 0)
    return ASTERISK.format(answer=answer, talk=talk, end=end, more=more)


def freeswitch(uuid: str = A_LEG, other: str = B_LEG, answer: str = "2026-02-02 09:00:10") -> str:
    return FREESWITCH.format(answer=answer, talk=50 if answer else 0, uuid=uuid, other=other)


def in_madrid(base: str, more: str = "") -> ColumnMap:
    text = (
        f'base = "{base}"\nid = "own"\nversion = 1\n[occurred_at]\nzone = "Europe/Madrid"\n{more}'
    )
    return parse_map(text.encode(), "own.map.toml")


def read(path: Path, *maps: ColumnMap) -> tuple[str | None, list[ImportedRow | Reject]]:
    """By which map the file is read in a folder with others, and its rows."""
    with Original(path) as original:
        found = recognise(original, maps, alone=False)
        assert not isinstance(found, Reject)
        if found.map is None:
            return None, []
        return found.map.id, list(open_rows(original, found.map, bytes(32)))


def claims(item: ImportedRow | Reject) -> dict[str, Any]:
    assert isinstance(item, ImportedRow), item
    return item.claims


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "Master.csv"


@pytest.mark.parametrize("map_id", MORE)
def test_an_asterisk_log_is_known_by_its_cells_and_wants_a_zone(log: Path, map_id: str) -> None:
    log.write_text(asterisk(MORE[map_id]))
    found, [item] = read(log)
    assert found == map_id
    assert isinstance(item, Reject)
    assert (item.code, item.field) == ("ROW_ZONE", "start")
    assert "declare the source's IANA zone" in item.remedy


@pytest.mark.parametrize("map_id", MORE)
def test_an_asterisk_call_is_recorded_as_the_specification_says(log: Path, map_id: str) -> None:
    log.write_text(asterisk(MORE[map_id]))
    found, [item] = read(log, in_madrid(map_id))
    assert found == "own"
    record = claims(item)
    assert record["account"] == "C-1"
    assert record["occurred_at"] == "2026-02-02T08:00:00.000Z"
    assert (record["duration_s"], record["talk_s"]) == (60, 50)
    assert record["disposition"] == "answered"
    assert record["fields"]["disposition"] == "ANSWERED"
    # The zone is declared once, for every time of the log.
    assert record["fields"]["answered_at"]["at"] == "2026-02-02T08:00:10.000Z"
    assert record["fields"]["caller_id"] == '"Agency" <+447700900100>'
    conversation = record["fields"].get("conversation")
    if "1770022799.9" in MORE[map_id]:
        assert conversation == "1770022799.9"
    else:
        assert (conversation is None) == (map_id == "asterisk")


def test_the_asterisk_maps_have_the_columns_and_identities_of_the_specification() -> None:
    rows = re.findall(
        r"^\| `(asterisk[-0-9]*)` \| (.*?) \|.*\| (.*?) \|$", SPEC.read_text(), re.MULTILINE
    )
    assert [name for name, _, _ in rows] == list(MORE)
    for name, columns, identity in rows:
        map_ = shipped_map(name)
        assert list(map_.columns[16:]) == re.findall(r"`(\w+)`", columns)
        assert list(map_.identity) == re.findall(r"`(\w+)`", identity)


@pytest.mark.parametrize(("section", "name"), [("## 3", "asterisk"), ("## 5", "twilio")])
def test_the_dispositions_are_those_of_the_specification(section: str, name: str) -> None:
    part = SPEC.read_text().split(section)[1].split("\n## ")[0]
    table = dict(re.findall(r"^\| `([A-Za-z -]+)` \| `([a-z ]+)` \|$", part, re.MULTILINE))
    [claim] = [one for one in shipped_map(name).claims if one.name == "disposition"]
    assert claim.values == table


def test_a_call_that_nobody_took_has_no_time_of_an_answer(log: Path) -> None:
    log.write_text(asterisk(end="NO ANSWER"))
    _, [item] = read(log, in_madrid("asterisk"))
    assert claims(item)["disposition"] == "no answer"
    assert "answered_at" not in claims(item)["fields"]
    assert claims(item)["talk_s"] == 0


def test_two_equal_rows_of_a_log_without_identifiers_are_two_calls(log: Path) -> None:
    log.write_text(asterisk() * 2)
    _, items = read(log, in_madrid("asterisk"))
    assert all(isinstance(item, ImportedRow) and item.counted for item in items)
    log.write_text(asterisk(MORE["asterisk-21"]) + asterisk(MORE["asterisk-21"])[:-2] + "2\n")
    _, [one, two] = read(log, in_madrid("asterisk-21"))
    assert isinstance(one, ImportedRow)
    assert isinstance(two, ImportedRow)
    assert one.identity != two.identity
    assert not one.counted


@pytest.mark.parametrize(
    ("local", "at", "note"),
    [
        ("2026-10-25 02:30:00", "2026-10-25T00:30:00.000Z", "twice"),
        ("2026-03-29 02:30:00", None, "never showed"),
    ],
)
def test_an_hour_that_a_clock_has_twice_or_never_is_said(
    log: Path, local: str, at: str | None, note: str
) -> None:
    log.write_text(asterisk().replace("2026-02-02 09:00:00", local))
    _, [item] = read(log, in_madrid("asterisk"))
    assert claims(item)["occurred_at"] == at
    assert note in claims(item)["occurred_at_source"]["note"]


def test_another_disposition_is_no_line_of_asterisk(log: Path) -> None:
    log.write_text(asterisk(end="PERHAPS"))
    assert read(log) == (None, [])
    log.write_text(asterisk() + asterisk(end="PERHAPS"))
    _, [_, refused] = read(log, in_madrid("asterisk"))
    assert isinstance(refused, Reject)
    assert "'PERHAPS' is not among the map's values" in refused.reason


def test_both_legs_of_a_freeswitch_call_are_one_conversation(log: Path) -> None:
    log.write_text(freeswitch() + freeswitch(B_LEG, A_LEG) + freeswitch("f" * 36, "", answer=""))
    assert read(log)[0] == "freeswitch"
    _, items = read(log, in_madrid("freeswitch"))
    first, second, third = map(claims, items)
    assert first["fields"]["conversation"] == second["fields"]["conversation"] == A_LEG
    assert first["reference"] != second["reference"]
    assert (first["disposition"], third["disposition"]) == ("answered", "not answered")
    # The cause says the same of both.
    assert first["fields"]["hangup_cause"] == third["fields"]["hangup_cause"] == "NORMAL_CLEARING"
    assert third["fields"]["conversation"] == "f" * 36
    assert "answered_at" not in third["fields"]


def test_a_template_names_the_columns_as_the_switch_is_told_them(log: Path) -> None:
    names = shipped_map("freeswitch").columns
    template = ", ".join(f'"${{{name}}}"' for name in [*reversed(names), "hold_accum_ms"])
    map_ = in_madrid("freeswitch", f"[csv]\ntemplate = '{template}'\n")
    cells = freeswitch().strip().split(",")
    log.write_text(", ".join([*reversed(cells), '"0"']) + "\n")
    found, [item] = read(log, map_)
    assert found == "own"
    assert claims(item)["callee"] == {"number": "+447700900101", "masked": False}


@pytest.fixture
def leg() -> dict[str, Any]:
    return {
        "core-uuid": "c" * 36,
        "variables": {
            "uuid": B_LEG,
            "bridge_uuid": A_LEG,
            "direction": "outbound",
            "accountcode": "C%2D1",
            "start_uepoch": "1770022800123456",
            "answer_uepoch": "1770022810000000",
            "end_uepoch": "1770022860000000",
            "duration": "60",
            "billsec": "50",
            "hangup_cause": "NORMAL_CLEARING",
        },
        "callflow": [
            {
                "caller_profile": {
                    "caller_id_number": "+447700900100",
                    "destination_number": "+44770090****",
                }
            }
        ],
    }


def test_a_freeswitch_document_is_decoded_and_its_times_are_microseconds(
    tmp_path: Path, leg: dict[str, Any]
) -> None:
    path = tmp_path / "b_leg.cdr.json"
    path.write_text(json.dumps(leg, indent=1))
    found, [item] = read(path)
    assert found == "freeswitch-json"
    record = claims(item)
    assert record["account"] == "C-1"
    assert record["occurred_at"] == "2026-02-02T09:00:00.123Z"
    assert record["occurred_at_source"]["text"] == "1770022800123456"
    assert record["caller"]["number"] == "+447700900100"
    assert record["callee"] == {"number": "+44770090****", "masked": True}
    assert record["disposition"] == "answered"
    assert record["fields"]["conversation"] == A_LEG


def test_legs_collected_as_lines_are_decoded_too(tmp_path: Path, leg: dict[str, Any]) -> None:
    text = 'base = "freeswitch-json"\nid = "own"\nversion = 1\nformat = "ndjson"\n'
    path = tmp_path / "legs.ndjson"
    path.write_text(f"{json.dumps(leg)}\n{json.dumps(leg)}\n")
    found, items = read(path, parse_map(text.encode(), "own.map.toml"))
    assert found == "own"
    assert [claims(item)["account"] for item in items] == ["C-1", "C-1"]


def test_a_map_of_the_agency_may_name_the_number_as_the_account(tmp_path: Path) -> None:
    text = 'base = "twilio"\nid = "own"\nversion = 1\n[account]\ncolumn = "to"\n'
    found, [first, _] = read(PAGE, parse_map(text.encode(), "own.map.toml"))
    assert found == "own"
    assert claims(first)["account"] == "+14155550109"


def test_zero_is_no_time_of_freeswitch(tmp_path: Path, leg: dict[str, Any]) -> None:
    leg["variables"] |= {"start_uepoch": "0", "answer_uepoch": "0"}
    leg["callflow"] = leg["callflow"][0]
    path = tmp_path / "leg.cdr.json"
    path.write_text(json.dumps(leg))
    _, [item] = read(path)
    record = claims(item)
    assert record["occurred_at"] is None
    assert record["occurred_at_source"]["note"] == "the source gives no time"
    assert record["disposition"] == "not answered"
    assert record["fields"]["answered_at"]["at"] is None
    assert record["caller"]["number"] == "+447700900100"


def test_percent_encoded_bytes_of_another_encoding_are_refused(
    tmp_path: Path, leg: dict[str, Any]
) -> None:
    leg["variables"]["accountcode"] = "C%E9"
    path = tmp_path / "leg.cdr.json"
    path.write_text(json.dumps(leg))
    _, [item] = read(path)
    assert isinstance(item, Reject)
    assert (item.code, item.field) == ("ROW_ENCODING", "variables.accountcode")


def test_a_page_of_twilio_is_read_with_its_times(tmp_path: Path) -> None:
    found, items = read(PAGE)
    assert found == "twilio"
    first, second = map(claims, items)
    assert first["occurred_at"] == "2010-08-31T20:36:29.000Z"
    assert (first["duration_s"], first["disposition"]) == (15, "answered")
    assert second["callee"] == {"number": "sip:kevin@example.com", "masked": False}
    assert second["disposition"] == "failed"
    assert [item.end - item.start for item in items] == [934, 883]


def page(**changes: Any) -> bytes:
    document = json.loads(PAGE.read_text())
    document["calls"][1] |= changes
    return json.dumps(document).encode()


def test_parent_and_child_of_twilio_are_one_conversation(tmp_path: Path) -> None:
    path = tmp_path / "page.json"
    parent = json.loads(PAGE.read_text())["calls"][0]["sid"]
    path.write_bytes(page(parent_call_sid=parent, start_time=None))
    first, second = map(claims, read(path)[1])
    assert first["fields"]["conversation"] == second["fields"]["conversation"] == parent
    assert "leg_of" not in first["fields"]
    assert second["fields"]["leg_of"] == parent
    assert second["occurred_at"] is None


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"status": "in-progress"}, "ROW_VALUE", "not among"),
        ({"status": None}, "ROW_MISSING", "empty"),
        ({"sid": ""}, "ROW_MISSING", "makes the row this row"),
        ({"start_time": "2026-02-02 09:00:00"}, "ROW_TIME", "rfc2822"),
        ({"duration": "99999999999999999"}, "ROW_VALUE", "whole number"),
        ({"from": "+1415\u001b[31m"}, "ROW_CONTROL", "U+001B"),
        ({"from": {"number": 1}}, "ROW_VALUE", "got an object"),
        ({"x": [[[]]] * 3 + [json.loads("[" * 40 + "]" * 40)]}, "ROW_JSON", "deeper than 32"),
        ({"x": "x" * 300_000}, "ROW_SIZE", "at most 262144"),
    ],
)
def test_a_bad_call_of_a_page_is_refused_and_its_neighbour_enters(
    tmp_path: Path, changes: dict[str, Any], code: str, says: str
) -> None:
    path = tmp_path / "page.json"
    path.write_bytes(page(**changes))
    map_ = shipped_map("twilio")
    with Original(path) as original:
        items = list(open_rows(original, map_, bytes(32)))
    good, bad = items
    assert isinstance(good, ImportedRow)
    assert isinstance(bad, Reject)
    assert (bad.code, bad.row) == (code, 2)
    assert says in bad.reason
    assert bad.remedy


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (page()[:-100], "ROW_JSON"),
        (page() + b"x", "ROW_JSON"),
        (b"PK\x03\x04" + bytes(100), "FILE_FOREIGN"),
        (page().decode().encode("utf-16"), "FILE_FOREIGN"),
    ],
)
def test_a_page_that_is_broken_is_refused_whole(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "page.json"
    path.write_bytes(content)
    with Original(path) as original:
        found = recognise(original, (), alone=False)
        assert isinstance(found, Reject)
        assert found.code == code
        [item] = open_rows(original, shipped_map("twilio"), bytes(32))
    assert isinstance(item, Reject)
    assert item.whole
    assert item.code == "ROW_JSON"


@pytest.mark.parametrize("spelled", ["api", "words", "camel"])
def test_twilio_csv_is_read_by_its_header(tmp_path: Path, spelled: str) -> None:
    header = "sid,parent_call_sid,from,to,start_time,end_time,duration,status,direction,account_sid"
    if spelled == "words":
        header = header.replace("_", " ").title().replace("Sid,", "Call Sid,", 1)
    if spelled == "camel":
        header = "".join(part[:1].upper() + part[1:] for part in re.split(r"_|(?<=,)", header))
    path = tmp_path / "calls.csv"
    path.write_text(
        f'{header}\nCA2,CA1,+14155550108,+14155550109,"Tue, 31 Aug 2010 20:36:29 +0000",,15,completed,'
        "outbound-dial,AC1\n"
    )
    found, [item] = read(path)
    assert found == "twilio-csv"
    assert claims(item)["occurred_at"] == "2010-08-31T20:36:29.000Z"
    assert claims(item)["fields"]["conversation"] == "CA1"

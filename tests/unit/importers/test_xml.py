"""XML documents of one row: read by the paths of the same document in JSON; nothing in them grows."""

from __future__ import annotations

from pathlib import Path

import pytest

from notary.importers.json_text import Value
from notary.importers.map_file import shipped_map
from notary.importers.original import Original
from notary.importers.recognise import Recognised, open_rows, recognise
from notary.importers.rows import MAX_ROW_BYTES, ImportedRow, Reject
from notary.importers.xml_rows import parse_xml

A_LEG, B_LEG = "1d2a1c0c-0000-4000-8000-00000000000a", "1d2a1c0c-0000-4000-8000-00000000000b"
PROFILE = """
  <callflow dialplan="XML" profile_index="{index}">
    <extension name="out"><application app_name="bridge" app_data="x"></application></extension>
    <caller_profile>
      <caller_id_name>Agency</caller_id_name>
      <caller_id_number>{number}</caller_id_number>
      <destination_number>+447700900101</destination_number>
    </caller_profile>
  </callflow>"""
LEG = """<?xml version="1.0"?>
<cdr core-uuid="c0" switchname="pbx">
  <channel_data><state>CS_REPORTING</state></channel_data>
  <variables>
    <uuid>{a}</uuid>
    <direction>outbound</direction>
    <accountcode>C-1</accountcode>
    <start_uepoch>1770022800000000</start_uepoch>
    <answer_uepoch>{answer}</answer_uepoch>
    <end_uepoch>1770022860000000</end_uepoch>
    <duration>60</duration>
    <billsec>50</billsec>
    <hangup_cause>NORMAL_CLEARING</hangup_cause>
    <bridge_uuid>{b}</bridge_uuid>
    <effective_caller_id_name>B%C3%BCro</effective_caller_id_name>
  </variables>{profiles}
</cdr>
"""


def leg(answer: int = 1770022810000000, profiles: str = "") -> str:
    shown = profiles or PROFILE.format(index=1, number="+447700900100")
    return LEG.format(a=A_LEG, b=B_LEG, answer=answer, profiles=shown)


def read(path: Path, text: str | bytes) -> ImportedRow | Reject:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with Original(path) as original:
        found = recognise(original, (), alone=False)
        assert isinstance(found, Recognised)
        assert found.map is not None
        assert found.map.id == "freeswitch-xml"
        [item] = open_rows(original, found.map, bytes(32))
        return item


@pytest.mark.parametrize("form", ["one profile", "two profiles"])
def test_a_leg_of_freeswitch_is_read_as_its_json_is(tmp_path: Path, form: str) -> None:
    last = PROFILE.format(index=2, number="+447700900100")
    first = PROFILE.format(index=1, number="+447700900199")
    item = read(tmp_path / "a.cdr.xml", leg(profiles=last + first if form != "one profile" else ""))
    assert isinstance(item, ImportedRow), item
    assert item.account == "C-1"
    claims = dict(item.claims)
    assert claims["occurred_at"] == "2026-02-02T09:00:00.000Z"
    assert claims["reference"] == A_LEG
    assert claims["direction"] == "outbound"
    assert claims["caller"] == {"number": "+447700900100", "masked": False}
    assert claims["callee"] == {"number": "+447700900101", "masked": False}
    assert (claims["duration_s"], claims["talk_s"]) == (60, 50)
    assert claims["disposition"] == "answered"
    fields = claims["fields"]
    assert isinstance(fields, dict)
    assert (fields["conversation"], fields["other_leg"]) == (A_LEG, B_LEG)
    assert fields["hangup_cause"] == "NORMAL_CLEARING"
    assert item.raw == (tmp_path / "a.cdr.xml").read_bytes()


def test_nobody_answered(tmp_path: Path) -> None:
    item = read(tmp_path / "a.cdr.xml", leg(answer=0))
    assert isinstance(item, ImportedRow)
    assert item.claims["disposition"] == "not answered"


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        (
            "<duration>60<",
            "<duration>6o<",
            "ROW_VALUE",
            "variables.duration: '6o' is no whole number",
        ),
        ("1770022800000000", "soon", "ROW_TIME", "variables.start_uepoch: 'soon' is no time"),
        ("%C3%BCro", "%C3%28", None, ""),
        (
            "<billsec>50</billsec>",
            "<billsec>50</billsec><billsec>51</billsec>",
            "ROW_VALUE",
            "an array",
        ),
    ],
)
def test_a_value_that_can_not_be_read_refuses_the_document(
    tmp_path: Path, old: str, new: str, code: str | None, says: str
) -> None:
    item = read(tmp_path / "a.xml", leg().replace(old, new))
    if code is None:
        # What the map does not read may be anything.
        assert isinstance(item, ImportedRow)
        return
    assert isinstance(item, Reject)
    assert item.whole
    assert item.code == code
    assert says in item.reason


GROWING = '<!DOCTYPE cdr [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><cdr><x>&b;</x></cdr>'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GROWING, "declares a type"),
        ('<!DOCTYPE cdr SYSTEM "file:///etc/passwd"><cdr><x>1</x></cdr>', "declares a type"),
        ("<a>" * 40 + "</a>" * 40, "nested deeper than 32 levels"),
        ("<a>" * 50_000, "nested deeper than 32 levels"),
        ("<a><b>1</b>", "no XML: no element found"),
        ("<a>&x;</a>", "no XML: undefined entity"),
        ("<a>\x01</a>", "no XML: not well-formed"),
        ("", "no XML"),
        ("<a/>", "nothing stands in the document"),
    ],
)
def test_a_document_that_can_not_be_trusted_is_refused(
    tmp_path: Path, text: str, says: str
) -> None:
    path = tmp_path / "a.xml"
    path.write_text(text)
    with Original(path) as original:
        [item] = open_rows(original, shipped_map("freeswitch-xml"), bytes(32))
    assert isinstance(item, Reject)
    assert item.whole
    assert says in item.reason


def test_a_long_document_is_not_held(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(b"<cdr>" + b" " * MAX_ROW_BYTES)
    with Original(path) as original:
        [item] = open_rows(original, shipped_map("freeswitch-xml"), bytes(32))
    assert isinstance(item, Reject)
    assert item.code == "ROW_SIZE"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<r><a> 1 </a></r>", {"a": "1"}),
        ("<r><a>1</a><a>2</a><a/></r>", {"a": ["1", "2", ""]}),
        ("<r>t<a><b>x<![CDATA[<y>]]></b></a></r>", {"a": {"b": "x<y>"}}),
        ('<?xml version="1.0" encoding="iso-8859-1"?><r><a>\xe9</a></r>', {"a": "\xe9"}),
    ],
)
def test_elements_are_members(text: str, value: Value) -> None:
    assert parse_xml(text.encode("latin-1")) == value

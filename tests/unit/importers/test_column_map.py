"""Each fault of a map is found when it is read, and named with its key."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary.errors import CallerError
from notary.importers.map_file import load_map, parse_map, shipped_map, shipped_maps
from tests.simulators.intake import LETTERS

EPCIS = b'id = "e"\nversion = 1\nformat = "epcis"\n'


def test_the_example_of_the_specification_is_a_map() -> None:
    text = Path("docs/spec/column-map.md").read_text("utf-8")
    examples = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert len(examples) == 4
    map_ = parse_map(examples[0].encode(), "the example")
    assert map_.kind == "letter"
    assert [claim.type for claim in map_.claims] == ["integer", "amount", "text", "constant"]
    assert parse_map(EPCIS + examples[2].encode(), "the milestone example").milestone is not None
    document = LETTERS.replace(b'"csv"', b'"json"') + examples[1].encode()
    assert parse_map(document, "the document example").rows == ("calls",)
    based = parse_map(examples[3].encode(), "the base example")
    assert based.time.zone_name == "Europe/Madrid"
    assert based.identity == ("callid",)


def test_shipped_maps_are_maps() -> None:
    assert [map_.id for map_ in shipped_maps()] == [
        *("asterisk-17", "asterisk-18", "asterisk-19", "asterisk-20", "asterisk-21"),
        *("asterisk-table", "asterisk", "call-export", "dcsa", "epcis", "freepbx"),
        *("freeswitch-asterisk", "freeswitch-json", "freeswitch-linksys", "freeswitch-opencdrrate"),
        *("freeswitch-snom", "freeswitch-xml", "freeswitch", "twilio-csv", "twilio", "vcon"),
    ]
    assert shipped_map("call-export").time.zone is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('id = "letters"', 'id = "Letters!"', "id: want 1 to 60"),
        ('id = "letters"\n', "", "id: is missing"),
        ("version = 1", 'version = "1"', "version: want a whole number"),
        ('format = "csv"', 'format = "xls"', "format: want one of csv"),
        ('kind = "letter"', 'kind = "lettre"', "claims.subject"),
        ('kind = "letter"', 'kind = "letter"\nzone = "x"', "zone: is not known"),
        ("[claims.subject]", "[claims.color]", "claims.color"),
        ("[claims.subject]", "[claims.raw]", "claims.raw: is made by the importer"),
        ("[claims.subject]", '[claims."attachment-0"]', "is made by the importer"),
        ('type = "text"', 'type = "txt"', "claims.subject.type: want one of text"),
        ('type = "text"', 'type = "text"\nzone = "UTC"', "claims.subject.zone: is not known for"),
        ('column = "subject"', "column = 3", "claims.subject.column: want a text"),
        ('column = "subject"', 'column = "_reject_row"', "is a column of rejects files"),
        ('currency = "EUR"', 'currency = "Euro"', "want a code of ISO 4217"),
        ('currency = "EUR"', "", "want either currency or currency_column"),
        ('currency = "EUR"', 'currency = "EUR"\nthousands = "."', "the same as decimal"),
        ('currency = "EUR"', 'currency = "EUR"\ndecimal = "x"', "want . or ,"),
        ("Europe/London", "Europe/Londn", "is no IANA time zone"),
        ("%Y-%m-%d %H:%M", "%Q", "occurred_at.format"),
        ('columns = ["id"]', "columns = []", "identity.columns: names no column"),
        ('columns = ["id"]', 'columns = ["id", "id"]', "names a column twice"),
        ("[account]", '[matter]\ncolumn = "m"\n[account]', "stands beside"),
        ("[account]", '[csv]\ndelimiter = ",,"\n[account]', "want one ASCII character"),
        ("[account]", '[csv]\nencoding = "utf-16"\n[account]', "csv.encoding: want one of"),
        ("[account]", '[csv]\nencoding = "utf-7"\n[account]', "csv.encoding: want one of"),
        ("[account]", "[csv]\nheader = false\n[account]", "csv.columns: stands with"),
        (
            "[account]",
            "[csv]\ntemplate = '${a},x'\n[account]",
            "in cell 2 and nothing else, got 'x'",
        ),
        ("[account]", "[csv]\ntemplate = '${a},${a}'\n[account]", "names a twice"),
        ("[account]", '[json]\nrows = "a"\n[account]', "json: stands in a map of format csv"),
        (
            "[account]",
            "[recognise.cells]\nid = 'x'\n[account]",
            "no column of a file without header",
        ),
        ('type = "text"', 'type = "first"', "claims.subject.column: is not known for first"),
        ('type = "text"\ncolumn = "subject"', 'type = "least"', "claims.subject.columns: names no"),
        ('type = "text"\n', 'type = "filled"\n', "claims.subject.filled: is missing"),
        (
            'type = "text"\ncolumn = "subject"',
            'type = "object"\nof = {}',
            "claims.subject.of: want a table of members",
        ),
        (
            'type = "text"\ncolumn = "subject"',
            'type = "object"\nof.a = { type = "object", of.b = { type = "text", column = "c" } }',
            "claims.subject.of.a: a member is no object",
        ),
        ("[account]", '[csv]\nheader = false\ncolumns = ["a"]\n[account]', "does not name"),
        ("[account]", '[rename]\nnone = ["x"]\n[account]', "is no column that the map reads"),
        ("[account]", '[rename]\nid = ["sent"]\n[account]', "already names a column"),
        ("[account]", '[milestone]\ntemplate = "t"\n[account]', "stands in a map of format csv"),
        ("[account]", "[account", "Expected ']'"),
        ('id = "letters"', 'base = "none"', "want one of asterisk, asterisk-17"),
        ('type = "text"\ncolumn', 'type = "constant"\ncolumn', "is not known for constant"),
        ('type = "text"\ncolumn = "subject"', 'type = "constant"\nvalue = 1.5', "value"),
        ('type = "text"\ncolumn = "subject"', 'type = "constant"', "value: is missing"),
        (
            'type = "text"\ncolumn = "subject"',
            'type = "parties"\nof = [{ role = "boss", column = "x" }]',
            "claims.subject.of[0].role: want one of",
        ),
    ],
)
def test_a_fault_names_file_key_and_cause(old: str, new: str, says: str) -> None:
    text = LETTERS.decode()
    assert old in text
    with pytest.raises(CallerError) as caught:
        parse_map(text.replace(old, new, 1).encode(), "letters.map.toml")
    assert caught.value.code == "COLUMN_MAP"
    assert str(caught.value).startswith("letters.map.toml: ")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('[account]\ncolumn = "a[b"', "is no path"),
        ('[account]\ncolumn = "a..b"', "is no path"),
        ('[milestone]\ntemplate = "t"\nconsignment = "a."', "is no path"),
        ('[claims.label]\ntype = "text"\ncolumn = "x"', "has no identity, attachments"),
        ('[occurred_at]\ncolumn = "x"', "an EPCIS event names its time itself"),
    ],
)
def test_faults_of_a_map_for_events(more: str, says: str) -> None:
    with pytest.raises(CallerError, match=re.escape(says)):
        parse_map(EPCIS + more.encode(), "e.map.toml")


@given(st.binary(max_size=80))
def test_any_bytes_are_a_map_or_a_fault(data: bytes) -> None:
    with suppress(CallerError):
        parse_map(data, "any")


def test_a_map_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="No such file"):
        load_map(tmp_path / "none.toml")
    (tmp_path / "large.toml").write_bytes(b"#" * 300_000)
    with pytest.raises(CallerError, match="at most 262144 bytes"):
        load_map(tmp_path / "large.toml")

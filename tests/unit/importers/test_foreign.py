"""Files that are known and not read: refused by what they are, with what to give in their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from notary.importers.foreign import foreign
from notary.importers.map_file import parse_map
from notary.importers.original import Original
from notary.importers.recognise import open_rows, recognise
from notary.importers.rows import Reject
from tests.simulators.intake import LETTERS

EPCIS_XML = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- a note -->\n'
    b'<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:1" schemaVersion="1.2">\n'
)
QUERY_XML = b'<EPCISQueryDocument schemaVersion="1.2"/>'
EVENT = b'{"type": "ObjectEvent", "eventTime": "x", "eventTimeZoneOffset": "+01:00"}'
MAIL = b"From: a@example.com\nDate: x\n\nText\n"
MAILBOX = b"From a@example.com Thu Nov 26 09:00:00 2026\n" + MAIL
SQL = b'INSERT INTO cdr VALUES ("Agency","+447700900100");\n'


@pytest.mark.parametrize(
    ("name", "head", "what"),
    [
        ("events.xml", EPCIS_XML, "EPCIS in XML, of which no event is read"),
        ("events", QUERY_XML, "EPCIS in XML, of which no event is read"),
        ("event.json", EVENT, "events of EPCIS without their document"),
        ("events", b"\xef\xbb\xbf[" + EVENT, "events of EPCIS without their document"),
        (
            "a.cdr.xml",
            b'<?xml version="1.0"?>\n<cdr core-uuid="c"><variables>',
            "a call of FreeSWITCH",
        ),
        ("page.xml", b"<TwilioResponse><Calls/>", "a page of Twilio in XML"),
        ("Master.csv", SQL, "SQL, of which no row is read"),
        ("box.eml", MAILBOX, "a mailbox, of which no message is read"),
        ("calls.json", b'[{"uuid": "u", "vcon": "0.4.0"}]', "a list of vCons"),
        ("calls.csv", b"PK\x03\x04 xl/workbook.xml", "a file of Excel or another Office program"),
        ("calls.CSV", b"PK\x03\x04 calls.csv", "a ZIP archive"),
        ("calls.csv", b"\x1f\x8b\x08", "compressed by gzip"),
        ("calls.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Word file"),
        ("calls.csv", b"SQLite format 3\x00", "a database of SQLite"),
        ("calls.tsv", b"%PDF-1.7", "a PDF"),
        ("calls.json", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("calls.csv", b"\n<!DOCTYPE html><title>Log in", "a web page"),
        ("calls.csv", b"", "empty"),
        ("calls.csv", bytes(9), "nothing but NUL bytes"),
        ("mail.eml", b"\xef\xbb\xbf" + MAIL, "a message behind a byte order mark"),
        ("calls.csv", "\ufeffsid,from\n".encode("utf-16-le"), "in UTF-16"),
        ("calls.csv", "sid,from\n".encode("utf-16-be"), "in UTF-16"),
    ],
)
def test_a_file_that_hides_its_rows_is_named_and_refused(
    tmp_path: Path, name: str, head: bytes, what: str
) -> None:
    path = tmp_path / name
    path.write_bytes(head)
    with Original(path) as original:
        found = recognise(original, (), alone=True)
    assert isinstance(found, Reject)
    assert found.code == "FILE_FOREIGN"
    assert found.whole
    assert found.reason.startswith(f"the file is {what}")
    assert found.remedy


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("page.pdf", b"%PDF-1.7"),
        ("all.zip", b"PK\x03\x04"),
        ("book.xlsx", b"PK\x03\x04 xl/workbook.xml"),
        ("note.msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("page.html", b"<!DOCTYPE html>"),
        ("note.txt", "Zahlung".encode("utf-16")),
        ("note.txt", b"From a friend: pay\n"),
        ("note.xml", b"<note><to>A</to></note>"),
        ("invoice.xml", '<?xml version="1.0" encoding="UTF-16"?><Invoice/>'.encode("utf-16")),
        ("letter.eml", MAIL),
        ("prices.csv", b"item,price\nx,1\n"),
    ],
)
def test_what_may_be_a_document_is_none_of_them(name: str, head: bytes) -> None:
    assert foreign(head, name) is None


def test_a_file_that_is_no_text_is_named_where_a_map_was_given_for_it(tmp_path: Path) -> None:
    letters = parse_map(LETTERS, "letters.map.toml")
    path = tmp_path / "letters.txt"
    path.write_bytes(b"PK\x03\x04" + bytes(90))
    with Original(path) as original:
        found = recognise(original, [letters], alone=True)
        assert isinstance(found, Reject)
        assert found.reason == "the file is a ZIP archive"
        # Whoever reads by the map without asking first is told so as well.
        [item] = open_rows(original, letters, bytes(32))
        assert isinstance(item, Reject)
        assert (item.code, item.reason) == ("FILE_FOREIGN", "the file is a ZIP archive")

"""Owns the files that are known and not read: what they are by their first bytes, and what to give instead.

Whoever took one for a document would hide its rows, or what its name promises, behind a digest
(docs/spec/column-map.md §1). Test: tests/unit/importers/test_foreign.py.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import NamedTuple

from notary.importers.lines import BOM_UTF8
from notary.importers.mail import is_mail
from notary.importers.media import OCTETS, of_bytes


class Foreign(NamedTuple):
    """What a file is, in words that follow "the file is", and what to do about it."""

    what: str
    remedy: str


# Endings of files whose content is text in UTF-8 with rows, events or headers in it. Not of XML: it says its
# own encoding, and is often a document, such as an invoice.
READ_ENDINGS = frozenset({".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".eml", ".vcon"})

_UNPACK = "unpack it and give what is in it"
_SHEET = "save the sheet as CSV in UTF-8 and give that"
_SIGNATURES = (
    (b"\x1f\x8b", Foreign("compressed by gzip", _UNPACK)),
    (b"BZh", Foreign("compressed by bzip2", _UNPACK)),
    (b"\xfd7zXZ\x00", Foreign("compressed by xz", _UNPACK)),
    (b"\x28\xb5\x2f\xfd", Foreign("compressed by zstd", _UNPACK)),
    (b"7z\xbc\xaf\x27\x1c", Foreign("a 7z archive", _UNPACK)),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        Foreign(
            "an old Excel or Word file, or a message of Outlook",
            "save a sheet as CSV in UTF-8, a message as .eml, and give that",
        ),
    ),
    (
        b"SQLite format 3\x00",
        Foreign("a database of SQLite", "export its table as CSV and give that"),
    ),
    (b"%PDF-", Foreign("a PDF", "have the source export its rows as CSV or JSON")),
)
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_WIDE = Foreign("in UTF-16", "save it as UTF-8 and give that")
_EMPTY = Foreign("empty", "export it again from its source")
_ZEROS = Foreign("nothing but NUL bytes", "export it again: it was never written whole")
_SEEN_BYTES = 1_000  # enough to see a root element, or that every second byte is NUL

_PAGE = re.compile(rb"\s*(?:<!doctype html|<html[\s>])", re.IGNORECASE)
_XML_ROOT = re.compile(
    rb"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<(?:[\w.-]+:)?([\w.-]+)[\s/>]", re.DOTALL
)
_EPCIS_XML = Foreign(
    "EPCIS in XML, of which no event is read",
    "have the source export EPCIS 2.0 as JSON, or convert it to that, and give both: the XML as an "
    "attachment of a row",
)
_ROOTS = {
    b"EPCISDocument": _EPCIS_XML,
    b"EPCISQueryDocument": _EPCIS_XML,
    # Only one that no map fits comes here.
    b"cdr": Foreign(
        "a call of FreeSWITCH in XML that is cut off, broken or above 256 KiB", "export it again"
    ),
    b"TwilioResponse": Foreign(
        "a page of Twilio in XML, of which no call is read",
        "ask for the same page as JSON: its address ends in .json",
    ),
}
_STATEMENTS = re.compile(rb"\s*INSERT\s+INTO\s+[`\"\[]?\w+[`\"\]]?\s", re.IGNORECASE)
_BARE_EVENT = re.compile(
    rb'\s*(?:\[\s*)?\{(?=.*?"eventTimeZoneOffset"\s*:)(?=.*?"type"\s*:\s*"\w*Event")', re.DOTALL
)
_VCON_LIST = re.compile(rb'\s*\[\s*\{.*?"vcon"\s*:\s*"', re.DOTALL)


def foreign(head: bytes, name: str, *, wanted: bool = False) -> Foreign | None:
    """What a file of which no map fits is known to be; None for one that may be a document.

    `head` are its first bytes. `wanted` says that a map was given for it: then, as by an ending of
    READ_ENDINGS, it should be text.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix == ".eml" and head.startswith(BOM_UTF8) and is_mail(head.removeprefix(BOM_UTF8)):
        return Foreign(
            "a message behind a byte order mark, which no message has",
            "save it again from the mail program, and not by an editor",
        )
    if wanted or suffix in READ_ENDINGS:
        found = not_text(head)
        if found is not None:
            return found
    return _rows_not_read(head.removeprefix(BOM_UTF8))


def not_text(head: bytes) -> Foreign | None:
    """What a file that should be text in UTF-8 is by its first bytes; None for text."""
    if not head.strip(b"\0"):
        return _ZEROS if head else _EMPTY
    if head.startswith(_WIDE_MARKS) or _is_wide(head[:_SEEN_BYTES]):
        return _WIDE
    if head.startswith(b"PK\x03\x04"):
        if b"xl/" in head or b"[Content_Types].xml" in head:
            return Foreign("a file of Excel or another Office program", _SHEET)
        return Foreign("a ZIP archive", _UNPACK)
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    media = of_bytes(head)
    if media not in (OCTETS, "text/plain"):
        return Foreign(f"{media}", "give the export of the source in its place")
    if _PAGE.match(head) is not None:
        return Foreign(
            "a web page",
            "log in at the source, export again, and look into the file before giving it",
        )
    return None


def _is_wide(head: bytes) -> bool:
    """Whether every second byte is NUL, as in UTF-16 of Latin letters without a mark."""
    return len(head) > 1 and b"\0" in head and (not any(head[1::2]) or not any(head[::2]))


def _rows_not_read(head: bytes) -> Foreign | None:
    root = _XML_ROOT.match(head[:_SEEN_BYTES])
    if root is not None:
        return _ROOTS.get(root[1])
    if _STATEMENTS.match(head) is not None:
        return Foreign(
            "SQL, of which no row is read",
            "export the table as CSV; of FreeSWITCH, log by the template example",
        )
    if head.startswith(b"From ") and is_mail(head.partition(b"\n")[2]):
        return Foreign(
            "a mailbox, of which no message is read", "save each message as a file of its own, .eml"
        )
    if _VCON_LIST.match(head) is not None:
        return Foreign("a list of vCons", "give each vCon as a file of its own")
    if b'"epcisBody"' not in head and _BARE_EVENT.match(head) is not None:
        return Foreign(
            "events of EPCIS without their document",
            "give the EPCISDocument that they stand in, with its @context and epcisBody.eventList",
        )
    return None

"""Owns vCon documents, of the old syntax 0.0.1 and of the IETF's drafts (docs/spec/importers.md §6).

A document is held whole, so its size is bounded. Nothing is fetched: content that stands elsewhere is a
reference, and is checked where the file lies beside. Test: tests/unit/importers/test_vcon.py.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from notary.core.intake import IncomingFile
from notary.importers.column_map import ColumnMap
from notary.importers.epcis import text_at
from notary.importers.json_scan import ScanFault, find_arrays
from notary.importers.json_text import Value, canonical, parse_object
from notary.importers.lines import BOM_UTF8
from notary.importers.original import Original
from notary.importers.paths import parse_path
from notary.importers.rows import (
    MAX_ROW_BYTES,
    BadRow,
    ImportedRow,
    Item,
    Reject,
    Source,
    raw_claim,
    whole_file,
)
from notary.importers.values import phone
from notary.importers.vcon_content import MEND, Content, clean, read_content, text_of
from verifier.format.jsonc import Json

MEDIA_TYPE = "application/vcon+json"
MAX_VCON_BYTES = 16 * 2**20  # held whole, about five times over while it is read
DIALOG, ANALYSIS, ATTACHMENTS = "dialog", "analysis", "attachments"
PARTS = (DIALOG, ANALYSIS, ATTACHMENTS)
_DIALOG_TYPES = ("recording", "text", "transfer", "incomplete", "recording-set")
# Drafts up to 0.3.0 call it must_support.
_CRITICAL = ("critical", "must_support")
# A vCon says its syntax; drafts after 0.4 may leave it out.
_SYNTAX = re.compile(rb'"vcon"\s*:\s*"')
_PAYLOAD = re.compile(rb'"payload"\s*:\s*"([A-Za-z0-9_-]+)')
_VERSION = re.compile(r"0\.[0-9]{1,3}\.[0-9]{1,3}")
_EMPTY = re.compile(rb"\{\s*\}")


class _Part(NamedTuple):
    """One element of a part's array and where it stands."""

    part: str
    number: int  # from 0, as the document counts
    start: int
    end: int


class VconRows:
    """The dialogs, analyses and attachments of one document. Iterate once."""

    def __init__(
        self, original: Original, map_: ColumnMap, source: Source, folder: Path | None
    ) -> None:
        self.map = map_
        self.source = source
        self._original = original
        self._folder = folder
        self._account = None if map_.account is None else parse_path(map_.account)
        self._vcon: dict[str, Value] = {}
        self._carrier: str | None = None  # the record that the file itself is attached to

    def __iter__(self) -> Iterator[Item]:
        original = self._original
        try:
            if original.size > MAX_VCON_BYTES:
                raise BadRow(
                    "ROW_SIZE",
                    "",
                    f"a vCon has at most {MAX_VCON_BYTES} bytes, got {original.size}",
                    "keep its recordings beside it, each with url and content_hash",
                )
            data = original.read(0, original.size)
            self._vcon = parse_object(data.removeprefix(BOM_UTF8))
            if "payload" in self._vcon or "ciphertext" in self._vcon:
                yield self._closed()
                return
            self._check_head()
            account = None if self._account is None else text_at(self._vcon, self._account)
            # What a redaction takes out leaves an empty object, so that later places stay as they were.
            parts = [
                part for part in _parts(data) if not _EMPTY.fullmatch(data, part.start, part.end)
            ]
            if not parts:
                raise BadRow(
                    "ROW_VCON",
                    "",
                    "the vCon has no dialog, no analysis and no attachment",
                    "give each vCon as a file of its own; an empty one records nothing",
                )
        except (BadRow, ScanFault) as fault:
            code = fault.code if isinstance(fault, BadRow) else "ROW_JSON"
            remedy = fault.remedy if isinstance(fault, BadRow) else MEND
            yield whole_file(code, str(fault), remedy, original.size)
            return
        for row, part in enumerate(parts, start=1):
            yield self._item(part, row, data[part.start : part.end], account)

    def _check_head(self) -> None:
        version = self._vcon.get("vcon")
        if version is not None and (
            not isinstance(version, str) or _VERSION.fullmatch(version) is None
        ):
            raise BadRow(
                "ROW_VCON",
                "vcon",
                f"{str(version)[:40]!r} is no version of the syntax that is read",
                "give a vCon of a version 0.x",
            )
        for name in _CRITICAL:
            if self._vcon.get(name):
                raise BadRow(
                    "ROW_VCON",
                    name,
                    f"the vCon must not be read without knowing {canonical(self._vcon[name])[:100]}",
                    "attach the file to a row of a table whose map has [attachments], and record "
                    "there what it says",
                )
        for name in ("parties", *PARTS):
            if not isinstance(self._vcon.get(name, []), list):
                raise BadRow("ROW_VCON", name, f"{name} is no array", MEND)

    def _closed(self) -> ImportedRow:
        """The record of a signed or encrypted vCon: the file, and that nobody looked into it."""
        signed = "payload" in self._vcon
        form = "signed" if signed else "encrypted"
        check = "its signature" if signed else "its content"
        claims: dict[str, Json] = {
            "filename": self._original.path.name,
            "title": f"{form} vCon; {check} was NOT CHECKED",
            **_no_time("a vCon that is not opened says no time"),
            "import": self.source.import_claim(1, 0, self._original.size),
        }
        identity = self.source.identify((form, self._original.sha256.hex()))
        return ImportedRow(
            1,
            None,
            None,
            "document",
            claims,
            identity,
            False,
            0,
            self._original.size,
            b"",
            (self._file(),),
        )

    def _file(self) -> IncomingFile:
        return IncomingFile(self._original.path, self._original.path.name, MEDIA_TYPE)

    def _item(self, part: _Part, row: int, raw: bytes, account: str | None) -> ImportedRow | Reject:
        try:
            element = parse_object(raw)
            return self._row(part, row, raw, account, element)
        except BadRow as bad:
            where = f"{part.part}[{part.number}]" + (f".{bad.field}" if bad.field else "")
            kept = raw if len(raw) <= MAX_ROW_BYTES else None
            return BadRow(bad.code, where, bad.reason, bad.remedy).reject(
                row, part.start, part.end, kept
            )

    def _row(
        self, part: _Part, row: int, raw: bytes, account: str | None, element: dict[str, Value]
    ) -> ImportedRow:
        content = read_content(element, self._folder)
        fields: dict[str, Json] = {"content": content.claim} if content.claim else {}
        self._fields(element, fields)
        if part.part == DIALOG:
            kind, claims = self._dialog(element, content, fields)
        elif part.part == ANALYSIS:
            kind, claims = self._analysis(element, content, fields)
        else:
            kind, claims = self._attachment(element, content, fields)
        reference = self._reference(part.part, part.number)
        claims["reference"] = reference
        if account is not None:
            claims["account"] = account
        files = content.files
        if len(raw) > MAX_ROW_BYTES:
            # Too long for a claim. The file itself is attached, once, and its bytes stand there.
            if self._carrier is None:
                self._carrier = reference
                files = (*files, self._file())
            fields["bytes_in"] = self._carrier
            raw = b""
        else:
            claims["raw"] = raw_claim(raw)
        claims["fields"] = fields
        claims["import"] = self.source.import_claim(row, part.start, part.end)
        identity = self.source.identify((self._name(), part.part, str(part.number)))
        return ImportedRow(
            row, account, None, kind, claims, identity, False, part.start, part.end, raw, files
        )

    def _name(self) -> str:
        return text_of(self._vcon, "uuid") or self._original.sha256.hex()

    def _reference(self, part: str, index: int) -> str:
        return f"{self._name()}#{part}/{index}"

    def _fields(self, element: dict[str, Value], fields: dict[str, Json]) -> None:
        """What stands in the document for all its records, and what the element says of itself."""
        for name in ("type", "purpose", "schema", "disposition", "application", "message_id"):
            text = text_of(element, name)
            if text is not None:
                fields[name] = text
        session = element.get("session_id")
        if session is not None and session != "":
            # A text up to 0.3.0, then an object or one for each party (RFC 7989).
            said = session if isinstance(session, str) else canonical(session)
            fields["session_id"] = clean(said, "session_id")
        for name in ("redacted", "amended", "appended"):
            earlier = self._vcon.get(name)
            if isinstance(earlier, dict) and (uuid := text_of(earlier, "uuid")) is not None:
                fields[name] = uuid

    def _dialog(
        self, element: dict[str, Value], content: Content, fields: dict[str, Json]
    ) -> tuple[str, dict[str, Json]]:
        type_ = text_of(element, "type")
        if type_ not in _DIALOG_TYPES:
            raise BadRow(
                "ROW_VCON",
                "type",
                f"want {', '.join(_DIALOG_TYPES)}, got {'nothing' if type_ is None else repr(type_)}",
                MEND,
            )
        claims = self._time(element)
        parties = self._parties(element.get("parties"))
        originator = self._parties(element.get("originator"))[:1] or parties[:1]
        others = [party for party in parties if party not in originator]
        fields["parties"] = [*parties]
        subject = text_of(self._vcon, "subject")
        if type_ == "text":
            claims["channel"] = text_of(element, "application") or "text"
            if originator:
                claims["sender"] = originator[0]
            if others:
                claims["recipients"] = [*others]
            if subject is not None:
                claims["subject"] = subject
            if content.text is not None:
                claims["text"] = content.text
            return "message", claims
        for name, who in (("caller", originator), ("callee", others)):
            # One number is the callee; which of several was called, nothing says.
            number = who[0].get("tel") if len(who) == 1 else None
            if isinstance(number, str):
                claims[name] = phone(number.removeprefix("tel:"))
        duration = element.get("duration")
        if isinstance(duration, int) and not isinstance(duration, bool) and duration >= 0:
            claims["duration_s"] = duration
        elif isinstance(duration, str):
            # A part of a second is not rounded away.
            fields["duration"] = clean(duration, "duration")
        if (disposition := text_of(element, "disposition")) is not None:
            claims["disposition"] = disposition
        return "call", claims

    def _analysis(
        self, element: dict[str, Value], content: Content, fields: dict[str, Json]
    ) -> tuple[str, dict[str, Json]]:
        claims = _no_time("an analysis says no time of its own")
        model = {
            name: text
            for name in ("vendor", "product", "schema")
            if (text := text_of(element, name)) is not None
        }
        if model:
            claims["model"] = dict(model)
        inputs = [
            self._reference(part, index)
            for part, name in ((DIALOG, "dialog"), (ATTACHMENTS, "attachment"))
            for index in _indices(element.get(name), name, self._count(part))
        ]
        if inputs:
            claims["inputs"] = [*inputs]
        if content.text is not None:
            claims["text"] = content.text
        return "derived", claims

    def _attachment(
        self, element: dict[str, Value], content: Content, fields: dict[str, Json]
    ) -> tuple[str, dict[str, Json]]:
        claims = self._time(element)
        title = text_of(element, "purpose") or text_of(element, "type")
        if title is not None:
            claims["title"] = title
        filename = text_of(element, "filename")
        if filename is not None:
            claims["filename"] = filename
        if content.text is not None:
            claims["text"] = content.text
        return "document", claims

    def _time(self, element: dict[str, Value]) -> dict[str, Json]:
        moment = self.map.time.read(text_of(element, "start"))
        return {"occurred_at": moment.at, "occurred_at_source": moment.source_claim()}

    def _count(self, name: str) -> int:
        array = self._vcon.get(name)
        return len(array) if isinstance(array, list) else 0

    def _parties(self, value: Value) -> list[dict[str, Json]]:
        """The parties that an element names, each with what the document says of it."""
        parties = self._vcon.get("parties")
        found: list[dict[str, Json]] = []
        for index in _indices(value, "parties", self._count("parties")):
            party = parties[index] if isinstance(parties, list) else None
            if isinstance(party, dict):
                found.append(
                    {
                        name: text
                        for name in ("name", "tel", "sip", "mailto", "role", "stir", "validation")
                        if (text := text_of(party, name)) is not None
                    }
                )
        return found


def vcon_fits(head: bytes, tail: bytes = b"") -> bool:
    """Whether a file's first bytes are those of a vCon, plain, signed or encrypted.

    `tail` are its last bytes: where it is encrypted, what it is stands there behind the ciphertext.
    """
    head = head.removeprefix(BOM_UTF8).lstrip()
    if not head.startswith(b"{"):
        return False
    signed = _PAYLOAD.search(head)
    if signed is not None:
        # Other things are signed too. Whole groups of the payload are enough to see what it begins with.
        text = signed[1][: len(signed[1]) // 4 * 4]
        return _is_plain(urlsafe_b64decode(text))
    if b'"ciphertext"' in head:
        return b"vcon" in head or b"vcon" in tail
    return _is_plain(head)


def _is_plain(text: bytes) -> bool:
    return _SYNTAX.search(text) is not None or all(
        name in text for name in (b'"parties"', b'"created_at"', b'"uuid"')
    )


def _parts(data: bytes) -> list[_Part]:
    """Every element in the order of the file."""
    found = find_arrays([data], frozenset((part,) for part in PARTS))
    parts = [
        _Part(path[0], index, start, end)
        for path, elements in found.items()
        for index, (start, end) in enumerate(elements)
    ]
    return sorted(parts, key=lambda part: part.start)


def _no_time(note: str) -> dict[str, Json]:
    return {
        "occurred_at": None,
        "occurred_at_source": {"text": None, "zone": None, "fold": None, "note": note},
    }


def _indices(value: Value, field: str, count: int) -> list[int]:
    """The places that an integer, or an array of them, names; null names none, also for one channel."""
    listed = value if isinstance(value, list) else [] if value is None else [value]
    indices = []
    for one in listed:
        inner = one if isinstance(one, list) else [one]
        for index in inner:
            if index is None:
                continue
            if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < count:
                raise BadRow("ROW_VCON", field, f"{str(index)[:40]!r} is none of {count}", MEND)
            indices.append(index)
    return indices

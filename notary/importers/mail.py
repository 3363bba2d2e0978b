"""Owns e-mail messages as files (.eml, RFC 5322): what their headers say (docs/spec/importers.md §7).

The file itself is the evidence and is attached as it is. Whatever a header says is its writer's word: what
can't be read, or stands twice, is said so and refuses nothing. Test: tests/unit/importers/test_mail.py.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import compat32
from email.utils import getaddresses
from typing import TypeAlias

from notary.importers.dkim import Signature, described, finding_says, signatures
from notary.importers.moments import RFC_2822, Moment, TimeReader
from notary.importers.original import Original
from notary.importers.rows import BadRow
from notary.importers.values import CONTROL
from verifier.format.jsonc import Json

IMPORTER = "mail"
MAX_PARSED_BYTES = 16 * 2**20  # of a longer one only the headers are read
MAX_TEXT_BYTES = 64 * 2**10  # the whole text stands in the file
MAX_LISTED = 100  # hops, recipients, signatures or attachments: more say nothing new
MAX_HEADER_CHARACTERS = 2_000

# What a message has beside From. A file with these names in its first lines is one, whatever its name.
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:", re.ASCII)
_OTHERS = (b"date", b"message-id", b"received")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_NOT_ASKED = "NOT CHECKED: the signer's key stands in the DNS, which an import does not ask"
_TOO_LONG = "NOT CHECKED: of a message above 16 MiB only the headers were read"
# The default parser's Message, whose headers are texts as they stand.
_Mail: TypeAlias = "Message[str, str]"


def is_mail(head: bytes) -> bool:
    """Whether a file's first bytes are the headers of a message."""
    block = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0]
    names: set[bytes] = set()
    for line in _LINE_END.split(block):
        if line[:1] in (b" ", b"\t") and names:
            continue
        match = _FIELD.match(line)
        if match is None:
            return False
        names.add(match[0].rstrip(b" \t:").lower())
    return b"from" in names and any(name in names for name in _OTHERS)


def mail_claims(original: Original) -> dict[str, Json]:
    """The claims of a message, but for `import` and the attachment."""
    whole = original.size <= MAX_PARSED_BYTES
    data = original.read(0, original.size) if whole else original.head()
    message = BytesHeaderParser(policy=compat32).parsebytes(data)
    fields: dict[str, Json] = {}
    twice: list[Json] = [
        name
        for name in ("From", "To", "Cc", "Date", "Subject", "Message-ID")
        if len(_values(message, name)) > 1
    ]
    if twice:
        fields["stands_twice"] = twice
    claims: dict[str, Json] = {"channel": "e-mail"}
    for claim, name in (("sender", "From"), ("subject", "Subject"), ("reference", "Message-ID")):
        text = _header(message, name)
        if text:
            claims[claim] = text
    recipients = _recipients(message)
    if recipients:
        claims["recipients"] = recipients
    moment = _moment(_header(message, "Date"))
    claims["occurred_at"] = moment.at
    claims["occurred_at_source"] = moment.source_claim()
    _put(fields, "received", [_hop(value) for value in _values(message, "Received")])
    _put(fields, "dkim", [_signed(one, whole) for one in signatures(data)])
    seals = len(_values(message, "ARC-Seal"))
    if seals:
        fields["arc"] = f"NOT CHECKED: {seals} seals of forwarders (ARC), which are not followed"
    if whole:
        # RFC 5322 §2.1: a message's lines end in CRLF; files are often saved with others.
        fields["sha256_crlf"] = hashlib.sha256(_LINE_END.sub(b"\r\n", data)).hexdigest()
        _read_body(data, claims, fields)
    else:
        fields["note"] = f"of a message above {MAX_PARSED_BYTES} bytes only the headers were read"
    claims["fields"] = fields
    return claims


def waits_for_key(claims: Mapping[str, Json]) -> bool:
    """Whether a signature of the message can be judged once its key is known."""
    fields = claims.get("fields")
    listed = fields.get("dkim") if isinstance(fields, dict) else None
    return isinstance(listed, list) and any(
        isinstance(one, dict) and one.get("result") == _NOT_ASKED for one in listed
    )


def _read_body(data: bytes, claims: dict[str, Json], fields: dict[str, Json]) -> None:
    try:
        message = BytesParser(policy=compat32).parsebytes(data)
        closed = _closed(message)
        if closed is not None:
            fields["closed"] = closed
        files: list[Json] = []
        for part in message.walk():
            if part.is_multipart():
                continue
            content = part.get_payload(decode=True)
            content = content if isinstance(content, bytes) else b""
            filename = part.get_filename()
            if filename is None and part.get_content_disposition() != "attachment":
                if part.get_content_type() == "text/plain" and "text" not in claims:
                    text = _body_text(content, part)
                    if text:
                        claims["text"] = text
                continue
            files.append(
                {
                    "filename": _plain(str(filename)) if filename is not None else None,
                    "media_type": _plain(part.get_content_type()),
                    "size": len(content),
                    "sha256": hashlib.sha256(content).hexdigest(),
                }
            )
        _put(fields, "attachments", files)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, HeaderParseError):
        # The library's own faults on hostile structure; the file is kept all the same.
        fields["note"] = "the message's parts can't be told apart"


def _closed(message: _Mail) -> str | None:
    """What S/MIME (RFC 8551) or OpenPGP (RFC 3156) keeps from being read or judged here."""
    kind = message.get_content_type()
    if kind == "multipart/encrypted" or _of_smime(message, "enveloped-data"):
        return "NOT READ: the content is encrypted"
    if kind == "multipart/signed" or _of_smime(message, "signed-data"):
        return "NOT CHECKED: the content is signed by S/MIME or OpenPGP"
    return None


def _of_smime(message: _Mail, kind: str) -> bool:
    if message.get_content_type() not in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        return False
    return str(message.get_param("smime-type", "")).lower().endswith(kind)


def _body_text(content: bytes, part: _Mail) -> str:
    charset = part.get_content_charset() or "utf-8"
    try:
        text = content[:MAX_TEXT_BYTES].decode(charset, "replace")
    except (LookupError, ValueError):
        return ""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text).strip()


def _put(fields: dict[str, Json], name: str, values: list[Json]) -> None:
    if values:
        fields[name] = values[:MAX_LISTED]
    if len(values) > MAX_LISTED:
        fields[f"{name}_count"] = len(values)


def _header(message: _Mail, name: str) -> str | None:
    """The one header of that name, decoded; None where there is none, or more than one."""
    values = _values(message, name)
    return _decoded(values[0]) if len(values) == 1 else None


def _values(message: _Mail, name: str) -> list[str]:
    """The headers of that name as they stand; bytes are read as UTF-8 where they are it (RFC 6532)."""
    return [
        value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        for found, value in message.raw_items()
        if found.lower() == name.lower()
    ]


def _decoded(text: str) -> str:
    """A header's text with its encoded words read (RFC 2047); as it stands where they can't be."""
    text = text[:MAX_HEADER_CHARACTERS]
    try:
        return _plain(str(make_header(decode_header(text))))
    except (ValueError, LookupError, HeaderParseError):
        return _plain(text)


def _plain(text: str) -> str:
    """On one line, and without what can only deceive a reader."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", " ".join(text.split()))[:MAX_HEADER_CHARACTERS]


def _recipients(message: _Mail) -> list[Json]:
    recipients: list[Json] = []
    for name in ("To", "Cc"):
        text = _header(message, name)
        try:
            addresses = getaddresses([text]) if text else []
        except RecursionError:
            # Comments in comments. As text they stand there all the same.
            addresses = [("", text or "")]
        for shown, address in addresses:
            if len(recipients) < MAX_LISTED:
                recipients.append({"field": name, "name": shown, "address": address})
    return recipients


def _moment(text: str | None) -> Moment:
    if text is None:
        return Moment(None, None, None, None, "the message has no one Date header")
    try:
        if text.endswith("-0000"):
            # RFC 5322 §3.3: the time is in UTC, and says nothing of the place.
            moment = TimeReader("Date", RFC_2822, None).read(text[:-5] + "+0000")
            return moment._replace(text=text, zone="-0000", note="as the sender's Date header says")
        moment = TimeReader("Date", RFC_2822, None).read(text)
        if moment.at is None:
            return moment
        return moment._replace(note="as the sender's Date header says")
    except BadRow as bad:
        return Moment(None, text, None, None, f"the Date header can't be read: {bad.reason}")


def _hop(text: str) -> Json:
    """A server's word on when it got the message. The last header is the first hop."""
    shown = _decoded(text)
    return {"text": shown, "at": _moment(shown.rpartition(";")[2].strip()).at}


def _signed(signature: Signature, whole: bool) -> Json:
    """A signature as far as it can be judged without its key."""
    says: dict[str, Json] = described(signature)
    if not whole:
        return {**says, "result": _TOO_LONG}
    if signature.settled is None:
        return {**says, "result": _NOT_ASKED, "notes": list(signature.notes)}
    return {**says, **finding_says(signature.settled)}

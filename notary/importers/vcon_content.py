"""Owns what an element of a vCon holds or points to, and its digest (docs/spec/importers.md §6).

Test: tests/unit/importers/test_vcon.py.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from notary.core.intake import IncomingFile
from notary.importers.json_text import Value, canonical
from notary.importers.media import media_type
from notary.importers.rows import BadRow, attached
from notary.importers.values import checked_text
from verifier.format.digests import b64url_encode
from verifier.format.jsonc import MAX_INTEGER, Json

MEND = "mend it at the source and give the vCon again"
_EQUAL = "PASS"
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*={0,2}")
_HASH = re.compile(r"sha-?(256|384|512)-([A-Za-z0-9_-]+)={0,2}", re.IGNORECASE)
# A library writes the digest alone, in hexadecimal: its length says which.
_HEX = re.compile(r"[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128}", re.IGNORECASE)
_BITS_OF_A_DIGIT = 4


@dataclass(frozen=True)
class Content:
    """What an element says or points to. `text` is None for bytes that are no text."""

    claim: dict[str, Json]
    text: str | None
    files: tuple[IncomingFile, ...]


def read_content(element: dict[str, Value], folder: Path | None) -> Content:
    """What the element holds or points to, checked against its digest where that can be done."""
    claim: dict[str, Json] = {}
    kind = text_of(element, "mediatype") or text_of(element, "mimetype")
    if kind is not None:
        claim["media_type"] = kind
    expected = _expected(element)
    url = text_of(element, "url")
    body = element.get("body")
    if body is not None and body != "":
        text, data = _body(body, text_of(element, "encoding"))
        claim["size"] = len(data)
        claim["sha512"] = hashlib.sha512(data).hexdigest()
        if expected is not None:
            _check(expected, hashlib.new(expected[0], data).digest())
            claim["digest"] = _EQUAL
        return Content(claim, text, ())
    if url is None:
        return Content(claim, None, ())
    claim["url"] = url
    if expected is None:
        claim["digest"] = "NOT CHECKED: the vCon gives no content_hash"
        return Content(claim, None, ())
    claim["content_hash"] = f"{expected[0]}-{b64url_encode(expected[1])}"
    file = _beside(folder, url, text_of(element, "filename"))
    if file is None:
        claim["digest"] = "NOT CHECKED: nothing is fetched, and the file is not beside the vCon"
        return Content(claim, None, ())
    with file.path.open("rb") as stream:
        _check(expected, hashlib.file_digest(stream, expected[0]).digest())
    claim["digest"] = _EQUAL
    return Content(claim, None, (file,))


def _beside(folder: Path | None, url: str, filename: str | None) -> IncomingFile | None:
    if folder is None:
        return None
    try:
        last = unquote(urlsplit(url).path).rpartition("/")[2]
    except ValueError:
        last = ""
    for name in (filename, last):
        # A name, never a path: the sender of a vCon has no say in what else is attached.
        if name and "/" not in name:
            try:
                file = attached(folder, name, "")
            except BadRow:
                continue
            return IncomingFile(file.path, file.filename, media_type(file.path))
    return None


def _body(body: Value, encoding: str | None) -> tuple[str | None, bytes]:
    """The text of a body, if it is one, and its bytes."""
    if encoding == "base64url":
        if not isinstance(body, str) or _BASE64URL.fullmatch(body) is None:
            raise BadRow("ROW_VCON", "body", "the body is no base64url", MEND)
        bare = body.rstrip("=")
        try:
            return None, urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
        except binascii.Error as error:
            raise BadRow("ROW_VCON", "body", f"the body is no base64url: {error}", MEND) from error
    if encoding not in (None, "none", "json"):
        raise BadRow(
            "ROW_VCON", "encoding", f"want base64url, json or none, got {encoding!r}", MEND
        )
    # The old syntax has objects also where it says none.
    text = clean(body, "body") if isinstance(body, str) else canonical(body)
    return text, text.encode("utf-8")


def _expected(element: dict[str, Value]) -> tuple[str, bytes] | None:
    """The digest that the element names: content_hash, or alg and signature of the old syntax."""
    listed = element.get("content_hash")
    text: Value = listed[0] if isinstance(listed, list) and listed else listed
    if text is None and text_of(element, "alg") is not None:
        text = f"{(text_of(element, 'alg') or '').replace('-', '')}-{text_of(element, 'signature')}"
    if text is None or text == "":
        return None
    if isinstance(text, str) and _HEX.fullmatch(text) is not None:
        return f"sha{len(text) * _BITS_OF_A_DIGIT}", bytes.fromhex(text)
    match = _HASH.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise BadRow(
            "ROW_VCON",
            "content_hash",
            f"want sha512- and a digest in base64url, got {str(text)[:40]!r}",
            MEND,
        )
    try:
        digest = urlsafe_b64decode(match[2] + "=" * (-len(match[2]) % 4))
    except binascii.Error as error:
        raise BadRow("ROW_VCON", "content_hash", "the digest is no base64url", MEND) from error
    return f"sha{match[1]}", digest


def _check(expected: tuple[str, bytes], found: bytes) -> None:
    if found != expected[1]:
        raise BadRow(
            "ROW_DIGEST",
            "content_hash",
            f"the content has another {expected[0]} than the vCon says: {b64url_encode(found)[:20]}…",
            "find out which of the two was changed; keep both as documents if they are evidence of that",
        )


def text_of(value: dict[str, Value], name: str) -> str | None:
    """A member's text; None where it is missing, empty or null."""
    member = value.get(name)
    if member is None or member == "":
        return None
    return clean(member, name)


def clean(value: Value, field: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_INTEGER:
        return str(value)
    if not isinstance(value, str):
        raise BadRow("ROW_VCON", field, "want a text", MEND)
    return checked_text(value, field, MEND)

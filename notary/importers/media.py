"""Owns the media type of an original, told from its first bytes and never from its name.

Test: tests/unit/importers/test_parts.py.
"""

from __future__ import annotations

import codecs
from pathlib import Path

_SNIFFED_BYTES = 4_096
OCTETS = "application/octet-stream"

# WHATWG MIME Sniffing §6 and the formats' own specifications.
_SIGNATURES = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"OggS", "application/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"PK\x03\x04", "application/zip"),
)
_RIFF = {b"WAVE": "audio/wav", b"WEBP": "image/webp", b"AVI ": "video/x-msvideo"}


def media_type(path: Path) -> str:
    """The media type of a file; `application/octet-stream` where the bytes don't tell or can't be read."""
    try:
        with path.open("rb") as file:
            return of_bytes(file.read(_SNIFFED_BYTES))
    except OSError:
        # Whoever opens the file next says what is wrong with it.
        return OCTETS


def of_bytes(head: bytes) -> str:
    """The media type by the first bytes of a file."""
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head.startswith(b"RIFF") and head[8:12] in _RIFF:
        return _RIFF[head[8:12]]
    if head[4:8] == b"ftyp":
        return "video/mp4"
    if not head or b"\0" in head:
        return OCTETS
    try:
        # A character may be cut at the end of what was read.
        decoder = codecs.getincrementaldecoder("utf-8")()
        decoder.decode(head, final=len(head) < _SNIFFED_BYTES)
    except UnicodeDecodeError:
        return OCTETS
    return "text/plain"

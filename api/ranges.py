"""Which bytes of an answer that never changes a request asks for: conditions, and one range.

Spec: RFC 9110 §13, §14; docs/http.md, "A download that broke off". Several ranges at once, other units and
what can't be read are ignored, as the RFC allows: the answer is then the whole.
Test: tests/api/test_ranges.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fastapi import Request, Response

from api.problems import HttpFault

# Longer numbers are no size of anything, and reading them costs the square of their length.
_RANGE = re.compile(r"bytes=(?:([0-9]{1,100})-([0-9]{0,100})|-([0-9]{1,100}))", re.IGNORECASE)
_DESCRIBED = (
    ("Range", "`bytes=A-B`, `bytes=A-` or `bytes=-N`: these bytes alone."),
    ("If-Range", "An ETag: the range is meant of these bytes alone; of others all are wanted."),
    ("If-Match", "ETags: 412 unless the bytes are one of these."),
    ("If-None-Match", "ETags: 304 if the bytes are one of these."),
)
PARAMETERS = [
    {"name": name, "in": "header", "description": what, "schema": {"type": "string"}}
    for name, what in _DESCRIBED
]


@dataclass(frozen=True)
class Bytes:
    """Bytes that never change: lower-case hex SHA-256, and how many they are."""

    sha256: str
    size: int

    @property
    def etag(self) -> str:
        """The strong entity tag."""
        return f'"{self.sha256}"'

    @property
    def headers(self) -> dict[str, str]:
        """What every answer says of them."""
        return {"ETag": self.etag, "Accept-Ranges": "bytes"}


def unchanged(request: Request, found: Bytes) -> Response | None:
    """The answer 304 for whoever has these bytes; None if they are wanted.

    Raises HttpFault 412 IF_MATCH if they are none of those that are wanted.
    """
    match, none_match = _header(request, "if-match"), _header(request, "if-none-match")
    if match is not None and not _names(match, found):
        raise HttpFault(
            412,
            "IF_MATCH",
            f"the bytes are {found.etag}, and If-Match names others. Ask for these, or without it.",
            found.headers,
        )
    # Compared weakly, as the RFC says: a cache between may have marked ours as weak.
    if none_match is not None and _names(none_match.replace("W/", ""), found):
        return Response(status_code=304, headers=found.headers)
    return None


def stretch(request: Request, found: Bytes) -> range | None:
    """The one range that is asked for; None if all bytes are. Raises HttpFault 416 RANGE_BEYOND."""
    if_range = _header(request, "if-range")
    asked = _RANGE.fullmatch(_header(request, "range") or "")
    if asked is None or (if_range is not None and if_range != found.etag):
        return None
    first, last, suffix = asked.groups()
    if suffix is not None:
        wanted = range(max(0, found.size - int(suffix)), found.size)
    else:
        wanted = range(int(first), min(int(last) + 1 if last else found.size, found.size))
        if last and int(last) < int(first):
            return None
    if not wanted:
        raise HttpFault(
            416,
            "RANGE_BEYOND",
            f"there are {found.size} bytes, and none of them is in the range. Ask for bytes below that.",
            {**found.headers, "Content-Range": f"bytes */{found.size}"},
        )
    return wanted


def _header(request: Request, name: str) -> str | None:
    """What stands in all headers of that name, as one list."""
    found = request.headers.getlist(name)
    return ", ".join(found) if found else None


def _names(tags: str, found: Bytes) -> bool:
    return tags.strip() == "*" or found.etag in [one.strip() for one in tags.split(",")]

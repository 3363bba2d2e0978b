"""Owns a message as DKIM sees it: headers by name, and the two canonical forms (RFC 6376 §3.4).

Linear in the message, whatever stands in it. Test: tests/unit/importers/test_dkim.py.
"""

from __future__ import annotations

import re

_LINE_END = re.compile(rb"\r?\n")
_BLANKS = re.compile(rb"[ \t]+")


class SignedMail:
    """A message with lines that end in CRLF. `bare` says that the file ended some of them otherwise.

    Headers stand without their last line end; `by_name` has their places.
    """

    def __init__(self, data: bytes) -> None:
        crlf = _LINE_END.sub(b"\r\n", data)
        self.bare = len(crlf) != len(data)
        head, _, self.body = (b"\r\n" + crlf).partition(b"\r\n\r\n")
        headers: list[tuple[bytes, list[bytes]]] = []
        for line in head.split(b"\r\n"):
            if line[:1] in (b" ", b"\t") and headers:
                headers[-1][1].append(line)
                continue
            name, colon, rest = line.partition(b":")
            # A line of an mbox ("From ...") and whatever else is no header is signed by nobody.
            if colon:
                headers.append((name, [rest]))
        self.headers = [(name, b"\r\n".join(parts)) for name, parts in headers]
        self.by_name: dict[bytes, list[int]] = {}
        for place, (name, _) in enumerate(self.headers):
            self.by_name.setdefault(name_of(name), []).append(place)
        self._bodies: dict[str, bytes] = {}

    def canonical_body(self, canon: str) -> bytes:
        """The body in one of the two forms; made once, however many signatures there are."""
        if canon not in self._bodies:
            form = _relaxed if canon == "relaxed" else _simple
            self._bodies[canon] = form(self.body)
        return self._bodies[canon]


def name_of(name: bytes) -> bytes:
    """A header's name as names are compared."""
    return name.rstrip(b" \t").lower()


def _simple(body: bytes) -> bytes:
    """RFC 6376 §3.4.3."""
    return _without_last_empty_lines(body) + b"\r\n"


def _relaxed(body: bytes) -> bytes:
    """RFC 6376 §3.4.4."""
    lines = [_BLANKS.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    kept = _without_last_empty_lines(b"\r\n".join(lines))
    return kept + b"\r\n" if kept else b""


def _without_last_empty_lines(body: bytes) -> bytes:
    end = len(body.rstrip(b"\r\n"))
    # Every LF is the end of a CRLF, so what is left of the line ends can be written back.
    rest = body[end:].replace(b"\r\n", b"\n").rstrip(b"\n").replace(b"\n", b"\r\n")
    return body[:end] + rest


def canonical_header(name: bytes, value: bytes, canon: str) -> bytes:
    """A header in one of the two forms, without its line end."""
    if canon == "simple":
        return name + b":" + value
    unfolded = value.replace(b"\r\n", b"")
    return name_of(name) + b":" + _BLANKS.sub(b" ", unfolded).strip(b" ")


def without_value(raw: bytes) -> bytes:
    """The signature's own header without the value of b= and the blanks around it."""
    parts = raw.split(b";")
    for index, part in enumerate(parts):
        name, equals, _ = part.partition(b"=")
        if equals and name.strip(b" \t\r\n") == b"b":
            parts[index] = name + b"="
    return b";".join(parts)

"""Looks for known values, in every form that a careless hand could give them, in bytes that are public.

Pure. A value is looked for as it stands, and by its bare digests; in the bytes as they are, and in whatever
of them is hexadecimal, base64, percent-encoded or escaped JSON. Spec: docs/spec/erasure.md §8. Test:
tests/unit/core/test_lint.py.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from notary.core.personal import MIN_VALUE_BYTES, forms_in, spellings
from verifier.format import jsonc
from verifier.format.keccak import keccak256

DIGEST_BYTES = 16  # of a digest that are looked for: cut shorter, it could be met by chance
BOUNDED_BYTES = 10  # a shorter value counts only where it stands alone: "answer" is in "answered"
VALUES_AT_A_TIME = 20_000  # some 100 MB of what is looked for

_HEX = re.compile(rb"[0-9a-fA-F]{12,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{8,}")
_STANDARD = bytes.maketrans(b"-_", b"+/")
_ESCAPED = re.compile(rb"\\u([0-9a-fA-F]{4})")

_HASHES: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("SHA-256", lambda data: hashlib.sha256(data).digest()),
    ("SHA-512", lambda data: hashlib.sha512(data).digest()),
    ("SHA-1", lambda data: hashlib.sha1(data, usedforsecurity=False).digest()),
    ("MD5", lambda data: hashlib.md5(data, usedforsecurity=False).digest()),
    ("Keccak-256", keccak256),
)


class Known(NamedTuple):
    """A value that nothing public may show, and where it stands: its matter, record and claim."""

    matter: str
    position: int | None
    claim: str
    text: str


class Finding(NamedTuple):
    """Where something personal stands, and what it is: never the thing itself.

    `known` is the value's place, None where only a form was recognised.
    """

    place: str
    line: int
    what: str
    known: Known | None


class _Needle(NamedTuple):
    raw: bytes
    what: str
    known: Known


class Search:
    """Searches for some known values."""

    def __init__(self, values: Iterable[Known]) -> None:
        self._by_start: dict[bytes, list[_Needle]] = {}
        self.digests = 0
        for known in values:
            for text in spellings(known.text):
                self._add(text.encode("utf-8", "surrogatepass"), "the value itself", known)
                for said, preimage in _preimages(known.claim, text):
                    for name, digest in _HASHES:
                        self._add(
                            digest(preimage)[:DIGEST_BYTES], f"its bare {name} ({said})", known
                        )
                        self.digests += 1

    def _add(self, raw: bytes, what: str, known: Known) -> None:
        if len(raw) >= MIN_VALUE_BYTES:
            self._by_start.setdefault(raw[:MIN_VALUE_BYTES], []).append(_Needle(raw, what, known))

    def run(self, place: str, data: bytes) -> Iterator[Finding]:
        """What of these values stands in the bytes, each once a line and form."""
        seen = set()
        for how, start, part in views(data):
            for at, needle in self._matches(part):
                line = 1 + (
                    part.count(b"\n", 0, at) if start is None else data.count(b"\n", 0, start)
                )
                finding = Finding(place, line, needle.what + how, needle.known)
                if finding not in seen:
                    seen.add(finding)
                    yield finding

    def _matches(self, part: bytes) -> Iterator[tuple[int, _Needle]]:
        by_start = self._by_start
        for at in range(len(part) - MIN_VALUE_BYTES + 1):
            for needle in by_start.get(part[at : at + MIN_VALUE_BYTES], ()):
                raw = needle.raw
                if part.startswith(raw, at) and (
                    len(raw) >= BOUNDED_BYTES or _stands_alone(part, at, at + len(raw))
                ):
                    yield at, needle


def views(data: bytes) -> Iterator[tuple[str, int | None, bytes]]:
    """The bytes in each way in which they can be read: how, where it begins in them, what it gives.

    Where None is given, the place is that of the match itself.
    """
    yield "", None, data
    for match in _HEX.finditer(data):
        token = match[0]
        # An odd digit can be too many at either end.
        for skip in range(1 + len(token) % 2):
            even = token[skip : skip + len(token) // 2 * 2]
            yield ", in hexadecimal", match.start(), bytes.fromhex(even.decode())
    for match in _BASE64.finditer(data):
        token = match[0]
        if _HEX.fullmatch(token):
            continue
        # What stands before it without a gap, a key's name for example, may shift it.
        for skip in range(4):
            coded = token[skip:].translate(_STANDARD)
            coded = coded[: len(coded) - 1] if len(coded) % 4 == 1 else coded
            if len(coded) * 3 // 4 >= MIN_VALUE_BYTES:
                yield (
                    ", in base64",
                    match.start(),
                    base64.b64decode(coded + b"=" * (-len(coded) % 4)),
                )
    if b"\\u" in data:
        yield ", escaped", None, _ESCAPED.sub(_unescaped, data)
    if b"%" in data:
        yield ", percent-encoded", None, unquote_to_bytes(data)


def forms(place: str, data: bytes) -> Iterator[Finding]:
    """What in the bytes has the form of somebody's address or number."""
    text = data.decode("utf-8", "replace")
    for name, at in forms_in(text):
        yield Finding(place, text.count("\n", 0, at) + 1, f"what looks like a {name}", None)


def planted(values: Sequence[Known]) -> bytes:
    """A text that shows the first of these values in each form: whoever does not find them is blind."""
    known = values[0]
    raw = known.text.encode("utf-8", "surrogatepass")
    digests = [
        digest(preimage).hex().encode()
        for _, preimage in _preimages(known.claim, known.text)
        for _, digest in _HASHES
    ]
    coded = (base64.b64encode(raw), base64.urlsafe_b64encode(b" " + raw), raw.hex().encode())
    return b"\n".join([raw, *coded, *digests])


def _preimages(claim: str, text: str) -> Iterator[tuple[str, bytes]]:
    yield "of the value", text.encode("utf-8", "surrogatepass")
    yield "of its JSON", jsonc.encode_text(text, 1).encode("utf-8", "surrogatepass")
    pair = jsonc.encode_text([claim, text], 2).encode("utf-8", "surrogatepass")
    yield "of [name,value]", pair


def _stands_alone(part: bytes, start: int, end: int) -> bool:
    return not (part[start - 1 : start].isalnum() or part[end : end + 1].isalnum())


def _unescaped(match: re.Match[bytes]) -> bytes:
    return chr(int(match[1], 16)).encode("utf-8", "surrogatepass")

"""Owns reading the records that programs offer as JSON, alone or a thousand at a time.

One reader for every way in (docs/http.md): no member stands twice, no number is rounded, nothing nests too
deep, and the first fault is named with its field. Test: tests/unit/importers/test_offered_json.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache

from notary.core.intake import Incoming, Refused
from notary.core.preparing import RANDOM_LENGTH, Prepared, prepare_all
from notary.errors import CallerError
from notary.importers.json_text import Value, parse_object
from notary.importers.rows import BadRow
from verifier.format import numbers
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json

MAX_RECORD_BYTES = 2**20  # what is longer belongs into a file

MEMBERS = ("matter", "kind", "claims", "idempotency_key")
MAY = ("source", "number")  # beside MEMBERS
MAX_MATTER_CHARACTERS = 100  # a number has 55
MAX_KIND_CHARACTERS = 40
MAX_KEY_CHARACTERS = 200

KEYS_KEPT = 10_000  # matter numbers whose checksum need not be checked again

# Stands for an offer that could not be read, where an item has its place.
UNREAD = Incoming(b"", "", {}, "")

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?+|[\[\]{},]', re.DOTALL)
_SPACE = b" \t\r\n"


def read_offer(text: bytes) -> Incoming | Refused:
    """One record without files. Refused RECORD_SIZE, RECORD_JSON, RECORD_SHAPE, or for its number."""
    value = read_object(text)
    return value if isinstance(value, Refused) else offer_of(value)


def read_object(text: bytes) -> dict[str, Value] | Refused:
    """The JSON object of a record, before its members are looked at."""
    if len(text) > MAX_RECORD_BYTES:
        return too_long(len(text))
    try:
        return parse_object(text, fractions=False)
    except BadRow as bad:
        return Refused("RECORD_JSON", "", f"the record can't be read: {bad.reason}")


def offer_of(value: Mapping[str, Value]) -> Incoming | Refused:
    """The record of an object with MEMBERS, and those of MAY. Refused RECORD_SHAPE, or for its number."""
    known = len(MEMBERS) + ("source" in value) + ("number" in value)
    if len(value) != known or not all(name in value for name in MEMBERS):
        return _other_members(value)
    matter, kind, claims, key = (value[name] for name in MEMBERS)
    if not isinstance(matter, str) or len(matter) > MAX_MATTER_CHARACTERS:
        return _shape("matter", f"want a text of at most {MAX_MATTER_CHARACTERS} characters")
    if not isinstance(kind, str) or len(kind) > MAX_KIND_CHARACTERS:
        return _shape("kind", f"want a text of at most {MAX_KIND_CHARACTERS} characters")
    if not isinstance(claims, dict):
        return _shape("claims", "want an object")
    if not isinstance(key, str) or not 1 <= len(key) <= MAX_KEY_CHARACTERS:
        return _shape("idempotency_key", f"want a text of 1 to {MAX_KEY_CHARACTERS} characters")
    try:
        matter_key = _key_of(matter)
    except FormatError as error:
        return Refused(error.code, "matter", error.message)
    if known == len(MEMBERS):
        return Incoming(matter_key, kind, claims, key)
    source, number = value.get("source"), value.get("number")
    if not isinstance(source, str):
        return _shape("source", "want the number of a source, ns1…")
    if "number" in value and type(number) is not int:
        return _shape("number", "want an integer")
    try:
        source_key = _source_key_of(source)
    except FormatError as error:
        return Refused(error.code, "source", error.message)
    assert number is None or isinstance(number, int)
    return Incoming(matter_key, kind, claims, key, (), source_key, number)


def too_long(length: int) -> Refused:
    """The refusal of a record's text of so many bytes."""
    return Refused(
        "RECORD_SIZE",
        "",
        f"a record has at most {MAX_RECORD_BYTES} bytes, got {length}; offer long content as a file",
    )


def prepare_texts(
    lookup_secret: bytes, agency_id: int, texts: Sequence[bytes], random: bytes
) -> tuple[list[Incoming], list[Prepared | Refused]]:
    """Read and prepare records; `random` has RANDOM_LENGTH bytes for each. The items keep their texts."""
    read = [read_offer(text) for text in texts]
    places = [place for place, one in enumerate(read) if isinstance(one, Incoming)]
    if len(places) < len(read):
        random = b"".join(random[at * RANDOM_LENGTH : (at + 1) * RANDOM_LENGTH] for at in places)
    offers = [one for one in read if isinstance(one, Incoming)]
    prepared = iter(prepare_all(lookup_secret, agency_id, offers, random))
    items: list[Incoming] = []
    answers: list[Prepared | Refused] = []
    for text, one in zip(texts, read, strict=True):
        if isinstance(one, Refused):
            items.append(UNREAD)
            answers.append(one)
        else:
            items.append(one._replace(claims=ClaimsOf(text)))
            answers.append(next(prepared))
    return items, answers


class ClaimsOf(Mapping[str, Json]):
    """The claims of a record that `read_offer` read, read again by whoever asks for them.

    Only repetitions are compared; as objects, claims can take twenty times the room of their text.
    """

    def __init__(self, text: bytes) -> None:
        self._text = text

    @cached_property
    def _claims(self) -> Mapping[str, Json]:
        offer = read_offer(self._text)
        assert isinstance(offer, Incoming)
        return offer.claims

    def __getitem__(self, name: str) -> Json:
        return self._claims[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._claims)

    def __len__(self) -> int:
        return len(self._claims)


def split_array(text: bytes, most: int) -> list[bytes]:
    """The elements of a JSON array, each as its text; whether each is JSON shows when it is read.

    Raises CallerError BODY_JSON if it is no array, ARRAY_SIZE for none or more than `most`.
    """
    text = text.strip(_SPACE)
    if not text.startswith(b"["):
        raise CallerError("BODY_JSON", "want a JSON array of records.")
    depth = 0
    start = 1
    found: list[bytes] = []
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in (b"[", b"{"):
            depth += 1
        elif token in (b"]", b"}"):
            depth -= 1
        if (token == b"," and depth == 1) or depth == 0:
            found.append(text[start : match.start()].strip(_SPACE))
            start = match.end()
            if len(found) > most:
                raise CallerError(
                    "ARRAY_SIZE", f"want at most {most} records; send the rest apart."
                )
        if depth == 0:
            break
    if depth or text[start - 1 :] != b"]":
        raise CallerError("BODY_JSON", "the array is not closed, or something follows it.")
    if found == [b""]:
        raise CallerError("ARRAY_SIZE", "want at least one record.")
    return found


@lru_cache(maxsize=KEYS_KEPT)
def _key_of(number: str) -> bytes:
    """The key of a matter number. Raises FormatError as `numbers.parse` does."""
    return numbers.parse(number).key


@lru_cache(maxsize=KEYS_KEPT)
def _source_key_of(number: str) -> bytes:
    """The key of a source number. Raises FormatError as `numbers.parse_source` does."""
    return numbers.parse_source(number).key


def _other_members(value: Mapping[str, Value]) -> Refused:
    for name in MEMBERS:
        if name not in value:
            return _shape(name, "the member is missing")
    name = next(name for name in value if name not in (*MEMBERS, *MAY))
    return _shape(
        name[:80],
        f"no such member; a record has {', '.join(MEMBERS)}, and may have {', '.join(MAY)}",
    )


def _shape(field: str, reason: str) -> Refused:
    return Refused("RECORD_SHAPE", field, reason)

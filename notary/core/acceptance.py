"""What may enter: names, shapes and sizes of an offered record (docs/spec/format.md §5 to §7).

Pure. The format's own writers refuse what has no canonical form; this module checks what they
can't know and, when they refuse, finds the field at fault. Test:
tests/unit/core/test_acceptance.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from notary.core.intake import Incoming, Refused
from verifier.format import asides, jsonc, records
from verifier.format.digests import DIGEST_LENGTH, Digest, b64url_decode
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json
from verifier.format.kinds import KINDS, check_claim
from verifier.format.times import parse_time

MAX_IDEMPOTENCY_KEY = 200  # characters
MAX_VALUES_BYTES = 2**20  # what is longer belongs into an attachment: values are sealed in memory
MAX_FILES = 500  # attachments of one record: their digests fill half of a leaf
MAX_FILE_BYTES = 2**30  # a package's zip holds 2 GiB in all (docs/spec/package.md §2)
MAX_FILENAME = 1000  # characters
MAX_MEDIA_TYPE = 200  # characters

# What a submitter could say of others, and of whom the service alone knows; or say and not do.
BY_SERVICE_ALONE = frozenset({"custody", "erasure", "hold"})

_RESERVED = "attachment-"
_RESERVED_LENGTH = len(_RESERVED)
_MEDIA_TYPE = re.compile(r"[!-~]+/[!-~]+(?: ?;[ -~]*)?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_HEX32 = re.compile(r"[0-9a-f]{64}")
# A leaf that stands in for the real one while a record is only being checked.
_ANY_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
_ANY_DIGEST = Digest(bytes(32))


@dataclass(frozen=True)
class FileFacts:
    """What is disclosed of an attachment (docs/spec/format.md §7). Digests are lower-case hex."""

    name: bytes
    filename: str | None
    size: int
    media_type: str
    sha256: str
    sha512: str
    sm3: str

    def claim(self) -> Json:
        """The value of the claim `attachment-N`."""
        return {
            "name": self.name.hex(),
            "filename": self.filename,
            "size": self.size,
            "media_type": self.media_type,
            "sha256": self.sha256,
            "sha512": self.sha512,
            "sm3": self.sm3,
        }


def with_attachments(claims: Mapping[str, Json], files: Sequence[FileFacts]) -> Mapping[str, Json]:
    """All claims of a record: those offered, and one for each attachment in order."""
    if not files:
        return claims
    return {**claims, **{f"attachment-{i}": facts.claim() for i, facts in enumerate(files)}}


def check_offer(item: Incoming) -> Refused | None:
    """What the format's writers don't know of: keys, reserved names, shapes. None if all is well."""
    if len(item.matter_key) != DIGEST_LENGTH:
        return unknown_matter(item)
    key = item.idempotency_key
    if not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY:
        return Refused(
            "IDEMPOTENCY_KEY",
            "idempotency_key",
            f"want 1 to {MAX_IDEMPOTENCY_KEY} characters, got {len(key)}",
        )
    if not key.isascii() and has_surrogate(key):
        return Refused("IDEMPOTENCY_KEY", "idempotency_key", "it holds a lone surrogate")
    number = item.number
    if number is not None and (
        item.source is None or type(number) is not int or not 0 <= number <= jsonc.MAX_INTEGER
    ):
        return Refused(
            "SOURCE_NUMBER_FORM", "number", "a number is an integer from 0, beside its source"
        )
    if item.kind in BY_SERVICE_ALONE and not item.by_service:
        return Refused("KIND_RESERVED", "kind", f"the service itself makes records of {item.kind}")
    claims = item.claims
    for name in claims:
        if name in _SHAPES:
            reason = _SHAPES[name](claims[name])
            if reason is not None:
                return Refused("CLAIM_SHAPE", f"claims.{name}", reason)
        # Compared by slices: of all that an offer's check does, a call for each name took longest.
        elif name[:_RESERVED_LENGTH] == _RESERVED or name == asides.CLAIM:
            return Refused(
                "CLAIM_RESERVED",
                f"claims.{name}",
                "the service itself claims attachments, and that a row waited; offer the file itself",
            )
    if claims.get("occurred_at", "") is None:
        return _check_null_time(claims)
    return None


def unknown_matter(item: Incoming) -> Refused:
    """The refusal of an offer for a matter that the agency has not."""
    return Refused(
        "MATTER_UNKNOWN",
        "matter_key",
        f"the agency has no matter with key {item.matter_key.hex()[:64]}; register its number first",
    )


def no_source(key: bytes) -> Refused:
    """The refusal of what comes from a source that the agency has not."""
    return Refused(
        "SOURCE_UNKNOWN",
        "source",
        f"the agency has no source with key {key.hex()[:64]}; see `notary source list`",
    )


def check_files(item: Incoming) -> Refused | None:
    """Number, names and media types of the offered files; their bytes are read later."""
    if len(item.files) > MAX_FILES:
        return Refused(
            "FILES_TOO_MANY", "files", f"a record has at most {MAX_FILES}, got {len(item.files)}"
        )
    for i, file in enumerate(item.files):
        if file.filename is not None and (
            len(file.filename) > MAX_FILENAME or has_surrogate(file.filename)
        ):
            return Refused(
                "FILENAME",
                f"files[{i}].filename",
                f"want valid Unicode of at most {MAX_FILENAME} characters",
            )
        if len(file.media_type) > MAX_MEDIA_TYPE or not _MEDIA_TYPE.fullmatch(file.media_type):
            return Refused(
                "MEDIA_TYPE",
                f"files[{i}].media_type",
                f"want a media type like application/pdf, got {file.media_type[:80]!a}",
            )
    return None


def try_out(item: Incoming, files: Sequence[FileFacts]) -> Refused | None:
    """Whether a leaf can be made of it, and if not, the field at fault."""
    claims = with_attachments(item.claims, files)
    try:
        # Only the digits of the position differ from the real leaf; the longest are taken.
        records.make_leaf(
            matter=_ANY_DIGEST,
            position=jsonc.MAX_INTEGER,
            kind=item.kind,
            recorded_at=_ANY_MOMENT,
            secret=bytes(records.SECRET_LENGTH),
            blind=bytes(records.BLIND_LENGTH),
            claims=claims,
        )
    except FormatError as error:
        return find_fault(item, error)
    return None


def find_fault(item: Incoming, error: FormatError) -> Refused:
    """The refusal for a record of which `verifier.format` said `error`, with the field named."""
    if item.kind not in KINDS:
        return Refused(
            "KIND_UNKNOWN", "kind", f"want one of {', '.join(sorted(KINDS))}, got {item.kind!a:.80}"
        )
    for name, value in item.claims.items():
        try:
            check_claim(item.kind, name)
            records.make_disclosure(bytes(records.SALT_LENGTH), name, value)
        except FormatError as fault:
            return Refused(fault.code, f"claims.{name:.80}", fault.message)
    return Refused(error.code, "claims", error.message)


def too_long(length: int) -> Refused:
    """The refusal of a record whose values take `length` bytes."""
    return Refused(
        "VALUES_SIZE",
        "claims",
        f"the values take at most {MAX_VALUES_BYTES} bytes as JSON, got {length}; offer long content "
        "as a file",
    )


def _check_null_time(claims: Mapping[str, Json]) -> Refused | None:
    source = claims.get("occurred_at_source")
    if not isinstance(source, dict) or not source.get("note"):
        return Refused(
            "CLAIM_SHAPE",
            "claims.occurred_at_source",
            "occurred_at is null, so occurred_at_source says why in its note",
        )
    return None


def has_surrogate(text: str) -> bool:
    """Whether a text holds half of a pair, which no encoding of Unicode can say."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


# Each shape check returns what is wrong, or None. They are the shapes that a verifier reads.
_Shape = Callable[[Json], str | None]


def _occurred_at(value: Json) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        return "want a time or null"
    try:
        parse_time(value)
    except FormatError as error:
        return error.message
    return None


def _amount(value: Json) -> str | None:
    wrong = _object(value, _AMOUNT)
    if wrong is None and isinstance(value, dict):
        currency = value["currency"]
        if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
            return "currency is three capital letters of ISO 4217"
    return wrong


def _import(value: Json) -> str | None:
    wrong = _object(value, _IMPORT)
    if wrong is None and isinstance(value, dict):
        start, end = value["start"], value["end"]
        assert isinstance(start, int)
        assert isinstance(end, int)
        if end < start:
            return f"the range [{start}, {end}) ends before it starts"
    return wrong


def _raw(value: Json) -> str | None:
    content = "bytes" if isinstance(value, dict) and "bytes" in value else "text"
    wrong = _object(value, _RAW[content])
    if wrong is None and isinstance(value, dict):
        written = value[content]
        assert isinstance(written, str)
        try:
            _ = b64url_decode(written) if content == "bytes" else written.encode("utf-8")
        except (FormatError, UnicodeEncodeError):
            return f"{content} has no bytes"
    return wrong


# What a member must be: given its name and value, says what is wrong, or None.
_Member = Callable[[str, Json], str | None]


def _object(value: Json, members: Mapping[str, _Member]) -> str | None:
    """Exactly these members, each as it must be."""
    if not isinstance(value, dict) or value.keys() != members.keys():
        return f"want an object of {', '.join(members)}"
    for name, check in members.items():
        wrong = check(name, value[name])
        if wrong is not None:
            return wrong
    return None


def _anything(name: str, member: Json) -> str | None:
    return None


def _text(name: str, member: Json) -> str | None:
    return None if isinstance(member, str) else f"{name} is a string"


def _text_or_null(name: str, member: Json) -> str | None:
    return None if member is None or isinstance(member, str) else f"{name} is a string or null"


def _fold(name: str, member: Json) -> str | None:
    # A bool is an int to Python, and none to JSON.
    if member is None or (type(member) is int and member in (0, 1)):
        return None
    return f"{name} is one of 0, 1, null"


def _integer_from(least: int) -> _Member:
    def check(name: str, member: Json) -> str | None:
        if type(member) is not int or not least <= member <= jsonc.MAX_INTEGER:
            return f"{name} is an integer from {least}"
        return None

    return check


def _hex32(name: str, member: Json) -> str | None:
    if isinstance(member, str) and _HEX32.fullmatch(member):
        return None
    return f"{name} is 64 lower-case hexadecimal characters"


_AMOUNT: Mapping[str, _Member] = {
    "minor": _integer_from(-jsonc.MAX_INTEGER),
    "currency": _anything,
}
_SOURCE: Mapping[str, _Member] = {
    "text": _text_or_null,
    "zone": _text_or_null,
    "fold": _fold,
    "note": _text_or_null,
}
_REFERENCE: Mapping[str, _Member] = {"position": _integer_from(0), "leaf": _hex32}
_IMPORT: Mapping[str, _Member] = {
    "importer": _text,
    "version": _text,
    "file_sha256": _hex32,
    "row": _integer_from(1),
    "start": _integer_from(0),
    "end": _integer_from(0),
}
_RAW: Mapping[str, Mapping[str, _Member]] = {"text": {"text": _text}, "bytes": {"bytes": _text}}

_SHAPES: Mapping[str, _Shape] = {
    "occurred_at": _occurred_at,
    "occurred_at_source": lambda value: _object(value, _SOURCE),
    "amount": _amount,
    "corrects": lambda value: _object(value, _REFERENCE),
    "import": _import,
    "raw": _raw,
    "target": lambda value: _object(value, _REFERENCE),
}

"""Owns canonical JSON: the strict reader and the writer (docs/spec/format.md §2, RFC 8785).

The reader accepts exactly the bytes that the writer makes, so a document and its bytes are
one thing. Proved by tests/unit/format/test_jsonc.py and tests/property/format/test_jsonc.py.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring as _quoted
from typing import NoReturn, TypeAlias

from verifier.format.digests import shown
from verifier.format.errors import FormatError

Json: TypeAlias = bool | int | str | list["Json"] | dict[str, "Json"] | None

# RFC 7493 §2.2: beyond this, readers that hold numbers as doubles would disagree.
MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 32  # levels of nesting: a reader's stack must not be the sender's to choose
MAX_DOCUMENT_BYTES = 16 * 2**20  # a hostile document must not exhaust the memory

_MAX_INTEGER_CHARACTERS = 17  # a sign and the 16 digits of 2^53 − 1

# Everything but brackets, with strings taken whole. Possessive, and the closing quote optional,
# so that no input makes it go back: the time is linear.
_NOT_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"?+|[^"\[\]{}]++', re.DOTALL)

# Spaces in strings only, and of escapes those that the writer makes: RFC 8785 §3.2.2.2. Possessive
# as above.
_ONE_FORM = re.compile(
    r'[^"\\ \t\r\n]*+'
    r'(?:"[^"\\]*+(?:\\(?:["\\bfnrt]|u00(?:0[0-7bef]|1[0-9a-f]))[^"\\]*+)*+"[^"\\ \t\r\n]*+)*+'
)
_QUICK_INTEGER_CHARACTERS = 15  # however they read, they stay below 2^53


def encode(value: Json) -> bytes:
    """Write a value as its only bytes.

    Raises FormatError JSON_TYPE (a float, a tuple, a name that is no string), JSON_INTEGER,
    JSON_SURROGATE, JSON_DEPTH or JSON_SIZE.
    """
    return as_bytes(encode_text(value, MAX_DEPTH))


def as_bytes(text: str) -> bytes:
    """Take text that `encode_text` wrote to UTF-8 within the bounds of a document.

    Raises FormatError JSON_SURROGATE or JSON_SIZE.
    """
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise FormatError("JSON_SURROGATE", "a string holds a lone surrogate") from error
    if len(data) > MAX_DOCUMENT_BYTES:
        raise FormatError(
            "JSON_SIZE", f"a document has at most {MAX_DOCUMENT_BYTES} bytes, got {len(data)}"
        )
    return data


def encode_text(value: Json, depth: int) -> str:
    """Write a value that may nest `depth` levels more. A lone surrogate passes through."""
    if isinstance(value, str):
        # RFC 8785 §3.2.2.2 is what the standard library writes without ensure_ascii.
        return _quoted(value)
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        _check_integer(value)
        return int.__repr__(value)
    if isinstance(value, (dict, list)):
        if depth == 0:
            raise FormatError("JSON_DEPTH", f"want at most {MAX_DEPTH} levels of nesting")
        if isinstance(value, list):
            return "[" + ",".join([encode_text(item, depth - 1) for item in value]) + "]"
        members = []
        for name in _sorted_names(value):
            item = value[name]
            # Most members are strings: a call for each would take a third of the time.
            text = _quoted(item) if type(item) is str else encode_text(item, depth - 1)
            members.append(f"{_quoted(name)}:{text}")
        return "{" + ",".join(members) + "}"
    raise FormatError("JSON_TYPE", f"a {type(value).__name__} has no form in canonical JSON")


def decode(data: bytes, what: str) -> Json:
    """Read a document, refusing every byte string that `encode` would not have written.

    `what` names the document in messages. Raises FormatError JSON_SIZE, JSON_UTF8, JSON_BOM,
    JSON_DEPTH, JSON_SYNTAX, JSON_DUPLICATE, JSON_INTEGER, JSON_SURROGATE, or
    JSON_NOT_CANONICAL: valid JSON, but other bytes than its own.
    """
    if len(data) > MAX_DOCUMENT_BYTES:
        raise FormatError(
            "JSON_SIZE", f"{what}: want at most {MAX_DOCUMENT_BYTES} bytes, got {len(data)}"
        )
    # Most documents show that they are canonical without being written again, which is half of
    # the time. Whatever does not, right or wrong, goes the long way, which can say what is wrong.
    try:
        text = data.decode("utf-8")
        # The depth is known before the parser runs, which is recursive.
        if not _is_too_deep(text) and _shows_its_form(text):
            value, end = _scan_quickly(text, 0)
            if end == len(text):
                return value
    except (ValueError, StopIteration):
        pass
    return _decode_fully(data, what)


def _shows_its_form(text: str) -> bool:
    """Whether only the hooks of the quick reader can find that a document is not canonical.

    RFC 8785 leaves a writer four choices less than JSON does: spaces, escapes, the forms of
    numbers and the order of names. Here no space stands between tokens, and what is escaped is so
    in its one form; names, if any, are ordered by code points, since every character takes one
    unit of UTF-16.
    """
    if not text.isascii() and "{" in text and len(text.encode("utf-16-le")) != 2 * len(text):
        return False
    bare = not (" " in text or "\\" in text or "\n" in text or "\t" in text or "\r" in text)
    return bare or _ONE_FORM.fullmatch(text) is not None


def _quick_object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = {}
    last = ""
    for name, value in pairs:
        # An empty name that stands first is in order, but no case to be quick in.
        if name <= last:
            raise ValueError("a name twice or out of order")
        members[name] = value
        last = name
    return members


def _quick_integer(text: str) -> int:
    if len(text) > _QUICK_INTEGER_CHARACTERS or text == "-0":
        raise ValueError("perhaps no integer of the format")
    return int(text)


def _quick_refusal(text: str) -> NoReturn:
    raise ValueError(text)


def _decode_fully(data: bytes, what: str) -> Json:
    """Read a document and compare it with what the writer makes of it. Raises as `decode`."""
    if data.startswith(b"\xef\xbb\xbf"):
        raise FormatError("JSON_BOM", f"{what}: begins with a byte order mark")
    # What nests does so however the bytes are read; whether they are UTF-8 is asked next.
    if _is_too_deep(data.decode("latin-1")):
        raise FormatError("JSON_DEPTH", f"{what}: want at most {MAX_DEPTH} levels of nesting")
    try:
        text = data.decode("utf-8")
        value: Json = _DECODER.decode(text)
        again = _ENCODER.encode(value).encode("utf-8")
    except FormatError as error:
        raise FormatError(error.code, f"{what}: {error.message}") from error
    except UnicodeDecodeError as error:
        raise FormatError("JSON_UTF8", f"{what}: byte {error.start} is not UTF-8") from error
    except UnicodeEncodeError as error:
        raise FormatError("JSON_SURROGATE", f"{what}: a string holds a lone surrogate") from error
    except json.JSONDecodeError as error:
        raise FormatError("JSON_SYNTAX", f"{what}: {error.msg} at character {error.pos}") from error
    if again != data:
        at = next(
            (i for i, (a, b) in enumerate(zip(data, again, strict=False)) if a != b),
            min(len(data), len(again)),
        )
        raise FormatError("JSON_NOT_CANONICAL", f"{what}: differs from its own JCS at byte {at}")
    return value


def _check_integer(value: int) -> None:
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        # The number itself isn't printed: writing out a huge one is what costs.
        raise FormatError("JSON_INTEGER", "an integer is outside ±(2^53 − 1)")


def _utf16(name: str) -> bytes:
    # RFC 8785 §3.2.3: names sort by UTF-16 code units, as big-endian bytes do.
    return name.encode("utf-16-be", "surrogatepass")


def _sorted_names(members: Mapping[str, Json]) -> list[str]:
    names = list(members)
    try:
        ascii_only = "".join(names).isascii()
    except TypeError as error:
        raise FormatError("JSON_TYPE", "a member name is not a string") from error
    # Of ASCII names both orders are the same.
    return sorted(names) if ascii_only else sorted(names, key=_utf16)


def _read_object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        counts = Counter([name for name, _ in pairs])
        raise FormatError(
            "JSON_DUPLICATE", f"member {shown(max(counts, key=counts.__getitem__))} stands twice"
        )
    names = list(members)
    wanted = _sorted_names(members)
    if names != wanted:
        late = next(a for a, b in zip(names, wanted, strict=True) if a != b)
        raise FormatError("JSON_NOT_CANONICAL", f"member {shown(late)} is out of order")
    return members


def _read_integer(text: str) -> int:
    # The length is looked at first: the cost of a long numeral grows with its square.
    if len(text) > _MAX_INTEGER_CHARACTERS:
        raise FormatError("JSON_INTEGER", "an integer is outside ±(2^53 − 1)")
    value = int(text)
    _check_integer(value)
    if text == "-0":
        raise FormatError("JSON_INTEGER", "want 0, got -0")
    return value


def _refuse_number(text: str) -> NoReturn:
    raise FormatError(
        "JSON_INTEGER", f"want an integer without fraction or exponent, got {shown(text)}"
    )


def _is_too_deep(text: str) -> bool:
    # Counting ends with the last one, because looking for it is ten times as fast.
    opened = text.count("{", 0, text.rfind("{") + 1) + text.count("[", 0, text.rfind("[") + 1)
    if opened <= MAX_DEPTH:
        return False
    depth = 0
    for bracket in _NOT_BRACKETS.sub("", text):
        if bracket in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        else:
            depth -= 1
    return False


_DECODER = json.JSONDecoder(
    object_pairs_hook=_read_object,
    parse_int=_read_integer,
    parse_float=_refuse_number,
    parse_constant=_refuse_number,
)
# What `raw_decode` calls, without its frame.
_scan_quickly: Callable[[str, int], tuple[Json, int]] = json.JSONDecoder(
    object_pairs_hook=_quick_object,
    parse_int=_quick_integer,
    parse_float=_quick_refusal,
    parse_constant=_quick_refusal,
).scan_once  # type: ignore[attr-defined]
# What the decoder returns has names in order and only types of the profile, so the standard
# library's writer gives the same bytes as `encode`, faster. A property test compares them.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)

"""Owns the reading of other people's JSON: any spelling, but nothing that two readers would read differently.

Numbers with a fraction or an exponent stay text or are refused, so that no digit changes. Test:
tests/unit/importers/test_json.py.
"""

from __future__ import annotations

import json
import re
from typing import TypeAlias

from notary.importers.rows import BadRow
from verifier.format.jsonc import MAX_DEPTH, MAX_INTEGER

Value: TypeAlias = bool | int | str | list["Value"] | dict[str, "Value"] | None

_REMEDY = "mend the line at the source; each is one JSON object"
_MAX_INTEGER_CHARACTERS = 17  # a sign and the 16 digits of 2^53 − 1
_NOT_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?+|[^"\[\]{}]++', re.DOTALL)


class _Refused(Exception):
    """A fault that the decoder's hooks found."""


def parse_object(data: bytes, *, fractions: bool = True) -> dict[str, Value]:
    """Read one JSON object. Raises BadRow ROW_ENCODING or ROW_JSON.

    With `fractions` a number with a fraction or an exponent is given as its text, else it is refused.
    """
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _depth(data) > MAX_DEPTH:
        raise BadRow("ROW_JSON", "", f"nested deeper than {MAX_DEPTH} levels", _REMEDY)
    try:
        value = (_DECODER if fractions else _WHOLE).decode(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadRow(
            "ROW_ENCODING",
            "",
            f"byte {error.start + 1} of the row is not UTF-8",
            "save the file as UTF-8",
        ) from error
    except json.JSONDecodeError as error:
        raise BadRow(
            "ROW_JSON", "", f"no JSON: {error.msg} at character {error.pos + 1}", _REMEDY
        ) from error
    except _Refused as error:
        raise BadRow("ROW_JSON", "", str(error), _REMEDY) from error
    if not isinstance(value, dict):
        raise BadRow("ROW_JSON", "", "want a JSON object", _REMEDY)
    return value


def glance(data: bytes) -> dict[str, Value] | None:
    """The object in `data`, by which a file is recognised: whether it may enter is not asked here."""
    try:
        value = _LENIENT.decode(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def first_object(head: bytes) -> dict[str, Value] | None:
    """The first object in a file, or the first of its array, if it ends within the head."""
    text = head.decode("utf-8", "replace").lstrip(" \t\r\n[")
    if not text.startswith("{"):
        return None
    try:
        _, end = _LENIENT.raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return glance(text[:end].encode("utf-8", "surrogatepass"))


def canonical(value: Value) -> str:
    """One text for equal values, whatever their spelling: the identity of events that have none."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _pairs(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Refused(f"the member {twice[:60]!r} stands twice")
    return members


def _integer(text: str) -> int:
    if len(text) > _MAX_INTEGER_CHARACTERS or abs(int(text)) > MAX_INTEGER:
        raise _Refused(f"the number {text[:20]} is outside ±(2^53 − 1)")
    return int(text)


def _constant(text: str) -> Value:
    raise _Refused(f"{text} is no JSON number")


def _fraction(text: str) -> Value:
    raise _Refused(f"the number {text[:20]} is not whole; write an amount in minor units, or text")


def _depth(data: bytes) -> int:
    deepest = depth = 0
    for bracket in _NOT_BRACKETS.sub(b"", data):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_integer, parse_float=str, parse_constant=_constant
)
_LENIENT = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
_WHOLE = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_integer, parse_float=_fraction, parse_constant=_constant
)

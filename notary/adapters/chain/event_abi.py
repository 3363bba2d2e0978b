"""Reads an event as Solidity writes it, and decodes a log by it.

What comes out is the service's reading, for people: it stands in a record's `fields`, and no proof supports
it (docs/spec/format.md §7). eth-abi decodes; strictly, so that data of another shape are refused.
Test: tests/unit/anchor/test_event_abi.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi import grammar
from eth_abi.abi import decode, encode, is_encodable_type
from eth_abi.exceptions import ABITypeError, DecodingError, ParseError

from notary.errors import CallerError
from verifier.format.jsonc import Json

_EVENT = re.compile(r"\s*(?:event\s+)?([A-Za-z_$][A-Za-z0-9_$]*)\s*\((.*)\)\s*;?\s*", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_WORD_LENGTH = 32  # bytes
EXAMPLE = "Delivered(bytes32 indexed consignment, uint256 quantity)"


@dataclass(frozen=True)
class Parameter:
    """One parameter. `type` is canonical, as `uint256` for `uint`."""

    name: str
    type: str
    indexed: bool

    @property
    def is_hashed(self) -> bool:
        """Whether a topic holds only the hash of its value: indexed, and longer than a word."""
        parsed = grammar.parse(self.type)
        in_one_word = isinstance(parsed, grammar.BasicType) and parsed.arrlist is None
        return self.indexed and (parsed.is_dynamic or not in_one_word)


@dataclass(frozen=True)
class EventAbi:
    """An event's name and parameters."""

    name: str
    parameters: tuple[Parameter, ...]

    @property
    def signature(self) -> str:
        """What is hashed to the first topic."""
        return f"{self.name}({','.join([one.type for one in self.parameters])})"

    def decode(self, topics: Sequence[bytes], data: bytes) -> dict[str, Json]:
        """The values by parameter name, as JSON: integers as text, bytes as 0x-hex.

        Raises CallerError EVENT_VALUES if topics or data are not of these parameters.
        """
        indexed = [one for one in self.parameters if one.indexed]
        in_data = [one for one in self.parameters if not one.indexed]
        words = topics[1:]
        if len(words) != len(indexed):
            raise CallerError(
                "EVENT_VALUES",
                f"{self.signature} has {len(indexed)} indexed parameters here, the log {len(words)}. "
                "Say which are indexed.",
            )
        values: dict[str, Json] = {}
        try:
            for one, word in zip(indexed, words, strict=True):
                hashed = one.is_hashed
                (value,) = (word,) if hashed else decode([one.type], word)
                values[f"{one.name} (hash)" if hashed else one.name] = _json(value)
            decoded = decode([one.type for one in in_data], data)
            encoded = encode([one.type for one in in_data], decoded)
        except (DecodingError, ValueError, OverflowError) as error:
            raise CallerError(
                "EVENT_VALUES", f"the log is not of {self.signature}: {error}"
            ) from error
        if encoded != data:
            # Bytes that nobody's reading accounts for would be lost without a word.
            raise CallerError(
                "EVENT_VALUES", f"the data of the log are not just the values of {self.signature}."
            )
        values |= {one.name: _json(value) for one, value in zip(in_data, decoded, strict=True)}
        return values


def parse_event(text: str) -> EventAbi:
    """Read an event like EXAMPLE. Raises CallerError EVENT_TEXT."""
    match = _EVENT.fullmatch(text)
    if match is None:
        raise _text_error(text, "that is no event")
    parameters = [_parameter(text, i, part) for i, part in enumerate(_split(match[2]))]
    names = [one.name for one in parameters]
    if len(set(names)) != len(names):
        raise _text_error(text, "two parameters have one name")
    return EventAbi(match[1], tuple(parameters))


def _parameter(text: str, index: int, part: str) -> Parameter:
    words = part.split()
    if not words:
        raise _text_error(text, f"parameter {index + 1} is empty")
    rest = [word for word in words[1:] if word != "indexed"]
    if len(rest) > 1 or any(not _NAME.fullmatch(word) for word in rest):
        raise _text_error(text, f"{part.strip()!a} is no parameter")
    try:
        parsed = grammar.parse(grammar.normalize(words[0]))  # type: ignore[no-untyped-call]
        parsed.validate()
        known = is_encodable_type(parsed.to_type_str())
    except (ABITypeError, ParseError) as error:
        raise _text_error(text, f"{words[0]!a} is no type: {error}") from error
    if not known:
        raise _text_error(text, f"{words[0]!a} is no type")
    return Parameter(rest[0] if rest else f"arg{index}", parsed.to_type_str(), "indexed" in words)


def _split(parameters: str) -> list[str]:
    """At the commas that stand in no tuple."""
    parts, depth = [""], 0
    for character in parameters:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts if parameters.strip() else []


def _json(value: Any) -> Json:
    if isinstance(value, bool | str):
        return value
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, tuple | list):
        return [_json(one) for one in value]
    # Integers of 256 bits and decimals have no number in canonical JSON.
    return str(value)


def _text_error(text: str, what: str) -> CallerError:
    return CallerError("EVENT_TEXT", f"{text[:200]!a}: {what}. Want one like {EXAMPLE}.")

"""Random edits of bytes and of JSON documents: no idea of a package. Used by tests/soak/mutators.py."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

Edit = Callable[[Random, bytes], bytes]

NUMBERS = (0, 1, -1, 2, 7, 64, 2**31, 2**53 - 1, 2**53, 2**63, 2**64, 10**30, -(2**53))
STRINGS = (
    "", "0", "0x", "-", "_sd", "...", "a" * 70, "0" * 64, "f" * 64, "0x" + "0" * 64, "\x00",
    "\ud800", "é", "2026-10-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "AAAA", "complete",
)  # fmt: skip
DEEP = 40  # levels, above the 32 of docs/spec/format.md §2
VERY_DEEP = 20_000  # levels, more than Python's own stack has
LONG_NUMBER = 5_000  # digits, more than Python converts
PIECES = (
    b"\n", b"\r\n", b" ", b"\x00", b"\xff", b"\xef\xbb\xbf", b'"', b",", b"{", b"}", b"[", b"]", b"0",
    b"-0", b".0", b"e5", b"null", b"\\u0000", b"[" * VERY_DEEP, b"9" * LONG_NUMBER,
)  # fmt: skip
HASHES = re.compile(
    rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])|(?<![\w+/-])[A-Za-z0-9_-]{43}(?![\w+/-])"
    rb"|(?<![\w+/-])[A-Za-z0-9+/]{43}="
)


# ---------------------------------------------------------------------- bytes


def flip(rng: Random, content: bytes) -> bytes:
    """Some bytes are others; a hex digit mostly another hex digit, so that the form stays right."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        if changed:
            at = rng.randrange(len(changed))
            likely = chr(changed[at]) in "0123456789abcdef" and rng.random() < 0.8
            changed[at] = (
                rng.choice(b"0123456789abcdef") if likely else changed[at] ^ 1 << rng.randrange(8)
            )
    return bytes(changed)


def insert(rng: Random, content: bytes) -> bytes:
    """A piece, or a copy of some of the bytes, is put in."""
    at = rng.choice((0, len(content), rng.randint(0, len(content))))
    start = rng.randint(0, len(content))
    copy = content[start : start + rng.randint(1, 80)]
    # The large pieces cost time, so they are rare.
    piece = rng.choice(PIECES if rng.random() < 0.05 else PIECES[:-2])
    return content[:at] + rng.choice((piece, copy, rng.randbytes(3))) + content[at:]


def delete(rng: Random, content: bytes) -> bytes:
    """Some bytes are taken out."""
    at = rng.randint(0, len(content))
    return content[:at] + content[at + rng.choice((1, 1, 2, 32, 64, rng.randint(1, 500))) :]


def truncate(rng: Random, content: bytes) -> bytes:
    """Only the beginning, or only the end, is left."""
    at = rng.choice((0, len(content) - 1, rng.randint(0, len(content))))
    return content[: max(at, 0)] if rng.random() < 0.8 else content[max(at, 0) :]


def swap_lines(rng: Random, content: bytes) -> bytes:
    """Two lines change places, or one is doubled, taken out, emptied or joined with the next."""
    lines = content.split(b"\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(5):
        case 0 | 1:
            lines[a], lines[b] = lines[b], lines[a]
        case 2:
            lines.insert(b, lines[a])
        case 3:
            del lines[a]
        case _:
            lines[a : a + 2] = [b"".join(lines[a : a + 2])]
    return b"\n".join(lines)


def exchange_hashes(rng: Random, content: bytes) -> bytes:
    """Two hashes of a document change places, or one stands for the other."""
    found = list(HASHES.finditer(content))
    if len(found) < 2:
        return flip(rng, content)
    a, b = sorted(rng.sample(found, 2), key=lambda one: one.start())
    second = a.group() if rng.random() < 0.5 else b.group()
    return (
        content[: a.start()]
        + b.group()
        + content[a.end() : b.start()]
        + second
        + content[b.end() :]
    )


# ---------------------------------------------------------------------- JSON


def write(rng: Random, value: Any) -> bytes:
    """Canonical JSON, as far as the value has such a form; seldom in another spelling."""
    text = json.dumps(
        value,
        ensure_ascii=rng.random() < 0.05,
        sort_keys=rng.random() < 0.97,
        separators=(", ", ": ") if rng.random() < 0.1 else (",", ":"),
    )
    return text.encode("utf-8", "surrogatepass")


def edit_json(rng: Random, content: bytes) -> bytes:
    """A value is changed, replaced by one of another type, removed, added, copied or moved.

    Bytes that are no JSON are flipped instead.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return flip(rng, content)
    places = list(_places(document, 0))
    if not places:
        return insert(rng, content)
    holder, name = rng.choice(places)
    match rng.randrange(8):
        case 0 | 1 | 2:
            holder[name] = _near(rng, holder[name])
        case 3:
            holder[name] = _any_value(rng)
        case 4:
            del holder[name]
        case 5:
            other_holder, other = rng.choice(places)
            copy = json.dumps(other_holder[other])
            holder[name] = json.loads(copy)
        case 6 if isinstance(holder, list):
            rng.choice((holder.reverse, lambda: holder.append(holder[name])))()
        case 6:
            holder[rng.choice((f"{name}2", "", "é", str(name).upper()))] = holder[name]
        case _:
            return _doubled(rng, write(rng, document))
    return write(rng, document)


def _places(value: Any, depth: int) -> Any:
    """Each container with each of its names, at every depth."""
    names: Any = ()
    if isinstance(value, dict):
        names = list(value)
    elif isinstance(value, list):
        names = range(len(value))
    for name in names:
        yield value, name
        if depth < DEEP:
            yield from _places(value[name], depth + 1)


def _near(rng: Random, value: Any) -> Any:
    """A value of the same type and close by."""
    match value:
        case bool():
            return not value
        case int():
            return rng.choice((value + 1, value - 1, -value, value * 2, rng.choice(NUMBERS)))
        case str():
            changed = rng.choice((flip, flip, flip, delete, insert, truncate))(
                rng, value.encode("utf-8", "surrogatepass")
            )
            return changed.decode("utf-8", "replace")
        case list() | dict() if not value:
            return rng.choice(([None], {"a": 1}, [[]], [{}]))
        case list():
            return rng.choice((value[1:], value[:-1], value[::-1], value + value[-1:]))
        case dict():
            gone = rng.choice(list(value))
            return {name: one for name, one in value.items() if name != gone}
    return _any_value(rng)


def _any_value(rng: Random) -> Any:
    deep: Any = 0
    for _ in range(DEEP):
        deep = [deep]
    choices: tuple[Any, ...] = (
        None, True, False, 1.5, 1e300, float("nan"), [], {}, [0], {"": 0}, deep,
        rng.choice(NUMBERS), rng.choice(STRINGS), rng.choice(STRINGS),
    )  # fmt: skip
    return rng.choice(choices)


def _doubled(rng: Random, text: bytes) -> bytes:
    """One member of an object stands twice."""
    members = list(re.finditer(rb'"[a-z_0-9]+":(?:"[^"]*"|-?[0-9]+|null|\[\])(?=[,}])', text))
    if not members:
        return text + text
    one = rng.choice(members)
    return text[: one.end()] + b"," + one.group() + text[one.end() :]


# Edits that suit any document, by the names that the table of counts uses.
EDITS: dict[str, Edit] = {
    "flip": flip,
    "insert": insert,
    "delete": delete,
    "truncate": truncate,
    "swap lines": swap_lines,
    "exchange hashes": exchange_hashes,
    "edit json": edit_json,
}

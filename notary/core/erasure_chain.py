"""The lines of the register of erasures: their form, and the chain that shows what was done to them.

Each line has its number and a keyed digest over itself and the digest before, so that none can be
changed, dropped, moved, doubled or added by whoever has not the key.
Pure. Spec: docs/spec/erasure.md §4. Test: tests/unit/core/test_erasure_chain.py.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from notary.core.erasures import Line, Order, Reason, State, Target
from verifier.format import jsonc
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json
from verifier.format.members import Members
from verifier.format.times import format_time, parse_time

FIRST_LINE = "notary-erasures/1"


def head(log: str) -> str:
    """The two lines before the first step, each with its LF."""
    return f"{FIRST_LINE}\n{log}\n"


def encode_lines(key: bytes, log: str, lines: Sequence[Line], after: str | None) -> str:
    """These steps as lines that follow the line `after`, or the head of the register; each with its LF.

    Raises FormatError if `after` is no line.
    """
    if after is None:
        last, mac = 0, _first_mac(key, log)
    else:
        members = Members(_object(after), "a line")
        last, mac = members.integer("n", 1), members.hex32("mac")
    written = []
    for number, line in enumerate(lines, last + 1):
        value = {"n": number, **_members(line)}
        mac = _mac(key, mac, value)
        written.append(jsonc.encode({**value, "mac": mac.hex()}).decode() + "\n")
    return "".join(written)


def parse_lines(key: bytes, log: str, texts: Sequence[str]) -> list[Line]:
    """The steps of all lines from the first on, given without LF.

    Raises FormatError REGISTER_LINE or MEMBER_… for a line in another form, REGISTER_CHAIN for what was
    done to lines.
    """
    values = [_object(text) for text in texts]
    found = [Members(value, f"line {place}") for place, value in enumerate(values, 1)]
    _check_numbers([members.integer("n", 1) for members in found])
    before = _first_mac(key, log)
    lines = []
    for place, (members, value) in enumerate(zip(found, values, strict=True), 1):
        told = members.hex32("mac")
        before = _mac(key, before, {name: one for name, one in value.items() if name != "mac"})
        if before != told:
            raise FormatError(
                "REGISTER_CHAIN", f"line {place} was changed, or written under another key"
            )
        lines.append(_line(members))
    return lines


def _check_numbers(numbers: Sequence[int]) -> None:
    """Say what was done to whole lines. Raises FormatError REGISTER_CHAIN."""
    for place, number in enumerate(numbers, 1):
        if number == place:
            continue
        if number < place:
            said = f"line {number} stands twice, again after line {place - 1}"
        elif place in numbers[place:]:
            said = f"line {number} stands before line {place}: lines were moved"
        else:
            said = f"line {place} is missing: line {number} stands in its place"
        raise FormatError("REGISTER_CHAIN", said)


def _first_mac(key: bytes, log: str) -> Digest:
    return Digest(hmac.digest(key, head(log).encode(), "sha256"))


def _mac(key: bytes, before: Digest, value: dict[str, Json]) -> Digest:
    # erasure.md §4: mac(n) = HMAC-SHA256(key, mac(n-1) ∥ line n without `mac`)
    return Digest(hmac.digest(key, before + jsonc.encode(value), "sha256"))


def _object(text: str) -> dict[str, Json]:
    value = jsonc.decode(text.encode(), "a line of the register")
    if not isinstance(value, dict):
        raise FormatError("REGISTER_LINE", "a line is no JSON object")
    return value


def _members(line: Line) -> dict[str, Json]:
    value: dict[str, Json] = {
        "at": format_time(line.at),
        "state": line.state.value,
        "matter": line.target.matter.hex(),
        "position": line.target.position,
        "leaf": line.target.leaf.hex(),
    }
    if line.order is not None:
        value |= {
            "reason": line.order.reason.value,
            "authority": line.order.authority,
            "text": line.order.text,
        }
    return value


def _line(members: Members) -> Line:
    at = parse_time(members.text("at"))
    word = members.text("state")
    target = Target(members.hex32("matter"), members.integer("position"), members.hex32("leaf"))
    order = None
    try:
        state = State(word)
        if state is State.BEGUN:
            reason = Reason(members.text("reason"))
            said = members.text("authority")
            order = Order(reason, said, None if members.null("text") else members.text("text"))
    except ValueError as error:
        raise FormatError("REGISTER_LINE", f"{error}") from error
    members.done()
    return Line(at, state, target, order)

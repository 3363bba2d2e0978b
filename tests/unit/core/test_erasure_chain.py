"""Lines of the register are written in one form, and nothing can be done to them unseen without the key."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256 as plain_sha256

import pytest

from notary.core import erasure_chain
from notary.core.erasures import Line, Order, Reason, State, Target
from tests.reference.refusal import refused
from verifier.format.digests import sha256
from verifier.format.errors import FormatError

KEY, LOG = bytes(range(32)), "notary.example/log"
ORDER = Order(Reason.SUBJECT_REQUEST, "privacy office, 2026-17")
AT = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)


def line(position: int, state: State = State.BEGUN, order: Order | None = ORDER) -> Line:
    target = Target(sha256(b"matter"), position, sha256(str(position).encode()))
    return Line(AT, state, target, order if state is State.BEGUN else None)


LINES = [
    line(1),
    line(2, order=Order(Reason.OTHER, "x", "early")),
    *[line(1, state) for state in (State.RECORDED, State.DESTROYED, State.DROPPED)],
]


def written(lines: list[Line], after: str | None = None) -> list[str]:
    text = erasure_chain.encode_lines(KEY, LOG, lines, after)
    assert text.endswith("\n") or not lines
    return text.split("\n")[:-1]


def parsed(texts: list[str], key: bytes = KEY, log: str = LOG) -> list[Line]:
    return erasure_chain.parse_lines(key, log, texts)


def test_lines_are_read_as_they_were_written_whether_together_or_one_by_one() -> None:
    together = written(LINES)
    assert parsed(together) == LINES
    singly: list[str] = []
    for one in LINES:
        singly += written([one], singly[-1] if singly else None)
    assert singly == together
    assert parsed([]) == []


def test_the_digests_are_those_of_the_specification() -> None:
    before = hmac.new(KEY, f"notary-erasures/1\n{LOG}\n".encode(), plain_sha256).digest()
    for number, text in enumerate(written(LINES), 1):
        told = json.loads(text)
        assert told["n"] == number
        mac = bytes.fromhex(told.pop("mac"))
        rest = json.dumps(told, separators=(",", ":"), sort_keys=True).encode()
        before = hmac.new(KEY, before + rest, plain_sha256).digest()
        assert mac == before


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda t: [*t[:1], *t[2:]], "line 2 is missing: line 3 stands in its place"),
        (lambda t: t[1:], "line 1 is missing: line 2 stands in its place"),
        (lambda t: [t[0], t[2], t[1], *t[3:]], "line 3 stands before line 2: lines were moved"),
        (lambda t: [*t[:3], *t[2:]], "line 3 stands twice, again after line 3"),
        (lambda t: [*t, t[0]], "line 1 stands twice, again after line 5"),
        (lambda t: [t[0].replace('"position":1', '"position":9'), *t[1:]], "line 1 was changed"),
        (lambda t: [*t[:1], t[1].replace("early", "never"), *t[2:]], "line 2 was changed"),
        # One that is put in place of another, with the right number.
        (lambda t: [*t[:4], t[2].replace('"n":3', '"n":5')], "line 5 was changed"),
        # Dropped, and the rest numbered anew.
        (lambda t: [t[0], t[2].replace('"n":3', '"n":2')], "line 2 was changed"),
    ],
)
def test_what_was_done_to_lines_is_said_with_their_number(
    damage: Callable[[list[str]], list[str]], said: str
) -> None:
    with pytest.raises(FormatError) as caught:
        parsed(damage(written(LINES)))
    assert (caught.value.code, caught.value.message[: len(said)]) == ("REGISTER_CHAIN", said)


def test_lines_of_another_key_or_log_are_refused() -> None:
    texts = written(LINES)
    for key, log in ((bytes(32), LOG), (KEY, "other.example/log")):
        with refused("REGISTER_CHAIN"):
            parsed(texts, key, log)
    # And one that is added under another key.
    added = erasure_chain.encode_lines(bytes(32), LOG, [line(3)], texts[-1])
    with pytest.raises(FormatError, match="line 6 was changed, or written under another key"):
        parsed([*texts, added[:-1]])


def test_lines_cut_off_the_end_are_not_seen_here() -> None:
    # The log sees it: tests/unit/store/test_erasure_check.py.
    assert parsed(written(LINES)[:2]) == LINES[:2]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('"begun"', '"gone"', "REGISTER_LINE"),
        ('"subject_request"', '"whim"', "REGISTER_LINE"),
        ('"position":1', '"position":-7', "MEMBER_FORM"),
        ('"state"', '"statu"', "MEMBER_MISSING"),
        ('"begun"', '"recorded"', "MEMBER_UNKNOWN"),
    ],
)
def test_a_line_in_another_form_is_refused_though_its_digest_is_right(
    old: str, new: str, code: str
) -> None:
    told = json.loads(written([LINES[0]])[0].replace(old, new, 1))
    del told["mac"]
    before = hmac.new(KEY, f"notary-erasures/1\n{LOG}\n".encode(), plain_sha256).digest()
    rest = json.dumps(told, separators=(",", ":"), sort_keys=True).encode()
    told["mac"] = hmac.new(KEY, before + rest, plain_sha256).hexdigest()
    with refused(code):
        parsed([json.dumps(told, separators=(",", ":"), sort_keys=True)])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{}", "MEMBER_MISSING"),
        ("[]", "REGISTER_LINE"),
        ("{ }", "JSON_NOT_CANONICAL"),
        ("", "JSON_SYNTAX"),
        ('{"n":0}', "MEMBER_FORM"),
        ('{"n":1}', "MEMBER_MISSING"),
    ],
)
def test_what_is_no_line_is_refused(text: str, code: str) -> None:
    with refused(code):
        parsed([text])

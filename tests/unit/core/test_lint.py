"""A known value is found in every form, and nowhere where it is not; a salted digest is found by nobody."""

from __future__ import annotations

import base64
import hashlib
import json
import random

import pytest

from notary.core import lint
from notary.core.lint import Known, Search
from verifier.format import records
from verifier.format.digests import Digest
from verifier.format.jsonc import Json
from verifier.format.keccak import keccak256
from verifier.format.times import parse_time

NUMBER = "+49 40 1234567"
PHONE = Known("nm1x", 4, "sender", NUMBER)
NAME = Known("nm1x", 2, "parties", "张晓明")


def found(data: bytes, *values: Known) -> set[str]:
    return {one.what for one in Search(values or (PHONE,)).run("place", data)}


RAW = NUMBER.encode()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"x" * 50 + RAW, "the value itself"),
        (b"tel:49401234567;", "the value itself"),
        (RAW.hex().encode(), "the value itself, in hexadecimal"),
        (b"0x" + RAW.hex().upper().encode(), "the value itself, in hexadecimal"),
        (b"f" + RAW.hex().encode(), "the value itself, in hexadecimal"),
        *[
            (b"key+" + base64.b64encode(b"x" * shift + RAW), "the value itself, in base64")
            for shift in range(3)
        ],
        (b"n" + base64.urlsafe_b64encode(b"??>" + RAW), "the value itself, in base64"),
        (b"%2B49%2040%201234567", "the value itself, percent-encoded"),
        (b"\\u002b49 40 1234567", "the value itself, escaped"),
        (hashlib.sha256(RAW).digest(), "its bare SHA-256 (of the value)"),
        (
            hashlib.sha256(RAW).hexdigest().encode(),
            "its bare SHA-256 (of the value), in hexadecimal",
        ),
        (hashlib.sha512(RAW).digest()[:16], "its bare SHA-512 (of the value)"),
        (
            hashlib.md5(RAW, usedforsecurity=False).hexdigest().encode(),
            "its bare MD5 (of the value), in hexadecimal",
        ),
        (
            base64.b64encode(
                hashlib.sha1(json.dumps(NUMBER).encode(), usedforsecurity=False).digest()
            ),
            "its bare SHA-1 (of its JSON), in base64",
        ),
        (
            keccak256(json.dumps(["sender", NUMBER], separators=(",", ":")).encode())
            .hex()
            .encode(),
            "its bare Keccak-256 (of [name,value]), in hexadecimal",
        ),
    ],
)
def test_a_value_is_found_in_each_form(data: bytes, what: str) -> None:
    assert what in found(data)


def test_a_name_of_three_signs_is_found_and_placed() -> None:
    data = "one\ntwo\n他是张晓明。\n".encode()
    [one] = Search([NAME]).run("place", data)
    assert (one.line, one.known, one.what) == (3, NAME, "the value itself")
    assert "张" not in repr(one._replace(known=None))


def test_a_short_word_counts_only_where_it_stands_alone() -> None:
    word = Known("nm1x", 0, "place", "Lübeck")
    assert found("in Lübeck, 3".encode(), word) == {"the value itself"}
    assert found("Lübecker".encode(), word) == set()


def test_noise_gives_no_alarm() -> None:
    chance = random.Random(3)
    values = [Known("nm1x", n, "sender", f"+4940{chance.randrange(10**7):07}") for n in range(300)]
    search = Search([*values, NAME])
    lines = [chance.randbytes(32).hex() for _ in range(300)]
    lines += [base64.b64encode(chance.randbytes(70)).decode() for _ in range(100)]
    assert list(search.run("place", "\n".join(lines).encode())) == []


def test_what_is_planted_is_found_line_by_line() -> None:
    text = lint.planted([PHONE])
    lines = {one.line for one in Search([PHONE]).run("place", text)}
    assert lines == set(range(1, text.count(b"\n") + 2))


# Guessing digests, with all telephone numbers of a small town as the dictionary.

TOWN = [f"+49 40 12345{number:02}" for number in range(100)]


def leaf(*, salted: bool) -> bytes:
    """A leaf as the format makes it; or with the bare digests that a careless one would have."""
    values: dict[str, Json] = {"sender": NUMBER, "text": "Please call us back."}
    made, _ = records.make_leaf(
        matter=Digest(bytes(32)),
        position=0,
        kind="message",
        recorded_at=parse_time("2026-11-26T08:00:00.000Z"),
        secret=bytes(range(32)),
        blind=bytes(16),
        claims=values,
    )
    if salted:
        return made
    told = json.loads(made)
    for name, value in values.items():
        bare = hashlib.sha256(json.dumps([name, value], separators=(",", ":")).encode()).digest()
        told["claims"][name] = base64.urlsafe_b64encode(bare).decode().rstrip("=")
    return json.dumps(told).encode()


def test_a_dictionary_guesses_no_salted_digest_and_every_bare_one() -> None:
    search = Search([Known("nm1x", 0, "sender", number) for number in TOWN])
    assert list(search.run("leaf", leaf(salted=True))) == []
    [one] = search.run("leaf", leaf(salted=False))
    assert one.known is not None
    assert (one.known.text, one.what) == (NUMBER, "its bare SHA-256 (of [name,value]), in base64")

"""The strict reader and the writer of canonical JSON."""

import inspect
import json
import sys
from pathlib import Path

import pytest

from tests.reference.refusal import refused
from verifier.format import jsonc
from verifier.format.errors import FormatError

VECTORS = Path(__file__).parents[2] / "vectors" / "jcs" / "rfc8785.json"


def test_names_and_strings_are_written_as_rfc_8785_shows() -> None:
    by_order, by_text = json.loads(VECTORS.read_text())
    written = jsonc.encode(by_order["value"])
    assert list(json.loads(written)) == by_order["order"]
    assert jsonc.decode(written, "x") == by_order["value"]
    assert jsonc.encode(by_text["value"]).decode() == by_text["text"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'{"a":1,"a":1}', "JSON_DUPLICATE"),
        (b'{"a":1,"\\u0061":2}', "JSON_DUPLICATE"),
        (b'{"":1,"":1}', "JSON_DUPLICATE"),
        (b"1.0", "JSON_INTEGER"),
        (b"1E2", "JSON_INTEGER"),
        (b"1e400", "JSON_INTEGER"),
        (b"-0", "JSON_INTEGER"),
        (b"-0.0", "JSON_INTEGER"),
        (b"NaN", "JSON_INTEGER"),
        (b"Infinity", "JSON_INTEGER"),
        (b"-Infinity", "JSON_INTEGER"),
        (b"9007199254740992", "JSON_INTEGER"),
        (b"-9007199254740992", "JSON_INTEGER"),
        (b"9007199254740993", "JSON_INTEGER"),
        (b"9" * 1_000_000, "JSON_INTEGER"),
        (b"01", "JSON_SYNTAX"),
        (b"+1", "JSON_SYNTAX"),
        (b'"\\ud800"', "JSON_SURROGATE"),
        (b'{"\\udc00":1}', "JSON_SURROGATE"),
        (b'"\xed\xa0\x80"', "JSON_UTF8"),
        (b'"\xff"', "JSON_UTF8"),
        (b"\xef\xbb\xbf1", "JSON_BOM"),
        (b"", "JSON_SYNTAX"),
        (b"1 2", "JSON_SYNTAX"),
        (b"[1,]", "JSON_SYNTAX"),
        (b"{'a':1}", "JSON_SYNTAX"),
        (b'"\x01"', "JSON_SYNTAX"),
        (b"null\x00", "JSON_SYNTAX"),
        (b" 1", "JSON_NOT_CANONICAL"),
        (b"1\n", "JSON_NOT_CANONICAL"),
        (b"[1, 2]", "JSON_NOT_CANONICAL"),
        (b"[1,\n2]", "JSON_NOT_CANONICAL"),
        (b"[1,\t2]", "JSON_NOT_CANONICAL"),
        (b"[1,\r2]", "JSON_NOT_CANONICAL"),
        (b'{"b":1,"a":2}', "JSON_NOT_CANONICAL"),
        ('{"\ufb33":1,"\U0001f600":2}'.encode(), "JSON_NOT_CANONICAL"),  # order of code points
        (b'"\\u0041"', "JSON_NOT_CANONICAL"),
        (b'"\\/"', "JSON_NOT_CANONICAL"),
        (b'"\\u001F"', "JSON_NOT_CANONICAL"),
        (b'"\\u000a"', "JSON_NOT_CANONICAL"),
        (b'"\\u007f"', "JSON_NOT_CANONICAL"),
        (b"[" * 33 + b"]" * 33, "JSON_DEPTH"),
        # What is closed before does not count against what is open after it.
        (b"[" + b"[]," * 40 + b"[" * 32 + b"]" * 33, "JSON_DEPTH"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "JSON_DEPTH"),
        (b"[" * 100_000, "JSON_DEPTH"),
        (b"\xef\xbb\xbf" + b"[" * 33, "JSON_BOM"),
        (b"[" * 33 + b"\xff", "JSON_DEPTH"),
        (b"[" * 32 + b"\xff", "JSON_UTF8"),
        (b'["' + b"\\" * 1000 + b'",' + b"[" * 100_000, "JSON_DEPTH"),
        (b'["' + b"\\" * 1001 + b'",' + b"[" * 100_000, "JSON_SYNTAX"),  # all in the string
        (b"[[" + b'"\\"[",' * 1000 + b"[" * 31, "JSON_DEPTH"),
        (b"x" * (16 * 2**20 + 1), "JSON_SIZE"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_the_writer_would_not_write_is_refused(data: bytes, code: str) -> None:
    with refused(code):
        jsonc.decode(data, "x")


def test_names_in_the_order_of_code_points_are_refused_whatever_else_the_document_holds() -> None:
    """However many of its characters take two units of UTF-16, and so tell the two orders apart."""
    ordered = b'{"\xef\xac\xb3":1,"\xf0\x9f\x98\x80":"%s"}'
    for count in range(40):
        with refused("JSON_NOT_CANONICAL"):
            jsonc.decode(ordered % ("\U0001f600" * count).encode(), "x")


@pytest.mark.parametrize(
    "data",
    [
        b'{"":1,"a":2}',
        '{"\U0001f600":1,"\ufb33":2}'.encode(),  # order of UTF-16
        '{"e":1,"\u00e9":2,"\ufb33":3}'.encode(),
        '["\ufb33","\U0001f600"," {"]'.encode(),
    ],
    ids=repr,
)
def test_names_in_their_order_stand(data: bytes) -> None:
    assert jsonc.encode(jsonc.decode(data, "x")) == data


def test_every_character_has_one_spelling() -> None:
    for code in [*range(0x20), *b'"\\/ \x7f', 0xE9, 0xFFFF]:
        one = jsonc.encode(chr(code))
        spellings = {
            one,
            b'"%c"' % code if code < 0x80 else one,
            b'"\\u%04x"' % code,
            b'"\\u%04X"' % code,
            *(
                b'"\\%c"' % short
                for short in b'"\\/bfnrt'
                if json.loads(b'"\\%c"' % short) == chr(code)
            ),
        }
        for spelling in spellings - {one}:
            for document in (spelling, b"[0,%s]" % spelling, b'{"a":%s}' % spelling):
                with pytest.raises(FormatError, match=r"JSON_NOT_CANONICAL|JSON_SYNTAX"):
                    jsonc.decode(document, "x")
        assert jsonc.decode(one, "x") == chr(code)


def test_thirty_two_levels_stand() -> None:
    data = b"[" * 32 + b"]" * 32
    assert jsonc.encode(jsonc.decode(data, "x")) == data
    # The same with more brackets than levels.
    wide = b"[" * 31 + b"[],[]" + b"]" * 31
    assert jsonc.encode(jsonc.decode(wide, "x")) == wide


def test_the_largest_document_stands() -> None:
    data = b'"' + b"x" * (16 * 2**20 - 2) + b'"'
    assert jsonc.encode(jsonc.decode(data, "x")) == data


def test_brackets_in_strings_and_beside_each_other_are_no_depth() -> None:
    for data in (
        b'"' + b"[" * 100 + b'"',
        b"[" + b"[]," * 100 + b"{}]",
        b'["\\"[[[[' + b"[" * 100 + b'"]',
    ):
        assert jsonc.encode(jsonc.decode(data, "x")) == data


def test_depth_does_not_hang_on_the_callers_stack() -> None:
    def deeper(left: int) -> jsonc.Json:
        return jsonc.decode(b"[" * 32 + b"]" * 32, "x") if left == 0 else deeper(left - 1)

    used = len(inspect.stack(0))
    assert deeper(sys.getrecursionlimit() - used - 80)


@pytest.mark.parametrize("value", [2**53 - 1, -(2**53) + 1, 0, None, True, False, "", [], {}])
def test_the_ends_of_the_profile_come_back(value: jsonc.Json) -> None:
    assert jsonc.decode(jsonc.encode(value), "x") == value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (1.0, "JSON_TYPE"),
        (b"a", "JSON_TYPE"),
        ((1,), "JSON_TYPE"),
        ({1: 2}, "JSON_TYPE"),
        (2**53, "JSON_INTEGER"),
        (-(2**53), "JSON_INTEGER"),
        (10**5000, "JSON_INTEGER"),
        ("\ud800", "JSON_SURROGATE"),
        ({"\udfff": 1}, "JSON_SURROGATE"),
        ("x" * (16 * 2**20), "JSON_SIZE"),
    ],
    ids=lambda value: str(type(value)),
)
def test_the_writer_refuses_what_is_outside_the_profile(value: jsonc.Json, code: str) -> None:
    with refused(code):
        jsonc.encode(value)


def test_the_writer_refuses_depth_and_cycles() -> None:
    starts: list[jsonc.Json] = [[], {}]
    for deep in starts:
        for _ in range(31):
            deep = [deep] if isinstance(deep, list) else {"a": deep}
        assert jsonc.decode(jsonc.encode(deep), "x") == deep
        deeper: list[jsonc.Json] = [[deep], {"a": deep}]
        for one in deeper:
            with refused("JSON_DEPTH"):
                jsonc.encode(one)
    cycle: list[jsonc.Json] = []
    cycle.append(cycle)
    with refused("JSON_DEPTH"):
        jsonc.encode(cycle)


def test_unicode_is_never_normalised() -> None:
    composed, decomposed = "\u00fc", "u\u0308"
    assert jsonc.encode(composed) != jsonc.encode(decomposed)
    assert jsonc.decode(jsonc.encode(decomposed), "x") == decomposed

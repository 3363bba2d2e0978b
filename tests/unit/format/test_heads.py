"""Log names and heads."""

import pytest

from tests.reference.refusal import refused
from verifier.format.digests import Digest
from verifier.format.heads import (
    check_log_name,
    head_origin,
    head_text,
    parse_decimal,
    parse_head,
)

LOG = "notary.example/log"
KEY = Digest(b"\x11" * 32)
ROOT = Digest(bytes(range(32)))
TEXT = head_text(LOG, KEY, 12, ROOT)


@pytest.mark.parametrize("log", ["a.b", "notary.example/log", "x-1/A_b.c/9", "a" * 100])
def test_a_log_name_stands(log: str) -> None:
    assert check_log_name(log) == log


@pytest.mark.parametrize(
    "log",
    ["", "ab", "a" * 101, "Notary.example", "https://a.b", "a b/c", "/log", "log/", "a//b",
     "notary.example/log\n", "a.b/é", "a_b/c", "a.b+c"],
)  # fmt: skip
def test_any_other_name_is_refused(log: str) -> None:
    with refused("LOG_NAME"):
        check_log_name(log)


def test_a_head_is_three_lines() -> None:
    assert head_origin(LOG, KEY) == f"{LOG}/m/{'11' * 32}"
    assert f"{LOG}/m/{'11' * 32}\n12\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n" == TEXT
    head = parse_head(TEXT, LOG, KEY)
    assert (head.size, head.root) == (12, ROOT)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("notary", "motary", "HEAD_ORIGIN"),
        ("\n12\n", "\n012\n", "DECIMAL_FORM"),
        ("\n12\n", "\n+12\n", "DECIMAL_FORM"),
        ("\n12\n", "\n0\n", "HEAD_SIZE"),
        ("\n12\n", "\n\n", "DECIMAL_FORM"),
        ("\n12\n", "\n12 \n", "DECIMAL_FORM"),
        ("\n12\n", "\r\n12\n", "HEAD_ORIGIN"),
        ("\n12\n", "\n9007199254740992\n", "DECIMAL_FORM"),
        ("=\n", "\n", "B64_FORM"),
        ("Hh8=\n", "Hh9=\n", "B64_FORM"),
        ("Hh8=\n", "Hh8=", "HEAD_FORM"),
        ("Hh8=\n", "Hh8=\nextension\n", "HEAD_FORM"),
        ("Hh8=\n", "Hh8=\n\n", "HEAD_FORM"),
        ("Hh8=\n", "Hh8=\nx", "HEAD_FORM"),
        ("AAEC", "", "DIGEST_LENGTH"),
    ],
)
def test_a_head_in_any_other_form_is_refused(old: str, new: str, code: str) -> None:
    assert old in TEXT
    with refused(code):
        parse_head(TEXT.replace(old, new), LOG, KEY)


@pytest.mark.parametrize("size", [1, 2**53 - 1])
def test_the_ends_of_a_heads_size_stand(size: int) -> None:
    assert parse_head(head_text(LOG, KEY, size, ROOT), LOG, KEY).size == size


def test_the_head_of_another_matter_is_refused() -> None:
    with refused("HEAD_ORIGIN"):
        parse_head(TEXT, LOG, ROOT)


@pytest.mark.parametrize("size", [0, -1, 2**53])
def test_a_head_without_records_is_not_written(size: int) -> None:
    with refused("HEAD_SIZE"):
        head_text(LOG, KEY, size, ROOT)


@pytest.mark.parametrize("text", ["", "00", "01", "-1", "1.0", "1e3", "٣", " 1", "1\n", "9" * 5000])
def test_a_decimal_in_any_other_form_is_refused(text: str) -> None:
    with refused("DECIMAL_FORM"):
        parse_decimal(text, "x")


def test_a_decimal_goes_up_to_what_json_can_hold() -> None:
    assert parse_decimal("0", "x") == 0
    assert parse_decimal("9007199254740991", "x") == 2**53 - 1

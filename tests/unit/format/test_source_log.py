"""Entries of a source's log, their one form, and what stands for those that are not shown."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.format import jsonc, numbers, source_log, trees
from verifier.format.digests import sha256
from verifier.format.errors import FormatError
from verifier.format.source_log import (
    AsideEntry,
    Closing,
    Entry,
    GapEntry,
    Profile,
    ProfileEntry,
    RecordEntry,
    SourceProof,
)

LEFT_OUT = "left out"
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
NUMBER = numbers.make_source(bytes(16), bytes(4))
PROFILE = Profile("pbx-1", "source", 1, "Europe/Berlin", NUMBER, hides=("unanswered=no",))
CLOSING = Closing(NOW, date(2026, 11, 25), NOW, 0, 1, 9, {"call": 2}, 10, ((2, 8),), 1, 0, 0)
ENTRIES: list[Entry] = [
    ProfileEntry(NOW, PROFILE),
    RecordEntry("call", 9, sha256(b"leaf")),
    GapEntry(NOW, 2, 8, "test calls"),
    AsideEntry("call", 9, sha256(b"row")),
    RecordEntry("call", 9, sha256(b"leaf"), 3),
    CLOSING._replace(aside=7),
    CLOSING,
    CLOSING._replace(first=None, last=None, counts={}, missing=()),
]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda one: type(one).__name__)
def test_an_entry_is_its_own_canonical_json(entry: Entry) -> None:
    data = source_log.encode(entry)
    assert source_log.parse(data) == entry
    assert jsonc.encode(jsonc.decode(data, "entry")) == data


def changed(of: Entry, **members: object) -> bytes:
    document = jsonc.decode(source_log.encode(of), "entry")
    assert isinstance(document, dict)
    document.update(members)  # type: ignore[arg-type]
    return jsonc.encode({k: v for k, v in document.items() if v != LEFT_OUT})


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (changed(ENTRIES[1], entry="other"), "SOURCE_ENTRY_FORM"),
        (changed(ENTRIES[1], kind="rumour"), "KIND_UNKNOWN"),
        (changed(ENTRIES[1], number=-1), "MEMBER_FORM"),
        (changed(ENTRIES[1], record="AAAA"), "DIGEST_LENGTH"),
        (changed(ENTRIES[1], more=1), "MEMBER_UNKNOWN"),
        (changed(ENTRIES[1], number=LEFT_OUT), "MEMBER_MISSING"),
        (changed(ENTRIES[2], last=1), "MEMBER_FORM"),
        (changed(ENTRIES[3], row="AAAA"), "DIGEST_LENGTH"),
        (changed(ENTRIES[3], kind="rumour"), "KIND_UNKNOWN"),
        (changed(ENTRIES[3], record="AAAA"), "MEMBER_UNKNOWN"),
        (changed(ENTRIES[3], aside=1), "MEMBER_UNKNOWN"),
        (changed(ENTRIES[4], aside=-1), "MEMBER_FORM"),
        (changed(ENTRIES[4], aside=None), "MEMBER_TYPE"),
        (changed(CLOSING, aside=0), "MEMBER_FORM"),
        (changed(CLOSING, aside=None), "MEMBER_TYPE"),
        (changed(CLOSING, day="2026-02-30"), "SOURCE_ENTRY_FORM"),
        (changed(CLOSING, day="26-2-3"), "SOURCE_ENTRY_FORM"),
        (changed(CLOSING, counts={}), "SOURCE_ENTRY_FORM"),
        (changed(CLOSING, counts={"call": 0}), "MEMBER_FORM"),
        (changed(CLOSING, counts={"rumour": 1}), "MEMBER_UNKNOWN"),
        (changed(CLOSING, first=None), "SOURCE_ENTRY_FORM"),
        (changed(CLOSING, missing=[[2, 9]]), "SOURCE_MISSING"),
        (changed(CLOSING, missing=[[2]]), "SOURCE_MISSING"),
        (changed(CLOSING, missing=[[True, 8]]), "SOURCE_MISSING"),
        (changed(CLOSING, ends="yesterday"), "TIME_FORM"),
        (b"x" * (source_log.MAX_ENTRY_BYTES + 1), "SOURCE_ENTRY_SIZE"),
        (source_log.encode(CLOSING) + b" ", "JSON_NOT_CANONICAL"),
    ],
)
def test_another_form_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        source_log.parse(data)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("numbering", "nobody", "SOURCE_ENTRY_FORM"),
        ("continues", "nm1", "NUMBER_LENGTH"),
        ("hides", "x", "MEMBER_TYPE"),
        ("late_s", -1, "MEMBER_FORM"),
    ],
)
def test_a_profile_of_another_form_is_refused(member: str, value: jsonc.Json, code: str) -> None:
    profile = {**source_log.profile_members(PROFILE), member: value}
    with pytest.raises(FormatError) as caught:
        source_log.parse(changed(ENTRIES[0], profile=profile))
    assert caught.value.code == code


def test_the_digest_of_a_record_is_no_leaf_hash_and_has_its_domain() -> None:
    assert source_log.record_digest(b"leaf") == sha256(b"notary/source-record/v1\nleaf")
    assert source_log.record_digest(b"leaf") != trees.leaf_hash(b"leaf")


def test_a_proof_is_read_as_it_was_written() -> None:
    proof = SourceProof(NUMBER, "{}", (sha256(b"a"), sha256(b"b")))
    assert source_log.parse_proof(source_log.encode_proof(proof)) == proof


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1)))))
def test_shown_leaves_and_the_rest_give_the_root(log: tuple[int, set[int]]) -> None:
    size, some = log
    hashes = [trees.leaf_hash(bytes([i])) for i in range(size)]
    shown = {i: hashes[i] for i in sorted(some | {0})}
    rest = source_log.hidden_hashes(hashes, sorted(shown))
    assert source_log.shown_root(size, shown, rest) == trees.root(hashes)
    for wrong in ([*rest, sha256(b"")], rest[:-1] if rest else [sha256(b"")]):
        with pytest.raises(FormatError) as caught:
            source_log.shown_root(size, shown, wrong)
        assert caught.value.code == "SOURCE_HASHES"


def test_no_entry_or_one_beyond_the_size_is_refused_however_large_the_size() -> None:
    for shown in ({}, {2**52: sha256(b"")}):
        with pytest.raises(FormatError):
            source_log.shown_root(2**52, shown, [])


def test_whole_days_are_shown_with_the_closing_before_and_the_profiles_that_closings_name() -> None:
    # 0 profile, days of three entries that end with a closing; a second profile at 7.
    closings = {3: 0, 6: 0, 10: 7, 13: 7}
    assert source_log.shown_ranges(16, [4], closings) == [(0, 0), (3, 7), (13, 15)]
    assert source_log.shown_ranges(16, [], closings) == [(0, 0), (7, 7), (13, 15)]
    assert source_log.shown_ranges(16, [1], closings) == [(0, 3), (7, 7), (13, 15)]
    assert source_log.shown_ranges(16, [14], closings) == [(0, 0), (7, 7), (13, 15)]
    assert source_log.shown_ranges(3, [1], {}) == [(0, 2)]


def test_ranges_of_a_log_of_any_size_cost_nothing() -> None:
    assert source_log.shown_ranges(2**52, [2**51], {5: 0}) == [(0, 0), (5, 2**52 - 1)]


def test_a_log_in_which_nothing_waits_is_written_as_before() -> None:
    assert b'"aside"' not in source_log.encode(CLOSING)
    assert b'"aside"' not in source_log.encode(ENTRIES[1])

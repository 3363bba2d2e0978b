"""What may not enter is refused with the field and the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary.core import acceptance
from notary.core.acceptance import FileFacts
from notary.core.intake import Incoming, IncomingFile, Refused
from verifier.format.digests import b64url_encode
from verifier.format.kinds import KINDS

HEX = "ab" * 32
FILE = IncomingFile(Path("unread"), "letter.pdf", "application/pdf")


def item(claims: dict[str, Any], kind: str = "message", **rest: Any) -> Incoming:
    return Incoming(b"m" * 32, kind, claims, **{"idempotency_key": "k", **rest})


GOOD: list[tuple[str, Any]] = [
    ("occurred_at", "2026-03-01T08:00:00.000Z"),
    ("occurred_at_source", {"text": None, "zone": None, "fold": None, "note": None}),
    ("occurred_at_source", {"text": "1 March", "zone": "Asia/Shanghai", "fold": 1, "note": "x"}),
    ("amount", {"minor": -5, "currency": "EUR"}),
    ("corrects", {"position": 0, "leaf": HEX}),
    (
        "import",
        {"importer": "csv", "version": "1", "file_sha256": HEX, "row": 1, "start": 0, "end": 3},
    ),
    ("raw", {"text": "é1"}),
    ("raw", {"bytes": b64url_encode(b"\xff\x00\x01")}),
    ("target", {"position": 4, "leaf": HEX}),
    ("text", ""),
]

BAD: list[tuple[str, Any, str]] = [
    ("occurred_at", "2026-03-01T08:00:00Z", "want YYYY-MM-DDTHH:MM:SS.mmmZ"),
    ("occurred_at", 1772352000, "want a time or null"),
    ("occurred_at_source", {"text": "x", "zone": None, "fold": 0}, "text, zone, fold, note"),
    ("occurred_at_source", {"text": 1, "zone": None, "fold": 0, "note": None}, "text is a string"),
    ("occurred_at_source", {"text": "x", "zone": 1, "fold": 0, "note": None}, "zone is a string"),
    ("occurred_at_source", {"text": "x", "zone": None, "fold": 0, "note": 1}, "note is a string"),
    ("occurred_at_source", {"text": "x", "zone": None, "fold": 2, "note": None}, "0, 1, null"),
    ("occurred_at_source", {"text": "x", "zone": None, "fold": True, "note": None}, "0, 1, null"),
    ("amount", 12, "want an object of minor, currency"),
    ("amount", {"minor": 1.5, "currency": "EUR"}, "minor is an integer"),
    ("amount", {"minor": True, "currency": "EUR"}, "minor is an integer"),
    ("amount", {"minor": 1, "currency": "eur"}, "three capital letters"),
    ("amount", {"minor": 1, "currency": "EUR", "vat": 0}, "want an object of minor, currency"),
    ("corrects", {"position": -1, "leaf": HEX}, "position is an integer from 0"),
    ("corrects", {"position": 1, "leaf": HEX.upper()}, "leaf is 64 lower-case"),
    (
        "import",
        {"importer": "csv", "version": "1", "file_sha256": HEX, "row": 0, "start": 0, "end": 3},
        "from 1",
    ),
    (
        "import",
        {"importer": 1, "version": "1", "file_sha256": HEX, "row": 1, "start": 0, "end": 3},
        "importer is a string",
    ),
    (
        "import",
        {"importer": "csv", "version": 1, "file_sha256": HEX, "row": 1, "start": 0, "end": 3},
        "version is a string",
    ),
    (
        "import",
        {"importer": "csv", "version": "1", "file_sha256": 1, "row": 1, "start": 0, "end": 3},
        "file_sha256 is 64",
    ),
    (
        "import",
        {"importer": "csv", "version": "1", "file_sha256": HEX, "row": 1, "start": 3, "end": 2},
        "ends before it starts",
    ),
    (
        "import",
        {"importer": "csv", "version": "1", "file_sha256": HEX, "row": 1, "start": -1, "end": 2},
        "start is an integer from 0",
    ),
    (
        "import",
        {"importer": "csv", "version": "1", "file_sha256": HEX, "row": 1},
        "want an object",
    ),
    ("raw", {"bytes": "*"}, "bytes has no bytes"),
    ("raw", {"text": "\ud800"}, "text has no bytes"),
    ("raw", {"start": 0, "end": 3, "text": "abc"}, "want an object of text"),
    ("raw", {"text": "a", "bytes": "YQ"}, "want an object of bytes"),
    ("raw", {}, "want an object of text"),
    ("target", [], "want an object of position, leaf"),
]


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_a_good_shape_passes(name: str, value: Any) -> None:
    assert acceptance.check_offer(item({name: value})) is None


@pytest.mark.parametrize(("name", "value", "reason"), BAD)
def test_a_bad_shape_is_refused_by_name(name: str, value: Any, reason: str) -> None:
    refused = acceptance.check_offer(item({name: value}))
    assert refused is not None
    assert (refused.code, refused.field) == ("CLAIM_SHAPE", f"claims.{name}")
    assert reason in refused.reason


# Names that the shapes look for, so that some guesses come near.
MEMBERS = ["text", "zone", "fold", "note", "minor", "position", "leaf", "start", "end", "row"]


@given(
    st.sampled_from(sorted({name for name, _ in GOOD})),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(MEMBERS),
                inner,
                max_size=4,
            )
        ),
    ),
)
def test_no_shape_breaks_the_checks(name: str, value: Any) -> None:
    refused = acceptance.check_offer(item({name: value}))
    assert refused is None or refused.field.startswith("claims.")


def test_a_null_time_needs_a_reason() -> None:
    source = {"text": "yesterday", "zone": None, "fold": None, "note": None}
    for claims in ({"occurred_at": None}, {"occurred_at": None, "occurred_at_source": source}):
        refused = acceptance.check_offer(item(claims))
        assert refused is not None
        assert refused.field == "claims.occurred_at_source"
    said = {"occurred_at": None, "occurred_at_source": {**source, "note": "no date in the source"}}
    assert acceptance.check_offer(item(said)) is None


def test_attachments_are_claimed_by_the_service_alone() -> None:
    refused = acceptance.check_offer(item({"attachment-0": {}}))
    assert refused is not None
    assert (refused.code, refused.field) == ("CLAIM_RESERVED", "claims.attachment-0")


@pytest.mark.parametrize("key", ["", "k" * 201, "\ud800"])
def test_an_idempotency_key_has_its_form(key: str) -> None:
    refused = acceptance.check_offer(item({"text": "x"}, idempotency_key=key))
    assert refused is not None
    assert refused.code == "IDEMPOTENCY_KEY"


@pytest.mark.parametrize(
    ("file", "field"),
    [
        (IncomingFile(Path("x"), "n" * 1001, "text/plain"), "files[1].filename"),
        (IncomingFile(Path("x"), "\udc80", "text/plain"), "files[1].filename"),
        (IncomingFile(Path("x"), None, "plain"), "files[1].media_type"),
        (IncomingFile(Path("x"), None, ""), "files[1].media_type"),
        (IncomingFile(Path("x"), None, "text/plain\n"), "files[1].media_type"),
        (IncomingFile(Path("x"), None, "text/" + "x" * 200), "files[1].media_type"),
    ],
)
def test_a_file_is_refused_by_its_place(file: IncomingFile, field: str) -> None:
    refused = acceptance.check_files(item({"text": "x"}, files=(FILE, file)))
    assert refused is not None
    assert refused.field == field


def test_files_are_counted() -> None:
    many = (FILE,) * (acceptance.MAX_FILES + 1)
    refused = acceptance.check_files(item({}, files=many))
    assert refused is not None
    assert refused.code == "FILES_TOO_MANY"
    assert acceptance.check_files(item({}, files=many[1:])) is None
    media = IncomingFile(Path("x"), None, 'text/plain; charset="utf-8"')
    assert acceptance.check_files(item({}, files=(media,))) is None


def facts(number: int) -> FileFacts:
    return FileFacts(bytes([number % 256]) * 16, None, 0, "a/b", "0" * 64, "0" * 128, "0" * 64)


def test_the_most_files_fit_into_a_leaf() -> None:
    files = [facts(i) for i in range(acceptance.MAX_FILES)]
    assert acceptance.try_out(item({"text": "x"}), files) is None


def tried(claims: dict[str, Any], kind: str = "message") -> Refused:
    refused = acceptance.try_out(item(claims, kind), [])
    assert refused is not None
    return refused


def test_the_field_at_fault_is_found() -> None:
    found = [
        tried({"text": "x"}, "telegram"),
        tried({"text": "x", "duration_s": 1}),
        tried({"text": "x", "subject": 1.5}),
        tried({"text": "x", "subject": 2**53}),
        tried({"text": "\ud800"}),
        tried({"fields": {"_sd": []}}),
        tried({"fields": [{"...": 1}]}),
        tried({}),
    ]
    assert [(one.code, one.field) for one in found] == [
        ("KIND_UNKNOWN", "kind"),
        ("CLAIM_UNKNOWN", "claims.duration_s"),
        ("JSON_TYPE", "claims.subject"),
        ("JSON_INTEGER", "claims.subject"),
        ("JSON_SURROGATE", "claims.text"),
        ("DISCLOSURE_NESTED", "claims.fields"),
        ("DISCLOSURE_NESTED", "claims.fields"),
        ("LEAF_CLAIMS", "claims"),
    ]
    assert ", ".join(sorted(KINDS)) in found[0].reason
    assert all(not one.conflict for one in found)


def test_nesting_is_refused_at_the_depth_that_the_reader_has() -> None:
    value: Any = 1
    for _ in range(31):
        value = [value]
    assert acceptance.try_out(item({"fields": value}), []) is None
    assert tried({"fields": [value]}).code == "JSON_DEPTH"

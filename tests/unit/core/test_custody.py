"""A record of custody says who, what and why, in disclosures alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from notary.core import custody
from notary.core.acceptance import check_offer
from notary.core.custody import Action, Handed, Request
from notary.errors import CallerError

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
KEY = b"\x01" * 32
ASKED = Request("uabc", "0" * 32, "court filing")


@pytest.mark.parametrize(
    ("positions", "ranges"),
    [
        ([], []),
        ([0], [[0, 1]]),
        ([0, 1, 2], [[0, 3]]),
        ([1, 2, 5, 7, 8], [[1, 3], [5, 6], [7, 9]]),
        (range(10_000), [[0, 10_000]]),
    ],
)
def test_positions_become_as_few_ranges_as_there_can_be(
    positions: list[int], ranges: list[list[int]]
) -> None:
    assert custody.ranges(positions) == ranges


def test_a_reading_says_who_what_when_and_why() -> None:
    item = custody.record(KEY, ASKED, Action.READ, AT, [5])
    assert item.claims == {
        "action": "read",
        "actor": "uabc",
        "occurred_at": "2026-03-01T08:00:00.000Z",
        "purpose": "court filing",
        "request": "0" * 32,
        "shown": [[5, 6]],
    }
    assert check_offer(item) is None


def test_an_export_names_the_package_and_no_purpose_that_was_not_said() -> None:
    asked = Request("uabc", "0" * 32)
    item = custody.record(KEY, asked, Action.EXPORT, AT, [0, 1], Handed("complete", "ab" * 32, 7))
    assert "purpose" not in item.claims
    assert item.claims["package"] == {"kind": "complete", "sha256": "ab" * 32, "size": 7}


def test_nobody_else_makes_one() -> None:
    item = custody.record(KEY, ASKED, Action.READ, AT, [5])._replace(by_service=False)
    refused = check_offer(item)
    assert refused is not None
    assert (refused.code, refused.field) == ("KIND_RESERVED", "kind")


@pytest.mark.parametrize("purpose", ["", "x" * 501, "a\nb", "a\x00", "\ud800"])
def test_a_purpose_is_a_printable_sentence(purpose: str) -> None:
    with pytest.raises(CallerError) as caught:
        custody.check_purpose(purpose)
    assert caught.value.code == "PURPOSE_FORM"
    assert custody.check_purpose(None) is None
    assert custody.check_purpose("zur Klage — 诉讼") == "zur Klage — 诉讼"

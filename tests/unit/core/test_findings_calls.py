"""Hidden numbers, split conversations, and numbers under another account."""

from __future__ import annotations

from typing import Any

import pytest

from notary.core.findings.calls import account_findings, masked_findings, split_findings
from notary.core.findings.seen import Seen, seen
from tests.simulators.sightings import HOUR, MINUTE, call, text_of
from verifier.format.jsonc import Json

PHONE: Json = {"number": "+447700900001", "masked": False}
HIDDEN: Json = {"number": "+44770****001", "masked": True}


def of(number: int, at: int, callee: Json = PHONE, **claims: Any) -> Seen:
    return call(number, at=at, account="A", callee=callee, **claims)


def test_only_the_hidden_calls_of_an_account_that_shows_others_are_named() -> None:
    records = [of(1, 0), of(2, HOUR, HIDDEN), call(3, at=0, account="B", callee=HIDDEN)]
    [found] = masked_findings("s", records)
    assert [place.reference for place in found.places] == ["D0002"]


@pytest.mark.parametrize(("pause", "count"), [(5_000, 1), (59_000, 1), (2 * MINUTE, 0)])
def test_a_conversation_that_goes_on_at_once_is_named(pause: int, count: int) -> None:
    found = list(split_findings("s", [of(1, 0), of(2, 100_000 + pause)]))
    assert [one.code for one in found] == ["SPLIT"] * count


def test_legs_that_the_log_calls_one_conversation_are_not_split() -> None:
    legs = [of(n, 0, fields={"conversation": "c"}) for n in (1, 2)]
    assert list(split_findings("s", legs)) == []


def test_an_attempt_that_is_repeated_is_not_split() -> None:
    attempts = [of(n, n * MINUTE, talk_s=0, disposition="no answer") for n in range(3)]
    assert list(split_findings("s", attempts)) == []


def test_two_visits_within_an_hour_at_one_place_are_named() -> None:
    visits = []
    for n, start in enumerate((0, 40 * MINUTE, 10 * HOUR)):
        said: dict[str, Json] = {
            "occurred_at": text_of(start),
            "account": "A",
            "place": "1 Row",
            "ended_at": {"at": text_of(start + 30 * MINUTE)},
            "reference": f"V{n}",
        }
        visits.append(seen("visit", said, matter="nm1a", position=n))
    [found] = split_findings("s", visits)
    assert [place.reference for place in found.places] == ["V0", "V1"]


def test_a_matters_number_under_an_account_that_waits_is_named() -> None:
    other = call(2, at=HOUR, account="X", callee=PHONE, matter=None)
    hidden = call(3, at=HOUR, account="Y", callee=HIDDEN, matter=None)
    [found] = account_findings("s", [of(1, 0), other, hidden])
    assert [place.reference for place in found.places] == ["D0002"]
    assert "account X" in found.text

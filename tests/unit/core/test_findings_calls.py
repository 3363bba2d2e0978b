"""Split conversations, agents in two at once, and numbers under another account."""

from __future__ import annotations

from typing import Any

import pytest

from notary.core.findings.calls import account_findings, busy_findings, split_findings
from notary.core.findings.seen import Seen, seen
from tests.simulators.sightings import HOUR, MINUTE, call, text_of
from verifier.format.jsonc import Json

PHONE: Json = {"number": "+447700900001", "masked": False}
HIDDEN: Json = {"number": "+44770****001", "masked": True}


def of(number: int, at: int, callee: Json = PHONE, **claims: Any) -> Seen:
    return call(number, at=at, account="A", callee=callee, **claims)


@pytest.mark.parametrize(("pause", "count"), [(5_000, 1), (9 * MINUTE, 1), (11 * MINUTE, 0)])
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
    assert [place.reference for place in found.places] == ["D0002", "D0001"]
    assert "account X" in found.text


def test_a_machine_that_is_called_again_is_not_split() -> None:
    again = [of(1, 0, disposition="voicemail"), of(2, 100_000 + 2 * MINUTE)]
    assert list(split_findings("s", again)) == []


def test_a_call_with_the_number_of_another_account_is_named() -> None:
    own: Json = {"number": "+447700900002", "masked": False}
    mine = [of(n, n * HOUR) for n in range(4)]
    others = [call(n, at=n * HOUR, account="B", callee=own) for n in range(4, 7)]
    moved = call(9, at=9 * HOUR, account="B", callee=PHONE)
    assert list(account_findings("s", [*mine, *others])) == []
    [found] = account_findings("s", [*mine, *others, moved])
    assert found.places[0].reference == "D0009"
    assert "the telephone number of account A" in found.text


def test_one_person_with_two_accounts_is_no_other_account() -> None:
    both = [call(n, at=n * HOUR, account="AB"[n % 2], callee=PHONE) for n in range(8)]
    assert list(account_findings("s", both)) == []


def test_an_agent_in_two_conversations_at_once_is_named() -> None:
    def held(number: int, at: int, agent: str) -> Seen:
        return call(number, at=at, fields={"agent": agent, "ring_s": "20"})

    calm = [held(n, n * HOUR, "A01") for n in range(5)]
    assert list(busy_findings("s", [*calm, held(8, 60_000, "A02")])) == []
    [found] = busy_findings("s", [*calm, held(9, 60_000, "A01")])
    assert [place.reference for place in found.places] == ["D0000", "D0009"]


def test_agents_that_share_a_name_are_not_named() -> None:
    shared = [call(n, at=n * 50_000, fields={"agent": "desk", "ring_s": "20"}) for n in range(20)]
    assert list(busy_findings("s", shared)) == []

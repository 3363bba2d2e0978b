"""What the soak takes for an explanation of an alarm, and that it refuses the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from notary.chain_ports import Alarm
from notary.core.intent import Cause
from notary.notice_ports import Change, Event, Stand
from tests.soak.explanations import LATER, MAY_RAISE, WINDOW, Explanations
from tests.soak.test_anchor_faults import WANTED, trial
from tests.unit.anchor.test_operations_page import named

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def event(
    code: str, text: str = "", change: Change = Change.RAISED, after: timedelta = WINDOW
) -> Event:
    return Event(1, "msg", change, code, Stand(text, NOW), NOW + after)


def test_a_fault_of_its_own_within_the_window_explains_an_alarm() -> None:
    alarms = Explanations()
    alarms.befell("fee spike", "", NOW)
    alarms.befell("empty result", "eth_chainId", NOW)
    alarms.befell("no money", "", NOW)
    told = alarms.note(event("HELD", "ENDPOINT: it differs"))
    assert told == "HELD ENDPOINT by empty result (eth_chainId), 100 s before"
    assert alarms.raised == {"HELD"}


@pytest.mark.parametrize(
    ("code", "text"), [("HELD", "FUNDS: none"), ("FINALITY_BROKEN", ""), ("UNHEARD_OF", "")]
)
def test_another_fault_explains_nothing(code: str, text: str) -> None:
    alarms = Explanations()
    alarms.befell("empty result", "", NOW)
    with pytest.raises(AssertionError, match=r"(?s)no fault explains .*before it were .*empty res"):
        alarms.note(event(code, text))


def test_a_fault_that_ended_long_ago_explains_nothing() -> None:
    alarms = Explanations()
    alarms.befell("no money", "", NOW)
    with pytest.raises(AssertionError, match=r"no fault explains HELD FUNDS"):
        alarms.note(event("HELD", "FUNDS: none", after=WINDOW + timedelta(seconds=1)))


def test_a_fault_is_in_force_until_it_ends() -> None:
    alarms = Explanations()
    alarms.befell("no money", "", NOW).until = NOW + WINDOW
    assert "0 s before" in alarms.note(event("HELD", "FUNDS: none"))


def test_an_alarm_that_stands_in_the_end_is_refused_until_it_is_resolved() -> None:
    alarms = Explanations()
    alarms.befell("no money", "", NOW)
    alarms.note(event("HELD", "FUNDS: none"))
    with pytest.raises(AssertionError, match=r"never resolved: .*'HELD': 'FUNDS: none'"):
        alarms.check_resolved()
    alarms.note(event("HELD", "FUNDS: none", Change.RESOLVED))
    alarms.check_resolved()


def test_it_speaks_of_alarms_and_faults_that_there_are() -> None:
    known = {*named("Alarms"), *(f"HELD {cause}" for cause in Cause)}
    assert known.issuperset(MAY_RAISE)
    assert frozenset().union(*MAY_RAISE.values()) <= WANTED
    assert MAY_RAISE.keys() >= LATER.keys()


@pytest.mark.parametrize("code", ["FINALITY_BROKEN", "FOREIGN_NONCE", "ENDPOINT_AWAY"])
def test_a_bogus_alarm_turns_the_soak_red(tmp_path: Path, code: str) -> None:
    with trial(tmp_path) as one:
        one.befell("no money")
        one.world.book.keep_alarms({code: Alarm("bogus", one.world.now)})
        with pytest.raises(AssertionError, match=f"no fault explains {code}: bogus"):
            one.look()


def test_a_denied_receipt_is_no_excuse_for_a_foreign_nonce_without_a_failure_of_ours(
    tmp_path: Path,
) -> None:
    with trial(tmp_path) as one:
        one.befell("receipts denied")
        one.world.book.keep_alarms({"FOREIGN_NONCE": Alarm("bogus", one.world.now)})
        with pytest.raises(AssertionError, match="nothing of ours failed"):
            one.look()

"""Letters that went by e-mail against their messages."""

from __future__ import annotations

from notary.core.findings.finding import Finding
from notary.core.findings.mailed import mailed_findings
from notary.core.findings.seen import Seen, seen
from tests.simulators.sightings import HOUR, text_of
from verifier.format.jsonc import Json

DAY = 24 * HOUR


def letter(number: int, minor: int = 12_345) -> Seen:
    said: dict[str, Json] = {
        "occurred_at": text_of(number * DAY),
        "reference": f"L-{number}",
        "channel": "e-mail",
        "stage": 1,
        "amount": {"minor": minor, "currency": "EUR"},
    }
    return seen("letter", said, matter="nm1a", position=number)


def message(number: int, day: float | None = None, text: str = "Open: EUR 123.45, please.") -> Seen:
    said: dict[str, Json] = {
        "occurred_at": text_of(int((number if day is None else day) * DAY)),
        "reference": f"<{number}@example.com>",
        "subject": f"Demand, letter L-{number}",
        "text": text,
    }
    return seen("message", said, matter="nm1a", position=number)


def found(letters: list[Seen], messages: list[Seen]) -> list[Finding]:
    return list(mailed_findings([*letters, *messages]))


LETTERS = [letter(n) for n in range(1, 9)]
MESSAGES = [message(n) for n in range(1, 9)]


def test_letters_with_their_messages_have_no_finding() -> None:
    assert found(LETTERS, MESSAGES) == []


def test_a_letter_without_its_message_and_a_message_without_its_letter_are_named() -> None:
    [one] = found(LETTERS, MESSAGES[:3] + MESSAGES[4:])
    assert (one.code, one.places[0].reference) == ("REFERENCE_MISSING", "L-4")
    [one] = found(LETTERS[:3] + LETTERS[4:], MESSAGES)
    assert (one.code, one.places[0].reference) == ("REFERENCE_MISSING", "<4@example.com>")


def test_another_sum_and_another_day_are_named() -> None:
    [one] = found([letter(1, 22_345), *LETTERS[1:]], MESSAGES)
    assert (one.code, one.places[0].reference) == ("BALANCE_DIFFERS", "L-1")
    [one] = found(LETTERS, [message(1, 5.5), *MESSAGES[1:]])
    assert (one.code, one.places[0].reference) == ("CLOCKS_DIFFER", "L-1")


def test_a_message_that_names_no_sum_contradicts_none() -> None:
    assert found(LETTERS, [message(1, text="See the attached letter."), *MESSAGES[1:]]) == []


def test_where_messages_name_no_letters_nothing_is_missing() -> None:
    others = [one._replace(facts={"subject": "Hello you"}) for one in MESSAGES]
    assert found(LETTERS, others) == []

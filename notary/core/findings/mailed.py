"""Letters that went by e-mail, as the mail server and the letter system tell of them. Pure.

Spec: docs/spec/findings.md §7. Test: tests/unit/core/test_findings_mailed.py.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from notary.core.findings.finding import (
    BALANCE,
    CLOCKS,
    OTHER,
    REFERENCE,
    Finding,
    finding,
    said_time,
)
from notary.core.findings.papers import amount_of, said_amount
from notary.core.findings.seen import Seen

RULE_LEAST = 3  # messages that name a letter in the same words: these words announce a letter
SENT = 86_400_000  # ms between a letter's date and its message's


def mailed_findings(records: Sequence[Seen]) -> Iterator[Finding]:
    """What messages say of the letters that they name in their subject, and which of both are missing."""
    letters = {
        one.place.reference: one
        for one in records
        if one.kind == "letter" and one.place.reference is not None
    }
    subjects: dict[str, list[tuple[str, Seen]]] = defaultdict(list)
    known: Counter[str] = Counter()
    for one in records:
        subject = one.facts.get("subject")
        if one.kind == "message" and isinstance(subject, str):
            words, _, name = subject.rpartition(" ")
            subjects[words].append((name, one))
            known[words] += name in letters
    named: set[str] = set()
    for words, messages in subjects.items():
        if known[words] < RULE_LEAST:
            continue
        for name, message in messages:
            named.add(name)
            letter = letters.get(name)
            if letter is None:
                text = f"a message is called {words} {name}, and there is no such letter"
                yield finding(REFERENCE, message.stream, text, [message])
            else:
                yield from _pair(message, letter)
    if not named:
        return
    newest = max((message.at or 0 for one in subjects.values() for _, message in one), default=0)
    for name, letter in letters.items():
        if (
            letter.facts.get("channel") == "e-mail"
            and name not in named
            and letter.at is not None
            and letter.at + SENT < newest
        ):
            text = f"letter {name} went by e-mail, and there is no message of it, as there is of others"
            yield finding(REFERENCE, letter.stream, text, [letter])


def _pair(message: Seen, letter: Seen) -> Iterator[Finding]:
    name = letter.place.reference
    sums, amount = message.facts.get("sums"), amount_of(letter)
    claimed = None if amount is None else {"currency": amount[0], "minor": amount[1]}
    if isinstance(sums, list) and sums and amount is not None and claimed not in sums:
        text = f"letter {name} claims {said_amount(amount)}, and its message names another sum"
        yield finding(BALANCE, letter.stream, text, [letter, message])
    to, person = message.outside or "", letter.outside or ""
    if "@" in to and "@" in person and not message.masked and to.lower() not in person.lower():
        text = f"letter {name} is addressed to {person}, and its message went to {to}"
        yield finding(OTHER, message.stream, text, [message, letter])
    if message.at is None or letter.at is None:
        return
    if abs(message.at - letter.at) > SENT:
        text = (
            f"letter {name} is dated {said_time(letter.at)}; its message is of "
            f"{said_time(message.at)}"
        )
        yield finding(CLOCKS, letter.stream, text, [letter, message])

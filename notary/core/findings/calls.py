"""Calls and visits beside each other: split events, two at once, other accounts. Pure.

Spec: docs/spec/findings.md §6. Test: tests/unit/core/test_findings_calls.py.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from notary.core.findings.finding import (
    ACCOUNT,
    BUSY,
    SPLIT,
    Finding,
    finding,
    said_span,
    said_time,
)
from notary.core.findings.seen import Seen

REDIAL = 60_000  # ms between the end of a conversation, or of a machine's words, and the next start
TALK_AGAIN = 600_000  # ms between two conversations with the same person
VISIT_GAP = 2 * 3_600_000  # ms between two visits of the same people at the same place
AT_ONCE = (
    10_000  # ms that two conversations of one agent overlap: systems end and begin to count apart
)
AT_ONCE_PERCENT = 2  # of the conversations overlap another, else agents share a name
SHARED = 3  # accounts at most of one person's number; more, and it is a line of the agency
BESIDE = 10  # calls with the number under its other account that are named too
USUAL_LEAST = 3  # calls to a number under one account make it that account's


def split_findings(name: str, stream: Sequence[Seen]) -> Iterator[Finding]:
    """Conversations and visits that go on in another record at once."""
    calls: dict[tuple[str | None, str], list[Seen]] = defaultdict(list)
    visits: dict[tuple[str | None, str], list[Seen]] = defaultdict(list)
    for one in stream:
        if one.at is None:
            continue
        if one.kind == "call" and one.outside is not None and _talked(one):
            calls[one.account, one.outside].append(one)
        elif one.kind == "visit":
            visits[one.account, str(one.facts.get("place"))].append(one)
    for same in calls.values():
        for before, after in _ordered(same):
            gap = (after.at or 0) - (before.finish or 0)
            # Legs of one conversation are one by their own word.
            machine = "voicemail" in (before.disposition, after.disposition)
            limit = REDIAL if machine else TALK_AGAIN
            if -REDIAL <= gap <= limit and not _one_conversation(before, after):
                text = (
                    f"{after.place.reference} begins {said_span(gap)} "
                    f"{'after' if gap >= 0 else 'before'} the end of {before.place.reference}, with the same "
                    f"person, at {said_time(after.at)}: they look as if they were one conversation"
                )
                yield finding(SPLIT, name, text, [before, after])
    for same in visits.values():
        for before, after in _ordered(same):
            left = before.facts.get("left")
            gap = (after.at or 0) - (left if isinstance(left, int) else before.at or 0)
            if gap <= VISIT_GAP:
                text = (
                    f"{after.place.reference} begins {said_span(gap)} after the end of "
                    f"{before.place.reference}, at the same place: they look as if they were one visit"
                )
                yield finding(SPLIT, name, text, [before, after])


def busy_findings(name: str, stream: Sequence[Seen]) -> Iterator[Finding]:
    """Agents that held two conversations at once."""
    held: dict[str, list[Seen]] = defaultdict(list)
    for one in stream:
        agent = one.facts.get("agent")
        if isinstance(agent, str) and agent and _talked(one) and one.at and not one.doubled:
            held[agent].append(one)
    found = [
        (person, before, after)
        for person, records in held.items()
        for before, after in _ordered(records)
        if _begins(after) + AT_ONCE < (before.finish or 0) and not _one_conversation(before, after)
    ]
    if len(found) * 100 > AT_ONCE_PERCENT * sum(map(len, held.values())) and len(found) > 1:
        return
    for person, before, after in found:
        text = (
            f"agent {person} is in {before.place.reference} until {said_time(before.finish)} and from "
            f"{said_time(_begins(after))} on in {after.place.reference}"
        )
        yield finding(BUSY, name, text, [before, after])


def account_findings(name: str, stream: Sequence[Seen]) -> Iterator[Finding]:
    """Calls under another account than that of their number."""
    owners: dict[str, set[str]] = defaultdict(set)
    calls = [one for one in stream if one.kind == "call" and _plain(one)]
    usual: dict[str, Counter[str | None]] = defaultdict(Counter)
    numbers: dict[str | None, Counter[str]] = defaultdict(Counter)
    for one in calls:
        number = one.outside or ""
        usual[number][one.account] += 1
        numbers[one.account][number] += 1
        if one.place.matter is not None:
            owners[number].add(one.place.matter)
    strangers: dict[tuple[str, str | None], list[Seen]] = defaultdict(list)
    for one in calls:
        number = one.outside or ""
        waits = one.place.matter is None and number in owners
        if waits or _belongs_elsewhere(usual[number], numbers[one.account], one.account):
            strangers[number, one.account].append(one)
    for (number, account), records in strangers.items():
        # Of both sides any may be the wrong one.
        beside = [one for one in calls if one.outside == number and one.account != account]
        own = usual[number].most_common(1)[0][0]
        if records[0].place.matter is None and owners[number]:
            matters = ", ".join(sorted(owners[number])[:3])
            text = (
                f"{len(records)} calls to the telephone number of {matters} stand under account {account}, "
                "which leads to no matter: whoever counts the matter's calls does not count them"
            )
        else:
            text = (
                f"{len(records)} of the calls under account {account} are with the telephone number of "
                f"account {own}; the other calls of {account} are with another number"
            )
        yield finding(ACCOUNT, name, text, [*records, *beside[:BESIDE]])


def _belongs_elsewhere(
    accounts: Counter[str | None], numbers: Counter[str], account: str | None
) -> bool:
    """Whether the number is another account's as a rule, and the account has its own number.

    One person who owes twice has the same number under both accounts: that is no contradiction.
    """
    here, elsewhere = accounts[account], accounts.total() - accounts[account]
    own = numbers.total() - here
    return (
        account is not None
        and len(accounts) <= SHARED
        and elsewhere >= USUAL_LEAST
        and own > here
        and elsewhere > 2 * here
    )


def _plain(one: Seen) -> bool:
    return one.outside is not None and not one.masked and len(one.outside) >= _LEAST_DIGITS


_LEAST_DIGITS = 7  # shorter ones are extensions of the agency's own exchange


def _begins(one: Seen) -> int:
    """When people began to speak."""
    ring = one.facts.get("ring_s")
    if one.answered is not None:
        return one.answered
    rung = int(ring) if isinstance(ring, str) and ring.isdecimal() else 0
    return (one.at or 0) + rung * 1000


def _talked(one: Seen) -> bool:
    if one.talk is not None:
        return bool(one.talk)
    # What only tells of a length, such as a recording, is of a conversation.
    return one.disposition == "answered" or (one.disposition is None and bool(one.duration))


def _ordered(same: Sequence[Seen]) -> Iterator[tuple[Seen, Seen]]:
    return pairwise(sorted(same, key=lambda one: one.at or 0))


def _one_conversation(a: Seen, b: Seen) -> bool:
    told = a.facts.get("conversation")
    return told is not None and told == b.facts.get("conversation")

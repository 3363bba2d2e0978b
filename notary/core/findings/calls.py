"""Calls and visits of one account beside each other: hidden numbers, split events, other accounts. Pure.

Spec: docs/spec/findings.md §6. Test: tests/unit/core/test_findings_calls.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from notary.core.findings.finding import (
    ACCOUNT,
    MASKED,
    SPLIT,
    Finding,
    finding,
    said_span,
    said_time,
)
from notary.core.findings.seen import Seen

REDIAL = 60_000  # ms between a conversation's end and the next one's start with the same person
VISIT_GAP = 3_600_000  # ms between two visits of the same people at the same place


def masked_findings(name: str, stream: Sequence[Seen]) -> Iterator[Finding]:
    """Hidden numbers of an account whose numbers are plain elsewhere in the stream."""
    plain: dict[str, int] = defaultdict(int)
    hidden: dict[str, list[Seen]] = defaultdict(list)
    for one in stream:
        if one.kind != "call" or one.account is None or one.outside is None:
            continue
        if one.masked:
            hidden[one.account].append(one)
        else:
            plain[one.account] += 1
    for account, records in hidden.items():
        if plain[account]:
            text = (
                f"{len(records)} of {len(records) + plain[account]} calls of account {account} hide the "
                "number, the others show it"
            )
            yield finding(MASKED, name, text, records)


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
            if abs(gap) <= REDIAL and not _one_conversation(before, after):
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


def account_findings(name: str, stream: Sequence[Seen]) -> Iterator[Finding]:
    """Calls to the person of a matter under an account that leads to no matter."""
    owners: dict[str, set[str]] = defaultdict(set)
    for one in stream:
        if one.kind == "call" and one.place.matter is not None and _plain(one):
            owners[one.outside or ""].add(one.place.matter)
    strangers: dict[tuple[str, str | None], list[Seen]] = defaultdict(list)
    for one in stream:
        if (
            one.kind == "call"
            and one.place.matter is None
            and _plain(one)
            and one.outside in owners
        ):
            strangers[one.outside or "", one.account].append(one)
    for (number, account), records in strangers.items():
        matters = ", ".join(sorted(owners[number])[:3])
        text = (
            f"{len(records)} calls to the telephone number of {matters} stand under account {account}, which "
            "leads to no matter: whoever counts the matter's calls does not count them"
        )
        yield finding(ACCOUNT, name, text, records)


def _plain(one: Seen) -> bool:
    return one.outside is not None and not one.masked and len(one.outside) >= _LEAST_DIGITS


_LEAST_DIGITS = 7  # shorter ones are extensions of the agency's own exchange


def _talked(one: Seen) -> bool:
    return bool(one.talk) or (one.talk is None and one.disposition == "answered")


def _ordered(same: Sequence[Seen]) -> Iterator[tuple[Seen, Seen]]:
    return pairwise(sorted(same, key=lambda one: one.at or 0))


def _one_conversation(a: Seen, b: Seen) -> bool:
    told = a.facts.get("conversation")
    return told is not None and told == b.facts.get("conversation")

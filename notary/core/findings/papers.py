"""Letters, post, payments: stages that are missing, things named that are not there, sums. Pure.

Spec: docs/spec/findings.md §7. Test: tests/unit/core/test_findings_papers.py.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from notary.core.findings.finding import (
    BALANCE,
    CLOCKS,
    REFERENCE,
    Finding,
    finding,
    said_span,
    said_time,
)
from notary.core.findings.seen import Seen, moment_of

POSTED = (
    3 * 86_400_000
)  # ms between a letter's date and the day on which the post takes it: a weekend
BOOKED = 5 * 86_400_000  # ms between booking and value date
SCANNED = 86_400_000  # ms: letters are dated by the day
_DECIMAL = re.compile(r"([A-Z]{3}) ([0-9]+)\.([0-9]{2})")


def paper_findings(records: Sequence[Seen]) -> Iterator[Finding]:
    """What the letters, post scans, payments and reversals of the agency say against each other."""
    letters = [one for one in records if one.kind == "letter"]
    posts = [one for one in records if one.kind == "act"]
    payments = [one for one in records if one.kind == "payment"]
    backs = [one for one in records if one.kind == "correction" and one.place.reference]
    yield from _stages(letters)
    yield from _post(letters, posts)
    yield from _bank(payments, backs)
    yield from _balances(letters, payments, backs)


def _stages(letters: Sequence[Seen]) -> Iterator[Finding]:
    for same in _by_matter(letters).values():
        stages = {stage: one for one in same if isinstance(stage := one.facts.get("stage"), int)}
        for stage in range(1, max(stages, default=0)):
            after = min((one for one in stages if one > stage), default=None)
            if stage not in stages and after is not None:
                late = stages[after]
                text = f"{late.place.reference} is a letter of stage {after}; of stage {stage} there is none"
                yield finding(REFERENCE, late.stream, text, [late])
        ordered = [stages[stage] for stage in sorted(stages)]
        for before, after_ in pairwise(ordered):
            if before.at is not None and after_.at is not None and after_.at < before.at:
                text = (
                    f"{after_.place.reference} of a later stage is dated {said_time(after_.at)}, before "
                    f"{before.place.reference} of {said_time(before.at)}"
                )
                yield finding(CLOCKS, after_.stream, text, [after_, before])


def _post(letters: Sequence[Seen], posts: Sequence[Seen]) -> Iterator[Finding]:
    by_reference = {one.place.reference: one for one in letters if one.place.reference}
    scans: dict[str, dict[str, Seen]] = defaultdict(dict)
    for one in posts:
        letter, act = one.facts.get("milestone"), one.facts.get("act")
        if isinstance(letter, str) and isinstance(act, str) and act in _SCANS:
            scans[letter][act] = one
    # Where letters have no references, or the post's are of another kind, nothing is missing.
    if not scans or not any(name in by_reference for name in scans):
        return
    for name, acts in scans.items():
        letter_ = by_reference.get(name)
        first = acts.get("dispatch")
        if letter_ is None:
            scan = next(iter(acts.values()))
            text = (
                f"the post has a {scan.facts['act']} of letter {name}, and there is no such letter"
            )
            yield finding(REFERENCE, scan.stream, text, list(acts.values()))
            continue
        if first is None:
            scan = next(iter(acts.values()))
            text = f"letter {name} has a {scan.facts['act']} and no dispatch"
            yield finding(REFERENCE, scan.stream, text, [scan, letter_])
        for act, scan in acts.items():
            if scan.at is None or letter_.at is None:
                continue
            lag = scan.at - letter_.at
            late = act == "dispatch" and lag > POSTED
            if lag < -SCANNED or late:
                text = (
                    f"{name} is dated {said_time(letter_.at)}; its {act} is of {said_time(scan.at)}, "
                    f"{said_span(lag)} {'later' if late else 'earlier'}"
                )
                yield finding(CLOCKS, letter_.stream, text, [letter_, scan])
            if first is not None and first.at is not None and scan.at < first.at:
                text = f"the {act} of {name} is of {said_time(scan.at)}, before its dispatch"
                yield finding(CLOCKS, scan.stream, text, [scan, first])
    newest = max((one.at for one in posts if one.at is not None), default=0)
    for name, letter_ in by_reference.items():
        # What is newer than the post's own export may still be scanned.
        settled = letter_.at is not None and letter_.at + POSTED < newest
        if settled and letter_.facts.get("channel") == "post" and name not in scans:
            text = f"letter {name} went by post, and the post has no dispatch of it"
            yield finding(REFERENCE, letter_.stream, text, [letter_])


_SCANS = ("dispatch", "delivery", "return")


def _bank(payments: Sequence[Seen], backs: Sequence[Seen]) -> Iterator[Finding]:
    known = {one.place.reference: one for one in payments}
    for back in backs:
        paid = known.get(back.place.reference)
        taken = _taken(back)
        # A correction with a sum is a reversal; others correct what they name by position.
        if taken is None or not payments:
            continue
        if paid is None:
            text = f"payment {back.place.reference} is taken back, and there is no such payment"
            yield finding(REFERENCE, back.stream, text, [back])
        elif (amount := _amount(paid)) is not None and amount != taken:
            text = (
                f"payment {back.place.reference} is of {_said(amount)}, and {_said(taken)} of it are taken "
                "back"
            )
            yield finding(BALANCE, back.stream, text, [back, paid])
    for one in payments:
        value = one.facts.get("value_date")
        if isinstance(value, str) and one.at is not None:
            # The middle of the value date's day, in no zone in particular.
            day = _day_ms(value)
            if day is not None and abs(one.at - day) > BOOKED:
                text = (
                    f"{one.place.reference} is booked {said_time(one.at)} with value date {value}"
                )
                yield finding(CLOCKS, one.stream, text, [one])


def _balances(
    letters: Sequence[Seen], payments: Sequence[Seen], backs: Sequence[Seen]
) -> Iterator[Finding]:
    """The open sum of each letter against that of the one before and what came in between."""
    paid, back = _by_matter(payments), _by_matter(backs)
    for matter, same in _by_matter(letters).items():
        if matter is None:
            continue
        dated = sorted(
            (one for one in same if one.at is not None and _amount(one) is not None),
            key=lambda one: one.at or 0,
        )
        for before, after in pairwise(dated):
            first, then = _amount(before), _amount(after)
            assert first is not None
            assert then is not None
            if first[0] != then[0]:
                continue
            came = _between(paid.get(matter, ()), before, after, first[0])
            went = _between(back.get(matter, ()), before, after, first[0])
            wanted = first[1] - came + went
            if wanted != then[1]:
                text = (
                    f"{after.place.reference} claims {_said(then)}; by {before.place.reference} "
                    f"({_said(first)}) and what came in and was taken back between them, "
                    f"{_said((first[0], wanted))} are open"
                )
                yield finding(BALANCE, after.stream, text, [after, before])


def _between(records: Sequence[Seen], first: Seen, last: Seen, currency: str) -> int:
    total = 0
    for one in records:
        amount = _amount(one) if one.kind == "payment" else _taken(one)
        if amount is None or amount[0] != currency or one.at is None:
            continue
        if (first.at or 0) <= one.at < (last.at or 0):
            total += amount[1]
    return total


def _by_matter(records: Sequence[Seen]) -> Mapping[str | None, list[Seen]]:
    found: dict[str | None, list[Seen]] = defaultdict(list)
    for one in records:
        found[one.place.matter].append(one)
    return found


def _amount(one: Seen) -> tuple[str, int] | None:
    value = one.facts.get("amount")
    if not isinstance(value, dict):
        return None
    currency, minor = value.get("currency"), value.get("minor")
    if isinstance(currency, str) and isinstance(minor, int):
        return currency, minor
    return None


def _taken(one: Seen) -> tuple[str, int] | None:
    found = _DECIMAL.fullmatch(str(one.facts.get("text") or ""))
    return None if found is None else (found[1], int(found[2] + found[3]))


def _said(amount: tuple[str, int]) -> str:
    return f"{amount[0]} {amount[1]} in minor units"


def _day_ms(text: str) -> int | None:
    return moment_of(f"{text}T12:00:00.000Z")

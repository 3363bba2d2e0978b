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
    OTHER,
    REFERENCE,
    SPLIT,
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
ARRIVED_LEAST = 5  # posted letters with a delivery or return, for each to have one
ARRIVED_PERCENT = 90
ARRIVED_TIMES = 2  # as long as the longest way to the addressee so far: then nothing comes any more
TWICE = 86_400_000  # ms between two payments, or two letters of a stage, that look like one
AGAIN = 300_000  # ms between two e-mails of one subject to one person
PAID_LEAST = 3  # payments that are as large as an invoice, for each to be so
PAID_PERCENT = 75
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
    filings = [one for one in records if one.kind == "filing"]
    yield from _balances(letters, payments, backs, filings)
    yield from _invoices(letters, payments)
    demands = [one for one in letters if "stage" in one.facts]
    mails = [
        one for one in records if one.facts.get("channel") == "e-mail" and one.kind == "message"
    ]
    yield from _twice([*demands, *payments], TWICE)
    yield from _twice(mails, AGAIN)


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
        if letter_.account and letter_.place.matter != next(iter(acts.values())).place.matter:
            scan = next(iter(acts.values()))
            text = f"the post has {name} for another account than the list of letters"
            yield finding(OTHER, scan.stream, text, [scan, letter_])
    newest = max((one.at for one in posts if one.at is not None), default=0)
    yield from _arrived(scans, newest)
    for name, letter_ in by_reference.items():
        # What is newer than the post's own export may still be scanned.
        settled = letter_.at is not None and letter_.at + POSTED < newest
        if settled and letter_.facts.get("channel") == "post" and name not in scans:
            text = f"letter {name} went by post, and the post has no dispatch of it"
            yield finding(REFERENCE, letter_.stream, text, [letter_])


_SCANS = ("dispatch", "delivery", "return")


def _arrived(scans: Mapping[str, Mapping[str, Seen]], newest: int) -> Iterator[Finding]:
    """Posted letters that neither arrived nor came back, where all others did."""
    ways, open_ = [], []
    for name, acts in scans.items():
        first, last = acts.get("dispatch"), acts.get("delivery") or acts.get("return")
        if first is None or first.at is None:
            continue
        if last is None:
            open_.append((name, first))
        elif last.at is not None:
            ways.append(last.at - first.at)
    longest = ARRIVED_TIMES * max(ways, default=0)
    lost = [(name, first) for name, first in open_ if (first.at or 0) + longest < newest]
    if len(ways) < ARRIVED_LEAST or len(lost) * 100 > (100 - ARRIVED_PERCENT) * len(ways):
        return
    for name, first in lost:
        text = (
            f"letter {name} has a dispatch, and neither a delivery nor a return, as the others have"
        )
        yield finding(REFERENCE, first.stream, text, [first])


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
        elif (amount := amount_of(paid)) is not None and amount != taken:
            text = (
                f"payment {back.place.reference} is of {said_amount(amount)}, and {said_amount(taken)} of "
                "it are taken back"
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
    letters: Sequence[Seen],
    payments: Sequence[Seen],
    backs: Sequence[Seen],
    filings: Sequence[Seen],
) -> Iterator[Finding]:
    """The open sum of each demand against that of the one before and what came in between."""
    paid, back = _by_matter(payments), _by_matter(backs)
    # A letter without a stage is an invoice: it claims its own sum, not what is open.
    demands = [one for one in letters if "stage" in one.facts and amount_of(one) is not None]
    demands += [one for one in filings if amount_of(one) is not None]
    for matter, same in _by_matter(demands).items():
        if matter is None:
            continue
        dated = sorted((one for one in same if one.at is not None), key=lambda one: one.at or 0)
        for before, after in pairwise(dated):
            first, then = amount_of(before), amount_of(after)
            assert first is not None
            assert then is not None
            if first[0] != then[0]:
                continue
            between = [
                one
                for one in (*paid.get(matter, ()), *back.get(matter, ()))
                if one.at is not None and (before.at or 0) <= one.at < (after.at or 0)
            ]
            wanted = first[1] - sum(_came(one, first[0]) for one in between)
            if wanted != then[1]:
                text = (
                    f"{after.place.reference} claims {said_amount(then)}; by {before.place.reference} "
                    f"({said_amount(first)}) and what came in and was taken back between them, "
                    f"{said_amount((first[0], wanted))} are open"
                )
                yield finding(BALANCE, after.stream, text, [after, before, *between])


def _invoices(letters: Sequence[Seen], payments: Sequence[Seen]) -> Iterator[Finding]:
    """Payments of another sum than any invoice of their matter, where the others are of one."""
    invoiced: dict[str | None, set[tuple[str, int]]] = defaultdict(set)
    for one in letters:
        amount = amount_of(one)
        if "stage" not in one.facts and amount is not None:
            invoiced[one.place.matter].add(amount)
    for matter, same in _by_matter(payments).items():
        others = [one for one in same if amount_of(one) not in invoiced[matter]]
        right = len(same) - len(others)
        if right < PAID_LEAST or right * 100 < PAID_PERCENT * len(same):
            continue
        for one in others:
            amount = amount_of(one)
            if amount is not None:
                text = f"{one.place.reference} is of {said_amount(amount)}, and no invoice of the matter is"
                yield finding(BALANCE, one.stream, text, [one])


def _twice(papers: Sequence[Seen], within: int) -> Iterator[Finding]:
    """Two payments of one person within a day, two letters of one stage, two e-mails of one subject."""
    groups: dict[tuple[str, str | None, str | None, str], list[Seen]] = defaultdict(list)
    for one in papers:
        if one.at is not None and one.outside is not None and one.place.matter is not None:
            what = f"{one.facts.get('stage')} {one.facts.get('subject')}"
            groups[one.stream, one.place.matter, one.outside, what].append(one)
    for (stream, _, person, _), same in groups.items():
        for before, after in pairwise(sorted(same, key=lambda one: one.at or 0)):
            if (after.at or 0) - (before.at or 0) <= within:
                text = (
                    f"{before.place.reference} and {after.place.reference} are of the same {after.kind}: "
                    f"{person}, {said_time(before.at)} and {said_time(after.at)}"
                )
                yield finding(SPLIT, stream, text, [before, after])


def _came(one: Seen, currency: str) -> int:
    """What a payment brought, or its reversal took, in that currency."""
    amount = amount_of(one) if one.kind == "payment" else _taken(one)
    if amount is None or amount[0] != currency:
        return 0
    return amount[1] if one.kind == "payment" else -amount[1]


def _by_matter(records: Sequence[Seen]) -> Mapping[str | None, list[Seen]]:
    found: dict[str | None, list[Seen]] = defaultdict(list)
    for one in records:
        found[one.place.matter].append(one)
    return found


def amount_of(one: Seen) -> tuple[str, int] | None:
    """The sum that a letter, a payment or an application to the court states."""
    if one.kind == "filing":
        sums = one.facts.get("sums")
        if not isinstance(sums, list) or len(sums) != 1:
            return None
        value = sums[0]
    else:
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


def said_amount(amount: tuple[str, int]) -> str:
    """A sum for people, in minor units, since currencies have other numbers of decimals."""
    return f"{amount[0]} {amount[1]} in minor units"


def _day_ms(text: str) -> int | None:
    return moment_of(f"{text}T12:00:00.000Z")

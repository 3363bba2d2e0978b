"""Numbers, names and addresses that are hidden in some records and plain in others. Pure.

Spec: docs/spec/findings.md §6. Test: tests/unit/core/test_findings_masks.py.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from notary.core.findings.finding import MASKED, Finding, finding
from notary.core.findings.seen import Seen

# Where characters of their own are used, an x is a letter.
_STARS, _LETTERS = re.compile(r"[*•]+"), re.compile(r"[xX#]+")
BEGINNING = 5  # characters of a number that was cut off: fewer are an extension
NUMBERS_LEAST = 20  # calls to one country
NAMES_LEAST = 5  # papers of one stream, which are fewer
PERSON_MOST = (
    50  # numbers of an account that is one person's; with more it is none, and shows no rule
)
RARE_PERCENT = (
    2  # of a group are hidden, be it throughout an account, or only one: no rule hides them
)


def masked_findings(name: str, stream: Sequence[Seen]) -> Iterator[Finding]:
    """What is hidden of an account though plain elsewhere, and what is hidden of next to nobody."""
    known = [one for one in stream if _whose(one) is not None and not _anonymous_caller(one)]
    plain: dict[str | None, Counter[str]] = defaultdict(Counter)
    hidden: list[Seen] = []
    for one in known:
        if _is_hidden(one):
            hidden.append(one)
        elif one.outside:
            plain[_whose(one)][one.outside] += 1
    if not plain:
        return
    shown = Counter(_whose(one) for one in known if one.outside and not _is_hidden(one))
    plain = defaultdict(Counter, {a: all_ for a, all_ in plain.items() if len(all_) <= PERSON_MOST})
    # A number that was cut off looks plain: it is the beginning of another one of its account.
    cut = [one for one in known if not _is_hidden(one) and _beginning(one, plain[_whose(one)])]
    beside: dict[str | None, list[Seen]] = defaultdict(list)
    alone: list[Seen] = []
    for one in [*hidden, *cut]:
        # A number that shows other digits is another number; a person has more than one address.
        others = plain[_whose(one)]
        if any(one.kind != "call" or _may_be(one.outside or "", text) for text in others):
            beside[_whose(one)].append(one)
        elif not shown[_whose(one)]:
            alone.append(one)
    for account, records in beside.items():
        whole = len(records) + plain[account].total() - sum(one in cut for one in records)
        text = (
            f"{len(records)} of {whole} {_what(records[0])} of account {account} hide whom they are with, "
            "the others show it"
        )
        yield finding(MASKED, name, text, records)
    yield from _rare(name, known, alone)


def _rare(name: str, known: Sequence[Seen], alone: Sequence[Seen]) -> Iterator[Finding]:
    """Accounts that are hidden throughout where hardly any other is."""
    totals = Counter(_group(one) for one in known if one.outside)
    hidden = Counter(_group(one) for one in known if _is_hidden(one))
    # Where hardly anything is hidden at all, a country with few calls needs no rule of its own.
    never = (
        totals.total() >= NUMBERS_LEAST and hidden.total() * 100 <= RARE_PERCENT * totals.total()
    )
    accounts: dict[str | None, list[Seen]] = defaultdict(list)
    for one in alone:
        group = _group(one)
        least = NUMBERS_LEAST if one.kind == "call" else NAMES_LEAST
        few = max(1, RARE_PERCENT * totals[group] // 100)
        if never or (totals[group] >= least and hidden[group] <= few):
            accounts[_whose(one)].append(one)
    for account, records in accounts.items():
        group = _group(records[0])
        text = (
            f"the {len(records)} {_what(records[0])} of account {account} hide whom they are with; of "
            f"{totals[group]} such records {hidden[group]} do"
        )
        yield finding(MASKED, name, text, records)


def _whose(one: Seen) -> str | None:
    """The account; a message by itself has none, but it lies in a matter."""
    return one.account or one.place.matter


def _what(one: Seen) -> str:
    return "records" if one.kind == "act" else f"{one.kind}s"


def _group(one: Seen) -> str:
    """Numbers of one country, which one creditor's rule would hide together; else the kind of paper."""
    return (one.outside or "")[:3] if one.kind == "call" else str(one.facts.get("channel"))


def _anonymous_caller(one: Seen) -> bool:
    """Whoever calls may hide a number; nobody calls one that is hidden."""
    return one.kind == "call" and bool(one.facts.get("inbound")) and not _digits(one)


def _digits(one: Seen) -> bool:
    return any(letter.isdecimal() for letter in one.outside or "")


def _is_hidden(one: Seen) -> bool:
    return one.masked or (one.kind == "call" and not _digits(one))


def _beginning(one: Seen, plain: Counter[str]) -> bool:
    text = one.outside or ""
    return (
        one.kind == "call"
        and len(text) >= BEGINNING
        and any(other != text and other.startswith(text) for other in plain)
    )


def _may_be(hidden: str, plain: str) -> bool:
    """Whether what is left of a hidden text stands in the plain one."""
    parts = (_STARS if _STARS.search(hidden) else _LETTERS).split(hidden)
    if not any(letter.isdecimal() for letter in hidden):
        return True
    return plain.startswith(parts[0]) and plain.endswith(parts[-1])

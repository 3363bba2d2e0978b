"""What never changes within an account, but once: a due date, a payer, a number. Pure.

Whether a value is of that kind is learned from the other accounts of the stream.
Spec: docs/spec/findings.md §7. Test: tests/unit/core/test_findings_habits.py.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

from notary.core.findings.finding import OTHER, Finding, finding
from notary.core.findings.seen import Seen

SAME_LEAST = 3  # records of an account, of which one may differ
KEPT_LEAST = 4  # accounts that keep a value, for it to be a rule
KEPT_TIMES = 9  # as many accounts keep it as break it, at least
NAMES_LEAST = 10  # references that name their own account, for it to be a rule
NAMES_PERCENT = 90


def _fact(name: str) -> Callable[[Seen], Hashable]:
    def told(one: Seen) -> Hashable:
        value = one.facts.get(name)
        return value if isinstance(value, str) else None

    return told


def _currency(one: Seen) -> Hashable:
    amount = one.facts.get("amount")
    currency = amount.get("currency") if isinstance(amount, dict) else None
    return currency if isinstance(currency, str) else None


def _person(one: Seen) -> Hashable:
    return None if one.masked else one.outside


# What is compared, of which kinds, and what else must be alike for two records to be compared.
_HABITS: Sequence[tuple[str, frozenset[str], Callable[[Seen], Hashable], tuple[str, ...]]] = (
    ("due date", frozenset({"letter"}), _fact("due_date"), ()),
    ("currency", frozenset({"letter", "payment"}), _currency, ()),
    ("payer", frozenset({"payment"}), _person, ()),
    ("address", frozenset({"message"}), _person, ("channel",)),
    # A debtor and a guarantor have numbers of their own; without a role nothing tells them apart.
    ("telephone number", frozenset({"call"}), _person, ("role",)),
)


def habit_findings(name: str, stream: Sequence[Seen]) -> Iterator[Finding]:
    """Records with another value than all others of their account, and those that name another account."""
    for what, kinds, value_of, alike in _HABITS:
        groups: dict[tuple[Hashable, ...], list[Seen]] = defaultdict(list)
        for one in stream:
            key = tuple(one.facts.get(other) for other in alike)
            if one.kind in kinds and one.account and None not in key and value_of(one) is not None:
                groups[(one.account, *map(str, key))].append(one)
        yield from _odd(name, what, groups, value_of)
    yield from _names(name, stream)


def _odd(
    name: str,
    what: str,
    groups: Mapping[tuple[Hashable, ...], Sequence[Seen]],
    value_of: Callable[[Seen], Hashable],
) -> Iterator[Finding]:
    kept, broken = 0, []
    for records in groups.values():
        if len(records) < SAME_LEAST:
            continue
        values = Counter(value_of(one) for one in records)
        if len(values) == 1:
            kept += 1
        elif values.most_common(1)[0][1] == len(records) - 1:
            broken.append((records, values.most_common(1)[0][0]))
    if kept < KEPT_LEAST or kept < KEPT_TIMES * len(broken):
        return
    for records, usual in broken:
        [odd] = [one for one in records if value_of(one) != usual]
        text = (
            f"{odd.place.reference} has the {what} {value_of(odd)}, where the other {len(records) - 1} "
            f"records of account {odd.account} have {usual}"
        )
        yield finding(OTHER, name, text, [odd])


def _names(name: str, stream: Sequence[Seen]) -> Iterator[Finding]:
    """References that are made of their account, as a rule, and name another one."""
    told = [one for one in stream if one.account and one.place.reference]
    others = [one for one in told if (one.account or "") not in (one.place.reference or "")]
    if len(told) - len(others) < NAMES_LEAST or len(others) * 100 > (100 - NAMES_PERCENT) * len(
        told
    ):
        return
    for one in others:
        text = (
            f"{one.place.reference} stands under account {one.account}; the references of the others "
            "are made of their account"
        )
        yield finding(OTHER, name, text, [one])

"""What a retention policy says, and what it may not say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from notary.core import retention
from notary.core.retention import Moments
from notary.errors import CallerError

POLICY = """
format = "notary-retention/1"

[[rule]]
kinds = ["call"]
from = "event"
keep_years = 3
erase_years = 4
basis = "12 CFR 1006.100(b)"

[[rule]]
kinds = ["*"]
from = "activity"
keep_years = 5
basis = "house rule 7"
"""


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def moments(kind: str) -> Moments:
    return Moments(kind, day("2024-02-29"), day("2025-06-01"))


def test_a_rule_counts_from_its_moment_in_calendar_years() -> None:
    policy = retention.parse(POLICY.encode(), "retention.toml")
    until, rule = policy.kept_until(moments("call")) or (None, None)
    assert (until, rule and rule.basis) == (day("2027-03-01"), "12 CFR 1006.100(b)")
    due, _ = policy.due_from(moments("call")) or (None, None)
    assert due == day("2028-02-29")
    until, rule = policy.kept_until(moments("letter")) or (None, None)
    assert (until, rule and rule.basis) == (day("2030-06-01"), "house rule 7")
    assert policy.due_from(moments("letter")) is None


@pytest.mark.parametrize("kind", ["erasure", "hold"])
def test_what_says_what_was_done_is_under_no_rule(kind: str) -> None:
    policy = retention.parse(POLICY.encode(), "retention.toml")
    assert policy.kept_until(moments(kind)) is None
    assert policy.due_from(moments(kind)) is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("notary-retention/1", "notary-retention/2", "format"),
        ('"call"', '"phone"', "'phone' is no kind"),
        ('"call"', '"erasure"', "never erased"),
        ('["call"]', "[]", "kinds: want a list"),
        ('["call"]', '["*"]', "stands in two rules"),
        ('"event"', '"birth"', "from: want"),
        ("keep_years = 3", "keep_years = -1", "keep_years: want whole years"),
        ("keep_years = 3", "keep_years = true", "keep_years: want whole years"),
        ("keep_years = 3", "keep_years = 3.5", "keep_years: want whole years"),
        ("keep_years = 3", "", "keep_years: want whole years"),
        ("erase_years = 4", "erase_years = 2", "before keep_years is over"),
        ('basis = "house rule 7"', "", "basis: want"),
        ('basis = "house rule 7"', 'basis = "x"\nbase = 1', "unknown member 'base'"),
        ('[[rule]]\nkinds = ["*"]', '[more]\n[[rule]]\nkinds = ["*"]', "unknown member 'more'"),
        ("format", "= format", "no TOML"),
    ],
)
def test_a_policy_that_could_be_misread_is_refused_by_rule_and_member(
    old: str, new: str, said: str
) -> None:
    assert old in POLICY
    with pytest.raises(CallerError, match=r"retention\.toml") as caught:
        retention.parse(POLICY.replace(old, new).encode(), "retention.toml")
    assert caught.value.code == "RETENTION_INVALID"
    assert said in str(caught.value)


def test_the_example_of_the_specification_is_a_policy() -> None:
    from pathlib import Path

    page = (Path(__file__).parents[3] / "docs" / "spec" / "erasure.md").read_text("utf-8")
    example = page.split("```toml\n")[1].split("```")[0]
    [rule] = retention.parse(example.encode(), "the example").rules
    assert (rule.kinds, rule.keep_years, rule.erase_years) == (("call",), 3, 3)

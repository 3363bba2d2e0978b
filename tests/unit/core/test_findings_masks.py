"""Numbers and names that are hidden in some records and plain in others."""

from __future__ import annotations

import pytest

from notary.core.findings.finding import Finding
from notary.core.findings.masks import masked_findings
from notary.core.findings.seen import Seen, seen
from tests.simulators.sightings import call, text_of
from verifier.format.jsonc import Json

PHONE: Json = {"number": "+447700900001", "masked": False}


def of(number: int, account: str, text: str | None, *, masked: bool = False) -> Seen:
    callee: Json = {} if text is None else {"number": text, "masked": masked}
    return call(number, at=number * 1000, account=account, callee=callee)


def named(records: list[Seen]) -> list[str | None]:
    return [place.reference for one in masked_findings("s", records) for place in one.places]


PLAIN = [of(n, "A", "+447700900001") for n in range(3)]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("+44770****001", True),
        ("XXXXXXXXXXXXX", True),
        ("+447700", False),
        ("anonymous", False),
        (None, False),
    ],
)
def test_a_number_that_is_hidden_in_one_call_is_named(text: str | None, masked: bool) -> None:
    assert named([*PLAIN, of(9, "A", text, masked=masked)]) == ["D0009"]


def test_another_number_that_is_hidden_as_a_rule_is_not_named() -> None:
    assert named([*PLAIN, of(9, "A", "138****8888", masked=True)]) == []
    assert named([*PLAIN, *(of(n, "B", "+44770****1", masked=True) for n in range(5, 9))]) == []


def test_a_caller_who_hides_his_number_is_not_named() -> None:
    caller: Json = {"number": "anonymous", "masked": False}
    inbound = call(9, at=0, account="A", direction="inbound", caller=caller)
    assert named([*PLAIN, inbound]) == []


def test_an_account_that_alone_is_hidden_throughout_is_named() -> None:
    others = [of(n, f"B{n}", f"+4477009{n:05}") for n in range(100)]
    hidden = [of(200 + n, "A", "+44770****001", masked=True) for n in range(2)]
    assert named([*others, *hidden]) == ["D0200", "D0201"]
    # A country where many are hidden has a rule.
    rule = [of(300 + n, f"C{n}", "+44770****002", masked=True) for n in range(5)]
    assert named([*others, *hidden, *rule]) == []


def paper(kind: str, number: int, **claims: Json) -> Seen:
    said: dict[str, Json] = {
        "occurred_at": text_of(number),
        "reference": f"P{number}",
        "account": "A",
    }
    return seen(kind, {**said, **claims}, matter="nm1a", position=number)


@pytest.mark.parametrize(
    ("kind", "claim", "plain", "hidden"),
    [
        ("letter", "addressee", "Alba Exampleby, 2 Row", "Al** *****, 2 Row"),
        ("letter", "addressee", "Alba Exampleby, 2 Row", "A*** Exampleby, a@example.com"),
        ("payment", "payer", "Alba Exampleby", "A*** E****"),
        ("message", "recipients", ["a.exon@example.com"], ["a.ex••@example.com"]),
        ("message", "recipients", [{"address": "a@example.com"}], [{"address": "***"}]),
    ],
)
def test_a_person_who_is_hidden_on_one_paper_is_named(
    kind: str, claim: str, plain: Json, hidden: Json
) -> None:
    records = [paper(kind, n, **{claim: plain}) for n in range(3)]
    assert named(records) == []
    assert named([*records, paper(kind, 9, **{claim: hidden})]) == ["P9"]


def test_a_finding_says_how_many_show_it() -> None:
    found: list[Finding] = list(
        masked_findings("s", [*PLAIN, of(9, "A", "+44770****001", masked=True)])
    )
    assert "1 of 4 calls of account A" in found[0].text

"""The catalogue is whole: it knows every code that the specification's steps can give.

A new code in docs/spec/verification.md without an attack that leads to it fails here.
"""

from __future__ import annotations

import re

import pytest

from tests.hostile.attacks import ALL
from tests.hostile.package import SPECIFICATION

TABLE_ROW = re.compile(r"^\| (\d+\.\d+) \| .* \| (.*) \|$", re.MULTILINE)


def codes_of_the_specification() -> list[tuple[str, str]]:
    """Step and code, from the table of §3 and the sentence after it."""
    text = (SPECIFICATION / "verification.md").read_text("utf-8")
    codes = [
        (step, code)
        for step, cell in TABLE_ROW.findall(text)
        for code in re.findall(r"`([A-Z][A-Z0-9_]+)`", cell)
        if not code.endswith("_")
    ]
    return [*codes, ("12.3", "RECEIPT_NOT_COMPARABLE"), ("1.1", "POLICY_KIND")]


def codes_of_the_catalogue() -> set[tuple[str, str]]:
    found = set()
    for attack in ALL.values():
        if attack.error is not None:
            found.add(attack.error)
        for row in attack.rows.values():
            # A parse failure carries the code of its format error after a colon.
            found.add((row.step, row.code.split(":")[0]))
    return found


def test_the_specification_is_read() -> None:
    codes = codes_of_the_specification()
    assert len(codes) > 60
    assert ("4.6", "CODE_HASH") in codes


@pytest.mark.parametrize(("step", "code"), codes_of_the_specification())
def test_an_attack_leads_to_the_code(step: str, code: str) -> None:
    assert (step, code) in codes_of_the_catalogue()

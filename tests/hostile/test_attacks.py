"""Every attack of the catalogue leads to its exact rows, steps, codes and verdict, and can be reported.

One damage each, with every layer above it rebuilt; tests/hostile/attacks holds them.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.hostile.attacks import ALL
from tests.hostile.verify import differences, verify
from verifier.check import report_json, report_text
from verifier.check.judge import Judgement
from verifier.check.report import Report
from verifier.check.rows import CannotJudge
from verifier.format.identity import source_digest


@pytest.mark.parametrize("name", ALL)
def test_attack(name: str, tmp_path: Path) -> None:
    attack = ALL[name]
    outcome = verify(attack.make(), tmp_path)
    assert differences(attack, outcome) == [], attack.make.__doc__
    check_reports(outcome.judged)


def check_reports(judged: Judgement | CannotJudge) -> None:
    """Whatever the package holds, nobody's terminal is steered and no row is left without words."""
    if isinstance(judged, CannotJudge):
        assert report_text.write_error(judged).startswith("VERDICT: ERROR\n")
        assert json.loads(report_json.write_error(judged))["code"] == judged.code
        return
    one = Report(judged, source_digest())
    text, document = report_text.write(one), json.loads(report_json.write(one))
    assert text.startswith(f"VERDICT: {judged.verdict.value}")
    assert document["exit"] == one.exit
    printed = text.replace("\n", "").replace("\u3000", "")
    assert printed.isprintable()
    for found in document["rows"]:
        assert found["en"]
        assert found["zh"]
        assert found["result"] == "PASS" or found["code"]

"""docs/alerts.yml asks for figures that there are, and for each that the page of operations alerts on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.metrics import SOURCE
from notary.chain_ports import Condition
from notary.core.intent import State as IntentState
from notary.usecases.export_jobs import State as ExportState
from tests.unit.anchor.test_operations_page import PAGE, named

ROOT = Path(__file__).parents[3]
# By metric, the label that a rule may ask for, and its values.
VALUES: dict[str, tuple[str, set[str]]] = {
    "notary_intents": ("state", set(IntentState)),
    "notary_endpoint": ("condition", set(Condition)),
    "notary_exports": ("state", set(ExportState)),
    "notary_dkim_checks": ("state", {"waiting", "failing", "done"}),
    "notary_workers": ("state", {"at_work", "standing_by"}),
    "notary_source_today": ("what", {"records", "late", "clock_back", "conflicts"}),
}
# What a text may name of a sample.
LABELS = {
    **{metric: {label} for metric, (label, _) in VALUES.items()},
    "notary_held": {"cause"},
    "notary_alarm": {"code"},
    "notary_endpoint": {"host", "condition"},
    "notary_source_today": {*SOURCE, "what"},
    "notary_source_numbers_unexplained": set(SOURCE),
    "notary_source_last_record_timestamp_seconds": set(SOURCE),
    "notary_timestamps_wait_since_timestamp_seconds": {"authority"},
    "notary_webhook_given_up": {"webhook"},
}


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((ROOT / "docs/alerts.yml").read_text("utf-8"))
    found: list[dict[str, Any]] = [rule for group in document["groups"] for rule in group["rules"]]
    return found


def metrics_of(rule: dict[str, Any]) -> list[str]:
    return re.findall(r"notary_\w+", rule["expr"])


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_a_rule_asks_for_what_there_is(rule: dict[str, Any]) -> None:
    assert set(metrics_of(rule)) <= set(named("Metrics"))
    assert rule["expr"].count("{") == len(re.findall(r'\w+\{\w+(?:=~|!=|=)"[^"]+"\}', rule["expr"]))
    for metric, label, wanted in re.findall(r'(\w+)\{(\w+)(?:=~|!=|=)"([^"]+)"\}', rule["expr"]):
        known, values = VALUES[metric]
        assert label == known
        assert set(wanted.split("|")) <= values
    told = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    assert told <= set().union(*(LABELS.get(one, set()) for one in metrics_of(rule)))
    assert rule["labels"]["severity"] in ("page", "ticket")


def test_each_alert_of_the_page_has_a_rule_and_no_two_have_one_name() -> None:
    section = PAGE.read_text("utf-8").split("\n## Metrics\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:3] == "| `"]
    asked = {metric for rule in rules() for metric in metrics_of(rule)}
    wanted = [set(re.findall(r"`(\w+)`", row[0])) for row in rows if len(row) == 3 and row[2]]
    assert len(wanted) > 12
    assert [row for row in wanted if not row & asked] == []
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))

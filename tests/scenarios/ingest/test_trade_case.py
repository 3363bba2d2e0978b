"""The trade case arrives whole, in one matter, through every importer."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from notary.cases import trade
from notary.cases.template import load_template
from tests.simulators.intake import IntakeWorld


def test_all_72_nodes_arrive_in_one_matter(world: IntakeWorld, tmp_path: Path) -> None:
    case = trade.generate(tmp_path / "case", seed=1)
    matter = world.store.open_matter(case.title, *case.accounts)
    for stage in case.stages:
        reports = world.take_all(*stage.paths)
        assert [problem for report in reports for problem in report.problems] == []
        assert sum(report.accepted for report in reports) == stage.records
        # Each file once: the certificates came with the acts.
        assert not [report.path for report in reports if "certificates" in report.path.parts]
    claims = world.claims(matter)
    assert Counter(record["kind"] for record in claims) == case.records
    assert len(claims) == case.total
    nodes = [record["node"] for record in claims if record["kind"] == "milestone"]
    template = load_template(trade.TEMPLATE)
    assert sorted(map(str, nodes)) == [node.node for node in template.nodes]
    labels = {node.node: node.label for node in template.nodes}
    for record in claims:
        if record["kind"] == "milestone":
            assert record["template"] == "trade-72"
            assert record["status"] == "actual"
            assert record["label"] == labels[str(record["node"])]
    acts = [record for record in claims if record["kind"] == "act"]
    assert all("attachment-0" in record for record in acts)
    accepted = {str(record["role"]) for record in acts if record["milestone"] == "4.12"}
    assert accepted == {"buyer", "seller"}


def test_every_table_of_the_case_is_rebuilt(world: IntakeWorld, tmp_path: Path) -> None:
    case = trade.generate(tmp_path / "case", seed=2)
    world.store.open_matter(case.title, *case.accounts)
    for stage in case.stages:
        for report in world.take_all(*stage.paths):
            assert world.rebuilt(report.path) == report.path.read_bytes()


def test_the_case_again_adds_nothing(world: IntakeWorld, tmp_path: Path) -> None:
    case = trade.generate(tmp_path / "case", seed=3)
    world.store.open_matter(case.title, *case.accounts)
    for _ in range(2):
        for stage in case.stages:
            world.take_all(*stage.paths)
    assert world.size() == case.total

"""Owns milestone templates: the nodes that a contract's performance must show.

Test: tests/unit/importers/test_trade.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True)
class Node:
    """One node: `node` is `<consignment>.<step>`, such as `3.07`."""

    node: str
    consignment: str
    step: str
    label: str


@dataclass(frozen=True)
class Template:
    """A versioned list of nodes in the order in which they are due."""

    id: str
    version: int
    title: str
    nodes: tuple[Node, ...]

    def of_consignment(self, consignment: str) -> tuple[Node, ...]:
        """The nodes of one consignment, in order."""
        return tuple(node for node in self.nodes if node.consignment == consignment)


def load_template(name: str) -> Template:
    """A template that comes with the service, by its name."""
    text = resources.files("notary.cases").joinpath(f"templates/{name}.json").read_text("utf-8")
    raw = json.loads(text)
    return Template(
        raw["id"],
        raw["version"],
        raw["title"],
        tuple(
            Node(node["node"], node["consignment"], node["step"], node["label"])
            for node in raw["nodes"]
        ),
    )

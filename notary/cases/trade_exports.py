"""Owns the stages of the trade case, and the exports of the performance: scans, nodes and acts.

Test: tests/unit/importers/test_trade.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta

from notary.cases import case_folder, pdf
from notary.cases.case_folder import CaseFolder
from notary.cases.template import Node
from notary.cases.trade_dealings import Export, TradeDealings, table
from notary.cases.trade_facts import BUYER_ZONE, TradeFacts

# The physical steps by their word of GS1's vocabulary, with disposition and read point.
_EVENTS = {
    "02": ("packing", "in_progress", "urn:epc:id:sgln:9521321.00001.0"),
    "03": ("inspecting", "conformant", "urn:epc:id:sgln:9521321.00001.1"),
    "04": ("loading", "in_transit", "urn:epc:id:sgln:9521321.00002.0"),
    "06": ("departing", "in_transit", "urn:epc:id:sgln:9521321.00002.1"),
    "07": ("arriving", "in_transit", "urn:epc:id:sgln:9521321.00003.0"),
    "08": ("unloading", "in_progress", "urn:epc:id:sgln:9521321.00003.1"),
    "10": ("accepting", "in_progress", "urn:epc:id:sgln:9521321.00004.0"),
    "11": ("receiving", "in_progress", "urn:epc:id:sgln:9521321.00004.1"),
}


class TradeExports:
    """Writes the case's stages into a folder and counts the records that they give."""

    def __init__(
        self,
        folder: CaseFolder,
        facts: TradeFacts,
        accounts: tuple[str, ...],
        sources: Mapping[str, str],
    ) -> None:
        """`accounts` are the spellings by the carrier's events, the accounts side and the exchange; `sources`
        the names of the sources that maps name, by the maps.
        """
        self._sources = sources
        self._folder = folder
        self._facts = facts
        self._draws = facts.draws
        self._order, self._contract, self._code = accounts
        self.records: dict[str, int] = {}

    @property
    def total(self) -> int:
        """How many records the stages so far give."""
        return sum(self.records.values())

    def stage(
        self, part: Sequence[str], nodes: Mapping[str, tuple[Node, ...]], *, last: bool
    ) -> str:
        """Write the files of some consignments; return the name of their folder."""
        folder = f"consignments-{part[0]}-{part[-1]}"
        steps = "".join(
            f'{word} = {{ step = "{step}", label = "{_label(nodes[part[0]], step)}" }}\n'
            for step, (word, _, _) in sorted(_EVENTS.items())
        )
        for name in ("nodes", "epcis", "letters", "payments", "acts", "messages", "calls"):
            text = case_folder.map_text("trade", name)
            if name == "epcis":
                text += steps
            if name in self._sources:
                text += f'\n[source]\nname = "{self._sources[name]}"\nnumber = "seq"\n'
            self._folder.write_map(f"{folder}/{name}", text)
        dealings = TradeDealings(
            self._facts, self._contract, self._code, numbered=bool(self._sources)
        )
        exports = [
            *(self._events(consignment, nodes[consignment]) for consignment in part),
            self._nodes(part, nodes),
            self._acts(folder, part, nodes),
            dealings.letters(part, last=last),
            dealings.payments(part, last=last),
            dealings.messages(part),
            dealings.calls(part),
        ]
        for export in exports:
            self._folder.write(f"{folder}/{export.name}", export.data)
            self.records[export.kind] = self.records.get(export.kind, 0) + export.records
        return folder

    def _events(self, consignment: str, nodes: Sequence[Node]) -> Export:
        events = []
        for node in nodes:
            if node.step not in _EVENTS:
                continue
            word, disposition, place = _EVENTS[node.step]
            at = self._facts.at(consignment, node.step)
            digest = self._draws.hexes(f"{node.node}/event")
            events.append(
                {
                    "eventID": f"ni:///sha-256;{digest}?ver=CBV2.0",
                    "type": "ObjectEvent",
                    "action": "OBSERVE",
                    "bizStep": word,
                    "disposition": disposition,
                    "epcList": [f"urn:epc:id:sscc:9521321.{int(consignment):010}"],
                    "quantityList": [
                        {
                            "epcClass": "urn:epc:class:lgtin:9521321.012345."
                            f"2025-{int(consignment):02}",
                            "quantity": self._facts.quantity(consignment),
                        }
                    ],
                    "eventTime": at.isoformat(timespec="milliseconds"),
                    "eventTimeZoneOffset": at.isoformat()[-6:],
                    "readPoint": {"id": place},
                    "bizTransactionList": [{"type": "po", "bizTransaction": self._order}],
                    "trade:consignment": consignment,
                }
            )
        document = {
            "@context": [
                "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
                {"trade": "https://ns.example.com/trade/"},
            ],
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": self._facts.at(consignment, "12").isoformat(timespec="milliseconds"),
            "epcisBody": {"eventList": events},
        }
        data = json.dumps(document, indent=1).encode() + b"\n"
        return Export(f"scans-{consignment}.json", "milestone", data, len(events))

    def _nodes(self, part: Sequence[str], nodes: Mapping[str, tuple[Node, ...]]) -> Export:
        references = {"01": "OC", "05": "BL", "09": "CR", "12": "AC"}
        rows = [
            (
                f"N-{node.node}",
                self._contract,
                node.node,
                node.label,
                consignment,
                self._local(consignment, node.step),
                "A",
                f"{references[node.step]}-2025-{consignment}{self._draws.below(node.node, 9000) + 1000}",
            )
            for consignment in part
            for node in nodes[consignment]
            if node.step in references
        ]
        return table(
            "nodes.csv",
            "milestone",
            ("entry", "contract", "node", "label", "consignment", "at", "status", "reference"),
            rows,
        )

    def _local(self, consignment: str, step: str) -> str:
        """A node's time by the buyer's clock, as its systems write it."""
        return (
            self._facts.at(consignment, step).astimezone(BUYER_ZONE).strftime("%Y-%m-%d %H:%M:%S")
        )

    def _acts(
        self, folder: str, part: Sequence[str], nodes: Mapping[str, tuple[Node, ...]]
    ) -> Export:
        # Both sides of a node stand beside each other.
        sides = (
            ("10", "carrier", "delivery", "Example Lines", "pdf"),
            ("11", "buyer", "receipt", "Example Trading B.V.", "txt"),
            ("12", "buyer", "acceptance", "Example Trading B.V.", "pdf"),
            ("12", "seller", "acceptance", "Example Machinery Co.", "txt"),
        )
        rows = []
        for consignment in part:
            for step, role, act, signer, suffix in sides:
                node = f"{consignment}.{step}"
                at = self._facts.at(consignment, step) + timedelta(minutes=30)
                name = f"certificates/{node}-{act}-{role}.{suffix}"
                text = [
                    f"CERTIFICATE OF {act.upper()}",
                    f"Contract {self._contract}, consignment {consignment}, node {node}: "
                    f"{_label(nodes[consignment], step)}",
                    f"Quantity: {self._facts.quantity(consignment)} pieces, counted, no reservation",
                    f"Signed for {signer} ({role}) on {at.isoformat(timespec='minutes')}",
                ]
                data = pdf.page(text) if suffix == "pdf" else ("\r\n".join(text) + "\r\n").encode()
                self._folder.write(f"{folder}/{name}", data)
                rows.append(
                    (
                        f"A-{node}-{role}",
                        self._contract,
                        at.isoformat(timespec="seconds"),
                        act,
                        node,
                        role,
                        signer,
                        name,
                    )
                )
        return table(
            "acts.csv",
            "act",
            ("act_no", "contract", "signed_at", "act", "node", "role", "signer", "file"),
            rows,
        )


def _label(nodes: Sequence[Node], step: str) -> str:
    return next(node.label for node in nodes if node.step == step)
